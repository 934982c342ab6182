"""Rules of sessions: where they take place, who leads them, and when they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import Query
from sqlalchemy import ColumnElement, Select, and_, select, tuple_

from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.registrations.models import Resource, Timetable
from neighborhood_api.registrations.policies import Terms
from neighborhood_api.schedules.openings.schemas import UsualDay
from neighborhood_api.schedules.openings.spans import midnight_of
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.sessions.making import Making, store_session
from neighborhood_api.venues.sessions.models import (
    Session,
    SessionKind,
    Teacher,
    TeacherRole,
)
from neighborhood_api.venues.sessions.occupying import RoomToTake, claims_of, units_of
from neighborhood_api.venues.sessions.queries import SESSIONS, SessionRow
from neighborhood_api.venues.sessions.shapes import Shape, Teaching


class NewSession(NamedTuple):
    """A session as it shall be."""

    kind: SessionKind
    title: str
    subject: str
    grade: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    room_id: UUID | None = None
    teacher_ids: Sequence[UUID] = ()
    """Who leads it comes first."""
    about: str = ""
    for_children: bool = False


async def make_session(
    tx: Tx, venue: Venue, wish: NewSession, terms: Terms, policy_id: UUID
) -> Session:
    """Make a session, which takes all units of its room and the time of its teachers.

    `terms` are the room's, whose buffers are kept free too. The caller has locked the room's
    resource and then the teachers.

    Raises: PlaceOrTeacherTaken.
    """
    found = await tx.scalars(select(Teacher).where(Teacher.id.in_(wish.teacher_ids)))
    teachers = {one.id: one for one in found}
    room = None
    if wish.room_id is not None:
        row = await tx.get_one(Room, wish.room_id)
        units = await units_of(tx, wish.room_id)
        room = RoomToTake(wish.room_id, "", row.opening_id, terms, units)
    claims = await claims_of(tx, room, teachers.values(), wish.starts_at, wish.ends_at)
    shape = _shape(wish, terms)
    making = Making(wish.kind, wish.for_children, policy_id)
    return await store_session(tx, venue, shape, making, claims, teachers)


async def make_teacher(
    tx: Tx,
    venue: Venue,
    name: str,
    *,
    subjects: str = "",
    phone: str | None = None,
    person_id: UUID | None = None,
) -> Teacher:
    """Make a volunteer teacher of a venue's place, with a timetable."""
    timetable = Timetable(id=new_id())
    tx.add(timetable)
    await tx.flush()
    teacher = Teacher(
        id=timetable.id,
        name=name,
        subjects=subjects,
        phone=phone,
        person_id=person_id,
        **columns_of(venue.place),  # type: ignore[arg-type]
    )
    tx.add(teacher)
    await tx.flush()
    return teacher


@dataclass(frozen=True)
class Sessions:
    """Which sessions the caller wants to see."""

    kind: Annotated[
        SessionKind | None, Query(description="辅导或活动，不填为全部 · Both when left out.")
    ] = None
    venue_id: Annotated[UUID | None, Query(description="服务中心 · Those of one venue.")] = None
    since: Annotated[
        UsualDay | None, Query(alias="from", description="首日 · From this day on.")
    ] = None
    until: Annotated[
        UsualDay | None, Query(alias="to", description="末日（含）· To this day, included.")
    ] = None
    subject: Annotated[
        str | None, Query(max_length=40, description="科目含有 · The subject has these words.")
    ] = None
    grade: Annotated[
        str | None, Query(max_length=40, description="适合对象含有 · For whom, in words.")
    ] = None

    def clauses(self) -> list[ColumnElement[bool]]:
        """Return what holds for them."""
        found: list[ColumnElement[bool]] = []
        if self.kind is not None:
            found.append(Session.kind == self.kind.value)
        if self.venue_id is not None:
            found.append(Session.venue_id == self.venue_id)
        if self.since is not None:
            found.append(Resource.starts_at >= midnight_of(self.since))
        if self.until is not None:
            found.append(Resource.starts_at < midnight_of(self.until) + timedelta(days=1))
        if self.subject:
            found.append(Session.subject.contains(self.subject, autoescape=True))
        if self.grade:
            found.append(Session.grade.contains(self.grade, autoescape=True))
        return found


async def upcoming_sessions(
    tx: ReadTx,
    nearby: ColumnElement[bool],
    wanted: Sessions,
    page: PageRequest,
    *,
    now: datetime,
) -> list[SessionRow]:
    """Return the sessions that are not over, soonest first, of the venues `nearby`.

    Raises: BadCursor.
    """
    query = SESSIONS.where(nearby, not_over(now), *wanted.clauses())
    rows = await tx.execute(from_page(query, page))
    return [SessionRow(*row) for row in rows]


def not_over(now: datetime) -> ColumnElement[bool]:
    """Hold for the resources of sessions that are to come or under way."""
    return and_(Resource.ends_at > now, Resource.starts_at > now - timedelta(days=1))


def from_page(query: Select[*tuple[Any, ...]], page: PageRequest) -> Select[*tuple[Any, ...]]:
    """Ask for a page of sessions, soonest first.

    Raises: BadCursor.
    """
    if page.after is not None:
        last = Resource.__table__.alias("last")
        ends_previous = select(last.c.starts_at, last.c.id).where(last.c.id == page.below)
        query = query.where(
            tuple_(Resource.starts_at, Resource.id) > ends_previous.scalar_subquery()
        )
    return query.limit(page.fetch)


def _shape(wish: NewSession, terms: Terms) -> Shape:
    teachers = frozenset(
        Teaching(teacher_id, TeacherRole.HELPER if n else TeacherRole.LEAD)
        for n, teacher_id in enumerate(wish.teacher_ids)
    )
    return Shape(
        title=wish.title,
        subject=wish.subject,
        grade=wish.grade,
        about=wish.about,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        room_id=wish.room_id,
        teachers=teachers,
        capacity=wish.capacity,
        children_per_helper=None,
        fewest=None,
        decide_before=None,
        enrol_from=None,
        enrol_until=None,
        open=True,
        policy=terms,
    )
