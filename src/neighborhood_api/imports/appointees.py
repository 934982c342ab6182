"""Appointments: those that are open, and those that the rows of a file ask for."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from neighborhood_api.grid.posts.choosing import SelectionIn
from neighborhood_api.identity.access import Role
from neighborhood_api.imports.departments import Department
from neighborhood_api.imports.outcomes import Outcome, Verdict
from neighborhood_api.imports.tree import Spot


class Held(NamedTuple):
    """An open appointment."""

    id: UUID
    node_id: UUID
    role: str
    person_id: UUID
    duty_phone: str
    starts_on: date
    ends_on: date | None
    organization_id: UUID | None
    version: int
    is_primary: bool
    phone: str | None
    name: str | None


@dataclass(slots=True)
class Wanted:
    """An appointment that a row asks for."""

    verdict: Verdict
    spot: Spot
    role: Role
    name: str
    phone: str
    duty_phone: str | None
    starts_on: date | None
    ends_on: date | None
    department: Department | None
    primary: bool | None
    said: dict[str, Any] = field(default_factory=dict)
    """What the row says of how she was chosen."""
    held: Held | None = None
    """The appointment that it changes."""
    replaces: Held | None = None
    """Whose appointment it ends."""
    selection: SelectionIn | None = None
    """How she was chosen, where that is to be recorded."""

    @property
    def is_written(self) -> bool:
        """Whether it is new or different."""
        return self.verdict.outcome in {Outcome.NEW, Outcome.CHANGED}
