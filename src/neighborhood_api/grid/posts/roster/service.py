"""Rules of the roster: who may be on call, and shifts that never overlap at one place."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import RosterChanged
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.grid.posts.roster.schemas import (
    LONGEST_PATTERN_DAYS,
    ShiftChangeIn,
    ShiftIn,
    ShiftSeriesIn,
    ShiftSwapIn,
    WeeklyShiftIn,
)
from neighborhood_api.grid.posts.roster.seats import Seat, seat_on, seats_of
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE

ROSTER_LEVELS = (Level.STREET, Level.COMMUNITY, Level.GRID)
LONGEST_SHIFT = timedelta(days=7)
_A_SECOND = timedelta(seconds=1)
"""Answers show moments to the second: what comes back may have lost the rest."""
_MOST_CLASHES = 5


class RosterNotHere(Problem):
    """Rosters are kept for grids, communities and streets."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no roster at this level of the grid"
    message = "只有网格、社区和街道排值班，请重新选择地点"


class ShiftTimesWrong(Problem):
    """A shift ends after it begins, in the future, and within a week."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A shift ends after it begins, in the future, and takes at most a week"
    message = "值班时间不对：须晚于现在结束，且不超过 7 天"


class ShiftsOverlap(Problem):
    """Somebody is on call here in some of these hours already; `clashes` says when."""

    title = "Somebody is on call here in some of these hours"
    message = "这段时间已有人值班，请先取消原班次或改时间"


class ShiftNotFound(Problem):
    """The id names no shift that the caller keeps."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such shift"
    message = "没有找到这个班次"


class ShiftOver(Problem):
    """The shift is over, or was cancelled."""

    title = "The shift is over or was cancelled"
    message = "该班次已结束或已取消"


class ShiftChanged(Problem):
    """Somebody changed the shift meanwhile."""

    title = "The shift was changed meanwhile"
    message = "班次已被修改，请刷新后重试"


async def make_shift(
    tx: Tx, actor: Actor, node_id: UUID, wish: ShiftIn, *, now: datetime
) -> Shift:
    """Put somebody on the roster of a place.

    Raises: NodeNotFound, Forbidden, RosterNotHere, ShiftTimesWrong, NotOnCallHere,
        AwayThen, ShiftsOverlap.
    Emits: RosterChanged.
    """
    node = await _kept_node(tx, actor, node_id, now=now)
    shift = await _new_shift(tx, actor, node, wish, {}, now=now)
    await _lock(tx, node.id)
    await _require_free(tx, node.id, [shift])
    tx.add(shift)
    await tx.flush()
    _keep(tx, "grid.shift_made", actor, shift, now)
    return shift


async def make_shift_series(
    tx: Tx, actor: Actor, node_id: UUID, wish: ShiftSeriesIn, *, now: datetime
) -> tuple[UUID, int]:
    """Put people on the roster of a place week by week; all shifts are made, or none.

    Raises: NodeNotFound, Forbidden, RosterNotHere, ShiftTimesWrong, NotOnCallHere,
        AwayThen, ShiftsOverlap.
    Emits: RosterChanged.
    """
    node = await _kept_node(tx, actor, node_id, now=now)
    days = (wish.last_on - wish.first_on).days + 1
    if not 0 < days <= LONGEST_PATTERN_DAYS:
        raise ShiftTimesWrong
    series_id = new_id()
    seats: dict[UUID, Sequence[Seat]] = {}
    for person_id in sorted({one.person_id for one in wish.weekly}):
        seats[person_id] = await seats_of(tx, node, person_id)
    shifts = []
    for day in (wish.first_on + timedelta(days=n) for n in range(days)):
        for one in wish.weekly:
            if one.weekday == day.isoweekday():
                hours = _on(day, one)
                shifts.append(await _new_shift(tx, actor, node, hours, seats, now=now))
    shifts.sort(key=lambda shift: shift.starts_at)
    await _lock(tx, node.id)
    await _require_free(tx, node.id, shifts)
    for shift in shifts:
        shift.series_id = series_id
    tx.add_all(shifts)
    await tx.flush()
    emit(tx, RosterChanged(node_id=node.id))
    _act(tx, "grid.shift_series_made", actor, series_id, node.id, now, shifts=len(shifts))
    return series_id, len(shifts)


