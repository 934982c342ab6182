"""Who answers for a place today: the holder of the post or her stand-in, or the next one up.

A holder on leave without a stand-in answers for nothing: her post counts as vacant.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.grid.queries import DAY, acting, exists_on, in_office, on_leave
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.kit.db import Source
from neighborhood_api.kit.reads import Query

ANSWERING: dict[Level, tuple[Role, ...]] = {
    Level.LANE: (Role.LANE_CHIEF,),
    Level.GRID: (Role.GRID_LEADER, Role.GRID_WORKER),
    Level.COMMUNITY: (Role.COMMUNITY_WORKER, Role.COMMUNITY_SECRETARY),
    Level.STREET: (Role.STREET_DISPATCHER, Role.STREET_SECRETARY),
}
"""Which posts answer at each level, the first one filled."""
HIGHEST = Level.STREET
"""Where the ladder ends, save for what is about persons."""


class Duty(NamedTuple):
    """Whose turn it is. Without a person every post up to the street is vacant."""

    level: Level
    node_id: UUID
    role: Role
    person_id: UUID | None
    node_name: str = ""
    person_name: str | None = None
    seen: int | None = None
    """The `duty_changes` of the node: what is given to the person says as of when."""


class _Acting(NamedTuple):
    level: int
    node_id: UUID
    node_name: str
    role: str | None
    person_id: UUID | None
    person_name: str | None
    duty_changes: int


_ON_DUTY = Query(
    select(
        Node.level,
        Node.id.label("node_id"),
        Node.name.label("node_name"),
        Appointment.role,
        acting(DAY).label("person_id"),
        Person.name.label("person_name"),
        Node.duty_changes,
    )
    .outerjoin(Appointment, and_(Appointment.node_id == Node.id, in_office(DAY)))
    .outerjoin(Leave, on_leave(DAY))
    .outerjoin(Person, Person.id == acting(DAY))
    .where(Node.id.in_([bindparam(name) for name in COLUMNS]), exists_on(DAY))
    .order_by(Appointment.is_primary.desc(), Appointment.starts_on, Appointment.id),
    _Acting,
)
"""Who acts at a place and above it; a place where nobody does has a line too, for its name."""


async def who_answers(
    source: Source,
    place: Place,
    *,
    now: datetime,
    answering: Mapping[Level, tuple[Role, ...]] = ANSWERING,
) -> Duty:
    """Find who answers for `place`: at its own level, or above where the posts are vacant.

    Where all of them are, it waits at the street, or at the district if `place` is one.
    """
    highest = min(answering)
    nodes = dict(zip(COLUMNS, (*[None] * highest, *place[highest:]), strict=True))
    posts = await _ON_DUTY.all(source, day=local_day(now), **nodes)
    filled = [post for post in posts if post.person_id is not None]
    for level in range(place.level, highest - 1, -1):
        for role in answering.get(Level(level), ()):
            for post in filled:
                if post.level == level and post.role == role:
                    return Duty(
                        Level(level),
                        post.node_id,
                        role,
                        post.person_id,
                        post.node_name,
                        post.person_name,
                        post.duty_changes,
                    )
    top = place.up_to(max(HIGHEST, highest))
    at_top = next((post for post in posts if post.node_id == top.node_id), None)
    name, seen = ("", None) if at_top is None else (at_top.node_name, at_top.duty_changes)
    return Duty(top.level, top.node_id, answering[top.level][0], None, name, None, seen)
