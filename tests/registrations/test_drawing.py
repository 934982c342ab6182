"""Seats drawn by lot: anyone can recompute who has one."""

from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, update

from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.deciding import reject
from neighborhood_api.registrations.drawing import DRAW, draw
from neighborhood_api.registrations.draws import Draw, commitment_of, in_drawn_order, new_draw
from neighborhood_api.registrations.locking import lock_registration, lock_resource
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.promoting import set_capacity
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.reasons import NothingFree
from neighborhood_api.registrations.wishes import Applicant
from tests.registrations.things import (
    NOW,
    acts,
    announced,
    ask,
    give_up,
    new_happening,
    new_person,
    new_thing,
    states,
    stored,
    taken,
)
from tests.support.places import Town

HOUR = timedelta(hours=1)
OPEN_LIST = {"longest": 9}
DRAW_AT = NOW + HOUR


async def entered(
    tx: Tx, town: Town, capacity: int, seats: tuple[int, ...], *, approval: bool = False
) -> tuple[Draw, list[RegistrationRow]]:
    happening = await new_happening(
        tx, town.place(1, 1), capacity, draw_at=DRAW_AT, waitlist=OPEN_LIST, approval=approval
    )
    lot = new_draw(happening)
    tx.add(lot)
    await tx.flush()
    rows = [await ask(tx, happening, await new_person(tx), seats=count) for count in seats]
    return lot, rows


async def drawn(tx: Tx, lot: Draw) -> None:
    resource = await lock_resource(tx, lot.resource_id)
    await draw(tx, resource, now=DRAW_AT)


def recomputed(seed: str, numbers: list[int]) -> list[int]:
    """As the published rule says, without our code."""
    return sorted(numbers, key=lambda n: sha256(f"{seed}:{n}".encode()).hexdigest())


def test_the_order_follows_from_the_seed_alone() -> None:
    order = [lot.number for lot in in_drawn_order("7", range(100, 140))]
    assert order == recomputed("7", list(range(100, 140)))
    assert order == [lot.number for lot in in_drawn_order("7", reversed(range(100, 140)))]
    assert order != [lot.number for lot in in_drawn_order("8", range(100, 140))]


async def test_a_seed_is_promised_before_and_kept(tx: Tx, town: Town) -> None:
    lot, _ = await entered(tx, town, 1, (1,))
    assert lot.commitment == commitment_of(lot.seed) == sha256(lot.seed.encode()).hexdigest()
    assert len(lot.seed) == 64
    await drawn(tx, lot)
    after = await DRAW.first(tx, id=lot.resource_id)
    assert after is not None
    assert (after.seed, after.commitment, after.drawn_at) == (lot.seed, lot.commitment, DRAW_AT)


async def test_whom_the_lot_puts_first_has_a_seat_and_the_others_wait_in_its_order(
    tx: Tx, town: Town
) -> None:
    lot, rows = await entered(tx, town, 3, (1,) * 8)
    assert await states(tx, *rows) == ["entered"] * 8
    assert await taken(tx, lot.resource_id) == 0
    await drawn(tx, lot)
    by_number = {row.number: row for row in rows}
    order = [by_number[n] for n in recomputed(lot.seed, list(by_number))]
    assert await states(tx, *order) == ["confirmed"] * 3 + ["waitlisted"] * 5
    assert [(await stored(tx, row.id)).queued for row in order] == list(range(1, 9))
    assert await taken(tx, lot.resource_id) == 3
    assert await announced(tx, "draw_done", resource_id=lot.resource_id, winners=3) == 1
    assert await acts(tx, order[0]) == ["enter_draw", "draw"]
    # From now on as with any other: who comes later waits behind all who were drawn.
    with pytest.raises(NothingFree):
        await ask(tx, lot.resource_id, await new_person(tx))
    late = await ask(tx, lot.resource_id, await new_person(tx), wait=True)
    await give_up(tx, order[0])
    assert await states(tx, order[3], order[4], late) == [
        "confirmed",
        "waitlisted",
        "waitlisted",
    ]
    await drawn(tx, lot)
    assert await announced(tx, "draw_done", resource_id=lot.resource_id) == 1


