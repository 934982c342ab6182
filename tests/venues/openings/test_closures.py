"""A blackout lists what it hits, cancels exactly what staff saw, and lets nobody in again."""

from datetime import timedelta

from sqlalchemy import func, select

from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.registrations.models import Occupation, Registration, Resource
from neighborhood_api.schedules.openings.models import Closure
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.sessions.models import Session
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TUESDAY, at, book, new_room, new_session, new_venue
from tests.venues.openings.arranging import closure, confirm, exception, ids, preview


async def closures(tx: Tx, opening_id: object) -> int:
    mine = select(func.count(Closure.id)).where(Closure.opening_id == opening_id)
    return await tx.scalar(mine) or 0


async def test_a_preview_lists_the_live_bookings_it_hits_and_changes_nothing(
    worker: Caller, resident: Caller, callers: Callers, town: Town, room: RoomRow, tx: Tx
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 2, 1), name="李梅")
    before = (await book(resident, room, 10, 11)).json()
    hit = (await book(neighbour, room, 14, 15)).json()
    touching = (await book(resident, room, 16, 17)).json()
    given_up = (await book(resident, room, 15, 16)).json()
    await resident.post(f"/bookings/{given_up['id']}/cancel", json={})
    seen = await preview(worker, f"/rooms/{room.id}/opening/closures", closure(11, 16))
    assert ids(seen) == [hit["id"]]
    assert (seen["bookings"][0]["holder"]["name"], seen["sessions"]) == ("李梅", [])
    assert seen["hits_seen"]
    assert (seen["opening"]["closures"], seen["opening"]["version"]) == ([], 1)
    assert await closures(tx, room.opening_id) == 0
    for one in (before, hit, touching):
        assert (await worker.get(f"/bookings/{one['id']}")).json()["state"] == "confirmed"


async def test_what_was_seen_is_cancelled_with_the_reason_and_its_holders_are_told(
    worker: Caller, resident: Caller, room: RoomRow, tx: Tx
) -> None:
    hit = (await book(resident, room, 14, 15)).json()
    kept = (await book(resident, room, 18, 19)).json()
    url = f"/rooms/{room.id}/opening/closures"
    seen = await preview(worker, url, closure(12, 16))
    unconfirmed = await worker.post(url, json=closure(12, 16))
    assert (unconfirmed.status_code, unconfirmed.json()["code"]) == (409, "bookings_in_the_way")
    assert ids(unconfirmed.json()) == [hit["id"]]
    assert unconfirmed.json()["hits_seen"] == seen["hits_seen"]
    assert await closures(tx, room.opening_id) == 0
    done = (await confirm(worker, url, closure(12, 16), seen)).json()
    assert (done["applied"], done["cancelled"]) == (True, True)
    assert [one["state"] for one in done["bookings"]] == ["cancelled"]
    shown = (await resident.get(f"/bookings/{hit['id']}")).json()
    assert (shown["state"], shown["cancelled_by_staff"]) == ("cancelled", True)
    assert shown["cancel_reason"] == "空调检修"
    assert (await resident.get(f"/bookings/{kept['id']}")).json()["state"] == "confirmed"
    told = await tx.scalars(
        select(OutboxRow.payload["registration_id"].astext).where(
            OutboxRow.name == "registrations.cancelled"
        )
    )
    assert list(told) == [hit["id"]]
    again = await book(resident, room, 14, 15)
    assert [one["code"] for one in again.json()["reasons"]] == ["closure"]
    act = await tx.scalar(select(Act).where(Act.what == "venues.opening_closure_added"))
    assert act is not None
    assert act.person_id == worker.person_id
    assert act.detail["cancelled"] == {"bookings": 1, "sessions": 0}


