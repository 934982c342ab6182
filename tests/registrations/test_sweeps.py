"""What time does to many registrations: each once, and one that fails stops no other."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.registrations import sweeps
from neighborhood_api.registrations.draws import new_draw
from neighborhood_api.registrations.ending import pass_time
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.queries import RegistrationRow
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
    states,
    stored,
    taken,
)
from tests.support.places import Town

HOUR = timedelta(hours=1)
OPEN_LIST = {"longest": 9}


async def test_everything_due_ends_once_however_often_it_is_swept(
    tx: Tx, town: Town, rolled_back: Database
) -> None:
    place = town.place(1, 1)
    held = await ask(tx, await new_thing(tx, place), await new_person(tx), hold=True)
    missed = await ask(tx, await new_thing(tx, place, check_in=True), await new_person(tx))
    done = await ask(tx, await new_thing(tx, place), await new_person(tx))
    pending = await ask(tx, await new_thing(tx, place, approval=True), await new_person(tx))
    await tx.commit()
    rows = (held, missed, done, pending)
    assert await sweeps.end_due(rolled_back, now=NOW) == 0
    assert await sweeps.end_due(rolled_back, now=NOON + HOUR) == 4
    assert await sweeps.end_due(rolled_back, now=NOON + HOUR) == 0
    assert await states(tx, *rows) == ["expired", "no_show", "completed", "expired"]
    assert [len(await acts(tx, row)) for row in rows] == [2, 2, 2, 2]
    assert await announced(tx, "expired", registration_id=held.id) == 1


async def test_one_that_fails_does_not_stop_the_others_and_is_told(
    tx: Tx, town: Town, rolled_back: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = await new_thing(tx, town.place(1, 1), units=3)
    rows = [await ask(tx, thing, await new_person(tx), hold=True) for _ in range(3)]
    happening = await new_happening(tx, town.place(1, 1), 1, draw_at=NOW)  # without a seed
    await tx.commit()
    real: Any = pass_time

    async def failing(*of: Any, now: datetime) -> None:  # noqa: ANN401
        if of[2].id == rows[1].id:
            raise RuntimeError(of[2].id)
        await real(*of, now=now)

    monkeypatch.setattr(sweeps, "pass_time", failing)
    with pytest.raises(ExceptionGroup) as told:
        await sweeps.pass_all_time(rolled_back, now=NOW + HOUR)
    assert told.group_contains(RuntimeError, match=str(rows[1].id))
    assert told.group_contains(LookupError, match=str(happening))
    assert await states(tx, *rows) == ["expired", "held", "expired"]
    monkeypatch.undo()
    its = update(Resource).where(Resource.id == happening)
    await tx.execute(its.values(cancelled_at=NOW))
    await tx.commit()
    await sweeps.pass_all_time(rolled_back, now=NOW + HOUR)
    assert await states(tx, rows[1]) == ["expired"]


async def test_lots_are_drawn_when_their_time_has_come(
    tx: Tx, town: Town, rolled_back: Database
) -> None:
    happening = await new_happening(tx, town.place(1, 1), 1, draw_at=NOW + HOUR)
    tx.add(new_draw(happening))
    rows = [await ask(tx, happening, await new_person(tx)) for _ in range(2)]
    await tx.commit()
    assert await sweeps.draw_due(rolled_back, now=NOW) == 0
    assert await sweeps.draw_due(rolled_back, now=NOW + HOUR) == 1
    assert await sweeps.draw_due(rolled_back, now=NOW + HOUR) == 0
    assert sorted(await states(tx, *rows)) == ["confirmed", "waitlisted"]
    assert await announced(tx, "draw_done", resource_id=happening) == 1


async def test_who_came_free_again_is_given_what_is_free(
    tx: Tx, town: Town, rolled_back: Database
) -> None:
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist=OPEN_LIST)
    thing, busy = await new_thing(tx, town.place(1, 1)), await new_person(tx)
    a = await ask(tx, happening, await new_person(tx))
    waits = await ask(tx, happening, busy, wait=True)
    elsewhere = await ask(tx, thing, busy)
    await give_up(tx, a)
    await tx.commit()
    await sweeps.hand_on_due(rolled_back, now=NOW)
    assert await states(tx, waits) == ["waitlisted"]
    await give_up(tx, elsewhere)
    await tx.commit()
    await sweeps.hand_on_due(rolled_back, now=NOW)
    assert await states(tx, waits) == ["confirmed"]
    assert await taken(tx, happening) == 1
    assert await sweeps.hand_on_due(rolled_back, now=NOW) == 0


@pytest.mark.parametrize(("minutes", "times"), [(61, 0), (60, 1), (1, 1), (0, 0)])
async def test_what_begins_soon_is_announced_once(
    tx: Tx, town: Town, rolled_back: Database, *, minutes: int, times: int
) -> None:
    row = await booked(tx, town)
    for _ in range(2):
        now = NOON - timedelta(minutes=minutes)
        await sweeps.remind_due(rolled_back, now=now)
    assert await announced(tx, "reminder_due", registration_id=row.id) == times
    left = (await stored(tx, row.id)).remind_at
    assert left == (NOON - HOUR if minutes > 60 else None)


async def test_nobody_is_reminded_of_what_she_gave_up(
    tx: Tx, town: Town, rolled_back: Database
) -> None:
    row = await booked(tx, town)
    await give_up(tx, row)
    await tx.commit()
    assert await sweeps.remind_due(rolled_back, now=NOON - HOUR / 2) == 0
    assert await announced(tx, "reminder_due", registration_id=row.id) == 0


async def booked(tx: Tx, town: Town) -> RegistrationRow:
    thing = await new_thing(tx, town.place(1, 1), remind_minutes=60)
    row = await ask(tx, thing, await new_person(tx))
    await tx.commit()
    return row