async def test_whom_the_lot_puts_first_waits_for_approval_where_it_is_needed(
    tx: Tx, town: Town
) -> None:
    lot, rows = await entered(tx, town, 2, (1,) * 4, approval=True)
    await drawn(tx, lot)
    by_number = {row.number: row for row in rows}
    order = [by_number[n] for n in recomputed(lot.seed, list(by_number))]
    assert await states(tx, *order) == ["pending"] * 2 + ["waitlisted"] * 2
    assert await taken(tx, lot.resource_id) == 2
    assert await announced(tx, "draw_done", resource_id=lot.resource_id, winners=2) == 1
    resource, first = await lock_registration(tx, order[0].id)
    staff = await new_person(tx)
    await reject(tx, resource, first, by_id=staff.id, why="不符合条件", now=DRAW_AT)
    assert await states(tx, *order) == ["rejected", "pending", "pending", "waitlisted"]


async def test_who_won_and_loses_the_seat_again_waits_before_who_did_not_win(
    tx: Tx, town: Town
) -> None:
    lot, rows = await entered(tx, town, 2, (1,) * 4)
    await drawn(tx, lot)
    by_number = {row.number: row for row in rows}
    order = [by_number[n] for n in recomputed(lot.seed, list(by_number))]
    await set_capacity(tx, await lock_resource(tx, lot.resource_id), 1, now=DRAW_AT)
    assert await states(tx, *order) == ["confirmed", *["waitlisted"] * 3]
    await give_up(tx, order[0])
    assert await states(tx, *order[1:]) == ["confirmed", "waitlisted", "waitlisted"]


async def test_seats_that_are_left_go_to_the_next_whom_they_fit(tx: Tx, town: Town) -> None:
    lot, rows = await entered(tx, town, 3, (2, 2, 2, 1))
    await drawn(tx, lot)
    by_number = {row.number: row for row in rows}
    left, expected = 3, {}
    for number in recomputed(lot.seed, list(by_number)):
        wins = by_number[number].seats <= left
        left -= by_number[number].seats * wins
        expected[number] = "confirmed" if wins else "waitlisted"
    assert await states(tx, *rows) == [expected[row.number] for row in rows]
    assert await taken(tx, lot.resource_id) == 3


async def test_who_is_somewhere_else_by_then_waits(tx: Tx, town: Town) -> None:
    lot, (row,) = await entered(tx, town, 1, (1,))
    person = (await stored(tx, row.id)).person_id
    await ask(tx, await new_thing(tx, town.place(1, 1)), Applicant(person))
    await drawn(tx, lot)
    assert await states(tx, row) == ["waitlisted"]
    assert await taken(tx, lot.resource_id) == 0


async def test_nothing_is_drawn_too_early_when_called_off_or_without_a_seed(
    tx: Tx, town: Town
) -> None:
    lot, (row,) = await entered(tx, town, 1, (1,))
    resource = await lock_resource(tx, lot.resource_id)
    await draw(tx, resource, now=DRAW_AT - timedelta(seconds=1))
    its = update(Resource).where(Resource.id == lot.resource_id)
    await tx.execute(its.values(cancelled_at=NOW))
    await drawn(tx, lot)
    assert await states(tx, row) == ["entered"]
    other = await new_happening(tx, town.place(1, 1), 1, draw_at=DRAW_AT)
    with pytest.raises(LookupError):
        await draw(tx, await lock_resource(tx, other), now=DRAW_AT)
    drawn_at = select(Draw.drawn_at).where(Draw.resource_id == lot.resource_id)
    assert (await tx.scalars(drawn_at)).all() == [None]
