"""How staff learn the number of whoever holds a booking: for a reason, and on the record."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.locking import lock_registration
from neighborhood_api.registrations.states import Act
from neighborhood_api.registrations.writing import entry, tell
from neighborhood_api.venues.bookings.handling import require_staff, shown_booking
from neighborhood_api.venues.bookings.schemas import HolderPhoneIn, HolderPhoneOut


class HolderHasNoPhone(Problem):
    """No number is known of whoever holds it."""

    status = HTTPStatus.NOT_FOUND
    title = "No number is known of whoever holds this booking"
    message = "预约人没有登记手机号，请在系统内通知"


async def show_holder_phone(
    handle: Handle, actor: Actor, booking_id: UUID, wish: HolderPhoneIn, *, now: datetime
) -> HolderPhoneOut:
    """Tell staff of the venue the whole number of whoever holds a booking, and log it.

    The look stands in the booking's history with its reason, which the holder reads. A child's
    guardian is told only to who may open the child's record.

    Raises: RegistrationNotFound, Forbidden, HolderHasNoPhone.
    """
    resource, row = await lock_registration(handle, booking_id)
    require_staff(actor, resource)
    if row.participant_id is not None:
        actor.require(Permission.CHILD_LOOK, at=resource.place)
    booking = await shown_booking(handle, booking_id)
    phone = booking.person_phone or booking.guest_phone
    if phone is None:
        raise HolderHasNoPhone
    by_id = actor.person_id
    tell(handle, entry(row, Act.SHOW_PHONE, now=now, by_id=by_id, text=wish.reason))
    record_act(handle, "venues.holder_phone_shown", booking_id, by=by_id, now=now)
    name = booking.guest_name or booking.person_name
    return HolderPhoneOut(name=name, phone=phone)
