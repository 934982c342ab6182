"""How staff add, change and call off sessions, and what becomes of those who are enrolled."""

from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.schedules.openings.models import Closure
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import at, book, new_room, new_venue
from tests.venues.sessions.arranging import (
    PLAN,
    added,
    busy_at,
    changed,
    enrolled,
    hired,
    lead,
    occupied,
    plan,
    told,
    unit_of,
)


async def test_a_session_takes_its_room_whole_and_can_be_seen_by_everybody(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, units=("1号台", "2号台"), buffer_after_minutes=15)
    await tx.commit()
    teacher = await hired(worker, venue)
    session = await added(worker, venue, 15, 1, room_id=str(room.id), teachers=[lead(teacher)])
    assert await occupied(tx, session["id"]) == 3
    assert await busy_at(tx, unit_of(room)) == [(at(15), at(16.25))]
    shown = (await resident.get(f"/sessions/{session['id']}")).json()
    assert (shown["room_name"], shown["teacher_names"]) == ("乒乓球室", "陈敏华")
    assert (shown["seats_left"], shown["waiting"], shown["mine"]) == (3, 0, [])
    assert (shown["reasons"], shown["faults"]) == ([], None)
    refused(await book(resident, room, 16, 17), 409, "room_taken")
    assert (await book(resident, room, 16.5, 17)).status_code == 200
    (event,) = await told(tx, "venues.session_added")
    assert event == {"session_id": session["id"], "venue_id": str(venue.id)}
    acts = await tx.scalars(select(Act.what).where(Act.subject == session["id"]))
    assert list(acts) == ["venues.session_added"]


async def test_what_is_booked_is_in_the_way_and_named_by_its_number(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow
) -> None:
    booking = (await book(resident, room, 15, 16)).json()
    await added(worker, venue, 14, 1, room_id=str(room.id), title="围棋")
    body = {"kind": "activity"} | plan(14.5, 1, room_id=str(room.id))
    problem = refused(
        await worker.post(f"/venues/{venue.id}/sessions", json=body),
        409,
        "place_or_teacher_taken",
    )
    by_session, by_booking = problem["clashes"]
    assert {one["code"] for one in problem["clashes"]} == {"room_taken"}
    assert "围棋" in by_session["message"]
    assert booking["code"] in by_booking["message"]


