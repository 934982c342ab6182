"""A venue that is closed for good takes nobody any more."""

from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.registrations.models import Resource
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import POLICY, ROOM, TUESDAY, book, new_session
from tests.venues.openings.arranging import Body, closure, ids
from tests.venues.sessions.arranging import SERIES, added, plan
from tests.venues.sessions.weekly import change

END: Body = {"version": 1, "reason": "场地到期"}


async def test_all_that_is_to_come_is_listed_and_cancelled_when_confirmed(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    booked = (await book(resident, room, 14, 15)).json()
    session = await new_session(tx, venue, 18)
    await tx.commit()
    url = f"/venues/{venue.id}/close"
    seen = (await worker.post(url, json=END | {"preview": True})).json()
    assert (seen["applied"], ids(seen), ids(seen, "sessions")) == (
        False,
        [booked["id"]],
        [str(session.id)],
    )
    assert (await resident.get(f"/venues/{venue.id}")).json()["closed_at"] is None
    assert (await worker.post(url, json=END)).json()["code"] == "bookings_in_the_way"
    done = await worker.post(url, json=END | {"hits_seen": seen["hits_seen"]})
    assert (done.json()["applied"], done.json()["bookings"][0]["state"]) == (True, "cancelled")
    shown = (await resident.get(f"/bookings/{booked['id']}")).json()
    assert (shown["state"], shown["cancel_reason"]) == ("cancelled", "场地到期")
    called_off = await tx.get_one(Resource, session.id, populate_existing=True)
    assert called_off.cancelled_at is not None
    told = select(OutboxRow.payload).where(OutboxRow.name == "venues.venue_closed")
    assert await tx.scalar(told) == {"venue_id": str(venue.id)}
    assert await tx.scalar(select(Act.id).where(Act.what == "venues.venue_closed"))


async def test_it_leaves_the_list_takes_nothing_new_and_cannot_be_changed(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow
) -> None:
    by = f"/venues/{venue.id}"
    series = (await worker.post(f"{by}/series", json=SERIES)).json()
    session = await added(worker, venue)
    seen = (await worker.post(f"{by}/close", json=END | {"preview": True})).json()
    done = await worker.post(f"{by}/close", json=END | {"hits_seen": seen["hits_seen"]})
    assert done.status_code == 200, done.text
    for caller in (resident, worker):
        listed = (await caller.get("/venues")).json()["items"]
        assert [one["id"] for one in listed] == []
    shown = (await resident.get(f"/venues/{venue.id}")).json()
    assert (shown["close_reason"], shown["open_now"], shown["opens_at"]) == (
        "场地到期",
        False,
        None,
    )
    assert shown["closed_at"] is not None
    assert (await book(resident, room, 14, 15)).json()["code"] == "room_closed"
    slots = await resident.get(
        f"/rooms/{room.id}/availability", params={"from": str(TUESDAY), "to": str(TUESDAY)}
    )
    assert {slot["state"] for slot in slots.json()["days"][0]["slots"]} == {"closed"}
    changed = ROOM | {"policy": POLICY, "house_rules": "", "accepts_bookings": True}
    lone = {"kind": "tutoring"} | plan()
    attempts = [
        await worker.post(f"{by}/sessions", json=lone),
        await worker.put(f"/sessions/{session['id']}", json=plan(version=2)),
        await worker.post(f"{by}/series", json=SERIES),
        await worker.put(f"/series/{series['id']}", json=change(series, weekdays=[5])),
        await worker.post(f"/venues/{venue.id}/rooms", json=ROOM | {"policy": POLICY}),
        await worker.put(f"/rooms/{room.id}", json=changed | {"version": 1}),
        await worker.post(f"/rooms/{room.id}/opening/closures", json=closure(9, 12)),
        await worker.post(f"/venues/{venue.id}/opening/closures", json=closure(9, 12)),
        await worker.post(f"/venues/{venue.id}/close", json=END | {"version": 2}),
        await worker.put(
            f"/venues/{venue.id}/equipment",
            json={"items": [{"item": "seats", "state": "present"}]},
        ),
    ]
    assert [answer.json()["code"] for answer in attempts] == ["venue_gone"] * len(attempts)


async def test_a_series_of_a_venue_that_is_closed_can_still_be_ended(
    worker: Caller, venue: Venue
) -> None:
    by = f"/venues/{venue.id}"
    series = (await worker.post(f"{by}/series", json=SERIES)).json()
    seen = (await worker.post(f"{by}/close", json=END | {"preview": True})).json()
    await worker.post(f"{by}/close", json=END | {"hits_seen": seen["hits_seen"]})
    ending = {"version": 1, "reason": "场地停办"}
    answer = await worker.post(f"/series/{series['id']}/cancel", json=ending)
    assert answer.status_code == 200, answer.text


async def test_only_its_own_staff_close_a_venue_and_only_as_they_read_it(
    worker: Caller,
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    tx: Tx,
) -> None:
    strangers = (
        resident,
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
    )
    for stranger in strangers:
        answer = await stranger.post(f"/venues/{venue.id}/close", json=END)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    stale = await worker.post(f"/venues/{venue.id}/close", json=END | {"version": 0})
    assert stale.json()["code"] == "stale_version"
    kept = await tx.get_one(Venue, venue.id, populate_existing=True)
    assert kept.closed_at is None
