"""Rules of changing when something is open.

Who may do so, and what becomes of what is booked, is for the domain that an opening belongs to.
That domain also takes the locks that its bookings take, before it changes anything here: a plan
that was read under such a lock is then the one that holds.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import delete, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.schedules.openings.models import (
    Closure,
    Opening,
    OpeningException,
    OpeningRule,
)
from neighborhood_api.schedules.openings.plans import OnHolidays
from neighborhood_api.schedules.openings.schemas import (
    ClosureIn,
    HolidaysIn,
    OpeningExceptionIn,
    OpeningOut,
    OpeningRulesIn,
    RevokeIn,
)


class NothingAbove(Problem):
    """Hours on public holidays can only be left to a venue by what lies in one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is nothing above whose hours it could follow"
    message = "请选择节假日照常开放、关闭或按星期日开放"


class OverAlready(Problem):
    """An exception or a closure that is over changes nothing any more."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "What is over cannot be changed"
    message = "这段时间已经过去，请重新选择日期"


class ExceptionNotFound(Problem):
    """The id names no exception of these opening hours."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such exception"
    message = "没有找到这条开放时间调整，请刷新后重试"


class ExceptionWithdrawn(Problem):
    """The exception was withdrawn before."""

    title = "The exception was already withdrawn"
    message = "这条开放时间调整已经撤销，无需再次操作"