async def change_shift(
    tx: Tx, actor: Actor, shift_id: UUID, wish: ShiftChangeIn, *, now: datetime
) -> Shift:
    """Give a shift other hours, or to somebody else; what is over stays.

    Raises: ShiftNotFound, ShiftOver, ShiftChanged, ShiftTimesWrong, NotOnCallHere,
        AwayThen, ShiftsOverlap.
    Emits: RosterChanged.
    """
    node = await _node_of(tx, actor, shift_id)
    new = await _new_shift(tx, actor, node, wish, {}, now=now)
    shift = await _locked_shift(tx, node, shift_id, wish.version, now=now)
    moved = abs(wish.starts_at - shift.starts_at) >= _A_SECOND
    if shift.starts_at < now and moved:
        raise ShiftTimesWrong
    await _require_free(tx, node.id, [new], but={shift.id})
    for name in ("person_id", "role", "duty_phone", "starts_at", "ends_at"):
        setattr(shift, name, getattr(new, name))
    shift.version += 1
    _keep(tx, "grid.shift_changed", actor, shift, now)
    return shift


async def swap_shifts(
    tx: Tx, actor: Actor, shift_id: UUID, wish: ShiftSwapIn, *, now: datetime
) -> tuple[Shift, Shift]:
    """Let the people of two shifts take each other's.

    Raises: ShiftNotFound, ShiftOver, ShiftChanged, NotOnCallHere, AwayThen.
    Emits: RosterChanged.
    """
    if wish.with_shift_id == shift_id:
        raise ShiftNotFound
    asked = {shift_id: wish.version, wish.with_shift_id: wish.with_version}
    nodes = {one: await _node_of(tx, actor, one) for one in asked}
    seen = {one: await tx.get_one(Shift, one) for one in asked}
    for one, other in ((shift_id, wish.with_shift_id), (wish.with_shift_id, shift_id)):
        seats = await seats_of(tx, nodes[one], seen[other].person_id)
        seat_on(seats, local_day(seen[one].starts_at))  # each may be where the other was
    kept = {}
    for one in sorted(asked, key=lambda one: nodes[one].id):  # two never wait in a circle
        kept[one] = await _locked_shift(tx, nodes[one], one, asked[one], now=now)
    first, second = kept[shift_id], kept[wish.with_shift_id]
    for name in ("person_id", "role", "duty_phone"):
        one, other = getattr(first, name), getattr(second, name)
        setattr(first, name, other)
        setattr(second, name, one)
    for shift in (first, second):
        shift.version += 1
        _keep(tx, "grid.shift_swapped", actor, shift, now)
    return first, second


async def cancel_shift(
    tx: Tx, actor: Actor, shift_id: UUID, version: int, *, now: datetime
) -> Shift:
    """Take a shift off the roster; one that has begun ends now.

    Raises: ShiftNotFound, ShiftOver, ShiftChanged.
    Emits: RosterChanged.
    """
    node = await _node_of(tx, actor, shift_id)
    shift = await _locked_shift(tx, node, shift_id, version, now=now)
    if shift.starts_at < now:
        shift.ends_at = now
    else:
        shift.cancelled_at = now
    shift.version += 1
    _keep(tx, "grid.shift_cancelled", actor, shift, now)
    return shift


async def end_shift_series(tx: Tx, actor: Actor, series_id: UUID, *, now: datetime) -> int:
    """Cancel what is to come of a weekly pattern; return how many shifts.

    Raises: ShiftNotFound.
    Emits: RosterChanged.
    """
    query = select(Shift, Node).join(Node, Node.id == Shift.node_id)
    row = (await tx.execute(query.where(Shift.series_id == series_id).limit(1))).first()
    if row is None or not actor.may(Permission.ROSTER_MANAGE, at=row[1].place):
        raise ShiftNotFound
    await _lock(tx, row[1].id)
    coming = select(Shift).where(
        Shift.series_id == series_id, Shift.starts_at > now, Shift.cancelled_at.is_(None)
    )
    shifts = (await tx.scalars(coming.order_by(Shift.id).with_for_update())).all()
    for shift in shifts:
        shift.cancelled_at = now
        shift.version += 1
    emit(tx, RosterChanged(node_id=row[1].id))
    name = "grid.shift_series_ended"
    _act(tx, name, actor, series_id, row[1].id, now, shifts=len(shifts))
    await tx.flush()
    return len(shifts)


async def elsewhere(tx: ReadTx, shifts: Collection[Shift]) -> set[UUID]:
    """Return which of the shifts fall into hours in which the person is on call elsewhere."""
    other = aliased(Shift)
    ids = [shift.id for shift in shifts if shift.cancelled_at is None]
    found = select(Shift.id).where(
        Shift.id.in_(ids),
        select(other.id)
        .where(
            other.person_id == Shift.person_id,
            other.id != Shift.id,
            other.cancelled_at.is_(None),
            other.starts_at < Shift.ends_at,
            other.ends_at > Shift.starts_at,
        )
        .exists(),
    )
    return set(await tx.scalars(found))


