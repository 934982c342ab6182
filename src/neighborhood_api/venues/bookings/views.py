"""How bookings are shown: to their holders, and to the venue's staff."""

from datetime import datetime, timedelta

from neighborhood_api.identity.service import masked
from neighborhood_api.kit.db import Source
from neighborhood_api.registrations.ending import came_late, free_until
from neighborhood_api.registrations.histories import Entry
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.states import Channel, State
from neighborhood_api.venues.bookings.queries import BookingRow
from neighborhood_api.venues.bookings.schemas import (
    BookingEntryOut,
    BookingOut,
    CheckInWindowOut,
    HolderOut,
)
from neighborhood_api.venues.rooms.service import ROOM_KIND

_TO_COME = {State.CONFIRMED, State.CHECKED_IN, State.PENDING, State.OFFERED}


async def booking_view(source: Source, row: BookingRow, *, for_staff: bool) -> BookingOut:
    """Show a booking; who holds it only to staff."""
    terms = await terms_of(source, row.policy_id)
    return _view(row, terms, for_staff=for_staff)


async def booking_views(
    source: Source, rows: list[BookingRow], *, for_staff: bool
) -> list[BookingOut]:
    """Show several bookings."""
    return [await booking_view(source, row, for_staff=for_staff) for row in rows]


def entry_view(line: Entry, booking: BookingRow, *, for_staff: bool) -> BookingEntryOut:
    """Show a line of history, without who of the staff did it; what is strange to staff."""
    by_staff = line.by_id is not None and line.by_id != booking.person_id
    return BookingEntryOut(
        acted_at=line.acted_at,
        act=line.act,
        state=State(line.state),
        by_staff=by_staff,
        text=line.text,
        flags=line.detail.get("flags") if for_staff else None,
        device_at=line.detail.get("device_at") if for_staff else None,
    )


def _view(row: BookingRow, terms: Terms, *, for_staff: bool) -> BookingOut:
    is_room = row.kind == ROOM_KIND
    state = State(row.state)
    by_staff = row.cancelled_by_id not in (None, row.person_id)  # None: the system did it
    return BookingOut(
        id=row.id,
        code=f"B{row.number}",
        kind=row.kind,
        state=state,
        title=row.title,
        venue_id=row.venue_id,
        venue_name=row.venue_name,
        venue_address=row.venue_address,
        room_id=row.resource_id if is_room else row.room_id,
        room_name=row.title if is_room else row.room_name,
        session_id=None if is_room else row.resource_id,
        unit_name=row.unit_name,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        party_size=row.seats,
        purpose=row.purpose,
        child_name=None if for_staff else row.child_name,  # the roster has it, for who may
        channel=Channel(row.channel),
        created_at=row.created_at,
        waits_at=row.waits_at,
        answer_by=row.until if state in (State.HELD, State.OFFERED) else None,
        cancel_free_until=_free_until(row, terms),
        check_in=_window(row, terms) if state in _TO_COME else None,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        policy_version=row.policy_version,
        cancelled_at=row.cancelled_at,
        cancelled_by_staff=by_staff,
        cancelled_late=row.cancelled_late,
        cancel_reason=row.cancel_reason,
        holder=holder_view(row) if for_staff else None,
    )


def _free_until(row: BookingRow, terms: Terms) -> datetime | None:
    """Return until when she may give it up without a strike; None where it never is one."""
    if not terms.strikes.late_cancel or row.state != State.CONFIRMED or row.person_id is None:
        return None
    until = free_until(row.starts_at, row.created_at, terms)
    never = until >= row.starts_at or came_late(row.given_at, row.starts_at, terms)
    return None if never else until


def _window(row: BookingRow, terms: Terms) -> CheckInWindowOut | None:
    if not terms.check_in:
        return None
    before = timedelta(minutes=terms.check_in_before_minutes)
    after = timedelta(minutes=terms.release_minutes)
    return CheckInWindowOut(
        opens_at=row.starts_at - before, closes_at=min(row.starts_at + after, row.ends_at)
    )


def holder_view(row: BookingRow) -> HolderOut:
    """Show who holds a booking, to staff."""
    return HolderOut(
        name=row.guest_name or row.person_name,
        phone=masked(row.person_phone or row.guest_phone),
        untold=row.person_id is None,
    )