class ClosureNotFound(Problem):
    """The id names no closure of these opening hours."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such closure"
    message = "没有找到这条停用记录，请刷新后重试"


class ClosureLifted(Problem):
    """The closure was lifted before."""

    title = "The closure was already lifted"
    message = "这条停用已经解除，无需再次操作"


async def add_opening(
    tx: Tx,
    district_id: UUID,
    *,
    parent: Opening | None = None,
    on_holidays: OnHolidays | None = None,
) -> Opening:
    """Begin to keep when something is open; it never is until there are rules.

    Without a parent it is open on public holidays, unless said otherwise.
    """
    if parent is not None and parent.parent_id is not None:
        raise ValueError("an opening whose parent has a parent")
    if parent is None and on_holidays is None:
        on_holidays = OnHolidays.OPEN
    opening = Opening(
        district_id=district_id,
        parent_id=None if parent is None else parent.id,
        on_holidays=None if on_holidays is None else on_holidays.value,
    )
    tx.add(opening)
    await tx.flush()
    return opening


async def read_openings(
    tx: ReadTx, opening_ids: Iterable[UUID], *, now: datetime
) -> dict[UUID, OpeningOut]:
    """Return what openings say by themselves, without what is over."""
    ids = list(opening_ids)
    rules: dict[UUID, list[OpeningRule]] = defaultdict(list)
    weekly = select(OpeningRule).where(OpeningRule.opening_id.in_(ids))
    for rule in await tx.scalars(
        weekly.order_by(OpeningRule.weekday, OpeningRule.opens_minute, OpeningRule.id)
    ):
        rules[rule.opening_id].append(rule)
    exceptions: dict[UUID, list[OpeningException]] = defaultdict(list)
    changed = select(OpeningException).where(
        OpeningException.opening_id.in_(ids),
        OpeningException.withdrawn_at.is_(None),
        OpeningException.last_on >= local_day(now),
    )
    for one in await tx.scalars(
        changed.order_by(OpeningException.first_on, OpeningException.id)
    ):
        exceptions[one.opening_id].append(one)
    closures: dict[UUID, list[Closure]] = defaultdict(list)
    closed = select(Closure).where(
        Closure.opening_id.in_(ids), Closure.lifted_at.is_(None), Closure.ends_at > now
    )
    for closure in await tx.scalars(closed.order_by(Closure.starts_at, Closure.id)):
        closures[closure.opening_id].append(closure)
    return {
        opening.id: OpeningOut.of(
            opening, rules[opening.id], exceptions[opening.id], closures[opening.id]
        )
        for opening in await tx.scalars(select(Opening).where(Opening.id.in_(ids)))
    }


async def replace_rules(
    tx: Tx, opening_id: UUID, wish: OpeningRulesIn, *, by: UUID, now: datetime
) -> Opening:
    """Replace all weekly hours.

    Raises: StaleVersion.
    """
    opening = await _lock(tx, opening_id)
    _count_on(opening, wish.version)
    await tx.execute(delete(OpeningRule).where(OpeningRule.opening_id == opening_id))
    rules = [rule.hours() for rule in wish.rules]
    tx.add_all(
        OpeningRule(
            opening_id=opening_id,
            weekday=rule.weekday,
            opens_minute=rule.opens,
            closes_minute=rule.closes,
            valid_from=rule.valid_from,
            valid_until=rule.valid_until,
        )
        for rule in rules
    )
    kept = [[rule.weekday, rule.opens, rule.closes] for rule in rules]
    record_act(tx, "schedules.opening_rules_replaced", opening_id, by=by, now=now, rules=kept)
    await tx.flush()
    return opening


async def set_holidays(
    tx: Tx, opening_id: UUID, wish: HolidaysIn, *, by: UUID, now: datetime
) -> Opening:
    """Say what becomes of the weekly hours on public holidays.

    Raises: StaleVersion, NothingAbove.
    """
    opening = await _lock(tx, opening_id)
    if wish.on_holidays is None and opening.parent_id is None:
        raise NothingAbove
    _count_on(opening, wish.version)
    opening.on_holidays = None if wish.on_holidays is None else wish.on_holidays.value
    said = opening.on_holidays
    record_act(
        tx, "schedules.opening_holidays_set", opening_id, by=by, now=now, on_holidays=said
    )
    await tx.flush()
    return opening


async def add_exception(
    tx: Tx, opening_id: UUID, wish: OpeningExceptionIn, *, by: UUID, now: datetime
) -> OpeningException:
    """Give some days other hours than the weekly ones, or none.

    Raises: StaleVersion, OverAlready.
    """
    if wish.last_on < local_day(now):
        raise OverAlready
    _count_on(await _lock(tx, opening_id), wish.version)
    exception = OpeningException(
        opening_id=opening_id,
        first_on=wish.first_on,
        last_on=wish.last_on,
        hours=[list(window) for window in wish.windows()],
        reason=wish.reason,
        made_at=now,
        made_by_id=by,
    )
    tx.add(exception)
    await tx.flush()
    return exception


async def withdraw_exception(
    tx: Tx, opening_id: UUID, exception_id: UUID, wish: RevokeIn, *, by: UUID, now: datetime
) -> OpeningException:
    """Let the weekly hours hold again.

    Raises: ExceptionNotFound, ExceptionWithdrawn, OverAlready, StaleVersion.
    """
    opening = await _lock(tx, opening_id)
    exception = await tx.get(OpeningException, exception_id, populate_existing=True)
    if exception is None or exception.opening_id != opening_id:
        raise ExceptionNotFound
    if exception.withdrawn_at is not None:
        raise ExceptionWithdrawn
    if exception.last_on < local_day(now):
        raise OverAlready
    _count_on(opening, wish.version)
    exception.withdrawn_at, exception.withdrawn_by_id = now, by
    await tx.flush()
    return exception


async def add_closure(
    tx: Tx, opening_id: UUID, wish: ClosureIn, *, by: UUID, now: datetime
) -> Closure:
    """Take something out of use for a while; it may have begun already.

    Raises: StaleVersion, OverAlready.
    """
    if wish.ends_at <= now:
        raise OverAlready
    _count_on(await _lock(tx, opening_id), wish.version)
    closure = Closure(
        opening_id=opening_id,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        reason=wish.reason,
        made_at=now,
        made_by_id=by,
    )
    tx.add(closure)
    await tx.flush()
    return closure


async def lift_closure(
    tx: Tx, opening_id: UUID, closure_id: UUID, wish: RevokeIn, *, by: UUID, now: datetime
) -> Closure:
    """Let something be used again before the closure ends.

    Raises: ClosureNotFound, ClosureLifted, OverAlready, StaleVersion.
    """
    opening = await _lock(tx, opening_id)
    closure = await tx.get(Closure, closure_id, populate_existing=True)
    if closure is None or closure.opening_id != opening_id:
        raise ClosureNotFound
    if closure.lifted_at is not None:
        raise ClosureLifted
    if closure.ends_at <= now:
        raise OverAlready
    _count_on(opening, wish.version)
    closure.lifted_at, closure.lifted_by_id = now, by
    await tx.flush()
    return closure


async def _lock(tx: Tx, opening_id: UUID) -> Opening:
    return await tx.get_one(
        Opening, opening_id, with_for_update={"key_share": True}, populate_existing=True
    )


def _count_on(opening: Opening, version: int) -> None:
    if opening.version != version:
        raise StaleVersion(version=opening.version)
    opening.version += 1
