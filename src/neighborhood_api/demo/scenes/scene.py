"""One step of a story, with everything it needs to be played."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.demo.place import StepRow
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Actor
from neighborhood_api.issues.service import move_issue
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx

METRES_PER_DEGREE = 110_750
"""Of latitude, where the demo lies."""


@dataclass(frozen=True)
class Cast:
    """What the stories name, by those names."""

    organizations: Mapping[str, UUID]
    nodes: Mapping[str, Node]
    issues: dict[str, UUID]
    """Grows with every report."""


@dataclass(frozen=True)
class Scene:
    """A step, who makes it, and when."""

    tx: Tx
    cast: Cast
    issue_id: UUID
    lane: Node
    step: StepRow
    by: Actor | None
    """None for the system."""
    photos: Sequence[UUID]
    before_photos: Sequence[UUID]
    at: datetime

    @property
    def actor(self) -> Actor:
        """Who makes the step."""
        if self.by is None:
            raise LookupError(f"{self.step.move} is somebody's move")
        return self.by

    @property
    def text(self) -> str | None:
        """What is said, if anything."""
        return self.step.text or None

    @property
    def to_organization(self) -> UUID:
        """The department that the step names."""
        return self.cast.organizations[self.step.to or ""]

    def near(self) -> dict[str, object] | None:
        """The position of somebody `metres` north of the lane's plate, if the step says so."""
        if self.step.metres is None or self.lane.latitude is None:
            return None
        return {
            "longitude": self.lane.longitude,
            "latitude": self.lane.latitude + self.step.metres / METRES_PER_DEGREE,
            "coordinate_system": CoordinateSystem.WGS84,
        }

    async def case(self) -> Case:
        """Load and lock the case of the issue."""
        return await lock_case(self.tx, ISSUE, self.issue_id)

    async def plain(self, *, to: State | None = None) -> None:
        """Make a move that needs nothing of its own."""
        move, said = Move(self.step.move), Said(text=self.text)
        if self.by is not None:
            await move_issue(self.tx, self.by, self.issue_id, move, said, now=self.at)
            return
        case = await self.case()
        await move_case(self.tx, ISSUE, case, move, None, said, now=self.at, to=to)


Play = Callable[[Scene], Awaitable[None]]
