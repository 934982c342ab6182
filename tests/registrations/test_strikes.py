"""Strikes: they suspend, expire, are appealed against, answered and lifted."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations import strikes
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.registrations.reasons import Suspended
from tests.registrations.things import (
    NOON,
    NOW,
    announced,
    ask,
    give_up,
    new_person,
    new_thing,
)
from tests.support.places import Town

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RULES = {"limit": 2, "window_days": 30, "suspension_days": 14}


async def struck(tx: Tx, town: Town, **rules: int) -> tuple[UUID, Person, list[UUID]]:
    """A room, and somebody who gave it up late twice."""
    thing = await new_thing(tx, town.place(1, 1), strikes=RULES | rules)
    person = await new_person(tx)
    for n in range(2):
        row = await ask(tx, thing, person, starts_at=NOON + n * HOUR)
        await give_up(tx, row, now=NOON - HOUR / 2)
    await tx.flush()
    given = select(Strike.id).where(Strike.person_id == person.id).order_by(Strike.id)
    return thing, person, list(await tx.scalars(given))


async def lock(tx: Tx, strike_id: UUID) -> strikes.StrikeRow:
    return await strikes.lock_strike(tx, strike_id)


async def may_book(tx: Tx, thing: UUID, person: Person, days: float) -> bool:
    now = NOON - HOUR / 2 + days * DAY
    try:
        row = await ask(tx, thing, person, starts_at=now + HOUR, now=now)
    except Suspended:
        return False
    await give_up(tx, row, now=now)
    return True


async def test_so_many_strikes_suspend_for_a_while_and_say_until_when(
    tx: Tx, town: Town
) -> None:
    thing, person, _ = await struck(tx, town)
    with pytest.raises(Suspended) as refusal:
        await ask(tx, thing, person, starts_at=NOON + 3 * HOUR, now=NOON)
    assert refusal.value.members["reasons"] == [
        {
            "code": "suspended",
            "message": "近期爽约2次，2026-12-08 11:30后可再预约",
            "strikes": 2,
            "limit": 2,
            "until": "2026-12-08T11:30:00+08:00",
        }
    ]
    assert not await may_book(tx, thing, person, 13.9)
    assert await may_book(tx, thing, person, 14)
    staff = frozenset({"suspended"})
    await ask(tx, thing, person, starts_at=NOON + 3 * HOUR, now=NOON, waived=staff)


async def test_strikes_of_another_district_do_not_suspend(tx: Tx, town: Town) -> None:
    thing, person, given = await struck(tx, town)
    row = await tx.get_one(Strike, given[0])
    row.district_id = new_id()
    await tx.flush()
    assert await may_book(tx, thing, person, 0.1)


async def test_an_appeal_that_is_heard_lifts_the_strike(tx: Tx, town: Town) -> None:
    thing, person, (one, _) = await struck(tx, town)
    staff = await new_person(tx)
    row = await strikes.appeal_strike(tx, await lock(tx, one), text="停水", now=NOON)
    assert await announced(tx, "strike_appealed", strike_id=one, person_id=person.id) == 1
    with pytest.raises(strikes.AppealedAlready):
        await strikes.appeal_strike(tx, await lock(tx, one), text="再说", now=NOON)
    row = await strikes.answer_appeal(
        tx, await lock(tx, one), by_id=staff.id, lift=True, text="情况属实", now=NOON
    )
    assert (row.appeal, row.answer, row.answered_by_id) == ("停水", "情况属实", staff.id)
    assert (row.lifted_at, row.lifted_by_id) == (NOON, staff.id)
    assert await lock(tx, one) == row
    assert await announced(tx, "strike_lifted", strike_id=one, person_id=person.id) == 1
    assert await may_book(tx, thing, person, 0.1)
    with pytest.raises(strikes.NoAppeal):
        await strikes.answer_appeal(tx, row, by_id=staff.id, lift=False, text="", now=NOON)
    with pytest.raises(strikes.StrikeOver):
        await strikes.appeal_strike(tx, row, text="再说", now=NOON)
    with pytest.raises(strikes.StrikeOver):
        await strikes.lift_strike(tx, row, by_id=staff.id, text="再说", now=NOON)


async def test_an_appeal_that_is_not_heard_leaves_the_strike_and_says_why(
    tx: Tx, town: Town
) -> None:
    thing, person, (one, other) = await struck(tx, town)
    staff = await new_person(tx)
    with pytest.raises(strikes.NoAppeal):
        await strikes.answer_appeal(
            tx, await lock(tx, one), by_id=staff.id, lift=True, text="", now=NOON
        )
    await strikes.appeal_strike(tx, await lock(tx, one), text="忘了", now=NOON)
    row = await strikes.answer_appeal(
        tx, await lock(tx, one), by_id=staff.id, lift=False, text="不属于例外", now=NOON
    )
    assert (row.answer, row.answered_at, row.lifted_at) == ("不属于例外", NOON, None)
    assert await announced(tx, "strike_upheld", strike_id=one) == 1
    assert not await may_book(tx, thing, person, 0.1)
    await strikes.lift_strike(tx, await lock(tx, other), by_id=None, text="系统", now=NOON)
    assert await may_book(tx, thing, person, 0.1)


async def test_a_strike_counts_as_long_as_it_says_wherever_one_books_next(
    tx: Tx, town: Town
) -> None:
    _, person, given = await struck(tx, town, window_days=5, suspension_days=1)
    strict = RULES | {"window_days": 100, "limit": 3}
    thing = await new_thing(tx, town.place(1, 1), strikes=strict)

    async def again(days: float) -> None:
        now = NOON + days * DAY
        row = await ask(tx, thing, person, starts_at=now + HOUR, now=now)
        await give_up(tx, row, now=now + HOUR - timedelta(minutes=1))
        await tx.flush()

    await again(6)  # the first two have expired, though they lie within this room's 100 days
    await again(7)
    assert await may_book(tx, thing, person, 8)
    everybody = await strikes.counting(tx, [person.id], now=NOON + 8 * DAY)
    assert len(everybody) == 2
    assert not everybody & set(given)


async def test_who_is_suspended_by_an_expired_strike_may_appeal_against_it(
    tx: Tx, town: Town
) -> None:
    thing, person, (one, _) = await struck(tx, town, window_days=5)
    later = NOON + 10 * DAY
    row = await lock(tx, one)
    assert row.expires_at < later
    assert not await may_book(tx, thing, person, 10)
    assert one in await strikes.counting(tx, [person.id], now=later)
    await strikes.appeal_strike(tx, row, text="停水", now=later)
    staff = await new_person(tx)
    await strikes.answer_appeal(
        tx, await lock(tx, one), by_id=staff.id, lift=True, text="属实", now=later
    )
    assert await may_book(tx, thing, person, 10)


async def test_no_appeal_against_what_neither_counts_nor_suspends_any_more(
    tx: Tx, town: Town
) -> None:
    _, person, (one, _) = await struck(tx, town, window_days=5)
    row, ended = await lock(tx, one), NOON + 14 * DAY
    assert await strikes.counting(tx, [person.id], now=ended) == set()
    with pytest.raises(strikes.StrikeOver):
        await strikes.appeal_strike(tx, row, text="晚了", now=ended)


async def test_a_strike_is_appealed_against_while_it_counts(tx: Tx, town: Town) -> None:
    _, _, (one, _) = await struck(tx, town)
    row = await lock(tx, one)
    assert row.expires_at == NOON - HOUR / 2 + 30 * DAY
    with pytest.raises(strikes.StrikeOver):
        await strikes.appeal_strike(tx, row, text="晚了", now=row.expires_at)
    with pytest.raises(strikes.StrikeNotFound):
        await lock(tx, new_id())
    assert await announced(tx, "strike_appealed", strike_id=one) == 0
    assert row.struck_at > NOW
