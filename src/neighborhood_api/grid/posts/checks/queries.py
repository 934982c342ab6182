"""What each check looks for, as one statement about everything below a place."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    column,
    exists,
    false,
    func,
    literal,
    null,
    select,
    values,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array

from neighborhood_api.grid.models import SINGLE_SEAT, Appointment, Household, Leave, Node
from neighborhood_api.grid.posts.checks.schemas import PostCheck
from neighborhood_api.grid.posts.duty import ANSWERING
from neighborhood_api.grid.posts.models import RosterAlarm, Selection
from neighborhood_api.grid.queries import acting, exists_on, in_office, on_leave
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import COLUMNS, Level

Day = ColumnElement[date]
Found = Select[*tuple[Any, ...]]

ENDING_DAYS = 30
CHOSEN_BY_VOTE = (Role.LANE_CHIEF,)
"""The posts of which an office keeps how their holders were chosen."""
_SEATS = [
    (int(level), role.value, rank)
    for level, roles in ANSWERING.items()
    for rank, role in enumerate(roles)
]
_NO_ROLES: ColumnElement[Any] = literal([], ARRAY(Text))
_NOBODY: ColumnElement[Any] = null().cast(Uuid)


def _below(node: Node, day: Day) -> ColumnElement[bool]:
    """Hold for today's places at `node` and below it."""
    here: ColumnElement[bool] = getattr(Node, COLUMNS[node.level]) == node.id
    return and_(here, exists_on(day))


def _columns(**known: Any) -> list[Any]:  # noqa: ANN401
    """Give the columns of a finding; what is not known of it is empty."""
    empty: dict[str, ColumnElement[Any]] = {
        "node_id": _NOBODY,
        "roles": _NO_ROLES,
        "person_id": _NOBODY,
        "ends_on": null().cast(Date),
        "workers": null().cast(Integer),
        "households": null().cast(Integer),
        "same_level": false(),
    }
    return [(empty | known)["id"].label("id")] + [
        (empty | known)[name].label(name) for name in empty
    ]


def _in_office_with(role: ColumnElement[Any], day: Day) -> Select[Any]:
    """Select who acts today in a post of the place at hand."""
    return (
        select(Appointment.id)
        .outerjoin(Leave, on_leave(day))
        .where(Appointment.node_id == Node.id, Appointment.role == role)
        .where(in_office(day), acting(day).is_not(None))
    )


def _vacant_posts(node: Node, day: Day) -> Found:
    seat = values(
        column("level", Integer), column("role", Text), column("rank", Integer), name="seat"
    ).data(_SEATS)
    acts = _in_office_with(seat.c.role, day).correlate(Node, seat)
    roles = func.array_agg(aggregate_order_by(seat.c.role, seat.c.rank))
    return (
        select(*_columns(id=Node.id, node_id=Node.id, roles=roles))
        .join(seat, seat.c.level == Node.level)
        .where(_below(node, day), ~exists(acts))
        .group_by(Node.id)
    )


def _no_primary_worker(node: Node, day: Day) -> Found:
    """A grid with one worker has its responsible one; among several one must be named."""
    workers = (
        select(
            func.count().label("workers"),
            func.coalesce(func.bool_or(Appointment.is_primary), false()).label("named"),
        )
        .where(Appointment.node_id == Node.id, Appointment.role == Role.GRID_WORKER.value)
        .where(in_office(day))
        .correlate(Node)
        .lateral("of_grid")
    )
    lacking = and_(workers.c.workers != 1, ~workers.c.named)
    known = {"node_id": Node.id, "roles": array([literal(Role.GRID_WORKER.value)])}
    return (
        select(*_columns(id=Node.id, workers=workers.c.workers, **known))
        .join(workers, literal(value=True))
        .where(_below(node, day), Node.level == Level.GRID.value, lacking)
    )


def _no_chief(node: Node, day: Day) -> Found:
    chief = literal(Role.LANE_CHIEF.value)
    homes = (
        select(func.count())
        .where(Household.lane_id == Node.id, Household.ended_on.is_(None))
        .correlate(Node)
    )
    found = _columns(
        id=Node.id, node_id=Node.id, roles=array([chief]), households=homes.scalar_subquery()
    )
    lived_in = exists().where(Household.lane_id == Node.id, Household.ended_on.is_(None))
    acts = exists(_in_office_with(chief, day).correlate(Node))
    lanes = and_(_below(node, day), Node.level == Level.LANE.value)
    return select(*found).where(lanes, lived_in, ~acts)


def _held(node: Node, day: Day) -> Found:
    known = {
        "node_id": Appointment.node_id,
        "roles": array([Appointment.role]),
        "person_id": Appointment.person_id,
        "ends_on": Appointment.ends_on,
    }
    return (
        select(*_columns(id=Appointment.id, **known))
        .join(Node, Node.id == Appointment.node_id)
        .where(_below(node, day), in_office(day))
    )


def _terms_ending(node: Node, day: Day) -> Found:
    return _held(node, day).where(Appointment.ends_on <= day + timedelta(days=ENDING_DAYS))


def _no_selection(node: Node, day: Day) -> Found:
    chosen = exists().where(Selection.appointment_id == Appointment.id)
    roles = [role.value for role in CHOSEN_BY_VOTE]
    return _held(node, day).where(Appointment.role.in_(roles), ~chosen)


def _several_posts(node: Node, day: Day) -> Found:
    """People with a post here or below, and another one wherever."""
    here = (
        select(Appointment.person_id)
        .join(Node, Node.id == Appointment.node_id)
        .where(_below(node, day), in_office(day))
    )
    single = Appointment.role.in_([role.value for role in SINGLE_SEAT])
    by_role = (
        select(
            Appointment.person_id,
            func.count().label("posts"),
            and_(single, func.count(Appointment.node_id.distinct()) > 1).label("same"),
        )
        .where(in_office(day), Appointment.person_id.in_(here))
        .group_by(Appointment.person_id, Appointment.role)
        .subquery("by_role")
    )
    person = by_role.c.person_id
    return (
        select(*_columns(id=person, person_id=person, same_level=func.bool_or(by_role.c.same)))
        .group_by(person)
        .having(func.sum(by_role.c.posts) > 1)
    )


def _no_duty_phone(node: Node, day: Day) -> Found:
    listed = (
        select(Appointment.id)
        .where(Appointment.node_id == Node.id, in_office(day))
        .where(Appointment.duty_phone != "")
        .correlate(Node)
    )
    staffed = Node.level.in_([level.value for level in ANSWERING])
    return select(*_columns(id=Node.id, node_id=Node.id)).where(
        _below(node, day), staffed, ~exists(listed)
    )


def _roster_gaps(node: Node, day: Day) -> Found:
    return (
        select(*_columns(id=RosterAlarm.id, node_id=Node.id))
        .join(Node, Node.id == RosterAlarm.node_id)
        .where(_below(node, day), RosterAlarm.over_at.is_(None))
    )


QUERIES: Mapping[PostCheck, Callable[[Node, Day], Found]] = {
    PostCheck.VACANT_POSTS: _vacant_posts,
    PostCheck.NO_PRIMARY_WORKER: _no_primary_worker,
    PostCheck.TERMS_ENDING: _terms_ending,
    PostCheck.SEVERAL_POSTS: _several_posts,
    PostCheck.NO_DUTY_PHONE: _no_duty_phone,
    PostCheck.NO_SELECTION: _no_selection,
    PostCheck.ROSTER_GAPS: _roster_gaps,
    PostCheck.NO_CHIEF: _no_chief,
}
