"""Who gets a unit or a seat, waits, or is told why not."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.ending import cancel
from neighborhood_api.registrations.granting import UnitNotFound
from neighborhood_api.registrations.locking import (
    PersonGone,
    ResourceNotFound,
    lock_registration,
)
from neighborhood_api.registrations.models import Occupation, Resource
from neighborhood_api.registrations.reasons import (
    WAIVABLE,
    AlreadyRegistered,
    NothingFree,
    NotOpen,
    OverlapsOwnBooking,
    QuotaExceeded,
    WishNotPossible,
    reason,
)
from neighborhood_api.registrations.states import State
from neighborhood_api.registrations.wishes import Applicant
from neighborhood_api.registrations.writing import timetable_numbers
from tests.registrations.things import (
    NOON,
    NOW,
    acts,
    announced,
    ask,
    codes,
    give_up,
    new_happening,
    new_person,
    new_thing,
    occupied,
    spans,
    states,
    stored,
    taken,
)
from tests.support.places import Town

HOUR = timedelta(hours=1)


async def test_two_units_serve_two_at_once_and_the_third_is_refused(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), units=2)
    first = await ask(tx, thing, await new_person(tx))
    second = await ask(tx, thing, await new_person(tx))
    with pytest.raises(NothingFree) as refusal:
        await ask(tx, thing, await new_person(tx))
    assert {first.unit_id, second.unit_id} != {None}
    assert first.unit_id != second.unit_id
    assert refusal.value.members["reasons"] == [
        {"code": "taken", "message": "这个时段已被预约，请另选时间"}
    ]
    assert refusal.value.body().message == "名额已满，请另选时间"
    assert await states(tx, first, second) == [State.CONFIRMED, State.CONFIRMED]


async def test_buffers_keep_uses_apart(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), buffer_after_minutes=15)
    await ask(tx, thing, await new_person(tx))
    with pytest.raises(NothingFree):
        await ask(tx, thing, await new_person(tx), starts_at=NOON + HOUR)
    later = NOON + HOUR + timedelta(minutes=15)
    row = await ask(tx, thing, await new_person(tx), starts_at=later)
    assert await occupied(tx, row.id) == 2


async def test_a_person_is_never_in_two_places(tx: Tx, town: Town) -> None:
    one, other = [await new_thing(tx, town.place(1, 1)) for _ in range(2)]
    person = await new_person(tx)
    await ask(tx, one, person)
    with pytest.raises(OverlapsOwnBooking):
        await ask(tx, other, person, starts_at=NOON + HOUR / 2)
    await ask(tx, other, person, starts_at=NOON + HOUR)


async def test_seats_are_counted_and_the_rest_waits_in_order(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 2, waitlist={"longest": 2})
    first, second, third, fourth, fifth = [await new_person(tx) for _ in range(5)]
    a = await ask(tx, happening, first)
    b = await ask(tx, happening, second)
    with pytest.raises(NothingFree) as refusal:
        await ask(tx, happening, third)
    assert refusal.value.members["can_wait"] is True
    assert refusal.value.body().message == "名额已满，请另选时间或加入候补"
    c = await ask(tx, happening, third, wait=True)
    d = await ask(tx, happening, fourth, wait=True)
    with pytest.raises(NothingFree):
        await ask(tx, happening, fifth, wait=True)
    with pytest.raises(AlreadyRegistered):
        await ask(tx, happening, fourth, wait=True)
    resource, row = await lock_registration(tx, b.id)
    await cancel(tx, resource, row, by_id=second.id, by_staff=False, why=None, now=NOW)
    assert await states(tx, a, b, c, d) == ["confirmed", "cancelled", "confirmed", "waitlisted"]
    assert await taken(tx, happening) == 2
    assert (await stored(tx, c.id)).queued == c.number


async def test_a_freed_place_is_offered_and_goes_on_when_nobody_answers(
    tx: Tx, town: Town
) -> None:
    waitlist: dict[str, Any] = {"longest": 5, "offer_minutes": 30}
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist=waitlist)
    people = [await new_person(tx) for _ in range(4)]
    a = await ask(tx, happening, people[0])
    b = await ask(tx, happening, people[1], wait=True)
    c = await ask(tx, happening, people[2], wait=True)
    resource, row = await lock_registration(tx, a.id)
    await cancel(tx, resource, row, by_id=people[0].id, by_staff=False, why=None, now=NOW)
    assert await states(tx, b, c) == ["offered", "waitlisted"]
    with pytest.raises(NothingFree):
        await ask(tx, happening, people[3])
    later = NOW + timedelta(minutes=31)
    with pytest.raises(NothingFree):
        await ask(tx, happening, people[3], now=later)
    assert await states(tx, b, c) == ["expired", "offered"]
    assert await taken(tx, happening) == 1


async def test_a_hold_keeps_the_slot_until_it_runs_out(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), hold_minutes=5)
    held = await ask(tx, thing, await new_person(tx), hold=True)
    with pytest.raises(NothingFree):
        await ask(tx, thing, await new_person(tx))
    row = await ask(tx, thing, await new_person(tx), now=NOW + timedelta(minutes=5))
    assert await states(tx, held, row) == ["expired", "confirmed"]


async def test_quotas_count_over_the_venue_and_say_the_numbers(tx: Tx, town: Town) -> None:
    quota: dict[str, Any] = {"owner": "person", "window": "week", "limit": 2}
    venue = new_id()
    things = [
        await new_thing(tx, town.place(1, 1), group_id=venue, quotas=[quota]) for _ in range(3)
    ]
    person = await new_person(tx)
    for n, thing in enumerate(things[:2]):
        await ask(tx, thing, person, starts_at=NOON + n * HOUR)
    with pytest.raises(QuotaExceeded) as refusal:
        await ask(tx, things[2], person, starts_at=NOON + 2 * HOUR)
    reasons: Any = refusal.value.members["reasons"]
    (why,) = reasons
    assert (why["limit"], why["used"], why["asked"]) == (2, 2, 1)
    assert why["message"] == "每人每周最多2次，已有2次"
    await ask(tx, things[2], person, starts_at=NOON + timedelta(days=7))


async def test_every_violated_rule_is_named_at_once(tx: Tx, town: Town) -> None:
    quota: dict[str, Any] = {"owner": "person", "window": "day", "limit": 1}
    group = new_id()
    thing = await new_thing(
        tx, town.place(1, 1), group_id=group, quotas=[quota], largest_party=3
    )
    other = await new_thing(tx, town.place(1, 1), group_id=group)
    person = await new_person(tx)
    await ask(tx, other, person)
    await ask(tx, thing, await new_person(tx))
    also = [reason("too_soon", "太晚")]
    with pytest.raises(WishNotPossible) as refusal:
        await ask(tx, thing, person, seats=4, wait=True, also=also)
    assert codes(refusal.value) == [
        "too_soon",
        "party_too_large",
        "overlaps_own_booking",
        "quota_exceeded",
        "taken",
        "waitlist_full",
    ]
    assert refusal.value.members["can_wait"] is False


async def test_staff_set_aside_what_may_be_but_not_what_others_have(tx: Tx, town: Town) -> None:
    quota: dict[str, Any] = {"owner": "person", "window": "day", "limit": 1}
    thing = await new_thing(tx, town.place(1, 1), quotas=[quota])
    person, staff = await new_person(tx), await new_person(tx)
    await ask(tx, thing, person)
    waived = WAIVABLE | {"taken"}
    row = await ask(tx, thing, person, starts_at=NOON + HOUR, by_id=staff.id, waived=WAIVABLE)
    assert row.created_by_id == staff.id
    assert await states(tx, row) == ["confirmed"]
    with pytest.raises(NothingFree):
        await ask(tx, thing, await new_person(tx), by_id=staff.id, waived=waived)


async def test_a_closed_thing_takes_nobody_new_but_keeps_its_promises(
    tx: Tx, town: Town
) -> None:
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist={"longest": 3})
    a = await ask(tx, happening, await new_person(tx))
    b = await ask(tx, happening, await new_person(tx), wait=True)
    its = update(Resource).where(Resource.id == happening)
    await tx.execute(its.values(open=False))
    with pytest.raises(NotOpen):
        await ask(tx, happening, await new_person(tx), wait=True)
    await give_up(tx, a)
    assert await states(tx, a, b) == ["cancelled", "confirmed"]


async def test_who_teaches_then_cannot_attend(tx: Tx, town: Town) -> None:
    lesson = await new_happening(tx, town.place(1, 1), 3)
    person = await new_person(tx)
    numbers = await timetable_numbers(tx, [person.id])
    work: dict[str, Any] = {"starts_at": NOON - HOUR / 2, "ends_at": NOON + HOUR / 2}
    tx.add(Occupation(timetable_number=numbers[person.id], resource_id=lesson, **work))
    await tx.flush()
    thing = await new_thing(tx, town.place(1, 1))
    with pytest.raises(OverlapsOwnBooking) as refusal:
        await ask(tx, thing, person)
    assert codes(refusal.value) == ["overlaps_own_booking"]
    await ask(tx, thing, person, starts_at=NOON + HOUR / 2)


async def test_a_child_is_not_in_two_places_whoever_registers_it(tx: Tx, town: Town) -> None:
    thing, other = [await new_thing(tx, town.place(1, 1), units=2) for _ in range(2)]
    mother, father, child = await new_person(tx), await new_person(tx), new_id()
    await ask(tx, thing, Applicant(mother.id, participant_id=child))
    for room, refusal in ((thing, AlreadyRegistered), (other, OverlapsOwnBooking)):
        with pytest.raises(refusal):
            await ask(tx, room, Applicant(father.id, participant_id=child))
    await ask(tx, other, father)


async def test_several_children_of_one_guardian_come_at_once(tx: Tx, town: Town) -> None:
    quota: dict[str, Any] = {"owner": "person", "window": "week", "limit": 1}
    happening = await new_happening(tx, town.place(1, 1), 3, quotas=[quota])
    mother = await new_person(tx)
    children = [Applicant(mother.id, participant_id=new_id()) for _ in range(2)]
    everybody: list[Applicant | Person] = [*children, mother]
    rows = [await ask(tx, happening, who) for who in everybody]
    assert await states(tx, *rows) == ["confirmed"] * 3
    assert await spans(tx, children[0].who_id or mother.id) == [(NOON, NOON + HOUR)]


async def test_what_happens_once_is_had_at_its_own_time(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 2)
    row = await ask(tx, happening, await new_person(tx), starts_at=NOON + 9 * HOUR)
    assert (row.starts_at, row.ends_at) == (NOON, NOON + HOUR)


async def test_more_than_there_are_seats_never_wait_in_vain(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 2, waitlist={"longest": 3})
    with pytest.raises(WishNotPossible) as refusal:
        await ask(tx, happening, await new_person(tx), seats=3, wait=True)
    assert codes(refusal.value) == ["party_too_large"]


async def test_a_person_who_became_another_registers_no_more(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1))
    one, other = await new_person(tx), await new_person(tx)
    one.merged_into_id = other.id
    await tx.flush()
    with pytest.raises(PersonGone):
        await ask(tx, thing, one)
    with pytest.raises(ResourceNotFound):
        await ask(tx, new_id(), other)


async def test_a_unit_is_chosen_or_unknown(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), units=2)
    first = await ask(tx, thing, await new_person(tx))
    with pytest.raises(NothingFree):
        await ask(tx, thing, await new_person(tx), unit_id=first.unit_id)
    with pytest.raises(UnitNotFound):
        await ask(tx, thing, await new_person(tx), unit_id=new_id())
    second = await ask(tx, thing, await new_person(tx))
    assert second.unit_id not in (None, first.unit_id)


async def test_what_staff_ask_for_needs_no_approval(tx: Tx, town: Town) -> None:
    for blocks in (True, False):
        thing = await new_thing(
            tx, town.place(1, 1), units=2, approval=True, pending_blocks=blocks
        )
        staff = await new_person(tx)
        own = await ask(tx, thing, await new_person(tx))
        theirs = await ask(tx, thing, await new_person(tx), by_id=staff.id)
        assert await states(tx, own, theirs) == ["pending", "confirmed"]
        assert await occupied(tx, own.id) == (2 if blocks else 0)


async def test_history_event_and_reminder_come_with_a_booking(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), remind_minutes=60)
    row = await ask(tx, thing, await new_person(tx), purpose="合唱")
    kept = await stored(tx, row.id)
    assert (kept.remind_at, kept.due_at, kept.purpose) == (NOON - HOUR, NOON + HOUR, "合唱")
    assert await acts(tx, row) == ["register"]
    assert await announced(tx, "registered", registration_id=row.id, state="confirmed") == 1
    guest = Applicant(None, guest_name="王阿姨", guest_phone="0752-1234567")
    other = await ask(tx, thing, guest, starts_at=NOON + HOUR)
    assert (await stored(tx, other.id)).who_id == other.id
    assert await occupied(tx, other.id) == 1