async def test_a_room_out_of_use_is_in_the_way(
    worker: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    tx.add(
        Closure(
            opening_id=room.opening_id,
            starts_at=at(15),
            ends_at=at(20),
            reason="空调检修",
            made_at=at(0),
            made_by_id=worker.person_id,
        )
    )
    await tx.commit()
    body = {"kind": "activity"} | plan(16, 1, room_id=str(room.id))
    problem = refused(
        await worker.post(f"/venues/{venue.id}/sessions", json=body),
        409,
        "place_or_teacher_taken",
    )
    (clash,) = problem["clashes"]
    assert clash["code"] == "out_of_use"
    assert "空调检修" in clash["message"]


async def test_only_staff_of_the_place_add_change_and_cancel(
    worker: Caller, resident: Caller, venue: Venue, callers: Callers, town: Town, tx: Tx
) -> None:
    session = await added(worker, venue)
    other = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    url = f"/sessions/{session['id']}"
    for stranger in (resident, other, chief):
        body = {"kind": "tutoring"} | plan()
        answer = await stranger.post(f"/venues/{venue.id}/sessions", json=body)
        refused(answer, 403, "forbidden")
        refused(await stranger.put(url, json=plan(version=1)), 403, "forbidden")
        refused(await stranger.post(f"{url}/cancel", json={"reason": "停"}), 403, "forbidden")
    assert (await worker.get(url)).json()["version"] == 1
    assert await told(tx, "venues.session_called_off") == []


async def test_a_room_of_another_venue_and_unknown_things_are_not_found(
    worker: Caller, venue: Venue, tx: Tx, town: Town
) -> None:
    elsewhere = await new_venue(tx, town.place(1, 1), "另一个站")
    room = await new_room(tx, elsewhere)
    await tx.commit()
    body = {"kind": "tutoring"} | plan(room_id=str(room.id))
    answer = await worker.post(f"/venues/{venue.id}/sessions", json=body)
    refused(answer, 404, "room_not_found")
    body = {"kind": "tutoring"} | plan()
    answer = await worker.post(f"/venues/{room.id}/sessions", json=body)
    refused(answer, 404, "venue_not_found")
    refused(await worker.get(f"/sessions/{room.id}"), 404, "session_not_found")
    answer = await worker.put(f"/sessions/{room.id}", json=plan(version=1))
    refused(answer, 404, "session_not_found")


@pytest.mark.parametrize(
    "changes",
    [
        {"ends_at": at(16.5).isoformat()},
        {"ends_at": at(40).isoformat()},
        {"fewest": 2},
        {"decide_at": at(9).isoformat()},
        {"fewest": 2, "decide_at": at(16.5).isoformat()},
        {"fewest": 4, "decide_at": at(9).isoformat()},
        {"draw_at": at(16.5).isoformat()},
        {"enrol_until": at(17).isoformat()},
        {"enrol_from": at(10).isoformat(), "enrol_until": at(9).isoformat()},
    ],
)
async def test_what_contradicts_itself_cannot_be_read(
    worker: Caller, venue: Venue, changes: dict[str, Any]
) -> None:
    body = {"kind": "tutoring"} | plan() | changes
    answer = await worker.post(f"/venues/{venue.id}/sessions", json=body)
    refused(answer, 422, "invalid_request")


async def test_nothing_is_added_in_the_past_nor_changed_once_it_has_begun(
    worker: Caller, venue: Venue, clock: Clock
) -> None:
    session = await added(worker, venue, 16.5)
    clock.now = at(16.5)
    answer = await worker.post(
        f"/venues/{venue.id}/sessions", json={"kind": "tutoring"} | plan(16)
    )
    refused(answer, 422, "session_in_the_past")
    url = f"/sessions/{session['id']}"
    refused(await worker.put(url, json=plan(20, version=1)), 409, "session_over")
    clock.now = at(18)
    refused(await worker.post(f"{url}/cancel", json={"reason": "停课"}), 409, "session_over")


async def test_a_change_goes_by_its_version_and_keeps_the_rules_of_who_is_enrolled(
    worker: Caller, resident: Caller, parent: Caller, venue: Venue
) -> None:
    session = await added(worker, venue)
    before = await enrolled(resident, session["id"])
    policy = PLAN["policy"] | {"cancel_minutes": 60}
    shown = await changed(worker, session, title="三年级语文", policy=policy, capacity=5)
    assert (shown["title"], shown["capacity"], shown["version"]) == ("三年级语文", 5, 2)
    refused(
        await worker.put(f"/sessions/{session['id']}", json=plan(version=1)),
        409,
        "stale_version",
    )
    after = await enrolled(parent, session["id"])
    assert (before["policy_version"], after["policy_version"]) == (1, 2)
    kept = (await resident.get(f"/bookings/{before['id']}")).json()
    assert kept["policy_version"] == 1
    again = await changed(worker, shown, capacity=5, policy=policy)
    assert (
        again["version"],
        (await worker.get(f"/sessions/{session['id']}")).json()["taken"],
    ) == (
        3,
        2,
    )


async def test_with_another_time_enrolments_stay_and_everybody_is_told(
    worker: Caller, resident: Caller, parent: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    session = await added(worker, venue, 15, 1, capacity=1, room_id=str(room.id))
    booking = await enrolled(resident, session["id"])
    waiting = await enrolled(parent, session["id"], wait=True)
    await changed(worker, session, 17, 2, capacity=1, room_id=str(room.id))
    for caller, one in ((resident, booking), (parent, waiting)):
        shown = (await caller.get(f"/bookings/{one['id']}")).json()
        assert shown["starts_at"] == at(17).isoformat()
        assert shown["state"] == one["state"]
    assert await busy_at(tx, resident.person_id) == [(at(17), at(19))]
    assert await busy_at(tx, unit_of(room)) == [(at(17), at(19))]
    moved = await told(tx, "registrations.moved")
    assert [one["registration_id"] for one in moved] == [booking["id"], waiting["id"]]
    assert (await worker.get(f"/sessions/{session['id']}")).json()["taken"] == 1
    # Giving up what others moved is no strike.
    answer = await resident.post(f"/bookings/{booking['id']}/cancel", json={})
    assert answer.status_code == 200
    assert (await tx.scalars(select(Strike))).all() == []


async def test_who_is_elsewhere_at_the_new_time_is_named_or_loses_the_place_when_staff_say_so(
    worker: Caller, resident: Caller, parent: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    session = await added(worker, venue, 15, 1, capacity=1)
    booking = await enrolled(resident, session["id"])
    waiting = await enrolled(parent, session["id"], wait=True)
    await book(resident, room, 17, 18)
    url, body = f"/sessions/{session['id']}", plan(17, 2, capacity=1, version=1)
    problem = refused(await worker.put(url, json=body), 409, "participants_elsewhere")
    assert [one["code"] for one in problem["clashes"]] == ["participant_elsewhere"]
    assert booking["code"] in problem["clashes"][0]["message"]
    answer = await worker.put(url, json=body | {"cancel_conflicting": True})
    assert answer.status_code == 200, answer.text
    lost = (await resident.get(f"/bookings/{booking['id']}")).json()
    assert (lost["state"], lost["cancelled_by_staff"]) == ("cancelled", True)
    assert "冲突" in lost["cancel_reason"]
    given = (await parent.get(f"/bookings/{waiting['id']}")).json()
    assert (given["state"], given["starts_at"]) == ("confirmed", at(17).isoformat())
    assert answer.json()["taken"] == 1
    assert (await tx.scalars(select(Strike))).all() == []


async def test_another_room_is_told_and_the_old_one_goes_to_who_waits_for_it(
    worker: Caller, resident: Caller, parent: Caller, venue: Venue, tx: Tx
) -> None:
    waitlist = {"longest": 3}
    old = await new_room(tx, venue, waitlist=waitlist)
    new = await new_room(tx, venue)
    await tx.commit()
    session = await added(worker, venue, 15, 1, room_id=str(old.id))
    booking = await enrolled(resident, session["id"])
    waits = (await book(parent, old, 15, 16, wait=True)).json()
    assert waits["state"] == "waitlisted"
    await changed(worker, session, 15, 1, room_id=str(new.id))
    (moved,) = await told(tx, "registrations.moved")
    assert moved["registration_id"] == booking["id"]
    assert (await parent.get(f"/bookings/{waits['id']}")).json()["state"] == "confirmed"
    assert await busy_at(tx, unit_of(new)) == [(at(15), at(16))]


async def test_with_fewer_seats_the_latest_go_back_to_the_waitlist_and_come_back_first(
    worker: Caller, venue: Venue, callers: Callers, town: Town, tx: Tx
) -> None:
    session = await added(worker, venue, capacity=3)
    people = [await callers.resident(town.place(1, 1, 1, 1)) for _ in range(4)]
    bookings = [await enrolled(one, session["id"], wait=True) for one in people]

    async def states() -> list[str]:
        return [
            (await person.get(f"/bookings/{one['id']}")).json()["state"]
            for person, one in zip(people, bookings, strict=True)
        ]

    fewer = await changed(worker, session, capacity=1)
    assert await states() == ["confirmed", "waitlisted", "waitlisted", "waitlisted"]
    assert fewer["taken"] == 1
    lost = [one["registration_id"] for one in await told(tx, "registrations.place_lost")]
    assert sorted(lost) == sorted(one["id"] for one in bookings[1:3])
    await changed(worker, fewer, capacity=3)
    assert await states() == ["confirmed", "confirmed", "confirmed", "waitlisted"]


async def test_calling_off_needs_a_reason_tells_everybody_and_frees_the_room(
    worker: Caller, resident: Caller, parent: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, waitlist={"longest": 3})
    await tx.commit()
    teacher = await hired(worker, venue)
    session = await added(
        worker, venue, 15, 1, capacity=1, room_id=str(room.id), teachers=[lead(teacher)]
    )
    booking = await enrolled(resident, session["id"])
    waiting = await enrolled(parent, session["id"], wait=True)
    for_room = (await book(parent, room, 15, 16, wait=True)).json()
    url = f"/sessions/{session['id']}/cancel"
    refused(await worker.post(url, json={"reason": " "}), 422, "invalid_request")
    shown = (await worker.post(url, json={"reason": "台风停课"})).json()
    assert (shown["cancel_reason"], shown["taken"]) == ("台风停课", 0)
    assert shown["cancelled_at"] is not None
    for caller, one in ((resident, booking), (parent, waiting)):
        ended = (await caller.get(f"/bookings/{one['id']}")).json()
        assert (ended["state"], ended["cancel_reason"]) == ("cancelled", "台风停课")
    assert len(await told(tx, "registrations.cancelled")) == 2
    assert await told(tx, "venues.session_called_off") == [
        {"session_id": session["id"], "too_few": False}
    ]
    assert len(await told(tx, "venues.teacher_released")) == 1
    assert await busy_at(tx, teacher["id"]) == []
    assert (await parent.get(f"/bookings/{for_room['id']}")).json()["state"] == "confirmed"
    refused(await worker.post(url, json={"reason": "台风停课"}), 409, "session_over")
    answer = await resident.post(f"/sessions/{session['id']}/bookings", json={})
    refused(answer, 409, "not_open")


async def test_once_somebody_is_there_the_time_stays_but_the_rest_may_change(
    worker: Caller, resident: Caller, venue: Venue, clock: Clock
) -> None:
    session = await added(worker, venue)
    booking = await enrolled(resident, session["id"])
    clock.now = at(16.4)
    presence = {"id": str(new_id())}
    answer = await worker.post(f"/bookings/{booking['id']}/check-in", json=presence)
    assert answer.status_code == 200, answer.text
    url = f"/sessions/{session['id']}"
    answer = await worker.put(url, json=plan(20, version=1, cancel_conflicting=True))
    refused(answer, 409, "session_over")
    assert (await changed(worker, session, title="换个题目"))["title"] == "换个题目"
    lone = plan(version=2, capacity=1)
    assert (await worker.put(url, json=lone)).status_code == 200
    assert (await resident.get(f"/bookings/{booking['id']}")).json()["state"] == "checked_in"


@pytest.mark.parametrize("left_out", ["teachers", "policy", "about", "room_id", "enrol_from"])
async def test_a_change_that_leaves_something_out_is_refused_and_wipes_nothing(
    worker: Caller, venue: Venue, left_out: str
) -> None:
    teacher = await hired(worker, venue)
    session = await added(worker, venue, teachers=[lead(teacher)], about="请带水杯")
    body = plan(version=1)
    del body[left_out]
    answer = await worker.put(f"/sessions/{session['id']}", json=body)
    refused(answer, 422, "invalid_request")
    assert (await worker.get(f"/sessions/{session['id']}")).json() == session


async def test_sessions_are_found_by_venue_day_subject_and_grade(
    worker: Caller, resident: Caller, venue: Venue, callers: Callers, town: Town, tx: Tx
) -> None:
    other = await new_venue(tx, town.place(1, 1), "别的站")
    await tx.commit()
    here = await added(worker, venue, 9, 1, subject="数学、英语", grade="三年级")
    there = await added(worker, other, 10, 1, subject="书法", grade="长者")
    late = plan(9, 1, subject="书法", kind="tutoring")
    late |= {"starts_at": at(33).isoformat(), "ends_at": at(34).isoformat()}
    later = (await worker.post(f"/venues/{venue.id}/sessions", json=late)).json()

    async def found(caller: Caller, **wish: str) -> list[str]:
        answer = await caller.get("/sessions", params=wish)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    tuesday, wednesday = at(0).date().isoformat(), at(24).date().isoformat()
    assert await found(resident) == [here["id"], there["id"], later["id"]]
    assert await found(resident, venue_id=str(venue.id)) == [here["id"], later["id"]]
    assert await found(resident, **{"from": wednesday}) == [later["id"]]
    assert await found(resident, to=tuesday) == [here["id"], there["id"]]
    assert await found(resident, subject="英语") == [here["id"]]
    assert await found(resident, subject="%") == []
    assert await found(resident, grade="长者") == [there["id"]]
    stranger = await callers.resident(town.place(1, 2, 1, 1))
    assert await found(stranger) == []
    assert await found(stranger, venue_id=str(other.id)) == [there["id"]]
    refused(
        await resident.get("/sessions", params={"to": "9999-12-31"}), 422, "invalid_request"
    )


async def test_an_enrolment_says_in_which_room_it_is(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow
) -> None:
    inside = await added(worker, venue, 10, 1, room_id=str(room.id))
    outside = await added(worker, venue, 14, 1)
    shown = await enrolled(resident, inside["id"])
    assert (shown["room_id"], shown["room_name"]) == (str(room.id), "乒乓球室")
    shown = await enrolled(resident, outside["id"])
    assert (shown["room_id"], shown["room_name"]) == (None, None)
    path = (await resident.post("/me/calendar-feed")).json()["path"].removeprefix("/api/v1")
    text = (await resident.get(path)).text.replace("\r\n ", "")
    places = [line for line in text.splitlines() if line.startswith("LOCATION")]
    assert sorted("乒乓球室" in line for line in places) == [False, True]
