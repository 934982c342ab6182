"""Rules of drawing by lot: who gets the seats of a resource that too many want."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, null, select, update

from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations import events
from neighborhood_api.registrations.draws import Draw, in_drawn_order
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.promoting import granted
from neighborhood_api.registrations.queries import (
    BUSY,
    ENTRANTS,
    LOCK_PERSONS,
    OneId,
    RegistrationRow,
    ResourceRow,
)
from neighborhood_api.registrations.states import Act, State
from neighborhood_api.registrations.writing import entry, event, has_place, store, take, tell


class DrawRow(NamedTuple):
    """A draw as it is stored."""

    resource_id: UUID
    commitment: str
    seed: str
    drawn_at: datetime | None


DRAW = Query(
    select(*(getattr(Draw, name) for name in DrawRow._fields)).where(
        Draw.resource_id == bindparam("id", type_=Uuid)
    ),
    DrawRow,
)
_DRAWN = Query(
    update(Draw)
    .where(Draw.resource_id == bindparam("its_id", type_=Uuid))
    .values(drawn_at=bindparam("now"))
    .returning(Draw.resource_id.label("id")),
    OneId,
)
_OPEN_NOW = Query(
    update(Resource)
    .where(Resource.id == bindparam("its_id", type_=Uuid))
    .values(draw_at=null())
    .returning(Resource.id),
    OneId,
)


async def draw(handle: Handle, resource: ResourceRow, *, now: datetime) -> ResourceRow:
    """Draw the seats of a locked resource whose time has come; the others wait as drawn.

    In the order of the draw everybody whom the seats that are left fit gets them, except who
    is somewhere else by then; where staff approve, she waits for that. Safe to repeat.

    Emits: PlaceGiven, WaitlistJoined, DrawDone.
    """
    if resource.draw_at is None or resource.draw_at > now or resource.cancelled_at is not None:
        return resource
    lot = await DRAW.first(handle, id=resource.id)
    if lot is None:
        raise LookupError(resource.id)
    entrants = {row.number: row for row in await ENTRANTS.all(handle, id=resource.id)}
    persons = sorted({row.person_id for row in entrants.values() if row.person_id})
    await LOCK_PERSONS.all(handle, ids=persons)
    winners = 0
    order = in_drawn_order(lot.seed, entrants)
    for place, ticket in enumerate(order, start=1):
        row = entrants[ticket.number]
        resource, won = await _place(handle, resource, row, place, now=now)
        winners += won
    await _DRAWN.all(handle, its_id=resource.id, now=now)
    await _OPEN_NOW.all(handle, its_id=resource.id)
    emit(handle, events.DrawDone(resource_id=resource.id, entries=len(order), winners=winners))
    return resource._replace(draw_at=None)


async def _place(
    handle: Handle, resource: ResourceRow, row: RegistrationRow, place: int, *, now: datetime
) -> tuple[ResourceRow, bool]:
    """Give somebody her seats, or her place among those who wait; tell whether she won."""
    terms = await terms_of(handle, row.policy_id)
    # Drawn places are smaller than any number that is given later. Whoever wins keeps hers:
    # should she lose the seat again, she waits before those whom the lot put behind her.
    row = row._replace(queued=place)
    fits = (resource.capacity or 0) - resource.taken >= row.seats
    since, until = row.starts_at, row.ends_at
    if fits and row.who_id != row.id:
        busy = await BUSY.first(handle, id=row.who_id, since=since, until=until, but=row.id)
        fits = busy is None
    if not fits:
        waits = row._replace(state=State.WAITLISTED.value)
        waits = await store(handle, waits, terms, now=now)
        told = event(events.WaitlistJoined, waits, resource)
        tell(handle, entry(waits, Act.DRAW, now=now, place=place), told)
        return resource, False
    state = granted(row, terms)
    won = await store(handle, row._replace(state=state.value), terms, now=now)
    if has_place(state, terms):
        resource = await take(handle, resource, won, None, terms)
    told_won = event(events.PlaceGiven, won, resource)
    tell(handle, entry(won, Act.DRAW, now=now, place=place), told_won)
    return resource, True
