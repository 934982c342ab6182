"""What is announced about when venues are open; cancelled bookings announce themselves."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class BookedOnHolidays(Event):
    """The working calendar was changed, and a venue has bookings on days that are off now.

    Nothing was cancelled: the venue's staff decide.
    """

    name = "venues.booked_on_holidays"
    chinese = "放假安排有变，场地在放假日已有预约或课程，请工作人员处理。"
    venue_id: UUID
    bookings: int
    """How many, of those whose ids are listed and those that are too many to list."""
    sessions: int
    registration_ids: list[UUID]
    """The first of them."""
    session_ids: list[UUID]


class VenueClosed(Event):
    """A venue is no more; what was booked there is cancelled."""

    name = "venues.venue_closed"
    chinese = "场地停办，已有预约取消。"
    venue_id: UUID
