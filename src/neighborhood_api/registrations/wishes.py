"""Who wants what: the arguments of registering, and what is known of the one who asks."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.identity.places import Place
from neighborhood_api.registrations.states import Channel


class Applicant(NamedTuple):
    """For whom something is registered."""

    person_id: UUID | None
    """Who holds it; None for a caller without an account."""
    household_id: UUID | None = None
    home: Place | None = None
    participant_id: UUID | None = None
    """Who comes in the holder's stead, e.g. her child."""
    born_on: date | None = None
    """First day of the month in which whoever comes was born; None when nobody knows."""
    guest_name: str | None = None
    guest_phone: str | None = None

    @property
    def who_id(self) -> UUID | None:
        """Who comes; None for a guest."""
        return self.participant_id or self.person_id


class Wish(NamedTuple):
    """What is wanted."""

    starts_at: datetime
    ends_at: datetime
    seats: int = 1
    purpose: str = ""
    unit_id: UUID | None = None
    """Any free one when None."""
    hold: bool = False
    """Only keep it while the form is filled."""
    wait: bool = False
    """Join the waitlist when nothing is left."""
    channel: Channel = Channel.SELF
    by_id: UUID | None = None
    """Who asks in the applicant's stead."""
    waived: frozenset[str] = frozenset()
    """Codes of rules that do not hold for this wish, because staff may set them aside."""