async def test_a_booking_made_in_between_is_shown_before_it_is_cancelled(
    worker: Caller, resident: Caller, callers: Callers, town: Town, room: RoomRow, tx: Tx
) -> None:
    first = (await book(resident, room, 14, 15)).json()
    url = f"/rooms/{room.id}/opening/closures"
    seen = await preview(worker, url, closure(12, 18))
    neighbour = await callers.resident(town.place(1, 1, 2, 1))
    second = (await book(neighbour, room, 16, 17)).json()
    refused = await confirm(worker, url, closure(12, 18), seen)
    assert refused.json()["code"] == "bookings_in_the_way"
    assert ids(refused.json()) == [first["id"], second["id"]]
    assert await closures(tx, room.opening_id) == 0
    assert (await resident.get(f"/bookings/{first['id']}")).json()["state"] == "confirmed"
    done = await confirm(worker, url, closure(12, 18), refused.json())
    assert {one["state"] for one in done.json()["bookings"]} == {"cancelled"}


async def test_a_venues_closure_binds_all_its_rooms_and_no_other_venues(
    worker: Caller, resident: Caller, town: Town, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    chess = await new_room(tx, venue)
    elsewhere = await new_room(tx, await new_venue(tx, town.place(1, 1)))
    await tx.commit()
    here = (await book(resident, room, 9, 10)).json()
    there = (await book(resident, chess, 14, 15)).json()
    kept = (await book(resident, elsewhere, 15, 16)).json()
    url = f"/venues/{venue.id}/opening/closures"
    seen = await preview(worker, url, closure(0, 24))
    assert ids(seen) == [here["id"], there["id"]]
    assert (await confirm(worker, url, closure(0, 24), seen)).status_code == 200
    assert (await resident.get(f"/bookings/{kept['id']}")).json()["state"] == "confirmed"
    for one in (room, chess):
        assert (await book(resident, one, 18, 19)).json()["code"] == "wish_not_possible"
    (day,) = (
        await resident.get(
            f"/rooms/{chess.id}/opening",
            params={"from": TUESDAY.isoformat(), "to": TUESDAY.isoformat()},
        )
    ).json()["days"]
    assert (day["open"], day["closures"][0]["reason"]) == ([], "空调检修")


async def test_those_who_wait_for_that_time_are_cancelled_and_nobody_is_given_it(
    worker: Caller, resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, waitlist={"longest": 5, "offer_minutes": 30})
    await tx.commit()
    held = (await book(resident, room, 14, 15)).json()
    neighbour = await callers.resident(town.place(1, 1, 2, 1))
    waits = (await book(neighbour, room, 14, 15, wait=True)).json()
    assert waits["state"] == "waitlisted"
    url = f"/rooms/{room.id}/opening/closures"
    seen = await preview(worker, url, closure(14, 16))
    assert set(ids(seen)) == {held["id"], waits["id"]}
    assert (await confirm(worker, url, closure(14, 16), seen)).status_code == 200
    mine = select(Registration.state).where(Registration.resource_id == room.id)
    assert set(await tx.scalars(mine)) == {"cancelled"}


async def test_sessions_in_the_time_are_listed_and_called_off_with_their_enrolments(
    worker: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    hit = await new_session(tx, venue, 14, room=room)
    kept = await new_session(tx, venue, 18, room=room)
    outdoors = await new_session(tx, venue, 14)
    await tx.commit()
    url = f"/rooms/{room.id}/opening/closures"
    seen = await preview(worker, url, closure(12, 16))
    assert (ids(seen), ids(seen, "sessions")) == ([], [str(hit.id)])
    assert (await worker.post(url, json=closure(12, 16))).json()[
        "code"
    ] == "bookings_in_the_way"
    done = await confirm(worker, url, closure(12, 16), seen)
    assert done.status_code == 200, done.text
    assert (await tx.get_one(Resource, hit.id, populate_existing=True)).cancelled_at is not None
    assert (
        await tx.get_one(Session, hit.id, populate_existing=True)
    ).cancel_reason == "空调检修"
    for one in (kept, outdoors):
        assert (await tx.get_one(Resource, one.id, populate_existing=True)).cancelled_at is None
    held = select(Occupation.resource_id).where(Occupation.resource_id.is_not(None))
    assert set(await tx.scalars(held)) == {kept.id}
    whole = await preview(worker, f"/venues/{venue.id}/opening/closures", closure(12, 16))
    assert ids(whole, "sessions") == [str(outdoors.id)]


async def test_what_was_kept_outside_of_the_hours_does_not_outlive_a_closure(
    worker: Caller, resident: Caller, room: RoomRow
) -> None:
    booked = (await book(resident, room, 20, 21)).json()
    rules = {"version": 1, "rules": [{"weekday": 2, "opens_at": "09:00", "closes_at": "12:00"}]}
    await worker.put(f"/rooms/{room.id}/opening/rules", json=rules)
    url = f"/rooms/{room.id}/opening/closures"
    seen = await preview(worker, url, closure(19, 22, version=2))
    assert ids(seen) == [booked["id"]]


async def test_a_lifted_closure_lets_people_in_and_brings_nothing_back(
    worker: Caller, resident: Caller, room: RoomRow, tx: Tx
) -> None:
    booked = (await book(resident, room, 14, 15)).json()
    url = f"/rooms/{room.id}/opening/closures"
    seen = await preview(worker, url, closure(12, 16))
    (made,) = (await confirm(worker, url, closure(12, 16), seen)).json()["opening"]["closures"]
    lifted = await worker.post(f"{url}/{made['id']}/lift", json={"version": 2})
    assert (lifted.json()["applied"], lifted.json()["opening"]["closures"]) == (True, [])
    again = await worker.post(f"{url}/{made['id']}/lift", json={"version": 3})
    assert again.json()["code"] == "closure_lifted"
    assert (await resident.get(f"/bookings/{booked['id']}")).json()["state"] == "cancelled"
    assert (await book(resident, room, 14, 15)).status_code == 200
    assert await tx.scalar(select(Act.id).where(Act.what == "venues.opening_closure_lifted"))


async def test_what_is_over_is_left_alone_and_what_is_under_way_is_cut_short(
    worker: Caller, resident: Caller, room: RoomRow, clock: Clock
) -> None:
    over = (await book(resident, room, 9, 10)).json()
    under_way = (await book(resident, room, 10, 12)).json()
    clock.now = at(10.5)
    url = f"/rooms/{room.id}/opening/closures"
    seen = await preview(worker, url, closure(8, 12))
    assert ids(seen) == [under_way["id"]]
    assert (await confirm(worker, url, closure(8, 12), seen)).status_code == 200
    assert (await resident.get(f"/bookings/{over['id']}")).json()["state"] != "cancelled"
    passed = await worker.post(url, json=closure(8, 10, version=2))
    assert passed.json()["code"] == "over_already"


async def test_other_hours_cancel_what_lies_outside_and_leave_what_lies_inside(
    worker: Caller, resident: Caller, room: RoomRow
) -> None:
    inside = (await book(resident, room, 10, 11)).json()
    across = (await book(resident, room, 11, 12)).json()
    outside = (await book(resident, room, 14, 15)).json()
    url = f"/rooms/{room.id}/opening/exceptions"
    body = exception(("09:30", "11:30"))
    seen = await preview(worker, url, body)
    assert ids(seen) == [across["id"], outside["id"]]
    done = (await confirm(worker, url, body, seen)).json()
    assert {one["state"] for one in done["bookings"]} == {"cancelled"}
    assert (await resident.get(f"/bookings/{inside['id']}")).json()["state"] == "confirmed"
    (made,) = done["opening"]["exceptions"]
    withdrawn = await worker.post(f"{url}/{made['id']}/withdraw", json={"version": 2})
    assert withdrawn.json()["opening"]["exceptions"] == []
    assert (await book(resident, room, 14, 15)).status_code == 200


async def test_longer_hours_hit_nobody_and_need_no_confirmation(
    worker: Caller, resident: Caller, room: RoomRow, tx: Tx
) -> None:
    await book(resident, room, 14, 15)
    body = exception(("08:00", "23:00"))
    done = await worker.post(f"/rooms/{room.id}/opening/exceptions", json=body)
    assert (done.json()["applied"], done.json()["hits_seen"]) == (True, None)
    assert (await book(resident, room, 12, 13)).status_code == 200
    later = TUESDAY + timedelta(days=1)
    closed = exception(day=later, version=2)
    assert (await worker.post(f"/rooms/{room.id}/opening/exceptions", json=closed)).is_success
    refused = await book(resident, room, 14, 15, day=later)
    assert refused.json()["reasons"][0]["code"] == "closed_day"
    assert await tx.scalar(select(func.count(Registration.id))) == 2
