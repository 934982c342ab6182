"""Coming and leaving: by the sign at the door, by staff, and without a booking."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.grid.models import Confirmation, Residence
from neighborhood_api.grid.residences.models import ResidenceRules
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.histories import CheckIn, Strike
from neighborhood_api.registrations.models import Registration
from neighborhood_api.schedules.openings.models import OpeningRule
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import TUESDAY, at, book, new_room

NEARBY = {"longitude": 114.2826, "latitude": 23.1689, "coordinate_system": "wgs84"}
FAR = NEARBY | {"latitude": 23.1789}


@pytest.fixture
async def room(tx: Tx, venue: Venue) -> RoomRow:
    """One must check in: from a quarter of an hour before to one after the start."""
    room = await new_room(tx, venue, check_in=True, notice_minutes=0)
    await tx.commit()
    return room


@pytest.fixture
async def code(tx: Tx, room: RoomRow) -> str:
    return (await tx.get_one(Room, room.id)).qr_code


def scan(code: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"id": str(new_id()), "code": code, "position": NEARBY} | changes


async def booked(caller: Caller, room: RoomRow, start: float = 14, end: float = 15) -> str:
    answer = await book(caller, room, start, end)
    assert answer.status_code == 200, answer.text
    booking_id: str = answer.json()["id"]
    return booking_id


async def test_the_sign_checks_in_what_one_has_there_and_twice_is_once(
    resident: Caller, room: RoomRow, code: str, clock: Clock, tx: Tx
) -> None:
    booking_id = await booked(resident, room)
    clock.now = at(13.8)
    body = scan(code, device_at=at(13.8).isoformat())
    for _ in range(2):
        answer = await resident.post("/check-ins", json=body)
        assert answer.status_code == 200, answer.text
        (shown,) = answer.json()["items"]
        assert (shown["id"], shown["state"]) == (booking_id, "checked_in")
    (line,) = (await tx.scalars(select(CheckIn))).all()
    assert (line.flags, line.method, str(line.registration_id)) == ([], "qr", booking_id)
    assert line.distance_metres == pytest.approx(0, abs=1)


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"position": FAR}, ["far_away"]),
        ({"position": None}, ["no_position"]),
        ({"accuracy_metres": 500}, ["vague_position"]),
        ({"device_at": at(13).isoformat(), "position": FAR}, ["clock_off", "far_away"]),
    ],
)
async def test_what_is_strange_is_flagged_and_not_refused(
    resident: Caller,
    room: RoomRow,
    code: str,
    clock: Clock,
    tx: Tx,
    changes: dict[str, Any],
    flags: list[str],
) -> None:
    await booked(resident, room)
    clock.now = at(14)
    answer = await resident.post("/check-ins", json=scan(code, **changes))
    assert answer.status_code == 200, answer.text
    assert (await tx.scalars(select(CheckIn.flags))).one() == flags


async def test_too_early_says_from_when_on(
    resident: Caller, room: RoomRow, code: str, clock: Clock
) -> None:
    await booked(resident, room)
    clock.now = at(13)
    problem = refused(
        await resident.post("/check-ins", json=scan(code)), 409, "too_early_to_check_in"
    )
    assert problem["opens_at"] == at(13.75).isoformat()


async def test_what_begins_on_another_day_is_not_in_the_way_of_a_walk_in(
    resident: Caller, room: RoomRow, code: str, clock: Clock
) -> None:
    assert (await book(resident, room, 14, 15, TUESDAY + timedelta(days=1))).is_success
    clock.now = at(14)
    refused(await resident.post("/check-ins", json=scan(code)), 409, "nothing_to_check_in")
    assert (await resident.post("/walk-ins", json=scan(code))).status_code == 200


async def test_one_may_check_in_before_midnight_to_what_begins_then(
    resident: Caller, room: RoomRow, code: str, clock: Clock, tx: Tx
) -> None:
    tx.add(OpeningRule(opening_id=room.opening_id, weekday=3, opens_minute=0, closes_minute=60))
    await tx.commit()
    booked_at = await book(resident, room, 0, 1, TUESDAY + timedelta(days=1))
    assert booked_at.status_code == 200, booked_at.text
    clock.now = at(23.5)
    refused(await resident.post("/check-ins", json=scan(code)), 409, "nothing_to_check_in")
    clock.now = at(23.8)
    (came,) = (await resident.post("/check-ins", json=scan(code))).json()["items"]
    assert (came["id"], came["state"]) == (booked_at.json()["id"], "checked_in")


async def test_without_a_booking_the_sign_says_so_and_an_unknown_sign_too(
    resident: Caller, callers: Callers, town: Town, room: RoomRow, code: str
) -> None:
    await booked(resident, room)
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    refused(await neighbour.post("/check-ins", json=scan(code)), 409, "nothing_to_check_in")
    refused(await resident.post("/check-ins", json=scan("nothing")), 404, "sign_unknown")


async def test_a_renewed_sign_makes_the_old_one_worthless(
    resident: Caller, worker: Caller, room: RoomRow, code: str, clock: Clock
) -> None:
    await booked(resident, room)
    clock.now = at(14)
    renewed = (await worker.post(f"/rooms/{room.id}/sign/renew")).json()["code"]
    assert (await worker.get(f"/rooms/{room.id}/sign")).json()["code"] == renewed
    refused(await resident.post("/check-ins", json=scan(code)), 404, "sign_unknown")
    assert (await resident.post("/check-ins", json=scan(renewed))).status_code == 200
    refused(await resident.get(f"/rooms/{room.id}/sign"), 403, "forbidden")


async def test_staff_check_in_and_out_and_the_rest_of_the_time_is_free(
    resident: Caller,
    worker: Caller,
    callers: Callers,
    town: Town,
    room: RoomRow,
    clock: Clock,
) -> None:
    booking_id = await booked(resident, room, 14, 16)
    clock.now = at(14)
    url = f"/bookings/{booking_id}"
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    elsewhere = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    for stranger in (resident, neighbour, elsewhere):
        answer = await stranger.post(f"{url}/check-in", json={"id": str(new_id())})
        refused(answer, 404, "registration_not_found")
    came = await worker.post(f"{url}/check-in", json={"id": str(new_id())})
    assert came.json()["state"] == "checked_in"
    clock.now = at(14.75)
    refused(await book(neighbour, room, 15, 16), 409, "room_taken")
    left = await resident.post(f"{url}/check-out", json={"id": str(new_id())})
    assert (left.json()["state"], left.json()["checked_out_at"]) == (
        "completed",
        at(14.75).isoformat(),
    )
    assert (await book(neighbour, room, 15, 16)).status_code == 200


async def test_an_id_that_was_sent_for_coming_is_not_taken_for_leaving(
    resident: Caller, room: RoomRow, worker: Caller, clock: Clock
) -> None:
    url = f"/bookings/{await booked(resident, room)}"
    clock.now = at(14)
    said = {"id": str(new_id())}
    assert (await worker.post(f"{url}/check-in", json=said)).status_code == 200
    refused(await resident.post(f"{url}/check-out", json=said), 422, "check_in_reused")
    assert (await resident.get(url)).json()["checked_out_at"] is None
    leaves = {"id": str(new_id())}
    for _ in range(2):
        left = await resident.post(f"{url}/check-out", json=leaves)
        assert left.json()["state"] == "completed"


async def test_after_the_end_nobody_is_checked_in(
    resident: Caller, room: RoomRow, worker: Caller, clock: Clock
) -> None:
    url = f"/bookings/{await booked(resident, room)}"
    clock.now = at(15)
    answer = await worker.post(f"{url}/check-in", json={"id": str(new_id())})
    problem = refused(answer, 409, "too_late_to_check_in")
    assert problem["message"] == "预约时间已过，不能再签到"


async def test_nobody_came_gives_a_strike_and_frees_the_rest(
    resident: Caller, worker: Caller, room: RoomRow, clock: Clock, tx: Tx
) -> None:
    booking_id = await booked(resident, room)
    url = f"/bookings/{booking_id}/mark-no-show"
    refused(await worker.post(url), 409, "not_in_that_state")
    clock.now = at(14.2)
    refused(await resident.post(url), 404, "registration_not_found")
    answer = await worker.post(url)
    assert answer.json()["state"] == "no_show"
    (strike,) = (await tx.scalars(select(Strike))).all()
    assert (strike.person_id, strike.reason) == (resident.person_id, "no_show")


async def test_a_walk_in_has_a_free_unit_until_the_end_of_the_slot(
    resident: Caller, callers: Callers, town: Town, code: str, clock: Clock, tx: Tx
) -> None:
    clock.now = at(14.2)
    answer = await resident.post("/walk-ins", json=scan(code, slots=2))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["state"], body["channel"]) == ("checked_in", "walk_in")
    assert (body["starts_at"], body["ends_at"]) == (at(14.2).isoformat(), at(15).isoformat())
    stored = await tx.get_one(Registration, body["id"])
    assert stored.checked_in_at == at(14.2)
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    refused(await neighbour.post("/walk-ins", json=scan(code)), 409, "room_taken")
    stranger = await callers.resident(town.place(1, 2, 1, 1))
    refused(await stranger.post("/walk-ins", json=scan(code)), 403, "not_for_your_place")


async def test_a_walk_in_that_is_sent_again_is_the_same(
    resident: Caller, callers: Callers, town: Town, code: str, clock: Clock, tx: Tx
) -> None:
    clock.now = at(14.2)
    body = scan(code, slots=2)
    first = (await resident.post("/walk-ins", json=body)).json()
    clock.forward(minutes=1)
    again = await resident.post("/walk-ins", json=body)
    assert (again.status_code, again.json()) == (200, first)
    assert len((await tx.scalars(select(Registration.id))).all()) == 1
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    refused(await neighbour.post("/walk-ins", json=body), 422, "check_in_reused")


async def test_a_walk_in_needs_an_open_room_for_the_whole_time(
    resident: Caller, code: str, clock: Clock
) -> None:
    clock.now = at(13)
    refused(await resident.post("/walk-ins", json=scan(code)), 409, "not_open_now")
    clock.now = at(11.75)
    refused(await resident.post("/walk-ins", json=scan(code, slots=2)), 409, "not_open_now")
    assert (await resident.post("/walk-ins", json=scan(code))).status_code == 200


async def test_a_walk_in_where_an_age_is_asked_for_says_her_month_of_birth(
    resident: Caller, venue: Venue, clock: Clock, tx: Tx
) -> None:
    room = await new_room(tx, venue, notice_minutes=0, audience={"youngest": 60})
    sign = (await tx.get_one(Room, room.id)).qr_code
    await tx.commit()
    clock.now = at(14.2)
    refused(await resident.post("/walk-ins", json=scan(sign)), 403, "not_for_you")
    young = scan(sign, birth_month="1990-05")
    problem = refused(await resident.post("/walk-ins", json=young), 403, "not_for_you")
    assert [one["code"] for one in problem["reasons"]] == ["too_young"]
    later = scan(sign, birth_month="2030-05")
    problem = refused(await resident.post("/walk-ins", json=later), 403, "not_for_you")
    assert [one["code"] for one in problem["reasons"]] == ["age_unknown"]
    assert "晚于" in problem["reasons"][0]["message"]
    old = scan(sign, birth_month="1950-05")
    assert (await resident.post("/walk-ins", json=old)).json()["state"] == "checked_in"


async def test_a_walk_in_is_no_way_around_the_rules_of_booking(
    resident: Caller, code: str, clock: Clock, tx: Tx, town: Town
) -> None:
    clock.now = at(14)
    problem = refused(
        await resident.post("/walk-ins", json=scan(code, slots=5)), 422, "wish_not_possible"
    )
    (why,) = problem["reasons"]
    assert (why["code"], why["longest_minutes"]) == ("too_long", 120)
    tx.add(ResidenceRules(district_id=town.at().id, book_confirmed_only=True))
    await tx.commit()
    unconfirmed = await resident.post("/walk-ins", json=scan(code, slots=4))
    refused(unconfirmed, 403, "residence_not_confirmed")
    home = await tx.get_one(Residence, resident.person_id)
    home.confirmed_at, home.confirmed_how = at(8), Confirmation.PHONE.value
    await tx.commit()
    assert (await resident.post("/walk-ins", json=scan(code, slots=4))).status_code == 200


async def test_who_is_there_already_is_checked_in_to_what_follows_once_it_is_open(
    resident: Caller, room: RoomRow, code: str, clock: Clock, tx: Tx
) -> None:
    first = await booked(resident, room, 14, 15)
    second = await booked(resident, room, 15, 16)

    async def scanned(body: dict[str, Any]) -> tuple[str, str]:
        answer = await resident.post("/check-ins", json=body)
        assert answer.status_code == 200, answer.text
        (shown,) = answer.json()["items"]
        return shown["id"], shown["state"]

    async def state(booking_id: str) -> str:
        shown: str = (await resident.get(f"/bookings/{booking_id}")).json()["state"]
        return shown

    came, stays, again = scan(code), scan(code), scan(code)
    clock.now = at(14)
    assert await scanned(came) == (first, "checked_in")
    assert await scanned(again) == (first, "checked_in")
    assert await state(second) == "confirmed"
    clock.now = at(14.75)
    assert await scanned(came) == (first, "checked_in")  # the same message as an hour ago
    assert await state(second) == "confirmed"
    for _ in range(2):
        assert await scanned(stays) == (second, "checked_in")
    assert [await state(one) for one in (first, second)] == ["checked_in"] * 2
    assert len((await tx.scalars(select(CheckIn.id))).all()) == 2


async def test_staff_read_in_the_history_what_was_strange_and_the_holder_does_not(
    resident: Caller, worker: Caller, room: RoomRow, code: str, clock: Clock
) -> None:
    booking_id = await booked(resident, room)
    clock.now = at(14)
    strange = scan(code, position=FAR, device_at=at(13).isoformat())
    assert (await resident.post("/check-ins", json=strange)).status_code == 200
    url = f"/bookings/{booking_id}/history"
    came = (await worker.get(url)).json()["items"][-1]
    assert (came["act"], came["flags"]) == ("check_in", ["clock_off", "far_away"])
    assert came["device_at"] == at(13).isoformat()
    own = (await resident.get(url)).json()["items"][-1]
    assert (own["act"], own["flags"], own["device_at"]) == ("check_in", None, None)
