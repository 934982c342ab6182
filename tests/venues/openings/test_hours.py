"""Weekly hours, holidays and exceptions of venues and rooms, read and changed over HTTP."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.schedules.openings.models import Closure, OpeningException, OpeningRule
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.openings.service import CLOSED_THEN
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TODAY, TUESDAY, at, book, new_room, new_session
from tests.venues.openings.arranging import (
    Body,
    closure,
    exception,
    ids,
    made_a_holiday,
    preview,
    version_of,
)

MORNINGS = [{"weekday": day, "opens_at": "09:00", "closes_at": "12:00"} for day in range(1, 8)]
NATIONAL_DAY = date(2026, 10, 1)


async def day_of(caller: Caller, url: str, day: date = TUESDAY) -> Body:
    answer = await caller.get(f"{url}/opening", params={"from": str(day), "to": str(day)})
    assert answer.status_code == 200, answer.text
    shown: Body = answer.json()["days"][0]
    return shown


def hours(day: Body) -> list[str]:
    return [f"{one['starts_at'][11:16]}-{one['ends_at'][11:16]}" for one in day["open"]]


async def test_a_room_without_hours_follows_its_venue_and_anybody_may_read_both(
    resident: Caller, worker: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, weekdays=())
    await tx.commit()
    assert hours(await day_of(resident, f"/rooms/{room.id}")) == []
    put = await worker.put(
        f"/venues/{venue.id}/opening/rules", json={"version": 1, "rules": MORNINGS}
    )
    assert (put.status_code, put.json()["opening"]["version"]) == (200, 2)
    assert hours(await day_of(resident, f"/rooms/{room.id}")) == ["09:00-12:00"]
    assert hours(await day_of(resident, f"/venues/{venue.id}")) == ["09:00-12:00"]
    read = (await resident.get(f"/rooms/{room.id}/opening")).json()
    assert (read["own"]["rules"], len(read["venue"]["rules"]), len(read["days"])) == ([], 7, 7)
    whole = (await resident.get(f"/venues/{venue.id}/opening")).json()
    assert (whole["venue"], whole["own"]["on_holidays"]) == (None, "open")
    assert (await book(resident, room, 9, 10)).status_code == 200


async def test_shorter_weekly_hours_keep_what_is_booked_and_list_it(
    worker: Caller, resident: Caller, room: RoomRow
) -> None:
    kept = (await book(resident, room, 14, 15)).json()
    await book(resident, room, 9, 10)
    url = f"/rooms/{room.id}/opening/rules"
    body = {"version": 1, "rules": MORNINGS}
    seen = (await worker.put(url, json=body | {"preview": True})).json()
    assert (seen["applied"], ids(seen), len(seen["opening"]["rules"])) == (
        False,
        [kept["id"]],
        12,
    )
    done = (await worker.put(url, json=body)).json()
    assert (done["applied"], done["cancelled"], ids(done)) == (True, False, [kept["id"]])
    assert (await resident.get(f"/bookings/{kept['id']}")).json()["state"] == "confirmed"
    again = await book(resident, room, 15, 16)
    assert again.json()["reasons"][0]["code"] == "outside_opening_hours"


async def test_shorter_weekly_hours_give_what_is_closed_then_to_nobody_who_waits(
    worker: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    asks = {"longest": 9, "offer_minutes": 60}
    room = await new_room(tx, venue, units=("一号桌", "二号桌"), waitlist=asks)
    await tx.commit()
    people = [await callers.resident(town.place(1, 1, 1, 1)) for _ in range(5)]
    ids_of = [
        (await book(person, room, 14, 15, wait=True)).json()["id"] for person in people[:4]
    ]
    given_up = await people[1].post(f"/bookings/{ids_of[1]}/cancel", json={})
    assert given_up.status_code == 200
    times = {"starts_at": at(16).isoformat(), "ends_at": at(17).isoformat()}
    ids_of.append((await people[4].post(f"/rooms/{room.id}/holds", json=times)).json()["id"])

    async def shown(n: int) -> Body:
        found: Body = (await people[n].get(f"/bookings/{ids_of[n]}")).json()
        return found

    before = [(await shown(n))["state"] for n in (0, 2, 3, 4)]
    assert before == ["confirmed", "offered", "waitlisted", "held"]
    url, body = f"/rooms/{room.id}/opening/rules", {"version": 1, "rules": MORNINGS}
    assert not (await worker.put(url, json=body | {"preview": True})).json()["applied"]
    assert (await shown(3))["state"] == "waitlisted"
    assert (await worker.put(url, json=body)).json()["applied"]
    after = [await shown(n) for n in (0, 2, 3, 4)]
    assert [one["state"] for one in after] == ["confirmed", *["cancelled"] * 3]
    assert {one["cancel_reason"] for one in after[1:]} == {CLOSED_THEN}
    await people[0].post(f"/bookings/{ids_of[0]}/cancel", json={})
    assert (await shown(3))["state"] == "cancelled"
    told = select(OutboxRow.payload).where(OutboxRow.name == "registrations.cancelled")
    by_staff = {one["registration_id"] for one in await tx.scalars(told) if one["by_staff"]}
    assert by_staff == set(ids_of[2:])
    act = (
        await tx.scalars(select(Act).where(Act.what == "venues.opening_rules_replaced"))
    ).one()
    assert act.detail["kept"] == {"bookings": 1, "sessions": 0}


async def test_shorter_weekly_hours_cancel_what_is_booked_where_staff_say_so(
    worker: Caller, resident: Caller, room: RoomRow, tx: Tx
) -> None:
    booked = (await book(resident, room, 14, 15)).json()
    url = f"/rooms/{room.id}/opening/rules"
    body = {"version": 1, "rules": MORNINGS, "cancel_hits": True}
    unseen = await worker.put(url, json=body)
    assert unseen.json()["code"] == "bookings_in_the_way"
    seen = {"hits_seen": unseen.json()["hits_seen"]}
    wordless = await worker.put(url, json=body | seen)
    assert (wordless.status_code, wordless.json()["code"]) == (422, "reason_needed")
    assert len((await worker.get(f"/rooms/{room.id}")).json()["opening_rules"]) == 12
    done = await worker.put(url, json=body | seen | {"reason": "开放时间调整"})
    assert (done.json()["cancelled"], ids(done.json())) == (True, [booked["id"]])
    shown = (await resident.get(f"/bookings/{booked['id']}")).json()
    assert (shown["state"], shown["cancel_reason"]) == ("cancelled", "开放时间调整")
    stored = select(func.count(OpeningRule.id)).where(OpeningRule.opening_id == room.opening_id)
    assert await tx.scalar(stored) == 7


async def test_what_was_kept_outside_of_the_hours_is_listed_for_the_venues_staff(
    worker: Caller,
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    room: RoomRow,
    tx: Tx,
) -> None:
    kept = (await book(resident, room, 14, 15)).json()
    await book(resident, room, 9, 10)
    session = await new_session(tx, venue, 18, room=room)
    await tx.commit()
    url = f"/venues/{venue.id}/bookings-outside-hours"
    assert ids((await worker.get(url)).json()) == []
    await worker.put(f"/rooms/{room.id}/opening/rules", json={"version": 1, "rules": MORNINGS})
    listed = (await worker.get(url)).json()
    assert (ids(listed), ids(listed, "sessions")) == ([kept["id"]], [str(session.id)])
    strangers = (resident, await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2))
    for stranger in strangers:
        assert (await stranger.get(url)).json()["code"] == "forbidden"


async def test_a_rule_for_holidays_holds_for_venue_and_rooms_until_a_room_has_its_own(
    worker: Caller,
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    room: RoomRow,
    clock: Clock,
) -> None:
    clock.now = at(8, date(2026, 9, 29))
    await made_a_holiday(callers, town, NATIONAL_DAY)
    url = f"/rooms/{room.id}"
    assert hours(await day_of(resident, url, NATIONAL_DAY)) == ["09:00-12:00", "14:00-21:00"]
    booked = (await book(resident, room, 9, 10, day=NATIONAL_DAY)).json()
    body = {"version": 1, "on_holidays": "closed"}
    seen = (
        await worker.put(f"/venues/{venue.id}/opening/holidays", json=body | {"preview": True})
    ).json()
    assert ids(seen) == [booked["id"]]
    done = await worker.put(f"/venues/{venue.id}/opening/holidays", json=body)
    assert done.json()["opening"]["on_holidays"] == "closed"
    day = await day_of(resident, url, NATIONAL_DAY)
    assert (hours(day), day["reason"]["code"]) == ([], "public_holiday")
    own = {"version": 1, "on_holidays": "open"}
    assert (await worker.put(f"{url}/opening/holidays", json=own)).status_code == 200
    assert hours(await day_of(resident, url, NATIONAL_DAY)) == ["09:00-12:00", "14:00-21:00"]
    nothing = {"version": 2, "on_holidays": None}
    refused = await worker.put(f"/venues/{venue.id}/opening/holidays", json=nothing)
    assert (refused.status_code, refused.json()["code"]) == (422, "nothing_above")


async def test_withdrawing_an_exception_lists_what_it_alone_had_made_possible(
    worker: Caller, resident: Caller, room: RoomRow, tx: Tx
) -> None:
    url = f"/rooms/{room.id}/opening/exceptions"
    made = await worker.post(url, json=exception(("08:00", "22:00")))
    (one,) = made.json()["opening"]["exceptions"]
    noon = (await book(resident, room, 12, 13)).json()
    body = {"version": 2, "preview": True}
    seen = (await worker.post(f"{url}/{one['id']}/withdraw", json=body)).json()
    assert ids(seen) == [noon["id"]]
    assert (await tx.get_one(OpeningException, one["id"])).withdrawn_at is None
    confirmed = {
        "version": 2,
        "cancel_hits": True,
        "reason": "恢复平时时间",
        "hits_seen": seen["hits_seen"],
    }
    done = await worker.post(f"{url}/{one['id']}/withdraw", json=confirmed)
    assert done.json()["cancelled"]
    assert (await resident.get(f"/bookings/{noon['id']}")).json()["state"] == "cancelled"
    again = await worker.post(f"{url}/{one['id']}/withdraw", json={"version": 3})
    assert again.json()["code"] == "exception_withdrawn"


async def test_a_change_of_a_room_does_not_touch_its_neighbours(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    chess = await new_room(tx, venue)
    await tx.commit()
    beside = (await book(resident, chess, 14, 15)).json()
    seen = await preview(worker, f"/rooms/{room.id}/opening/closures", closure(0, 24))
    assert ids(seen) == []
    assert (
        await worker.post(f"/rooms/{room.id}/opening/closures", json=closure(0, 24))
    ).is_success
    assert (await resident.get(f"/bookings/{beside['id']}")).json()["state"] == "confirmed"
    assert hours(await day_of(resident, f"/rooms/{chess.id}")) == ["09:00-12:00", "14:00-21:00"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "rules", {"version": 1, "rules": []}),
        ("PUT", "holidays", {"version": 1, "on_holidays": "closed"}),
        ("POST", "exceptions", exception()),
        ("POST", "closures", closure(9, 12)),
    ],
)
async def test_only_the_staff_of_the_place_change_the_hours_of_venues_and_rooms(
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    room: RoomRow,
    tx: Tx,
    method: str,
    path: str,
    body: Body,
) -> None:
    strangers = [
        resident,
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
        await callers.staff(town, Role.GRID_LEADER, 1, 1, 1),
        await callers.staff(town, Role.STREET_SECRETARY, 2),
    ]
    for thing in (f"/venues/{venue.id}", f"/rooms/{room.id}"):
        for stranger in strangers:
            for asked in (body, body | {"preview": True}):
                answer = await stranger.request(method, f"{thing}/opening/{path}", json=asked)
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    for opening_id in (venue.opening_id, room.opening_id):
        assert await version_of(tx, opening_id) == 1
    street = await callers.staff(town, Role.STREET_DISPATCHER, 1)
    for thing in (f"/venues/{venue.id}", f"/rooms/{room.id}"):
        answer = await street.request(method, f"{thing}/opening/{path}", json=body)
        assert answer.status_code == 200, answer.text
    kept = select(func.count(Act.id)).where(Act.what.startswith("venues.opening_"))
    assert await tx.scalar(kept) == 2


@pytest.mark.parametrize("verb", ["withdraw", "lift"])
async def test_strangers_end_neither_exceptions_nor_closures(
    worker: Caller,
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    room: RoomRow,
    tx: Tx,
    verb: str,
) -> None:
    kind, body = {
        "withdraw": ("exceptions", exception()),
        "lift": ("closures", closure(9, 12)),
    }[verb]
    for thing in (f"/venues/{venue.id}", f"/rooms/{room.id}"):
        url = f"{thing}/opening/{kind}"
        made = (await worker.post(url, json=body)).json()["opening"][kind][0]
        for stranger in (resident, await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)):
            answer = await stranger.post(f"{url}/{made['id']}/{verb}", json={"version": 2})
            assert answer.json()["code"] == "forbidden"
        elsewhere = await worker.post(f"{url}/{room.id}/{verb}", json={"version": 2})
        assert elsewhere.status_code == 404
    ended = select(func.count(Closure.id)).where(Closure.lifted_at.is_not(None))
    assert await tx.scalar(ended) == 0


async def test_a_stale_version_is_refused_also_for_a_preview(
    worker: Caller, venue: Venue, room: RoomRow
) -> None:
    for thing in (f"/venues/{venue.id}", f"/rooms/{room.id}"):
        stale = closure(9, 12, version=7)
        for body in (stale, stale | {"preview": True}):
            answer = await worker.post(f"{thing}/opening/closures", json=body)
            assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
            assert answer.json()["version"] == 1


async def test_what_is_not_there_is_told_and_too_many_days_are_refused(
    worker: Caller, venue: Venue, room: RoomRow
) -> None:
    unknown = await worker.post(f"/rooms/{venue.id}/opening/closures", json=closure(9, 12))
    assert unknown.json()["code"] == "room_not_found"
    unknown = await worker.post(f"/venues/{room.id}/opening/closures", json=closure(9, 12))
    assert unknown.json()["code"] == "venue_not_found"
    assert (await worker.get(f"/venues/{room.id}/opening")).json()["code"] == "venue_not_found"
    many = {"from": str(TODAY), "to": str(TODAY + timedelta(days=30))}
    answer = await worker.get(f"/venues/{venue.id}/opening", params=many)
    assert answer.json()["code"] == "bad_period"
