"""Changing when something is open, and reading what holds then."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx, constraint_of
from neighborhood_api.schedules.calendar import Window
from neighborhood_api.schedules.models import CalendarChange, SpecialDay, WorkingYear
from neighborhood_api.schedules.openings.models import (
    Closure,
    OpeningException,
    OpeningRule,
)
from neighborhood_api.schedules.openings.plans import (
    Closing,
    Hours,
    OnHolidays,
    OtherHours,
    Sheet,
    removed_spans,
)
from neighborhood_api.schedules.openings.queries import plan_of, plans_of
from neighborhood_api.schedules.openings.schemas import (
    ClosureIn,
    HolidaysIn,
    OpenDayOut,
    OpeningExceptionIn,
    OpeningRulesIn,
    RevokeIn,
)
from neighborhood_api.schedules.openings.service import (
    ClosureLifted,
    ClosureNotFound,
    ExceptionNotFound,
    ExceptionWithdrawn,
    NothingAbove,
    OverAlready,
    add_closure,
    add_exception,
    add_opening,
    lift_closure,
    read_openings,
    replace_rules,
    set_holidays,
    withdraw_exception,
)
from tests.schedules.openings.conftest import House
from tests.schedules.openings.counting import MONDAY, at
from tests.support.places import Town
from tests.support.reads import OneConnectionReader, count_on

NOW = at(MONDAY, 8 * 60)
TUESDAY = MONDAY + timedelta(days=1)
STAFF = uuid4()
SAID: dict[str, Any] = {"by": STAFF, "now": NOW}


def weekly(version: int = 1, *days: int, **changes: object) -> OpeningRulesIn:
    rule = {"opens_at": "09:00", "closes_at": "17:00"} | changes
    rules = [rule | {"weekday": day} for day in days or (1, 2, 3, 4, 5)]
    return OpeningRulesIn.model_validate({"version": version, "rules": rules})


def exception(version: int, first: date, last: date, *hours: str) -> OpeningExceptionIn:
    windows = [dict(zip(("opens_at", "closes_at"), h.split("-"), strict=True)) for h in hours]
    return OpeningExceptionIn.model_validate(
        {
            "version": version,
            "first_on": first,
            "last_on": last,
            "hours": windows,
            "reason": "设备检修",
        }
    )


def closure(version: int, start: datetime, end: datetime) -> ClosureIn:
    return ClosureIn(version=version, starts_at=start, ends_at=end, reason="空调检修")


async def test_what_was_said_is_what_plans_are_made_of(tx: Tx, house: House) -> None:
    room, venue = house.room.id, house.venue.id
    await replace_rules(tx, venue, weekly(), **SAID)
    late = weekly(1, 1, opens_at="18:00", closes_at="24:00", valid_until="2026-12-01")
    await replace_rules(tx, room, late, **SAID)
    await set_holidays(
        tx, venue, HolidaysIn(version=2, on_holidays=OnHolidays.AS_SUNDAY), **SAID
    )
    changed = await add_exception(
        tx, venue, exception(3, TUESDAY, TUESDAY, "10:00-11:00", "08:00-09:00"), **SAID
    )
    closed = await add_closure(tx, room, closure(2, at(MONDAY, 1150), at(MONDAY, 1200)), **SAID)
    plan = await plan_of(tx, room, MONDAY, TUESDAY)
    assert (plan.first_day, plan.last_day) == (MONDAY, TUESDAY)
    assert plan.own == Sheet(
        id=room,
        rules=(Hours(1, 18 * 60, 24 * 60, None, date(2026, 12, 1)),),
        closings=(Closing(closed.id, at(MONDAY, 1150), at(MONDAY, 1200), "空调检修"),),
        version=3,
    )
    hours = (Window(8 * 60, 9 * 60), Window(10 * 60, 11 * 60))
    assert plan.parent == Sheet(
        id=venue,
        rules=tuple(Hours(day, 9 * 60, 17 * 60) for day in range(1, 6)),
        exceptions=(OtherHours(changed.id, TUESDAY, TUESDAY, hours, "设备检修", NOW),),
        on_holidays=OnHolidays.AS_SUNDAY,
        version=4,
    )
    day = OpenDayOut.of(plan.day(MONDAY)).model_dump(mode="json")
    assert day["open"] == [
        {"starts_at": "2026-11-23T18:00:00+08:00", "ends_at": "2026-11-23T19:10:00+08:00"},
        {"starts_at": "2026-11-23T20:00:00+08:00", "ends_at": "2026-11-24T00:00:00+08:00"},
    ]
    assert (day["reason"], day["closures"][0]["reason"]) == (None, "空调检修")


async def test_only_what_meets_the_period_is_read(tx: Tx, house: House) -> None:
    venue = house.venue.id
    await add_exception(tx, venue, exception(1, TUESDAY, TUESDAY + timedelta(2)), **SAID)
    await add_closure(tx, venue, closure(2, at(TUESDAY, 0), at(TUESDAY, 24 * 60)), **SAID)
    met = {}
    for n in range(-1, 5):
        day = MONDAY + timedelta(days=n)
        sheet = (await plan_of(tx, venue, day, day)).own
        met[n] = (len(sheet.exceptions), len(sheet.closings))
    assert met == {-1: (0, 0), 0: (0, 0), 1: (1, 1), 2: (1, 0), 3: (1, 0), 4: (0, 0)}


async def test_what_is_withdrawn_or_lifted_counts_no_more_and_is_kept(
    tx: Tx, house: House
) -> None:
    venue = house.venue.id
    await replace_rules(tx, venue, weekly(), **SAID)
    usual = (await plan_of(tx, venue, MONDAY, TUESDAY)).open_spans(MONDAY, TUESDAY)
    changed = await add_exception(tx, venue, exception(2, MONDAY, MONDAY), **SAID)
    closed = await add_closure(tx, venue, closure(3, at(MONDAY, 600), at(TUESDAY, 600)), **SAID)
    shut = (await plan_of(tx, venue, MONDAY, TUESDAY)).open_spans(MONDAY, TUESDAY)
    assert [(s.starts_at, s.ends_at) for s in shut] == [(at(TUESDAY, 600), at(TUESDAY, 1020))]
    await withdraw_exception(tx, venue, changed.id, RevokeIn(version=4), **SAID)
    await lift_closure(tx, venue, closed.id, RevokeIn(version=5), **SAID)
    again = await plan_of(tx, venue, MONDAY, TUESDAY)
    assert again.open_spans(MONDAY, TUESDAY) == usual
    assert (changed.withdrawn_at, changed.withdrawn_by_id) == (NOW, STAFF)
    assert (closed.lifted_at, closed.lifted_by_id, closed.made_by_id) == (NOW, STAFF, STAFF)
    with pytest.raises(ExceptionWithdrawn):
        await withdraw_exception(tx, venue, changed.id, RevokeIn(version=6), **SAID)
    with pytest.raises(ClosureLifted):
        await lift_closure(tx, venue, closed.id, RevokeIn(version=6), **SAID)
    shown = (await read_openings(tx, [venue], now=NOW))[venue]
    assert (shown.exceptions, shown.closures, shown.version) == ([], [], 6)


async def test_a_preview_says_what_the_change_then_does(tx: Tx, house: House) -> None:
    room, venue = house.room.id, house.venue.id
    await replace_rules(tx, venue, weekly(), **SAID)
    before = await plan_of(tx, room, MONDAY, TUESDAY)
    above = before.sheet(venue)
    shut = closure(2, at(MONDAY, 960), at(TUESDAY, 600))
    less = exception(3, TUESDAY, TUESDAY, "09:00-12:00")
    preview = before.saying(less.on(shut.on(above), now=NOW))
    await add_closure(tx, venue, shut, **SAID)
    await add_exception(tx, venue, less, **SAID)
    after = await plan_of(tx, room, MONDAY, TUESDAY)
    hit = removed_spans(before, after, MONDAY, TUESDAY)
    assert hit == removed_spans(before, preview, MONDAY, TUESDAY)
    assert [(s.starts_at, s.ends_at) for s in hit] == [
        (at(MONDAY, 960), at(MONDAY, 1020)),
        (at(TUESDAY, 540), at(TUESDAY, 600)),
        (at(TUESDAY, 720), at(TUESDAY, 1020)),
    ]
    assert HolidaysIn(version=4, on_holidays=None).on(above).on_holidays is None
    assert weekly(4, 7).on(above).rules == (Hours(7, 540, 1020),)


Change = Callable[[Tx, UUID, int], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "rules": lambda tx, one, v: replace_rules(tx, one, weekly(v), **SAID),
    "holidays": lambda tx, one, v: set_holidays(
        tx, one, HolidaysIn(version=v, on_holidays=OnHolidays.CLOSED), **SAID
    ),
    "exception": lambda tx, one, v: add_exception(
        tx, one, exception(v, TUESDAY, TUESDAY), **SAID
    ),
    "closure": lambda tx, one, v: add_closure(
        tx, one, closure(v, at(TUESDAY, 0), at(TUESDAY, 60)), **SAID
    ),
}


@pytest.mark.parametrize(
    ("change", "rows"),
    [("rules", 5), ("holidays", 0), ("exception", 2), ("closure", 2)],
)
async def test_a_change_based_on_an_old_version_is_refused(
    tx: Tx, house: House, change: str, rows: int
) -> None:
    make = CHANGES[change]
    await make(tx, house.venue.id, 1)
    with pytest.raises(StaleVersion) as refused:
        await make(tx, house.venue.id, 1)
    assert refused.value.members == {"version": 2}
    await make(tx, house.venue.id, 2)
    assert house.venue.version == 3
    stored = (OpeningRule, OpeningException, Closure)
    counts = [
        await tx.scalar(select(func.count(row.id)).where(row.opening_id == house.venue.id))
        for row in stored
    ]
    assert sum(count or 0 for count in counts) == rows


async def test_withdrawing_and_lifting_need_the_version_too(tx: Tx, house: House) -> None:
    venue = house.venue.id
    changed = await add_exception(tx, venue, exception(1, TUESDAY, TUESDAY), **SAID)
    closed = await add_closure(tx, venue, closure(2, NOW, at(TUESDAY, 0)), **SAID)
    with pytest.raises(StaleVersion):
        await withdraw_exception(tx, venue, changed.id, RevokeIn(version=2), **SAID)
    with pytest.raises(StaleVersion):
        await lift_closure(tx, venue, closed.id, RevokeIn(version=2), **SAID)
    assert (changed.withdrawn_at, closed.lifted_at, house.venue.version) == (None, None, 3)


async def test_what_belongs_to_another_is_not_found(tx: Tx, house: House) -> None:
    changed = await add_exception(tx, house.venue.id, exception(1, TUESDAY, TUESDAY), **SAID)
    closed = await add_closure(tx, house.venue.id, closure(2, NOW, at(TUESDAY, 0)), **SAID)
    for one in (changed.id, uuid4()):
        with pytest.raises(ExceptionNotFound):
            await withdraw_exception(tx, house.room.id, one, RevokeIn(version=1), **SAID)
    for one in (closed.id, uuid4()):
        with pytest.raises(ClosureNotFound):
            await lift_closure(tx, house.room.id, one, RevokeIn(version=1), **SAID)
    assert house.room.version == 1


async def test_the_past_stays_as_it_was(tx: Tx, house: House) -> None:
    venue = house.venue.id
    yesterday = MONDAY - timedelta(days=1)
    with pytest.raises(OverAlready):
        await add_exception(tx, venue, exception(1, yesterday, yesterday), **SAID)
    with pytest.raises(OverAlready):
        await add_closure(tx, venue, closure(1, at(yesterday, 0), NOW), **SAID)
    today = await plan_of(tx, venue, MONDAY, MONDAY)
    assert (today.own.exceptions, today.own.closings) == ((), ())


async def test_what_is_over_is_neither_withdrawn_nor_shown(tx: Tx, house: House) -> None:
    venue = house.venue.id
    changed = await add_exception(tx, venue, exception(1, MONDAY, MONDAY), **SAID)
    closed = await add_closure(tx, venue, closure(2, NOW, at(MONDAY, 600)), **SAID)
    later: dict[str, Any] = {"by": STAFF, "now": at(TUESDAY, 1)}
    with pytest.raises(OverAlready):
        await withdraw_exception(tx, venue, changed.id, RevokeIn(version=3), **later)
    with pytest.raises(OverAlready):
        await lift_closure(tx, venue, closed.id, RevokeIn(version=3), **later)
    shown = {
        len(one.exceptions) + len(one.closures)
        for now in (NOW, at(TUESDAY, 1))
        for one in (await read_openings(tx, [venue], now=now)).values()
    }
    assert shown == {2, 0}


async def test_only_what_lies_in_a_venue_leaves_its_holidays_to_it(
    tx: Tx, house: House
) -> None:
    nothing = HolidaysIn(version=1, on_holidays=None)
    with pytest.raises(NothingAbove):
        await set_holidays(tx, house.venue.id, nothing, **SAID)
    assert (await set_holidays(tx, house.room.id, nothing, **SAID)).version == 2
    with pytest.raises(ValueError, match="whose parent has a parent"):
        await add_opening(tx, house.venue.district_id, parent=house.room)


async def test_a_district_closes_on_its_own_holidays(tx: Tx, town: Town, house: House) -> None:
    venue, day = house.venue.id, date(2026, 11, 27)
    await replace_rules(tx, venue, weekly(), **SAID)
    closed = HolidaysIn(version=2, on_holidays=OnHolidays.CLOSED)
    await set_holidays(tx, venue, closed, **SAID)
    usual = await plan_of(tx, venue, day, day)
    year = WorkingYear(year=2026, published_at=NOW, source="县里通知", district_id=town.at().id)
    tx.add(year)
    await tx.flush()
    tx.add(SpecialDay(working_year_id=year.id, day=day, is_workday=False, name="盘王节"))
    tx.add(
        CalendarChange(
            changed_at=NOW, changed_by_id=None, district_id=town.at().id, since_on=day
        )
    )
    await tx.flush()
    festival = await plan_of(tx, venue, day, day)
    assert (len(usual.day(day).open), festival.day(day).open) == (1, [])
    shown = OpenDayOut.of(festival.day(day))
    assert shown.reason is not None
    assert shown.reason.holiday == "盘王节"


async def test_fifty_rooms_are_read_in_one_statement(
    tx: Tx, house: House, connection: AsyncConnection
) -> None:
    district = house.venue.district_id
    rooms = [await add_opening(tx, district, parent=house.venue) for _ in range(50)]
    await replace_rules(tx, house.venue.id, weekly(), **SAID)
    for room in rooms[:10]:
        await add_closure(tx, room.id, closure(1, at(MONDAY, 600), at(MONDAY, 660)), **SAID)
    ids = [room.id for room in rooms]
    await plans_of(tx, ids[:1], MONDAY, TUESDAY)  # this process now knows the calendar
    raw, statements = await count_on(connection)
    reader = OneConnectionReader(raw)
    plans = await plans_of(reader, ids, MONDAY, TUESDAY)
    nothing = await plans_of(reader, [], MONDAY, TUESDAY)
    await asyncio.sleep(0)  # loggers are called by the loop
    raw.remove_query_logger(statements.hear)
    assert (len(statements), nothing) == (1, {})
    assert [len(plans[one].day(MONDAY).open) for one in ids] == [2] * 10 + [1] * 40
    assert plans == await plans_of(tx, ids, MONDAY, TUESDAY)
    assert await plans_of(tx, [uuid4()], MONDAY, TUESDAY) == {}


async def test_who_set_the_hours_is_kept_for_ever(tx: Tx, house: House) -> None:
    await replace_rules(tx, house.room.id, weekly(1, 3), **SAID)
    kept = (await tx.scalars(select(Act).where(Act.subject == str(house.room.id)))).one()
    assert (kept.what, kept.person_id) == ("schedules.opening_rules_replaced", STAFF)
    assert kept.detail["rules"] == [[3, 540, 1020]]


@pytest.mark.parametrize(
    ("row", "constraint"),
    [
        ({"weekday": 8}, "ck_opening_rule_weekday_is_iso"),
        ({"opens_minute": 600}, "ck_opening_rule_forward_within_a_day"),
        ({"closes_minute": 1441}, "ck_opening_rule_forward_within_a_day"),
    ],
)
async def test_the_database_itself_refuses_hours_that_make_no_sense(
    tx: Tx, house: House, row: dict[str, int], constraint: str
) -> None:
    values: dict[str, Any] = {"weekday": 1, "opens_minute": 540, "closes_minute": 600} | row
    with pytest.raises(IntegrityError) as caught:
        async with tx.begin_nested():
            tx.add(OpeningRule(opening_id=house.room.id, **values))
    assert constraint_of(caught.value) == constraint


NONSENSE: dict[str, Callable[[], object]] = {
    "empty closure": lambda: closure(1, at(MONDAY, 600), at(MONDAY, 600)),
    "seconds": lambda: closure(1, at(MONDAY, 600), at(MONDAY, 600) + timedelta(seconds=30)),
    "long closure": lambda: closure(1, at(MONDAY, 0), at(MONDAY, 1) + timedelta(days=366)),
    "backwards": lambda: exception(1, TUESDAY, MONDAY),
    "long exception": lambda: exception(1, MONDAY, MONDAY + timedelta(days=366)),
    "end of time": lambda: exception(1, date(9999, 12, 31), date(9999, 12, 31)),
    "empty hours": lambda: exception(1, MONDAY, MONDAY, "12:00-12:00"),
    "hours backwards": lambda: exception(1, MONDAY, MONDAY, "12:00-09:00"),
}


@pytest.mark.parametrize("wish", NONSENSE.values(), ids=NONSENSE)
def test_wishes_that_make_no_sense_cannot_be_read(wish: Callable[[], object]) -> None:
    with pytest.raises(ValidationError):
        wish()
