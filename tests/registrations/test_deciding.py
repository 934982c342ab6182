"""Forms finished, approvals, offers, and other times or rooms."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations import deciding
from neighborhood_api.registrations.deciding import Final, HoldRanOut, NotInThatState
from neighborhood_api.registrations.ending import AlreadyEnded
from neighborhood_api.registrations.locking import lock_registration, lock_resources
from neighborhood_api.registrations.models import Resource, Unit
from neighborhood_api.registrations.policies import Terms, new_policy
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.reasons import (
    AlreadyRegistered,
    NothingFree,
    NothingToApprove,
    NotOpen,
    OverlapsOwnBooking,
    WishNotPossible,
)
from neighborhood_api.registrations.wishes import Applicant, Wish
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
MINUTE = timedelta(minutes=1)
OPEN_LIST = {"longest": 9}


async def finish(
    tx: Tx,
    row: RegistrationRow,
    *,
    seats: int = 1,
    minutes: int = 1,
) -> RegistrationRow:
    resource, fresh = await lock_registration(tx, row.id)
    final = Final(seats, "下棋")
    now = NOW + minutes * MINUTE
    who = Applicant(row.person_id)
    return await deciding.confirm_hold(tx, resource, fresh, who, final, now=now)


async def approve(tx: Tx, row: RegistrationRow) -> RegistrationRow:
    staff = await new_person(tx)
    resource, fresh = await lock_registration(tx, row.id)
    return await deciding.approve(tx, resource, fresh, by_id=staff.id, now=NOW)


async def accept(tx: Tx, row: RegistrationRow, *, minutes: int = 1) -> RegistrationRow:
    resource, fresh = await lock_registration(tx, row.id)
    return await deciding.accept_offer(tx, resource, fresh, now=NOW + minutes * MINUTE)


async def move(
    tx: Tx, row: RegistrationRow, wish: Wish, room: object = None
) -> RegistrationRow:
    there = room or row.resource_id
    locked = await lock_resources(tx, [row.resource_id, there])  # type: ignore[list-item]
    resource, fresh = await lock_registration(tx, row.id)
    pair = resource, locked[there]  # type: ignore[index]
    return await deciding.move(tx, pair, fresh, wish, now=NOW)


async def test_a_finished_form_is_a_booking_with_what_it_says(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1))
    person = await new_person(tx)
    held = await ask(tx, thing, person, hold=True)
    assert await spans(tx, person.id) == []
    done = await finish(tx, held, seats=4, minutes=4)
    kept = await stored(tx, held.id)
    assert (kept.state, kept.seats, kept.purpose, kept.until) == ("confirmed", 4, "下棋", None)
    assert (kept.unit_id, kept.version) == (held.unit_id, 2)
    assert await spans(tx, person.id) == [(NOON, NOON + HOUR)]
    assert await acts(tx, done) == ["hold", "confirm"]
    with pytest.raises(NotInThatState) as refusal:
        await finish(tx, held)
    assert refusal.value.members == {"state": "confirmed"}


async def test_a_hold_that_ran_out_is_no_booking(tx: Tx, town: Town) -> None:
    held = await ask(tx, await new_thing(tx, town.place(1, 1)), await new_person(tx), hold=True)
    with pytest.raises(HoldRanOut):
        await finish(tx, held, minutes=5)
    assert await states(tx, held) == ["held"]


async def test_a_form_cannot_say_more_than_there_is(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 3, largest_party=2)
    held = await ask(tx, happening, await new_person(tx), hold=True)
    await ask(tx, happening, await new_person(tx), seats=2)
    with pytest.raises(NothingFree) as full:
        await finish(tx, held, seats=2)
    assert full.value.members["reasons"] == [
        {"code": "full", "message": "3个名额已满", "capacity": 3, "left": 0}
    ]
    with pytest.raises(WishNotPossible):
        await finish(tx, held, seats=4)
    assert await taken(tx, happening) == 3


async def test_fewer_than_held_leaves_seats_to_those_who_wait(tx: Tx, town: Town) -> None:
    happening = await new_happening(tx, town.place(1, 1), 3, waitlist=OPEN_LIST)
    held = await ask(tx, happening, await new_person(tx), hold=True, seats=3)
    waits = await ask(tx, happening, await new_person(tx), wait=True)
    await finish(tx, held, seats=1)
    assert await states(tx, held, waits) == ["confirmed", "confirmed"]
    assert await taken(tx, happening) == 2


async def test_a_finished_form_waits_for_approval_where_it_is_needed(
    tx: Tx, town: Town
) -> None:
    thing = await new_thing(tx, town.place(1, 1), approval=True)
    row = await ask(tx, thing, await new_person(tx), hold=True)
    await finish(tx, row)
    assert await states(tx, row) == ["pending"]


async def test_what_waits_for_approval_blocks_its_time(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), approval=True)
    person = await new_person(tx)
    row = await ask(tx, thing, person)
    with pytest.raises(NothingFree):
        await ask(tx, thing, await new_person(tx))
    await approve(tx, row)
    assert await states(tx, row) == ["confirmed"]
    assert await spans(tx, person.id) == [(NOON, NOON + HOUR)]
    assert await announced(tx, "approved", registration_id=row.id) == 1


async def test_of_two_that_do_not_block_the_first_approved_has_it(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), approval=True, pending_blocks=False)
    one, other = await new_person(tx), await new_person(tx)
    first = await ask(tx, thing, one)
    second = await ask(tx, thing, other, starts_at=NOON + HOUR / 2)
    assert await occupied(tx, first.id) == 0
    await approve(tx, second)
    with pytest.raises(NothingToApprove) as refusal:
        await approve(tx, first)
    assert codes(refusal.value) == ["taken"]
    assert await states(tx, first, second) == ["pending", "confirmed"]
    with pytest.raises(NothingFree):  # what is had already is not even asked for
        await ask(tx, thing, await new_person(tx))
    assert await spans(tx, one.id) == []


async def test_an_approval_finds_its_time_free_of_a_hold_that_ran_out(
    tx: Tx, town: Town
) -> None:
    thing = await new_thing(tx, town.place(1, 1), approval=True, pending_blocks=False)
    row = await ask(tx, thing, await new_person(tx), now=NOW - HOUR)
    held = await ask(tx, thing, await new_person(tx), hold=True, now=NOW - HOUR)
    await approve(tx, row)
    assert await states(tx, row, held) == ["confirmed", "expired"]


async def test_nobody_is_approved_into_two_places(tx: Tx, town: Town) -> None:
    terms: dict[str, Any] = {"approval": True, "pending_blocks": False}
    thing = await new_thing(tx, town.place(1, 1), **terms)
    person = await new_person(tx)
    row = await ask(tx, thing, person)
    elsewhere = await new_thing(tx, town.place(1, 1))
    free = await ask(tx, elsewhere, person, starts_at=NOON + HOUR)
    await move(tx, free, Wish(NOON, NOON + HOUR, by_id=person.id))
    with pytest.raises(OverlapsOwnBooking):
        await approve(tx, row)


async def test_a_rejection_says_why_and_hands_the_time_on(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), approval=True, waitlist=OPEN_LIST)
    row = await ask(tx, thing, await new_person(tx))
    waits = await ask(tx, thing, await new_person(tx), wait=True)
    staff = await new_person(tx)
    resource, fresh = await lock_registration(tx, row.id)
    await deciding.reject(tx, resource, fresh, by_id=staff.id, why="用途不符", now=NOW)
    assert await states(tx, row, waits) == ["rejected", "pending"]
    assert (await stored(tx, row.id)).cancel_reason == "用途不符"
    assert await occupied(tx, row.id) == 0
    with pytest.raises(NotInThatState):
        await approve(tx, row)


async def test_a_pending_keeps_the_terms_it_was_made_under(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), approval=True, buffer_after_minutes=30)
    row = await ask(tx, thing, await new_person(tx))
    other = Terms(approval=True, pending_blocks=False)
    policy = await new_policy(tx, new_id(), other, by_id=None, now=NOW)
    await tx.execute(update(Resource).where(Resource.id == thing).values(policy_id=policy.id))
    with pytest.raises(NothingFree):
        await ask(tx, thing, await new_person(tx), starts_at=NOON + HOUR)
    await give_up(tx, row)
    assert await occupied(tx, row.id) == 0


async def test_an_offer_is_taken_or_declined_once(tx: Tx, town: Town) -> None:
    waitlist: dict[str, Any] = {"longest": 9, "offer_minutes": 30}
    happening = await new_happening(tx, town.place(1, 1), 2, waitlist=waitlist)
    a, b = [await ask(tx, happening, await new_person(tx)) for _ in range(2)]
    c, d, e = [await ask(tx, happening, await new_person(tx), wait=True) for _ in range(3)]
    await give_up(tx, a)
    await give_up(tx, b)
    assert await states(tx, c, d, e) == ["offered", "offered", "waitlisted"]
    await accept(tx, c, minutes=29)
    await give_up(tx, d)
    assert await states(tx, c, d, e) == ["confirmed", "cancelled", "offered"]
    assert await acts(tx, d) == ["join_waitlist", "offer", "decline"]
    with pytest.raises(AlreadyEnded):
        await give_up(tx, d)
    with pytest.raises(NotInThatState):
        await accept(tx, c)
    with pytest.raises(HoldRanOut):
        await accept(tx, e, minutes=30)
    assert await taken(tx, happening) == 2


async def test_an_offer_cannot_be_taken_from_two_places_at_once(tx: Tx, town: Town) -> None:
    waitlist: dict[str, Any] = {"longest": 9, "offer_minutes": 30}
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist=waitlist)
    thing, person = await new_thing(tx, town.place(1, 1)), await new_person(tx)
    a = await ask(tx, happening, await new_person(tx))
    b = await ask(tx, happening, person, wait=True)
    await give_up(tx, a)
    room = await ask(tx, thing, person)
    with pytest.raises(OverlapsOwnBooking):
        await accept(tx, b)
    await give_up(tx, room)
    await accept(tx, b)
    assert await states(tx, b, room) == ["confirmed", "cancelled"]


async def test_a_booking_moves_to_another_time_unit_and_room(tx: Tx, town: Town) -> None:
    one = await new_thing(tx, town.place(1, 1), units=2, waitlist=OPEN_LIST)
    other = await new_thing(tx, town.place(1, 1), buffer_before_minutes=15)
    person, staff = await new_person(tx), await new_person(tx)
    row = await ask(tx, one, person, seats=3)
    beside = await ask(tx, one, await new_person(tx))
    waits = await ask(tx, one, await new_person(tx), wait=True)
    later = Wish(NOON + HOUR / 2, NOON + 2 * HOUR, by_id=staff.id)
    await move(tx, row, later)
    assert await states(tx, row, beside, waits) == ["confirmed", "confirmed", "waitlisted"]
    await move(tx, row, Wish(NOON, NOON + HOUR, by_id=staff.id), other)
    moved = await stored(tx, row.id)
    assert (moved.resource_id, moved.starts_at, moved.seats) == (other, NOON, 3)
    assert await states(tx, waits) == ["confirmed"]
    assert await spans(tx, person.id) == [(NOON, NOON + HOUR)]
    assert await spans(tx, moved.unit_id or person.id) == [(NOON - HOUR / 4, NOON + HOUR)]
    assert await announced(tx, "moved", registration_id=row.id) == 2
    assert moved.policy_id != row.policy_id


async def test_a_move_is_refused_for_what_others_have_and_for_ones_own(
    tx: Tx, town: Town
) -> None:
    one, other = [await new_thing(tx, town.place(1, 1)) for _ in range(2)]
    person = await new_person(tx)
    row = await ask(tx, one, person)
    await ask(tx, one, await new_person(tx), starts_at=NOON + HOUR)
    there = await ask(tx, other, person, starts_at=NOON + 2 * HOUR)
    with pytest.raises(NothingFree):
        await move(tx, row, Wish(NOON + HOUR / 2, NOON + 1.5 * HOUR))
    with pytest.raises(OverlapsOwnBooking):
        await move(tx, row, Wish(NOON + 2.5 * HOUR, NOON + 3 * HOUR))
    with pytest.raises(AlreadyRegistered):
        await move(tx, row, Wish(there.starts_at, there.ends_at), other)
    assert (await stored(tx, row.id)).starts_at == NOON
    await give_up(tx, row)
    with pytest.raises(AlreadyEnded):
        await move(tx, row, Wish(NOON, NOON + HOUR))


async def test_a_party_that_moves_needs_seats_for_all(tx: Tx, town: Town) -> None:
    one, other = [await new_happening(tx, town.place(1, 1), 3) for _ in range(2)]
    row = await ask(tx, one, await new_person(tx), seats=3)
    small = await ask(tx, other, await new_person(tx))
    wish = Wish(NOON, NOON + HOUR, seats=1, by_id=small.person_id)
    with pytest.raises(NothingFree):
        await move(tx, row, wish, other)
    await give_up(tx, small)
    await move(tx, row, wish, other)
    assert (await taken(tx, one), await taken(tx, other)) == (0, 3)


async def test_what_staff_move_they_approve(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), approval=True)
    row = await ask(tx, thing, await new_person(tx))
    await move(tx, row, Wish(NOON + HOUR, NOON + 2 * HOUR, by_id=(await new_person(tx)).id))
    assert await states(tx, row) == ["confirmed"]


async def test_nobody_is_moved_to_what_takes_nothing_new_or_is_too_small(
    tx: Tx, town: Town
) -> None:
    one, closed = [await new_thing(tx, town.place(1, 1)) for _ in range(2)]
    small = await new_thing(tx, town.place(1, 1), largest_party=2)
    row = await ask(tx, one, await new_person(tx), seats=3)
    for thing in (one, closed):
        await tx.execute(update(Resource).where(Resource.id == thing).values(open=False))
    later = Wish(NOON + HOUR, NOON + 2 * HOUR)
    with pytest.raises(NotOpen):
        await move(tx, row, later, closed)
    with pytest.raises(WishNotPossible) as refusal:
        await move(tx, row, later, small)
    assert codes(refusal.value) == ["party_too_large"]
    await move(tx, row, later)  # what is booked there may change its time there
    assert (await stored(tx, row.id)).resource_id == one
    assert (await stored(tx, row.id)).starts_at == NOON + HOUR


async def test_what_is_booked_stays_booked_when_its_table_breaks(tx: Tx, town: Town) -> None:
    thing = await new_thing(tx, town.place(1, 1), units=2)
    held = await ask(tx, thing, await new_person(tx), hold=True)
    await tx.execute(update(Unit).where(Unit.id == held.unit_id).values(active=False))
    await finish(tx, held)
    other = await ask(tx, thing, await new_person(tx))
    assert (await stored(tx, held.id)).unit_id == held.unit_id != other.unit_id
    with pytest.raises(NothingFree):
        await ask(tx, thing, await new_person(tx))
