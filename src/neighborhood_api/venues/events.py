"""What the venues domain announces."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class RoomBooked(Event):
    """Somebody reserved a room."""

    name = "venues.room_booked"
    chinese = "有人预订了场地。"
    booking_id: UUID
    room_id: UUID
    person_id: UUID


class BookingCancelled(Event):
    """A reservation was given up, or taken back by staff."""

    name = "venues.booking_cancelled"
    chinese = "预订被本人或工作人员取消。"
    booking_id: UUID
    room_id: UUID
    person_id: UUID
    cancelled_by_id: UUID
