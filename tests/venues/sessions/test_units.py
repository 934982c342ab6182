"""A session takes its room whole, also the units that come into use later."""

from typing import Any
from uuid import UUID

from sqlalchemy import update

from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.models import Unit
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from tests.support.clock import Clock
from tests.support.people import Caller
from tests.support.refusals import refused
from tests.venues.arranging import TUESDAY, at, book, new_room
from tests.venues.sessions.arranging import added, busy_at

BUFFERS: dict[str, Any] = {"buffer_before_minutes": 10, "buffer_after_minutes": 10}
TAKEN = [(at(16.5 - 1 / 6), at(18 + 1 / 6))]


async def units_of(staff: Caller, room_id: object) -> dict[str, Any]:
    answer = await staff.get(f"/rooms/{room_id}")
    room: dict[str, Any] = answer.json()
    return room


async def test_a_new_unit_is_taken_by_the_sessions_to_come(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, units=("一",), **BUFFERS)
    await tx.commit()
    session = await added(worker, venue, room_id=str(room.id))
    seen = await units_of(worker, room.id)
    (one,) = seen["units"]
    twice = {"version": 1, "units": [one, one | {"name": "二"}]}
    answer = await worker.put(f"/rooms/{room.id}/units", json=twice)
    problem = refused(answer, 422, "invalid_request")
    assert "同一个台位只能填一次" in str(problem["errors"])
    body = {"version": 1, "units": [one, {"name": "二"}]}
    answer = await worker.put(f"/rooms/{room.id}/units", json=body)
    assert answer.status_code == 200, answer.text
    (_, new) = answer.json()["units"]
    assert await busy_at(tx, new["id"]) == TAKEN
    taken = await book(resident, room, 17, 18, unit_id=new["id"])
    refused(taken, 409, "room_taken")
    assert (await book(resident, room, 19, 20, unit_id=new["id"])).status_code == 200
    await worker.post(f"/sessions/{session['id']}/cancel", json={"reason": "停课"})
    assert len(await busy_at(tx, new["id"])) == 1


async def test_a_unit_out_of_use_is_left_and_taken_again_unless_it_is_booked_then(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, units=("一", "二"))
    await tx.commit()
    one, two = (await units_of(worker, room.id))["units"]
    booking = (await book(resident, room, 17, 18, unit_id=two["id"])).json()
    url = f"/rooms/{room.id}/units"
    off = {"version": 1, "units": [one, two | {"active": False}]}
    await tx.execute(update(Unit).where(Unit.id == UUID(two["id"])).values(active=False))
    await tx.execute(update(Room).where(Room.id == room.id).values(version=2))
    await tx.commit()
    await added(worker, venue, room_id=str(room.id))
    on = {"version": 2, "units": [one, two]}
    problem = refused(await worker.put(url, json=on), 409, "unit_taken")
    (clash,) = problem["clashes"]
    assert booking["code"] in clash["message"]
    assert clash["starts_at"] == at(17).isoformat()
    assert not (await units_of(worker, room.id))["units"][1]["active"]
    await resident.post(f"/bookings/{booking['id']}/cancel", json={})
    assert (await worker.put(url, json=on)).status_code == 200
    assert await busy_at(tx, two["id"]) == [(at(16.5), at(18))]
    assert (await worker.put(url, json=off | {"version": 3})).status_code == 200
    assert await busy_at(tx, two["id"]) == []
    assert await busy_at(tx, one["id"]) == [(at(16.5), at(18))]


async def test_what_is_over_or_called_off_takes_nothing_of_a_new_unit(
    worker: Caller, venue: Venue, tx: Tx, clock: Clock
) -> None:
    room = await new_room(tx, venue, units=("一",))
    await tx.commit()
    await added(worker, venue, 9, 1, room_id=str(room.id))
    off = await added(worker, venue, 15, 1, room_id=str(room.id))
    await worker.post(f"/sessions/{off['id']}/cancel", json={"reason": "停课"})
    await added(worker, venue, 10, 1, room_id=str(room.id))
    clock.now = at(10.5)  # one is over, one is under way
    seen = await units_of(worker, room.id)
    body = {"version": 1, "units": [*seen["units"], {"name": "二"}]}
    answer = await worker.put(f"/rooms/{room.id}/units", json=body)
    assert await busy_at(tx, answer.json()["units"][1]["id"]) == [(at(10), at(11))]


async def test_a_unit_that_is_booked_is_not_put_out_of_use_and_the_bookings_are_listed(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx, clock: Clock
) -> None:
    room = await new_room(tx, venue, units=("一", "二"))
    await tx.commit()
    one, two = (await units_of(worker, room.id))["units"]
    booking = (await book(resident, room, 17, 18, unit_id=two["id"])).json()
    url = f"/rooms/{room.id}/units"
    for units in ([one, two | {"active": False}], [one]):
        answer = await worker.put(url, json={"version": 1, "units": units})
        problem = refused(answer, 409, "unit_booked")
        (listed,) = problem["bookings"]
        assert (listed["booking_id"], listed["unit_name"]) == (booking["id"], "二")
        assert listed["starts_at"] == at(17).isoformat()
        assert (await units_of(worker, room.id))["units"][1]["active"]
    aside = {"unit_id": one["id"], "reason": "台位检修"}
    times = {name: booking[name] for name in ("starts_at", "ends_at")}
    moved = await worker.post(f"/bookings/{booking['id']}/move", json=times | aside)
    assert moved.json()["unit_name"] == "一"
    off = {"version": 1, "units": [one, two | {"active": False}]}
    assert (await worker.put(url, json=off)).status_code == 200
    clock.now = at(18)  # what is over is in nobody's way
    off = {"version": 2, "units": [one | {"active": False}, two]}
    assert (await worker.put(url, json=off)).status_code == 200


async def test_a_room_whose_units_are_all_out_of_use_says_so_and_nobody_waits_for_it(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, units=("一",), waitlist={"longest": 5})
    await tx.commit()
    (one,) = (await units_of(worker, room.id))["units"]
    off = {"version": 1, "units": [one | {"active": False}]}
    assert (await worker.put(f"/rooms/{room.id}/units", json=off)).status_code == 200
    for wait in (False, True):
        problem = refused(await book(resident, room, 17, 18, wait=wait), 409, "room_closed")
        assert problem["reasons"][0]["message"].startswith("台位停用")
        assert problem["can_wait"] is False
    shown = await resident.get(
        f"/rooms/{room.id}/availability", params={"from": str(TUESDAY), "to": str(TUESDAY)}
    )
    slots = shown.json()["days"][0]["slots"]
    assert {(slot["state"], slot["reason"]) for slot in slots} == {("closed", "台位停用")}
