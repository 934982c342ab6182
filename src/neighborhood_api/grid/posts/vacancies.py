"""Posts that nobody acts in, and people who act in several: what a superior must see to."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    column,
    func,
    literal,
    or_,
    select,
    values,
)

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Appointment, Leave, Node, Vacancy
from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.posts.duty import ANSWERING
from neighborhood_api.grid.posts.schemas import CoverOut, VacancyOut
from neighborhood_api.grid.queries import acting, exists_on, in_office, is_away, on_leave
from neighborhood_api.grid.schemas import NodeOut
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import Page, PageRequest

_SEATS = [
    (int(level), role.value, rank)
    for level, roles in ANSWERING.items()
    for rank, role in enumerate(roles)
]


class _Cover(NamedTuple):
    id: UUID
    level: int
    kind: str
    code: str
    name: str
    role: str
    role_name: str | None
    rank: int
    person_id: UUID | None
    person_name: str | None
    posts: int | None
    since: datetime | None
    away_until: date | None


async def list_vacancies(
    tx: ReadTx, actor: Actor, page: PageRequest, *, now: datetime
) -> Page[VacancyOut]:
    """List the places below the caller where a post is vacant, or its cover is double."""
    found = _covers(actor, literal(local_day(now))).cte("cover")
    here = select(found.c.id).where(found.c.id < page.below).distinct()
    places = here.order_by(found.c.id.desc()).limit(page.fetch)
    rows = await tx.execute(
        select(found)
        .where(found.c.id.in_(places))
        .order_by(found.c.id.desc(), found.c.rank, found.c.person_id)
    )
    covers = [_Cover(*row) for row in rows]
    views = [_view([*group]) for _, group in groupby(covers, key=lambda cover: cover.id)]
    return page.page(views, lambda view: view)


def _covers(actor: Actor, day: ColumnElement[date]) -> Select[*tuple[Any, ...]]:
    """Select the posts that must answer and have nobody, or somebody with another such post."""
    seat = values(
        column("level", Integer), column("role", Text), column("rank", Integer), name="seat"
    ).data(_SEATS)
    acts = _acts(day)
    several = (
        select(acts.c.person_id, func.count().label("posts"))
        .group_by(acts.c.person_id)
        .having(func.count() > 1)
        .cte("several")
    )
    away_until = (
        select(func.max(Leave.last_on))
        .join(Appointment, Appointment.id == Leave.appointment_id)
        .where(Appointment.node_id == Node.id, Appointment.role == seat.c.role)
        .where(in_office(day), is_away(day), acts.c.person_id.is_(None))
        .correlate(Node, seat, acts)
        .scalar_subquery()
    )
    still_open = and_(
        Vacancy.node_id == Node.id,
        Vacancy.role == seat.c.role,
        Vacancy.filled_at.is_(None),
        acts.c.person_id.is_(None),
    )
    return (
        select(
            Node.id,
            Node.level,
            Node.kind,
            Node.code,
            Node.name,
            seat.c.role,
            called(seat.c.role, Node.district_id).label("role_name"),
            seat.c.rank,
            acts.c.person_id,
            Person.name.label("person_name"),
            several.c.posts,
            Vacancy.since,
            away_until.label("away_until"),
        )
        .join(seat, seat.c.level == Node.level)
        .outerjoin(acts, and_(acts.c.node_id == Node.id, acts.c.role == seat.c.role))
        .outerjoin(several, several.c.person_id == acts.c.person_id)
        .outerjoin(Person, Person.id == acts.c.person_id)
        .outerjoin(Vacancy, still_open)
        .where(actor.reach(Permission.ROSTER_READ, Node), exists_on(day))
        .where(or_(acts.c.person_id.is_(None), several.c.posts.is_not(None)))
    )


def _acts(day: ColumnElement[date]) -> CTE:
    """Select who acts today in which answering post of today's grid."""
    return (
        select(Appointment.node_id, Appointment.role, acting(day).label("person_id"))
        .join(Node, Node.id == Appointment.node_id)
        .outerjoin(Leave, on_leave(day))
        .where(Appointment.role.in_([role for _, role, _ in _SEATS]))
        .where(in_office(day), exists_on(day), acting(day).is_not(None))
        .distinct()
        .cte("acts")
    )


def _view(covers: Sequence[_Cover]) -> VacancyOut:
    first = covers[0]
    vacant = [cover for cover in covers if cover.person_id is None]
    return VacancyOut(
        id=first.id,
        node=NodeOut.model_validate(first),
        unanswered=len(vacant) == len(ANSWERING[Level(first.level)]),
        posts=[
            CoverOut(
                role=Role(cover.role),
                role_name=post_name(cover.role, cover.role_name),
                cover="vacant" if cover.person_id is None else "double",
                since=cover.since,
                away_until=cover.away_until,
                name=cover.person_name,
                acts_in=cover.posts,
            )
            for cover in covers
        ],
    )
