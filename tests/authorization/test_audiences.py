"""Whom a room is for is asked when a slot is held, and once more when the form is finished."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from neighborhood_api.kit.db import Tx
from tests.support.clock import Clock, clock_of
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import TODAY, at, new_room, new_venue, wish

TIMES = {name: value for name, value in wish(14, 15).items() if name.endswith("_at")}
FORM = {"party_size": 2, "purpose": "练球"}


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        clock.now = at(8, TODAY)
        yield clock


async def test_a_hold_is_no_way_around_the_age_that_a_room_asks_for(
    callers: Callers, town: Town, clock: Clock, tx: Tx
) -> None:
    del clock
    room = await new_room(tx, await new_venue(tx, town.place(1, 1)), audience={"youngest": 60})
    await tx.commit()
    resident = await callers.resident(town.place(1, 1, 1, 1))
    held = await resident.post(f"/rooms/{room.id}/holds", json=TIMES)
    assert held.json()["state"] == "held", held.text
    url = f"/bookings/{held.json()['id']}"
    for form, code in ((FORM, "age_unknown"), (FORM | {"birth_month": "1990-05"}, "too_young")):
        problem = refused(await resident.post(f"{url}/confirm", json=form), 403, "not_for_you")
        assert [one["code"] for one in problem["reasons"]] == [code]
        assert (await resident.get(url)).json()["state"] == "held"
    done = await resident.post(f"{url}/confirm", json=FORM | {"birth_month": "1950-05"})
    assert done.json()["state"] == "confirmed", done.text


async def test_a_hold_is_no_way_for_who_has_moved_away_meanwhile(
    callers: Callers, town: Town, clock: Clock, tx: Tx
) -> None:
    del clock
    room = await new_room(tx, await new_venue(tx, town.place(1, 1)))
    await tx.commit()
    resident = await callers.resident(town.place(1, 1, 1, 1))
    held = await resident.post(f"/rooms/{room.id}/holds", json=TIMES)
    home = {"lane_id": str(town.at(1, 2, 1, 1).id), "address": "1号", "version": 1}
    moved = await resident.put("/me/residence", json=home)
    assert moved.status_code == 200, moved.text
    moved_in = await callers.person(resident.person_id)
    answer = await moved_in.post(f"/bookings/{held.json()['id']}/confirm", json=FORM)
    refused(answer, 403, "not_for_your_place")
