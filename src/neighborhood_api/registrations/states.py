"""Where a registration stands, and what that means for others."""

from enum import StrEnum


class BookingState(StrEnum):
    """Where a registration stands."""

    HELD = "held"
    """Kept for some minutes while its form is filled."""
    PENDING = "pending"
    """Waits for approval."""
    ENTERED = "entered"
    """Takes part in a draw."""
    WAITLISTED = "waitlisted"
    OFFERED = "offered"
    """A freed place is kept for it until it answers."""
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Not answered, approved, drawn or reached in time."""
    NO_SHOW = "no_show"
    """Nobody came."""


class Mode(StrEnum):
    """How a resource is scarce."""

    EXCLUSIVE = "exclusive"
    """Each of its units is had by one at a time, for a time that one chooses."""
    COUNTED = "counted"
    """It happens once and has so many seats."""


class BookingChannel(StrEnum):
    """How a registration came about."""

    SELF = "self"
    STAFF = "staff"
    WALK_IN = "walk_in"


# Short names for in here: those of the API's description are their own in the whole project.
State = BookingState
Channel = BookingChannel


class CheckInMethod(StrEnum):
    """How somebody's coming is known."""

    QR = "qr"
    """By the sign at the door, the weaker proof."""
    STAFF = "staff"
    """Staff or the teacher saw it."""


class Act(StrEnum):
    """What happened to a registration."""

    HOLD = "hold"
    REGISTER = "register"
    CONFIRM = "confirm"
    APPROVE = "approve"
    REJECT = "reject"
    JOIN_WAITLIST = "join_waitlist"
    ENTER_DRAW = "enter_draw"
    DRAW = "draw"
    OFFER = "offer"
    PROMOTE = "promote"
    ACCEPT = "accept"
    DECLINE = "decline"
    MOVE = "move"
    CHANGE = "change"
    DEMOTE = "demote"
    CANCEL = "cancel"
    EXPIRE = "expire"
    CHECK_IN = "check_in"
    CHECK_OUT = "check_out"
    COMPLETE = "complete"
    MISS = "miss"
    SHOW_PHONE = "show_phone"
    """Staff read the whole number of whoever holds it."""


GIVEN_BY_OTHERS = (Act.APPROVE, Act.DRAW, Act.PROMOTE, Act.MOVE)
"""What gives somebody a place at a moment that she did not choose."""

OCCUPYING = frozenset(
    {State.HELD, State.OFFERED, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED}
)
"""Has its unit or seat; what is pending has it where the policy says so."""

LIVE = frozenset(
    {
        State.HELD,
        State.PENDING,
        State.ENTERED,
        State.WAITLISTED,
        State.OFFERED,
        State.CONFIRMED,
        State.CHECKED_IN,
    }
)
"""Still to come, or under way."""

COUNTED_BY_QUOTA = LIVE | {State.COMPLETED, State.NO_SHOW}
"""What uses up a quota; late cancellations do too."""

CANCELLABLE = LIVE - {State.CHECKED_IN}
"""What its holder may give up."""
