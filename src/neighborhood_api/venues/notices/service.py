"""Rules of who is told of what in venues."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.outbox import Event
from neighborhood_api.notifications.service import Message, Subject, notify
from neighborhood_api.registrations import events
from neighborhood_api.registrations.states import Act
from neighborhood_api.venues.children.events import ChildLookedUp
from neighborhood_api.venues.notices import texts
from neighborhood_api.venues.notices.queries import (
    LOOKED_UP,
    NOTICED,
    STRUCK,
    Noticed,
    StruckRow,
)
from neighborhood_api.venues.notices.texts import Notice, Told

NOTICES: dict[type[Event], Notice] = {
    events.Registered: Notice(
        "bookings.registered", (Act.REGISTER, Act.CONFIRM), texts.registered
    ),
    events.Approved: Notice("bookings.approved", (Act.APPROVE,), texts.approved),
    events.Rejected: Notice("bookings.rejected", (Act.REJECT,), texts.rejected),
    events.Moved: Notice("bookings.moved", (Act.MOVE,), texts.moved),
    events.Cancelled: Notice("bookings.cancelled", (Act.CANCEL,), texts.cancelled),
    events.PlaceOffered: Notice("bookings.place_offered", (Act.OFFER,), texts.offered),
    events.PlaceGiven: Notice("bookings.place_given", (Act.PROMOTE, Act.DRAW), texts.given),
    events.WaitlistJoined: Notice("bookings.not_drawn", (Act.DRAW,), texts.drawn),
    events.PlaceLost: Notice("bookings.place_lost", (Act.DEMOTE,), texts.lost),
    events.Expired: Notice("bookings.expired", (Act.EXPIRE,), texts.expired),
    events.ReminderDue: Notice("bookings.reminder", (), texts.reminded, "reminders"),
}
"""What is told of each event; whoever did something herself is not told of it."""
STRIKE_NOTICES: dict[type[Event], tuple[str, Callable[[StruckRow], Told]]] = {
    events.StrikeGiven: ("strikes.given", texts.struck),
    events.StrikeLifted: ("strikes.lifted", texts.lifted),
    events.StrikeUpheld: ("strikes.upheld", texts.upheld),
}


async def tell_holder(
    handle: Handle, notice: Notice, registration_id: UUID, *, now: datetime
) -> None:
    """Tell who holds a registration what happened to it, once, and before it is over."""
    row = await NOTICED.first(handle, id=registration_id, acts=list(notice.acts))
    if row is None or row.person_id is None or _own_doing(row, notice):
        return
    told = None if row.ends_at <= now else notice.say(row, now)
    if told is None:
        return
    key = f"{row.id}:{row.starts_at.isoformat()}" if row.entry_id is None else str(row.entry_id)
    await notify(
        handle,
        row.person_id,
        notice.kind,
        Subject("booking", row.id),
        title=told.title,
        body=told.body,
        at_most_once_key=f"{notice.kind}:{key}",
        now=now,
        message=Message(
            notice.template, about=row.title, at=row.starts_at, expires_at=told.expires_at
        ),
    )


async def tell_struck(
    handle: Handle, event: type[Event], strike_id: UUID, *, now: datetime
) -> None:
    """Tell somebody of a strike, or of what became of it, once."""
    kind, say = STRIKE_NOTICES[event]
    row = await STRUCK.first(handle, id=strike_id)
    if row is None:
        return
    told = say(row)
    await notify(
        handle,
        row.person_id,
        kind,
        Subject("strike", row.id),
        title=told.title,
        body=told.body,
        at_most_once_key=f"{kind}:{row.id}",
        now=now,
        message=Message("bookings", about=row.title, at=row.starts_at),
    )


async def tell_guardian(handle: Handle, look_id: UUID, *, now: datetime) -> None:
    """Tell a guardian, in her inbox only, who looked into her child's record."""
    row = await LOOKED_UP.first(handle, id=look_id)
    if row is None:
        return
    told = texts.looked_up(row)
    await notify(
        handle,
        row.guardian_id,
        ChildLookedUp.name,
        Subject("child", row.child_id),
        title=told.title,
        body=told.body,
        at_most_once_key=f"{ChildLookedUp.name}:{row.id}",
        now=now,
    )


def _own_doing(row: Noticed, notice: Notice) -> bool:
    if not notice.acts:
        return False
    return row.entry_id is None or (
        row.entry_by_id == row.person_id and notice.kind != "bookings.registered"
    )
