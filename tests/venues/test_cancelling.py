"""Bookings are given back, looked up and listed by those they concern."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.registrations.ending import cancel
from neighborhood_api.registrations.locking import lock_registration
from neighborhood_api.registrations.models import Registration
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import at, book, new_room


async def booked(caller: Caller, room: RoomRow, start: float, end: float) -> str:
    answer = await book(caller, room, start, end)
    assert answer.status_code == 200, answer.text
    booking_id: str = answer.json()["id"]
    return booking_id


async def test_the_holder_cancels_before_the_start_and_another_may_have_it(
    resident: Caller, callers: Callers, town: Town, room: RoomRow, tx: Tx
) -> None:
    booking_id = await booked(resident, room, 14, 15)
    answer = await resident.post(f"/bookings/{booking_id}/cancel", json={"reason": "下雨"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["state"], body["cancel_reason"], body["cancelled_by_staff"]) == (
        "cancelled",
        "下雨",
        False,
    )
    announced = select(OutboxRow.payload).where(OutboxRow.name == "registrations.cancelled")
    assert (await tx.scalars(announced)).one() == {
        "registration_id": booking_id,
        "resource_id": str(room.id),
        "kind": "room",
        "person_id": str(resident.person_id),
        "by_staff": False,
        "late": False,
    }
    neighbour = await callers.resident(town.place(1, 1, 2, 2))
    assert (await book(neighbour, room, 14, 15)).status_code == 200


async def test_a_booking_is_cancelled_once(resident: Caller, room: RoomRow, tx: Tx) -> None:
    url = f"/bookings/{await booked(resident, room, 14, 15)}/cancel"
    key = {"Idempotency-Key": "cancel-1"}
    first = await resident.post(url, json={}, headers=key)
    retried = await resident.post(url, json={}, headers=key)
    again = await resident.post(url, json={})
    assert retried.json() == first.json()
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")
    told = select(OutboxRow.id).where(OutboxRow.name == "registrations.cancelled")
    assert len((await tx.scalars(told)).all()) == 1


async def test_after_the_start_the_holder_cannot_cancel_but_staff_can_until_the_end(
    resident: Caller, worker: Caller, room: RoomRow, clock: Clock
) -> None:
    url = f"/bookings/{await booked(resident, room, 14, 15)}/cancel"
    other = f"/bookings/{await booked(resident, room, 15, 16)}/cancel"
    clock.now = at(14)
    refused = await resident.post(url, json={"reason": "迟到"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_late_to_cancel")
    assert (await worker.post(url, json={"reason": "停电"})).status_code == 200
    clock.now = at(16)
    late = await worker.post(other, json={"reason": "停电"})
    assert late.json()["code"] == "too_late_to_cancel"


async def test_staff_must_say_why_and_the_holder_reads_it(
    resident: Caller, worker: Caller, room: RoomRow, tx: Tx
) -> None:
    booking_id = await booked(resident, room, 14, 15)
    url = f"/bookings/{booking_id}/cancel"
    assert (await worker.post(url, json={})).json()["code"] == "reason_needed"
    stored = await tx.get_one(Registration, booking_id)
    assert stored.cancelled_at is None
    answer = await worker.post(url, json={"reason": "管道检修"})
    assert answer.json()["holder"] == {"name": "黄荔红", "phone": None, "untold": False}
    mine = (await resident.get("/me/bookings")).json()["items"][0]
    assert (mine["cancelled_by_staff"], mine["cancel_reason"]) == (True, "管道检修")
    assert mine["holder"] is None


async def test_what_the_system_cancels_is_not_shown_as_the_staffs_doing(
    resident: Caller, room: RoomRow, tx: Tx, clock: Clock
) -> None:
    booking_id = await booked(resident, room, 14, 15)
    resource, row = await lock_registration(tx, UUID(booking_id))
    await cancel(tx, resource, row, by_id=None, by_staff=True, why="账号合并", now=clock.now)
    await tx.commit()
    mine = (await resident.get(f"/bookings/{booking_id}")).json()
    assert (mine["cancelled_by_staff"], mine["cancel_reason"]) == (False, "账号合并")
    lines = (await resident.get(f"/bookings/{booking_id}/history")).json()["items"]
    assert [line["by_staff"] for line in lines] == [False, False]


async def test_only_holder_and_staff_of_the_place_know_of_a_booking(
    resident: Caller, worker: Caller, callers: Callers, town: Town, room: RoomRow, tx: Tx
) -> None:
    booking_id = await booked(resident, room, 14, 15)
    strangers = [
        await callers.resident(town.place(1, 1, 1, 1)),
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.STREET_DISPATCHER, 2),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
    ]
    for stranger in strangers:
        seen = await stranger.get(f"/bookings/{booking_id}")
        assert (seen.status_code, seen.json()["code"]) == (404, "registration_not_found")
        gone = await stranger.post(f"/bookings/{booking_id}/cancel", json={"reason": "x"})
        assert (gone.status_code, gone.json()["code"]) == (404, "registration_not_found")
    dispatcher = await callers.staff(town, Role.STREET_DISPATCHER, 1)
    for known in (resident, worker, dispatcher):
        seen = await known.get(f"/bookings/{booking_id}")
        assert (seen.status_code, seen.json()["id"]) == (200, booking_id)
        assert (seen.json()["holder"] is None) == (known is resident)
    stored = await tx.get_one(Registration, booking_id)
    assert stored.cancelled_at is None


async def test_the_staff_list_shows_who_comes_in_order_with_masked_phones(
    resident: Caller, worker: Caller, callers: Callers, town: Town, room: RoomRow
) -> None:
    chief = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)
    lane = {"lane_id": str(town.at(1, 1, 2, 1).id), "address": "1号"}
    assert (await chief.put("/me/residence", json=lane)).status_code == 200
    later = await booked(resident, room, 16, 17)
    earlier = await booked(chief, room, 14, 15)
    dropped = await booked(resident, room, 10, 11)
    await resident.post(f"/bookings/{dropped}/cancel", json={})
    url = f"/rooms/{room.id}/bookings"
    answer = await worker.get(url, params={"from": "2026-11-24", "to": "2026-11-24"})
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [item["id"] for item in items] == [earlier, later]
    assert items[0]["holder"]["phone"].startswith("154****")
    assert (await worker.get(url, params={"from": "2026-11-25"})).json() == {"items": []}
    for stranger in (resident, await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)):
        assert (await stranger.get(url)).json()["code"] == "forbidden"


async def test_my_bookings_come_newest_first_page_by_page_and_are_only_mine(
    resident: Caller, callers: Callers, town: Town, room: RoomRow
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    await booked(neighbour, room, 20, 21)
    made = [await booked(resident, room, 14 + n, 15 + n) for n in range(5)]
    seen: list[str] = []
    params = {"limit": "2"}
    while True:
        page = (await resident.get("/me/bookings", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        params["after"] = page["next"]
    assert seen == made[::-1]


async def test_upcoming_leaves_out_what_is_over_or_cancelled(
    resident: Caller, room: RoomRow, clock: Clock
) -> None:
    over, running, dropped, coming = [
        await booked(resident, room, start, start + 1) for start in (9, 14, 16, 18)
    ]
    await resident.post(f"/bookings/{dropped}/cancel", json={})
    clock.now = at(14.5)
    mine = await resident.get("/me/bookings", params={"upcoming": "true"})
    assert [item["id"] for item in mine.json()["items"]] == [coming, running]
    everything = await resident.get("/me/bookings")
    assert {item["id"] for item in everything.json()["items"]} == {
        over,
        running,
        dropped,
        coming,
    }


async def test_until_when_cancelling_is_free_is_told_and_holds(
    resident: Caller, venue: Venue, tx: Tx, clock: Clock
) -> None:
    room = await new_room(tx, venue, cancel_minutes=120, notice_minutes=0, hold_minutes=10)
    await tx.commit()
    early = (await book(resident, room, 17, 18)).json()
    assert early["cancel_free_until"] == at(15).isoformat()
    clock.now = at(13)
    late = (await book(resident, room, 14, 15)).json()
    assert late["cancel_free_until"] == at(13 + 1 / 6).isoformat()
    clock.now = at(13 + 1 / 6)
    given_up = (await resident.post(f"/bookings/{late['id']}/cancel", json={})).json()
    assert (given_up["cancelled_late"], given_up["cancel_free_until"]) == (False, None)
    clock.now = at(15) + timedelta(seconds=1)
    given_up = await resident.post(f"/bookings/{early['id']}/cancel", json={})
    assert given_up.json()["cancelled_late"] is True


async def test_where_cancelling_is_never_a_strike_no_time_is_told(
    resident: Caller, worker: Caller, venue: Venue, tx: Tx, clock: Clock
) -> None:
    lenient = await new_room(tx, venue, strikes={"late_cancel": False})
    strict = await new_room(tx, venue, cancel_minutes=120, notice_minutes=0)
    await tx.commit()
    assert (await book(resident, lenient, 14, 15)).json()["cancel_free_until"] is None
    booking = (await book(resident, strict, 16, 17)).json()
    clock.now = at(15.5)  # staff decide when, so it is never too late for her
    times = {"starts_at": at(17).isoformat(), "ends_at": at(18).isoformat()}
    url = f"/bookings/{booking['id']}"
    moved = await worker.post(f"{url}/move", json=times | {"reason": "检修"})
    assert moved.status_code == 200, moved.text
    assert (await resident.get(url)).json()["cancel_free_until"] is None
    given_up = await resident.post(f"{url}/cancel", json={})
    assert given_up.json()["cancelled_late"] is False
