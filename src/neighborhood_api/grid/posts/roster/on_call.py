"""Who is on call now: by the roster, else whoever holds the post, else the next one up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.posts.duty import ANSWERING
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level


class OnDuty(Protocol):
    """A line of who is in office at a place, with the shift of the moment there."""

    @property
    def node_id(self) -> UUID:
        """The place."""

    @property
    def level(self) -> int:
        """Its level."""

    @property
    def role(self) -> str | None:
        """The post."""

    @property
    def role_name(self) -> str | None:
        """What the district calls it; None for the usual name."""

    @property
    def person_name(self) -> str | None:
        """Who acts in it."""

    @property
    def duty_phone(self) -> str | None:
        """Her duty phone."""

    @property
    def on_call_name(self) -> str | None:
        """Whose shift it is."""

    @property
    def on_call_role(self) -> str | None:
        """Her post; None without a shift."""

    @property
    def on_call_phone(self) -> str | None:
        """The duty phone of the shift."""

    @property
    def on_call_until(self) -> datetime | None:
        """When the shift ends."""

    @property
    def on_call_role_name(self) -> str | None:
        """What the district calls her post; None for the usual name."""


class OnCall(NamedTuple):
    """Who is on call, and by what."""

    node_id: UUID
    rostered: bool
    role: Role
    role_name: str
    name: str | None
    phone: str | None
    until: datetime | None


def on_call_of(rows: Sequence[OnDuty], lowest: Level) -> OnCall | None:
    """Choose who is on call from who is in office, from a level up to the street."""
    for level in range(lowest, Level.DISTRICT, -1):
        here = [row for row in rows if row.level == level]
        for row in here:
            if row.on_call_role is not None:
                return OnCall(
                    row.node_id,
                    True,  # noqa: FBT003  (as its field says)
                    Role(row.on_call_role),
                    post_name(row.on_call_role, row.on_call_role_name),
                    row.on_call_name,
                    row.on_call_phone,
                    row.on_call_until,
                )
        for role in ANSWERING.get(Level(level), ()):
            for row in here:
                if row.role == role:
                    return OnCall(
                        row.node_id,
                        False,  # noqa: FBT003
                        role,
                        post_name(role, row.role_name),
                        row.person_name,
                        row.duty_phone,
                        None,
                    )
    return None


def on_call_shown(found: OnCall | None) -> Mapping[str, Any] | None:
    """Return plain values for an answer's model."""
    if found is None:
        return None
    return {
        "rostered": found.rostered,
        "role": found.role,
        "role_name": found.role_name,
        "name": found.name,
        "duty_phone": found.phone,
        "until": found.until,
    }