async def _kept_node(tx: Tx, actor: Actor, node_id: UUID, *, now: datetime) -> Node:
    """Find the place whose roster the caller keeps.

    It is locked after the posts of whoever comes onto the roster, as a change of posts does it.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(Permission.ROSTER_MANAGE, at=node.place)
    if node.level not in ROSTER_LEVELS:
        raise RosterNotHere
    return node


async def _lock(tx: Tx, node_id: UUID) -> None:
    """Have changes of the roster of a place come one by one."""
    await tx.execute(select(Node.id).where(Node.id == node_id).with_for_update(key_share=True))


async def _node_of(tx: Tx, actor: Actor, shift_id: UUID) -> Node:
    """Find the place of a shift that the caller keeps; others' do not exist for her."""
    query = select(Node).join(Shift, Shift.node_id == Node.id)
    node = await tx.scalar(query.where(Shift.id == shift_id))
    if node is None or not actor.may(Permission.ROSTER_MANAGE, at=node.place):
        raise ShiftNotFound
    return node


async def _locked_shift(
    tx: Tx, node: Node, shift_id: UUID, version: int, *, now: datetime
) -> Shift:
    """Load and lock a shift to change it."""
    await _lock(tx, node.id)
    query = select(Shift).where(Shift.id == shift_id).with_for_update()
    shift = (await tx.scalars(query.execution_options(populate_existing=True))).one()
    if shift.cancelled_at is not None or shift.ends_at <= now:
        raise ShiftOver
    if shift.version != version:
        raise ShiftChanged(version=shift.version)
    return shift


def _on(day: date, one: WeeklyShiftIn) -> ShiftIn:
    """Write a weekly shift out for one day."""
    begins = datetime.combine(day, one.begins.replace(tzinfo=None), SHOWN_ZONE)
    return ShiftIn(
        person_id=one.person_id,
        starts_at=begins,
        ends_at=begins + timedelta(minutes=one.minutes),
        duty_phone=one.duty_phone,
    )


async def _new_shift(
    tx: Tx,
    actor: Actor,
    node: Node,
    wish: ShiftIn,
    seats: dict[UUID, Sequence[Seat]],
    *,
    now: datetime,
) -> Shift:
    """Make a shift that is not saved; `seats` remembers the posts of who was asked about."""
    length = wish.ends_at - wish.starts_at
    if not timedelta(0) < length <= LONGEST_SHIFT or wish.ends_at <= now:
        raise ShiftTimesWrong
    if wish.person_id not in seats:
        seats[wish.person_id] = await seats_of(tx, node, wish.person_id)
    seat = seat_on(seats[wish.person_id], local_day(wish.starts_at))
    return Shift(
        node_id=node.id,
        person_id=wish.person_id,
        role=seat.role,
        duty_phone=wish.duty_phone or seat.duty_phone,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        made_by_id=actor.person_id,
    )


async def _require_free(
    tx: Tx, node_id: UUID, shifts: Sequence[Shift], *, but: Collection[UUID] = ()
) -> None:
    """Refuse hours in which somebody is on call at the place; the place is locked.

    Raises: ShiftsOverlap.
    """
    clashes = [after for before, after in pairwise(shifts) if after.starts_at < before.ends_at]
    if shifts and not clashes:
        hours = [
            and_(Shift.starts_at < one.ends_at, Shift.ends_at > one.starts_at) for one in shifts
        ]
        there = select(Shift).where(
            Shift.node_id == node_id,
            Shift.cancelled_at.is_(None),
            Shift.ends_at > shifts[0].starts_at,
            Shift.starts_at < max(one.ends_at for one in shifts),
            Shift.id.not_in(list(but)),
            or_(*hours),
        )
        found = await tx.scalars(there.order_by(Shift.starts_at).limit(_MOST_CLASHES))
        clashes = list(found)
    if clashes:
        raise ShiftsOverlap(
            clashes=[
                one.starts_at.astimezone(SHOWN_ZONE).isoformat(timespec="minutes")
                for one in clashes[:_MOST_CLASHES]
            ]
        )


def _keep(tx: Tx, what: str, actor: Actor, shift: Shift, now: datetime) -> None:
    """Keep in the audit trail who changed a shift, and announce that the roster changed."""
    emit(tx, RosterChanged(node_id=shift.node_id))
    _act(
        tx,
        what,
        actor,
        shift.id,
        shift.node_id,
        now,
        person_id=shift.person_id,
        starts_at=shift.starts_at.isoformat(),
        ends_at=shift.ends_at.isoformat(),
    )


def _act(
    tx: Tx,
    what: str,
    actor: Actor,
    subject: UUID,
    node_id: UUID,
    now: datetime,
    **detail: object,
) -> None:
    record_act(tx, what, subject, by=actor.person_id, now=now, node_id=node_id, **detail)
