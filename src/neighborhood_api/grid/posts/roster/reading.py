"""The roster of a place as it is read: its shifts, and the hours that are nobody's."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.grid.posts.roster.schemas import DutyRosterOut, ShiftGapOut, ShiftOut
from neighborhood_api.grid.posts.roster.service import elsewhere
from neighborhood_api.grid.schemas import NodeOut
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE

SHOWN_DAYS = 14
LONGEST_DAYS = 62


class RosterDaysWrong(Problem):
    """The last day lies before the first, or too far after it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Ask for at most 62 days, the last one not before the first"
    message = "日期不对：末日不能早于首日，最多查 62 天"


class Gap(NamedTuple):
    """Hours that nobody is on the roster for."""

    starts_at: datetime
    ends_at: datetime


async def read_duty_roster(
    tx: ReadTx,
    actor: Actor,
    node_id: UUID,
    first: date | None,
    last: date | None,
    *,
    now: datetime,
) -> DutyRosterOut:
    """Show the roster of a place, for who keeps it, leads there or has a post there.

    Raises: NodeNotFound, Forbidden, RosterDaysWrong.
    """
    node = await current_node(tx, node_id, now=now)
    if not any(post.node_id == node.id for post in actor.posts):
        actor.require(Permission.ROSTER_READ, at=node.place)
    first = first or local_day(now)
    last = last or first + timedelta(days=SHOWN_DAYS - 1)
    if not 0 <= (last - first).days < LONGEST_DAYS:
        raise RosterDaysWrong
    since = datetime.combine(first, datetime.min.time(), SHOWN_ZONE)
    until = datetime.combine(last + timedelta(days=1), datetime.min.time(), SHOWN_ZONE)
    shifts = (await tx.execute(_shifts(node, since, until))).all()
    covered = [(shift.starts_at, shift.ends_at) for shift, _ in shifts]
    gaps = gaps_between(covered, max(since, now), until)
    return DutyRosterOut(
        node=NodeOut.model_validate(node),
        items=await shift_views(tx, [(shift, name) for shift, name in shifts]),
        gaps=[ShiftGapOut(starts_at=gap.starts_at, ends_at=gap.ends_at) for gap in gaps],
    )


def gaps_between(
    covered: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime
) -> list[Gap]:
    """Return the parts of a stretch of time that no shift covers, of shifts in order."""
    gaps = []
    reached = since
    for starts_at, ends_at in covered:
        if starts_at > reached:
            gaps.append(Gap(reached, min(starts_at, until)))
        reached = max(reached, ends_at)
    if reached < until:
        gaps.append(Gap(reached, until))
    return [gap for gap in gaps if gap.starts_at < gap.ends_at]


async def shift_views(tx: ReadTx, shifts: Sequence[tuple[Shift, str | None]]) -> list[ShiftOut]:
    """Show shifts, each with the name of who is on call."""
    doubled = await elsewhere(tx, [shift for shift, _ in shifts])
    names = await _post_names(tx, [shift for shift, _ in shifts])
    return [
        ShiftOut(
            id=shift.id,
            node_id=shift.node_id,
            person_id=shift.person_id,
            name=name,
            role=Role(shift.role),
            role_name=post_name(shift.role, names.get(shift.id)),
            duty_phone=shift.duty_phone,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            series_id=shift.series_id,
            cancelled=shift.cancelled_at is not None,
            also_elsewhere=shift.id in doubled,
            version=shift.version,
        )
        for shift, name in shifts
    ]


async def _post_names(tx: ReadTx, shifts: Collection[Shift]) -> dict[UUID, str | None]:
    """Return what the district calls the post of each shift; None for the usual name."""
    own = called(Shift.role, Node.district_id)
    found = select(Shift.id, own).join(Node, Node.id == Shift.node_id)
    asked = found.where(Shift.id.in_([shift.id for shift in shifts]))
    return dict(iter(await tx.execute(asked)))


async def shift_view(tx: ReadTx, shift: Shift) -> ShiftOut:
    """Show one shift."""
    person = await tx.get_one(Person, shift.person_id)
    return (await shift_views(tx, [(shift, person.name)]))[0]


def my_shifts(actor: Actor, *, now: datetime) -> Select[Shift, str | None]:
    """Select the caller's own shifts that are not over."""
    return (
        select(Shift, Person.name)
        .join(Person, Person.id == Shift.person_id)
        .where(Shift.person_id == actor.person_id)
        .where(Shift.cancelled_at.is_(None), Shift.ends_at > now)
    )


def _shifts(node: Node, since: datetime, until: datetime) -> Select[Shift, str | None]:
    return (
        select(Shift, Person.name)
        .join(Person, Person.id == Shift.person_id)
        .where(Shift.node_id == node.id, Shift.cancelled_at.is_(None))
        .where(Shift.ends_at > since, Shift.starts_at < until)
        .order_by(Shift.starts_at)
    )
