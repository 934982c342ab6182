"""Who answers for a place today: the holder of the post or her stand-in, or the next one up."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, case, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.queries import DAY, exists_on, in_office, stands_in
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.reads import Query

ANSWERING: dict[Level, tuple[Role, ...]] = {
    Level.LANE: (Role.LANE_CHIEF,),
    Level.GRID: (Role.GRID_LEADER, Role.GRID_WORKER),
    Level.COMMUNITY: (Role.COMMUNITY_WORKER, Role.COMMUNITY_SECRETARY),
    Level.STREET: (Role.STREET_DISPATCHER, Role.STREET_SECRETARY),
}
"""Which posts answer at each level, the first one filled."""
HIGHEST = Level.STREET


class Duty(NamedTuple):
    """Whose turn it is. Without a person every post up to the street is vacant."""

    level: Level
    node_id: UUID
    role: Role
    person_id: UUID | None


class _Acting(NamedTuple):
    level: int
    node_id: UUID
    role: str
    person_id: UUID


_ON_DUTY = Query(
    select(
        Node.level,
        Node.id.label("node_id"),
        Appointment.role,
        case((stands_in(DAY), Appointment.stand_in_id), else_=Appointment.person_id).label(
            "person_id"
        ),
    )
    .join(Appointment, and_(Appointment.node_id == Node.id, in_office(DAY)))
    .where(Node.id.in_([bindparam(name) for name in COLUMNS[Level.STREET :]]), exists_on(DAY))
    .order_by(Appointment.starts_on, Appointment.id),
    _Acting,
)


async def who_answers(tx: ReadTx, place: Place, *, now: datetime) -> Duty:
    """Find who answers for `place`: at its own level, or above where the posts are vacant."""
    nodes = dict(zip(COLUMNS[Level.STREET :], place[Level.STREET :], strict=True))
    acting = await _ON_DUTY.all(tx, day=local_day(now), **nodes)
    for level in range(place.level, HIGHEST - 1, -1):
        for role in ANSWERING[Level(level)]:
            for post in acting:
                if post.level == level and post.role == role:
                    return Duty(Level(level), post.node_id, role, post.person_id)
    top = place.up_to(HIGHEST)
    return Duty(top.level, top.node_id, ANSWERING[HIGHEST][0], None)
