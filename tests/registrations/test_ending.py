"""Giving up, taking back, not coming, and what time does."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.checking_in import Presence, check_out
from neighborhood_api.registrations.ending import (
    AlreadyEnded,
    ReasonNeeded,
    TooLateToCancel,
    cancel_all,
    cancel_each,
)
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.registrations.locking import (
    lock_registration,
    lock_registrations,
    lock_resource,
)
from neighborhood_api.registrations.models import Occupation, Timetable
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.reasons import NothingFree
from neighborhood_api.registrations.states import CheckInMethod, State
from neighborhood_api.registrations.wishes import Applicant
from neighborhood_api.registrations.writing import store, timetable_numbers
from tests.registrations.things import (
    NOON,
    NOW,
    acts,
    announced,
    ask,
    give_up,
    new_happening,
    new_person,
    new_thing,
    occupied,
    pass_to,
    spans,
    states,
    stored,
    taken,
)
from tests.support.places import Town

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OPEN_LIST = {"longest": 9}


async def strikes(tx: Tx, row: RegistrationRow) -> list[str]:
    await tx.flush()
    given = select(Strike.reason).where(Strike.registration_id == row.id)
    return list(await tx.scalars(given))


async def check_in(tx: Tx, row: RegistrationRow, now: datetime) -> None:
    _, fresh = await lock_registration(tx, row.id)
    terms = await terms_of(tx, fresh.policy_id)
    there = fresh._replace(state=State.CHECKED_IN.value, checked_in_at=now)
    await store(tx, there, terms, now=now)


@pytest.mark.parametrize(
    ("made", "cancelled", "late"),
    [
        (NOW, NOON - 2 * HOUR, False),
        (NOW, NOON - 2 * HOUR + MINUTE, True),
        (NOON - HOUR, NOON - 55 * MINUTE, False),  # a few minutes to change one's mind
        (NOON - HOUR, NOON - 54 * MINUTE, True),
    ],
)
async def test_who_gives_up_late_has_a_strike(
    tx: Tx, town: Town, made: datetime, cancelled: datetime, *, late: bool
) -> None:
    thing = await new_thing(tx, town.place(1, 1), cancel_minutes=120, hold_minutes=5)
    row = await ask(tx, thing, await new_person(tx), now=made)
    await give_up(tx, row, now=cancelled, why="临时有事")
    kept = await stored(tx, row.id)
    assert (kept.state, kept.cancelled_late, kept.cancelled_at) == (
        "cancelled",
        late,
        cancelled,
    )
    assert (kept.cancelled_by_id, kept.cancel_reason) == (row.person_id, "临时有事")
    assert await strikes(tx, row) == (["late_cancel"] if late else [])
    assert await announced(tx, "strike_given", registration_id=row.id) == late
    assert await announced(tx, "cancelled", registration_id=row.id, late=late) == 1
    assert await occupied(tx, row.id) == 0
    with pytest.raises(AlreadyEnded):
        await give_up(tx, row, now=cancelled)


async def test_who_was_given_a_place_late_may_give_it_up(tx: Tx, town: Town) -> None:
    terms: dict[str, Any] = {"waitlist": OPEN_LIST, "cancel_minutes": 120, "check_in": True}
    happening = await new_happening(tx, town.place(1, 1), 2, **terms)
    a, b = [await ask(tx, happening, await new_person(tx)) for _ in range(2)]
    c, d = [await ask(tx, happening, await new_person(tx), wait=True) for _ in range(2)]
    for row in (a, b):
        await give_up(tx, row, now=NOON - HOUR)
    assert await states(tx, c, d) == ["confirmed", "confirmed"]
    await give_up(tx, c, now=NOON - HOUR / 2)
    await pass_to(tx, d, NOON + HOUR / 4)
    assert await states(tx, c, d) == ["cancelled", "no_show"]
    assert [await strikes(tx, row) for row in (a, c, d)] == [["late_cancel"], [], []]


async def test_terms_may_be_without_strikes_and_guests_have_none(tx: Tx, town: Town) -> None:
    mild: dict[str, Any] = {"late_cancel": False, "no_show": False}
    thing = await new_thing(tx, town.place(1, 1), strikes=mild, check_in=True)
    late, away = await new_person(tx), await new_person(tx)
    first = await ask(tx, thing, late)
    await give_up(tx, first, now=NOON - MINUTE)
    second = await ask(tx, thing, away)
    await pass_to(tx, second, NOON + HOUR / 4)
    strict = await new_thing(tx, town.place(1, 1), check_in=True)
    guest = Applicant(None, guest_name="王阿姨", guest_phone="0752-1234567")
    third = await ask(tx, strict, guest)
    await pass_to(tx, third, NOON + HOUR / 4)
    assert await states(tx, second, third) == ["no_show", "no_show"]
    assert [await strikes(tx, row) for row in (first, second, third)] == [[], [], []]
    assert (await stored(tx, first.id)).cancelled_late


async def test_holders_cancel_before_the_start_and_staff_before_the_end(
    tx: Tx, town: Town
) -> None:
    thing = await new_thing(tx, town.place(1, 1))
    row = await ask(tx, thing, await new_person(tx))
    with pytest.raises(TooLateToCancel):
        await give_up(tx, row, now=NOON)
    with pytest.raises(ReasonNeeded):
        await give_up(tx, row, now=NOON, by_staff=True)
    with pytest.raises(TooLateToCancel):
        await give_up(tx, row, now=NOON + HOUR, by_staff=True, why="停电")
    await give_up(tx, row, now=NOON + HOUR - MINUTE, by_staff=True, why="停电")
    assert await states(tx, row) == ["cancelled"]
    assert await strikes(tx, row) == []
    assert await announced(tx, "cancelled", registration_id=row.id, by_staff=True) == 1


async def test_staff_who_send_somebody_home_free_the_rest_of_the_time(
    tx: Tx, town: Town
) -> None:
    thing = await new_thing(tx, town.place(1, 1))
    person = await new_person(tx)
    row = await ask(tx, thing, person)
    await check_in(tx, row, NOON)
    with pytest.raises(TooLateToCancel):
        await give_up(tx, row, now=NOON - MINUTE)
    now = NOON + HOUR / 4
    await give_up(tx, row, now=now, by_staff=True, why="停电")
    assert await spans(tx, person.id) == [(NOON, now)]
    other = await ask(tx, thing, await new_person(tx), starts_at=now, now=now)
    assert await states(tx, row, other) == ["cancelled", "confirmed"]


async def test_who_leaves_early_leaves_the_time_to_tidy_up(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), buffer_after_minutes=30, notice_minutes=0)
    person, staff = await new_person(tx), await new_person(tx)
    row = await ask(tx, thing, person, minutes=90)
    await check_in(tx, row, NOON)
    resource, fresh = await lock_registration(tx, row.id)
    left = NOON + HOUR / 2
    leaves = Presence(new_id(), CheckInMethod.STAFF, staff.id)
    await check_out(tx, resource, fresh, leaves, site=None, now=left)
    assert row.unit_id is not None
    assert await spans(tx, row.unit_id) == [(NOON, left + HOUR / 2)]
    assert await spans(tx, person.id) == [(NOON, left)]
    with pytest.raises(NothingFree):
        await ask(tx, thing, await new_person(tx), starts_at=left, now=left)
    await ask(tx, thing, await new_person(tx), starts_at=left + HOUR / 2, now=left)


async def test_who_leaves_just_before_the_end_frees_nothing_of_the_buffer(
    tx: Tx, town: Town
) -> None:
    thing = await new_thing(tx, town.place(1, 1), buffer_after_minutes=30)
    row = await ask(tx, thing, await new_person(tx))
    await check_in(tx, row, NOON)
    now = NOON + HOUR - MINUTE
    await give_up(tx, row, now=now, by_staff=True, why="停电")
    assert row.unit_id is not None
    assert await spans(tx, row.unit_id) == [(NOON, now + HOUR / 2)]


async def test_where_nobody_came_there_is_nothing_to_tidy_up(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), buffer_after_minutes=30, check_in=True)
    row = await ask(tx, thing, await new_person(tx))
    now = NOON + HOUR / 4
    await pass_to(tx, row, now)
    assert await states(tx, row) == ["no_show"]
    assert row.unit_id is not None
    assert await spans(tx, row.unit_id) == [(NOON, now)]


async def test_who_came_early_and_is_sent_home_leaves_nothing_behind(
    tx: Tx, town: Town
) -> None:
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist=OPEN_LIST)
    person = await new_person(tx)
    row = await ask(tx, happening, person)
    waits = await ask(tx, happening, await new_person(tx), wait=True)
    await check_in(tx, row, NOON - 5 * MINUTE)
    await give_up(tx, row, now=NOON - MINUTE, by_staff=True, why="发烧")
    assert await spans(tx, person.id) == []
    assert await states(tx, row, waits) == ["cancelled", "confirmed"]
    assert await taken(tx, happening) == 1


async def test_who_does_not_come_loses_the_rest_and_has_a_strike(tx: Tx, town: Town) -> None:
    thing = await new_thing(
        tx, town.place(1, 1), check_in=True, release_minutes=15, waitlist=OPEN_LIST
    )
    person = await new_person(tx)
    row = await ask(tx, thing, person, minutes=120)
    waits = await ask(tx, thing, await new_person(tx), starts_at=NOON + HOUR, wait=True)
    await pass_to(tx, row, NOON + 14 * MINUTE)
    assert await states(tx, row) == ["confirmed"]
    now = NOON + 15 * MINUTE
    await pass_to(tx, row, now)
    assert await states(tx, row, waits) == ["no_show", "confirmed"]
    assert await spans(tx, person.id) == [(NOON, now)]
    assert await strikes(tx, row) == ["no_show"]
    assert await announced(tx, "nobody_came", registration_id=row.id) == 1
    await pass_to(tx, row, now + HOUR)
    assert await acts(tx, row) == ["register", "miss"]


async def test_seats_of_those_who_do_not_come_are_free(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 2, check_in=True)
    a, b = [await ask(tx, happening, await new_person(tx)) for _ in range(2)]
    await check_in(tx, a, NOON)
    for row in (a, b):
        await pass_to(tx, row, NOON + HOUR / 4)
    assert await states(tx, a, b) == ["checked_in", "no_show"]
    assert await taken(tx, happening) == 1
    await pass_to(tx, a, NOON + HOUR)
    assert await states(tx, a) == ["completed"]
    assert await taken(tx, happening) == 1


async def test_what_nobody_must_check_in_for_is_completed(tx: Tx, town: Town) -> None:
    row = await ask(tx, await new_thing(tx, town.place(1, 1)), await new_person(tx))
    await pass_to(tx, row, NOON + HOUR - MINUTE)
    assert await states(tx, row) == ["confirmed"]
    await pass_to(tx, row, NOON + HOUR)
    assert await acts(tx, row) == ["register", "complete"]
    assert (await stored(tx, row.id)).due_at is None


async def test_what_is_not_approved_in_time_expires_but_not_before(tx: Tx, town: Town) -> None:
    terms: dict[str, Any] = {"approval": True, "pending_minutes": 60, "waitlist": OPEN_LIST}
    thing = await new_thing(tx, town.place(1, 1), **terms)
    row = await ask(tx, thing, await new_person(tx))
    waits = await ask(tx, thing, await new_person(tx), wait=True)
    await pass_to(tx, row, NOW + HOUR - MINUTE)
    assert await states(tx, row) == ["pending"]
    await pass_to(tx, row, NOW + HOUR)
    # It waited for an hour already; staff have an hour from now on all the same.
    assert await states(tx, row, waits) == ["expired", "pending"]
    assert (await stored(tx, waits.id)).due_at == NOW + 2 * HOUR
    assert await announced(tx, "expired", registration_id=row.id) == 1


async def test_who_waits_in_vain_waits_until_the_start(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist=OPEN_LIST)
    a = await ask(tx, happening, await new_person(tx))
    b = await ask(tx, happening, await new_person(tx), wait=True)
    await pass_to(tx, b, NOON)
    assert await states(tx, a, b) == ["confirmed", "expired"]


async def test_what_is_called_off_ends_for_all_and_frees_its_teacher(
    tx: Tx, town: Town
) -> None:
    happening = await new_happening(tx, town.place(1, 1), 2, waitlist=OPEN_LIST)
    teacher = Timetable(id=new_id())
    tx.add(teacher)
    await tx.flush()
    number = (await timetable_numbers(tx, [teacher.id]))[teacher.id]
    tx.add(
        Occupation(
            timetable_number=number,
            starts_at=NOON,
            ends_at=NOON + HOUR,
            resource_id=happening,
        )
    )
    people = [await new_person(tx) for _ in range(3)]
    rows = [await ask(tx, happening, person, wait=True) for person in people]
    held = await lock_resource(tx, happening)
    gone = await cancel_all(tx, held, by_id=people[0].id, why="台风", now=NOW)
    assert [row.id for row in gone] == [row.id for row in rows]
    assert await states(tx, *rows) == ["cancelled"] * 3
    assert await taken(tx, happening) == 0
    assert await spans(tx, teacher.id) == []
    assert await spans(tx, people[1].id) == []
    assert (await stored(tx, rows[2].id)).cancel_reason == "台风"


@pytest.mark.parametrize("hand_on", [True, False])
async def test_several_are_cancelled_before_anything_is_handed_on(
    tx: Tx, town: Town, *, hand_on: bool
) -> None:
    one, other = [
        await new_happening(tx, town.place(1, 1), 1, waitlist=OPEN_LIST) for _ in range(2)
    ]
    waiting = await new_person(tx)
    a = await ask(tx, one, await new_person(tx))
    b = await ask(tx, other, await new_person(tx))
    c = await ask(tx, one, waiting, wait=True)
    d = await ask(tx, other, waiting, wait=True)
    several = await lock_registrations(tx, [a.id, b.id])
    why = "停电"
    await cancel_each(tx, several, by_id=None, by_staff=True, why=why, now=NOW, hand_on=hand_on)
    first = "confirmed" if hand_on else "waitlisted"
    assert await states(tx, a, b, c, d) == ["cancelled", "cancelled", first, "waitlisted"]
