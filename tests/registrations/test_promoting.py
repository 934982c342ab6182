"""The waitlist: in its order, without those whom it does not fit, and with fewer seats."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.deciding import accept_offer
from neighborhood_api.registrations.locking import lock_registration, lock_resource
from neighborhood_api.registrations.models import Resource, Unit
from neighborhood_api.registrations.promoting import (
    SeatsInUse,
    fill_freed,
    set_capacity,
    shrink,
)
from neighborhood_api.registrations.reasons import NothingFree
from neighborhood_api.registrations.wishes import Applicant
from tests.registrations.test_ending import check_in
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
    states,
    stored,
    taken,
)
from tests.support.places import Town
from tests.support.posts import phone_number

HOUR = timedelta(hours=1)
OPEN_LIST = {"longest": 9}


async def test_who_does_not_fit_keeps_her_place_in_the_queue(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 3, waitlist=OPEN_LIST)
    a = await ask(tx, happening, await new_person(tx), seats=2)
    b = await ask(tx, happening, await new_person(tx))
    three = await ask(tx, happening, await new_person(tx), seats=3, wait=True)
    one = await ask(tx, happening, await new_person(tx), wait=True)
    await give_up(tx, b)
    assert await states(tx, three, one) == ["waitlisted", "confirmed"]
    await give_up(tx, a)
    assert await states(tx, three) == ["waitlisted"]
    await give_up(tx, one)
    assert await states(tx, three) == ["confirmed"]
    assert (await stored(tx, three.id)).queued == three.number
    assert await taken(tx, happening) == 3


async def test_who_is_somewhere_else_is_passed_over_until_she_is_free(
    tx: Tx, town: Town
) -> None:
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist=OPEN_LIST)
    thing, busy = await new_thing(tx, town.place(1, 1)), await new_person(tx)
    a = await ask(tx, happening, await new_person(tx))
    waits = await ask(tx, happening, busy, wait=True)
    elsewhere = await ask(tx, thing, busy)
    await give_up(tx, a)
    assert await states(tx, waits) == ["waitlisted"]
    await give_up(tx, elsewhere)
    # A newcomer does not pass her, though nothing was freed here.
    late = await new_person(tx)
    with pytest.raises(NothingFree):
        await ask(tx, happening, late)
    assert await states(tx, waits) == ["confirmed"]


async def test_a_room_goes_to_who_waits_for_that_time(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), buffer_after_minutes=30, waitlist=OPEN_LIST)
    morning = await ask(tx, thing, await new_person(tx), starts_at=NOON - 4 * HOUR)
    noon = await ask(tx, thing, await new_person(tx))
    waits = [
        await ask(tx, thing, await new_person(tx), starts_at=start, wait=True)
        for start in (NOON - 4 * HOUR, NOON - HOUR, NOON, NOON + HOUR)
    ]
    await give_up(tx, noon)
    # Of those around noon the first who waited; with its buffer it leaves nothing to others.
    assert await states(tx, morning, *waits) == [
        "confirmed",
        "waitlisted",
        "confirmed",
        "waitlisted",
        "confirmed",
    ]


async def test_a_person_who_waits_twice_is_not_given_both(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), units=2, waitlist=OPEN_LIST)
    holders = [await ask(tx, thing, await new_person(tx), minutes=120) for _ in range(2)]
    person = await new_person(tx)
    early = await ask(tx, thing, person, wait=True)
    late = await ask(tx, thing, person, starts_at=NOON + HOUR / 2, wait=True)
    await tx.execute(update(Unit).where(Unit.resource_id == thing).values(active=False))
    for row in holders:
        await give_up(tx, row)
    assert await states(tx, early, late) == ["waitlisted", "waitlisted"]
    await tx.execute(update(Unit).where(Unit.resource_id == thing).values(active=True))
    await fill_freed(tx, await lock_resource(tx, thing), now=NOW)
    assert await states(tx, early, late) == ["confirmed", "waitlisted"]


async def test_a_waitlist_is_as_long_as_it_may_be_for_each_time(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), waitlist={"longest": 1})
    for start in (NOON, NOON + HOUR):
        await ask(tx, thing, await new_person(tx), starts_at=start)
        await ask(tx, thing, await new_person(tx), starts_at=start, wait=True)
    with pytest.raises(NothingFree) as refusal:
        await ask(tx, thing, await new_person(tx), wait=True)
    assert refusal.value.members["can_wait"] is False


async def test_an_offer_never_lasts_beyond_the_start(tx: Tx, town: Town) -> None:
    waitlist: dict[str, Any] = {"longest": 9, "offer_minutes": 60}
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist=waitlist)
    a = await ask(tx, happening, await new_person(tx))
    b = await ask(tx, happening, await new_person(tx), wait=True)
    await give_up(tx, a, now=NOON - HOUR / 2)
    offered = await stored(tx, b.id)
    assert (offered.state, offered.until, offered.due_at) == ("offered", NOON, NOON)


async def test_who_has_no_account_is_given_the_place_and_not_asked(tx: Tx, town: Town) -> None:
    asks = {"longest": 9, "offer_minutes": 30}
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist=asks)
    staff = await new_person(tx)
    first = await ask(tx, happening, await new_person(tx))
    guest = Applicant(None, guest_name="王五", guest_phone=phone_number())
    called = await ask(tx, happening, guest, wait=True, by_id=staff.id)
    person = await ask(tx, happening, await new_person(tx), wait=True)
    await give_up(tx, first)
    assert await states(tx, called, person) == ["confirmed", "waitlisted"]
    assert await acts(tx, called) == ["join_waitlist", "promote"]
    await give_up(tx, called, by_staff=True, why="来电取消")
    assert await states(tx, person) == ["offered"]


async def test_what_staff_put_on_the_waitlist_needs_no_approval_more(
    tx: Tx, town: Town
) -> None:
    for asks in (OPEN_LIST, {"longest": 9, "offer_minutes": 30}):
        thing = await new_thing(tx, town.place(1, 1), approval=True, waitlist=asks)
        staff = await new_person(tx)
        first = await ask(tx, thing, await new_person(tx))
        by_staff = await ask(tx, thing, await new_person(tx), wait=True, by_id=staff.id)
        await give_up(tx, first)
        if await states(tx, by_staff) == ["offered"]:
            resource, row = await lock_registration(tx, by_staff.id)
            await accept_offer(tx, resource, row, now=NOW)
        assert await states(tx, by_staff) == ["confirmed"]
        her_own = await ask(tx, thing, await new_person(tx), wait=True)
        await give_up(tx, by_staff)
        assert await states(tx, her_own) == ["pending" if asks is OPEN_LIST else "offered"]


async def test_nothing_is_handed_on_of_what_is_called_off_or_not_drawn(
    tx: Tx, town: Town
) -> None:
    for change in ({"cancelled_at": NOW}, {"draw_at": NOON}):
        happening = await new_happening(tx, town.place(1, 1), 1, waitlist=OPEN_LIST)
        a = await ask(tx, happening, await new_person(tx))
        b = await ask(tx, happening, await new_person(tx), wait=True)
        its = update(Resource).where(Resource.id == happening)
        await tx.execute(its.values(**change))
        await give_up(tx, a)
        assert await states(tx, b) == ["waitlisted"]


async def test_fewer_seats_send_the_latest_back_to_wait_before_all_others(
    tx: Tx, town: Town
) -> None:
    happening = await new_happening(tx, town.place(1, 1), 3, waitlist=OPEN_LIST)
    a, b, c = [await ask(tx, happening, await new_person(tx)) for _ in range(3)]
    d = await ask(tx, happening, await new_person(tx), wait=True)
    resource = await set_capacity(tx, await lock_resource(tx, happening), 1, now=NOW)
    assert (resource.capacity, resource.taken) == (1, 1)
    assert await states(tx, a, b, c, d) == ["confirmed", *["waitlisted"] * 3]
    assert await announced(tx, "place_lost", registration_id=b.id) == 1
    assert await acts(tx, c) == ["register", "demote"]
    assert await occupied(tx, c.id) == 0
    await set_capacity(tx, await lock_resource(tx, happening), 3, now=NOW)
    assert await states(tx, a, b, c, d) == [*["confirmed"] * 3, "waitlisted"]
    assert await taken(tx, happening) == 3


async def test_fewer_seats_end_holds_and_take_back_offers_and_pendings(
    tx: Tx, town: Town
) -> None:
    terms: dict[str, Any] = {"approval": True, "waitlist": {"longest": 9, "offer_minutes": 30}}
    happening = await new_happening(tx, town.place(1, 1), 4, **terms)
    asked = [await new_person(tx) for _ in range(6)]
    stays, gone, pending = [await ask(tx, happening, one) for one in asked[:3]]
    held = await ask(tx, happening, asked[3], hold=True)
    offered = await ask(tx, happening, asked[4], wait=True)
    await give_up(tx, gone)
    assert await states(tx, offered) == ["offered"]
    await set_capacity(tx, await lock_resource(tx, happening), 1, now=NOW)
    rows = (stays, pending, held, offered)
    assert await states(tx, *rows) == ["pending", "waitlisted", "expired", "waitlisted"]
    assert await taken(tx, happening) == 1


async def test_nobody_who_is_there_is_sent_away_by_fewer_seats(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 3)
    a, b, c = [await ask(tx, happening, await new_person(tx)) for _ in range(3)]
    for row in (a, c):
        await check_in(tx, row, NOON)
    with pytest.raises(SeatsInUse) as refusal:
        await shrink(tx, await lock_resource(tx, happening), 1, now=NOON)
    assert refusal.value.members == {"in_use": 2}
    assert await states(tx, a, c) == ["checked_in", "checked_in"]
    assert (await stored(tx, b.id)).starts_at == NOON
