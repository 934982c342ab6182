"""What was agreed when a case was taken in; later changes of the rules do not touch it."""

from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from neighborhood_api.identity.places import Level
from neighborhood_api.schedules.clocks import Clock

TRANSFERS_ALLOWED = 5
"""How often the hands of a case offer it to others in its life; the project's own choice."""


class Limit(NamedTuple):
    """A time limit: so much of what a clock counts."""

    clock: Clock
    amount: int
    """Days for working days, minutes for the other clocks."""


class Terms(BaseModel):
    """The part of a handling rule that a case keeps for its whole life."""

    model_config = ConfigDict(frozen=True)

    first_level: Level = Level.LANE
    accept_minutes: int
    """How long each level has to take it on before it goes up; minutes of the wall clock."""
    respond: Limit
    resolve: Limit
    verify: Limit = Limit(Clock.WORKING_DAYS, 2)
    check_in_minutes: int = 120
    extension_amount: int = 0
    """What the one extension may add, in the unit of the resolve clock; 0 for none."""
    returns_allowed: int = 2
    """Returns before the street decides."""
    silence_days: int = 7
    """Days the reporter has to confirm or reopen."""
    reopen_days: int = 7
    """Days after closing in which it may be reopened."""
    reopen_by: tuple[str, ...] = ("reporter",)
    evidence: tuple[str, ...] = ()
    verification: bool = False
    """Whether a third person checks the result before the reporter is asked."""
    confidential: bool = False
    urgency: str = "ordinary"
    department_ids: tuple[UUID, ...] = ()
    """Departments that may be called; empty for any of the place."""

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The terms as a case stores them; whoever reads it changes nothing in it."""
        return self.model_dump(mode="json")
