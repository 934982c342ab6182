"""Rules of putting a session somewhere, and of changing what it is like."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, update

from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx, save
from neighborhood_api.kit.outbox import emit
from neighborhood_api.registrations.draws import new_draw
from neighborhood_api.registrations.models import Occupation, Resource
from neighborhood_api.registrations.policies import Policy, Terms, new_policy
from neighborhood_api.registrations.promoting import fill_freed, set_capacity
from neighborhood_api.registrations.queries import ResourceRow
from neighborhood_api.registrations.states import Mode
from neighborhood_api.schedules.openings.spans import Span
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.events import SessionAdded, SessionChanged
from neighborhood_api.venues.sessions.grounds import Ground, Known
from neighborhood_api.venues.sessions.models import Session, SessionKind, Teacher
from neighborhood_api.venues.sessions.occupying import Claim, Clash, claims_of, clashes, take
from neighborhood_api.venues.sessions.open_hours import not_open
from neighborhood_api.venues.sessions.retiming import NewTime, elsewhere, retime
from neighborhood_api.venues.sessions.shapes import Shape, drawn_at
from neighborhood_api.venues.sessions.staffing import appoint, staff

SESSION_KIND = "session"
"""What sessions are among resources."""


class Making(NamedTuple):
    """What of a session never changes."""

    kind: SessionKind
    for_children: bool
    policy_id: UUID
    draw_at: datetime | None = None
    series_id: UUID | None = None
    series_on: date | None = None


async def hindrances(
    tx: Tx,
    ground: Ground,
    shape: Shape,
    known: Known | None = None,
    *,
    anytime: bool = False,
    now: datetime,
) -> list[Clash]:
    """Return what stands in the way of a session: its place, its teachers, those enrolled.

    Whether it is open there is asked only for another time or room than it has; `anytime`
    sets the ordinary hours aside, but not that it is closed.
    """
    but = None if known is None else known.session.id
    claims = await _claims(tx, ground, shape)
    found = await clashes(tx, claims, but=but, now=now)
    if known is None or _where(shape) != _where(known.shape):
        span = Span(shape.starts_at, shape.ends_at)
        place = ground.place_of(shape.room_id)
        found += await not_open(tx, place, span, anytime=anytime)
    if known is not None:
        time = NewTime(shape.starts_at, shape.ends_at)
        found += await elsewhere(tx, known.session.id, time)
    return found


async def build(tx: Tx, ground: Ground, shape: Shape, making: Making) -> Session:
    """Make a session in which nothing stands in the way, and occupy what it takes.

    Raises: PlaceOrTeacherTaken.
    Emits: SessionAdded, TeacherAssigned.
    """
    claims = await _claims(tx, ground, shape)
    return await store_session(tx, ground.venue, shape, making, claims, ground.teachers)


async def store_session(
    tx: Tx,
    venue: Venue,
    shape: Shape,
    making: Making,
    claims: list[Claim],
    teachers: Mapping[UUID, Teacher],
) -> Session:
    """Store a session with its seats, its draw, its teachers and what it claims.

    Raises: PlaceOrTeacherTaken.
    Emits: SessionAdded, TeacherAssigned.
    """
    resource = Resource(
        kind=SESSION_KIND,
        mode=Mode.COUNTED.value,
        group_id=venue.id,
        name=shape.title,
        policy_id=making.policy_id,
        open=shape.open,
        starts_at=shape.starts_at,
        ends_at=shape.ends_at,
        capacity=shape.capacity,
        draw_at=making.draw_at,
        **columns_of(venue.place),  # type: ignore[arg-type]
    )
    session = Session(
        id=resource.id,
        venue_id=venue.id,
        kind=making.kind.value,
        for_children=making.for_children,
        series_id=making.series_id,
        series_on=making.series_on,
        **_columns(shape),  # type: ignore[arg-type]
    )
    rows = [] if making.draw_at is None else [new_draw(resource.id)]
    await save(tx, resource, session, *rows)
    for one in sorted(shape.teachers):
        await appoint(tx, session.id, one, teachers[one.teacher_id])
    await take(tx, session.id, claims)
    emit(tx, SessionAdded(session_id=session.id, venue_id=venue.id))
    return session


async def reshape(
    tx: Tx,
    ground: Ground,
    known: Known,
    shape: Shape,
    *,
    policy_id: UUID,
    by_id: UUID,
    now: datetime,
) -> None:
    """Change a locked session; whoever is elsewhere at its new time loses the place.

    Raises: PlaceOrTeacherTaken, SeatsInUse.
    Emits: SessionChanged, TeacherAssigned, TeacherReleased, and what enrolments announce.
    """
    session, before = known.session, known.shape
    resource = ground.resources[session.id]
    moved = (shape.starts_at, shape.ends_at) != (before.starts_at, before.ends_at)
    elsewhere = moved or shape.room_id != before.room_id
    if elsewhere or shape.teachers != before.teachers:
        await _leave(tx, session.id)
        await take(tx, session.id, await _claims(tx, ground, shape))
    resource = await _store_resource(tx, resource, before, shape, policy_id)
    columns = {**_columns(shape), "version": session.version + 1}
    if (shape.fewest, columns["decide_at"]) != (session.fewest, session.decide_at):
        columns["decided_at"] = None  # it is seen anew
    stored = update(Session).where(Session.id == session.id).values(columns)
    await tx.execute(stored, execution_options={"synchronize_session": False})
    await staff(tx, session.id, before.teachers, shape.teachers, ground.teachers)
    if elsewhere:
        time = NewTime(shape.starts_at, shape.ends_at)
        resource = await retime(tx, resource, time, by_id=by_id, now=now)
    if shape.capacity != before.capacity:
        await set_capacity(tx, resource, shape.capacity, now=now)
    elif elsewhere:
        await fill_freed(tx, resource, now=now, locked=True)
    if elsewhere and before.room_id is not None:
        await fill_freed(tx, ground.resources[before.room_id], now=now, locked=True)
    emit(tx, SessionChanged(session_id=session.id))
    await tx.flush()


async def policy_for(
    tx: Tx, present_id: UUID, present: Terms, wanted: Terms, *, by_id: UUID, now: datetime
) -> UUID:
    """Return the policy of the wanted terms: the present one, or its next version."""
    if present == wanted:
        return present_id
    family_id = (await tx.get_one(Policy, present_id)).family_id
    return (await new_policy(tx, family_id, wanted, by_id=by_id, now=now)).id


def _where(shape: Shape) -> tuple[datetime, datetime, UUID | None]:
    return shape.starts_at, shape.ends_at, shape.room_id


async def _claims(tx: Tx, ground: Ground, shape: Shape) -> list[Claim]:
    room = None if shape.room_id is None else ground.rooms[shape.room_id]
    teachers = [ground.teachers[one.teacher_id] for one in sorted(shape.teachers)]
    return await claims_of(tx, room, teachers, shape.starts_at, shape.ends_at)


async def _leave(tx: Tx, session_id: UUID) -> None:
    gone = delete(Occupation).where(Occupation.resource_id == session_id)
    await tx.execute(gone, execution_options={"synchronize_session": False})


async def _store_resource(
    tx: Tx, resource: ResourceRow, before: Shape, shape: Shape, policy_id: UUID
) -> ResourceRow:
    changed = {
        "name": shape.title,
        "starts_at": shape.starts_at,
        "ends_at": shape.ends_at,
        "open": shape.open,
        "policy_id": policy_id,
        "draw_at": drawn_at(resource.draw_at, before, shape),
    }
    stored = update(Resource).where(Resource.id == resource.id).values(changed)
    await tx.execute(stored, execution_options={"synchronize_session": False})
    return resource._replace(**changed)  # type: ignore[arg-type]


def _columns(shape: Shape) -> dict[str, object]:
    return {
        "subject": shape.subject,
        "grade": shape.grade,
        "about": shape.about,
        "room_id": shape.room_id,
        "children_per_helper": shape.children_per_helper,
        "fewest": shape.fewest,
        "decide_at": shape.decide_at,
        "enrol_from": shape.enrol_from,
        "enrol_until": shape.enrol_until,
    }
