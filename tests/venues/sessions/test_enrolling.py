"""Enrolling: oneself, a child, a caller; what is shown is what is accepted."""

from typing import Any

import pytest

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.children.models import Child
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.refusals import refused
from tests.venues.arranging import at, book
from tests.venues.children.arranging import registered
from tests.venues.sessions.arranging import (
    PLAN,
    TEACHER,
    accepted,
    added,
    changed,
    enrolled,
    hired,
    lead,
)

WEEKLY = [{"owner": "person", "window": "week", "limit": 1}]


def rules(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"policy": PLAN["policy"] | changes}


async def codes(caller: Caller, session_id: str, child_id: str | None = None) -> set[str]:
    """Why a caller is told that she cannot enrol."""
    query = "" if child_id is None else f"?child_id={child_id}"
    shown = (await caller.get(f"/sessions/{session_id}{query}")).json()
    return {one["code"] for one in shown["reasons"]}


async def test_a_seat_is_had_shown_and_given_back(
    worker: Caller, resident: Caller, venue: Venue
) -> None:
    session = await added(worker, venue, kind="activity")
    booking = await enrolled(resident, session["id"], party_size=2)
    assert (booking["kind"], booking["session_id"]) == ("session", session["id"])
    assert (booking["state"], booking["party_size"]) == ("confirmed", 2)
    shown = (await resident.get(f"/sessions/{session['id']}")).json()
    assert (shown["taken"], shown["seats_left"]) == (2, 1)
    (mine,) = shown["mine"]
    assert (mine["booking_id"], mine["state"], mine["child_name"]) == (
        booking["id"],
        "confirmed",
        None,
    )
    listed = (await resident.get("/me/bookings")).json()["items"]
    assert [one["id"] for one in listed] == [booking["id"]]
    await resident.post(f"/bookings/{booking['id']}/cancel", json={})
    shown = (await resident.get(f"/sessions/{session['id']}")).json()
    assert (shown["taken"], shown["mine"], shown["reasons"]) == (0, [], [])


async def test_a_full_session_has_a_waitlist_in_order(
    worker: Caller, resident: Caller, parent: Caller, venue: Venue
) -> None:
    session = await added(worker, venue, capacity=1)
    url = f"/sessions/{session['id']}"
    first = await enrolled(resident, session["id"])
    problem = refused(await parent.post(f"{url}/bookings", json={}), 409, "nothing_free")
    assert problem["can_wait"]
    assert problem["reasons"][0]["capacity"] == 1
    assert await codes(parent, session["id"]) == {"full"}
    waiting = await enrolled(parent, session["id"], wait=True)
    assert (waiting["state"], waiting["waits_at"]) == ("waitlisted", 1)
    shown = (await parent.get(url)).json()
    assert (shown["waiting"], shown["can_wait"]) == (1, False)  # she waits already
    assert shown["mine"][0]["waits_at"] == 1
    await resident.post(f"/bookings/{first['id']}/cancel", json={})
    assert (await parent.get(f"/bookings/{waiting['id']}")).json()["state"] == "confirmed"


async def test_a_guardian_enrols_each_child_once_and_its_time_is_its_own(
    worker: Caller, parent: Caller, venue: Venue
) -> None:
    ages = {"audience": {"youngest": 7, "oldest": 11}}
    session = await added(worker, venue, for_children=True, **rules(**ages))
    url = f"/sessions/{session['id']}/bookings"
    older = await registered(parent, name="黄小满")
    younger = await registered(parent, name="黄小暑", birth_month="2021-06", grade=None)
    refused(await parent.post(url, json={}), 422, "child_needed")
    booking = await enrolled(parent, session["id"], child_id=older["id"])
    assert (booking["child_name"], booking["party_size"]) == ("黄小满", 1)
    again = await parent.post(url, json={"child_id": older["id"]})
    refused(again, 409, "already_registered")
    problem = refused(
        await parent.post(url, json={"child_id": younger["id"]}), 403, "not_for_you"
    )
    assert [one["code"] for one in problem["reasons"]] == ["too_young"]
    assert await codes(parent, session["id"], younger["id"]) == {"too_young"}
    assert await codes(parent, session["id"], older["id"]) == {"already_registered"}
    assert await codes(parent, session["id"]) == set()
    # The guardian herself may be elsewhere, her child may not.
    art = await added(worker, venue, 17, 1, title="剪纸", kind="activity")
    assert (await enrolled(parent, art["id"]))["state"] == "confirmed"
    chess = await added(worker, venue, 17, 1, title="象棋", for_children=True)
    answer = await parent.post(
        f"/sessions/{chess['id']}/bookings", json={"child_id": older["id"]}
    )
    refused(answer, 409, "overlaps_own_booking")
    (mine,) = (await parent.get(f"/sessions/{session['id']}")).json()["mine"]
    assert mine["child_name"] == "黄小满"


async def test_a_child_of_others_does_not_exist_and_consent_must_be_to_the_present_text(
    worker: Caller, resident: Caller, parent: Caller, venue: Venue, tx: Tx
) -> None:
    session = await added(worker, venue, for_children=True)
    url = f"/sessions/{session['id']}"
    child = await registered(parent)
    wish = {"child_id": child["id"]}
    refused(await resident.post(f"{url}/bookings", json=wish), 404, "child_not_found")
    refused(await resident.get(f"{url}?child_id={child['id']}"), 404, "child_not_found")
    (await tx.get_one(Child, child["id"])).consent_version = "2020-01-01"
    await tx.commit()
    assert await codes(parent, session["id"], child["id"]) == {"consent_needed"}
    refused(await parent.post(f"{url}/bookings", json=wish), 409, "consent_needed")


async def test_children_are_not_for_what_people_enrol_in_themselves_nor_enrolled_by_staff(
    worker: Caller, parent: Caller, venue: Venue
) -> None:
    adults = await added(worker, venue, kind="activity")
    children = await added(worker, venue, 19, 1, for_children=True)
    child = await registered(parent)
    answer = await parent.post(
        f"/sessions/{adults['id']}/bookings", json={"child_id": child["id"]}
    )
    refused(answer, 422, "not_for_children")
    two = {"child_id": child["id"], "party_size": 2}
    answer = await parent.post(f"/sessions/{children['id']}/bookings", json=two)
    refused(answer, 422, "wish_not_possible")
    caller = {"on_behalf_of": {"name": "王阿姨", "phone": "15455556666"}}
    answer = await worker.post(f"/sessions/{children['id']}/bookings", json=caller)
    refused(answer, 409, "guardian_must_enrol")


async def test_staff_enrol_a_caller_and_may_set_rules_aside_but_not_seats(
    worker: Caller, resident: Caller, venue: Venue, callers: Callers, town: Town
) -> None:
    until: dict[str, Any] = {"enrol_until": at(7).isoformat()}
    session = await added(worker, venue, capacity=1, kind="activity", **until)
    url = f"/sessions/{session['id']}/bookings"
    wish = {"on_behalf_of": {"name": "王阿姨", "phone": "15455556666"}}
    refused(await resident.post(url, json=wish), 403, "forbidden")
    other = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    refused(await other.post(url, json=wish), 403, "forbidden")
    booking = (await worker.post(url, json=wish)).json()
    assert booking["channel"] == "staff"
    assert booking["holder"]["name"] == "王阿姨"
    answer = await worker.post(
        url, json={"on_behalf_of": {"name": "李伯", "phone": "15455557777"}}
    )
    refused(answer, 409, "nothing_free")


async def test_staff_set_nothing_aside_for_their_own_number(
    worker: Caller, venue: Venue, tx: Tx
) -> None:
    session = await added(worker, venue, kind="activity")
    phone = phone_number()
    (await tx.get_one(Person, worker.person_id)).phone = phone
    await tx.commit()
    wish = {"on_behalf_of": {"name": "本人", "phone": phone}}
    answer = await worker.post(f"/sessions/{session['id']}/bookings", json=wish)
    refused(answer, 403, "not_for_your_place")


async def test_one_enrols_within_the_window_and_is_told_when_that_is(
    worker: Caller, resident: Caller, venue: Venue, clock: Clock
) -> None:
    window: dict[str, Any] = {
        "enrol_from": at(9).isoformat(),
        "enrol_until": at(12).isoformat(),
    }
    session = await added(worker, venue, **window)
    url = f"/sessions/{session['id']}/bookings"
    problem = refused(await resident.post(url, json={}), 409, "enrolment_not_open")
    assert problem["reasons"][0]["opens_at"] == at(9).isoformat()
    clock.now = at(12)
    problem = refused(await resident.post(url, json={}), 409, "enrolment_over")
    assert problem["reasons"][0]["closed_at"] == at(12).isoformat()
    clock.now = at(11.9)
    assert (await resident.post(url, json={})).status_code == 200


async def test_without_a_window_the_policy_says_how_early_and_how_late(
    worker: Caller, resident: Caller, venue: Venue, clock: Clock
) -> None:
    session = await added(worker, venue, 16, **rules(horizon_days=0, notice_minutes=60))
    shown = (await resident.get(f"/sessions/{session['id']}")).json()
    assert (shown["enrol_from"], shown["enrol_until"]) == (
        at(0).isoformat(),
        at(15).isoformat(),
    )
    url = f"/sessions/{session['id']}/bookings"
    refused(await resident.post(url, json={}), 409, "enrolment_not_open")
    clock.now = at(15)
    refused(await resident.post(url, json={}), 409, "enrolment_over")
    clock.now = at(17)
    problem = refused(await resident.post(url, json={}), 409, "enrolment_over")
    assert problem["reasons"][0]["code"] == "session_begun"
    clock.now = at(0)
    assert (await resident.post(url, json={})).status_code == 200


@pytest.mark.parametrize("home", [(1, 1, 1, 1), (1, 2, 1, 1)])
@pytest.mark.parametrize("capacity", [1, 2])
@pytest.mark.parametrize("moment", [8.0, 16.2])
@pytest.mark.parametrize("busy", [None, "room", "quota", "teaching"])
async def test_what_is_shown_as_the_reason_is_what_the_refusal_says(
    worker: Caller,
    parent: Caller,
    venue: Venue,
    room: RoomRow,
    callers: Callers,
    town: Town,
    tx: Tx,
    clock: Clock,
    home: tuple[int, ...],
    capacity: int,
    moment: float,
    busy: str | None,
) -> None:
    """Every combination of what may be in the way, by both ways of asking."""
    caller = await callers.resident(town.place(*home))
    session = await added(worker, venue, capacity=capacity, **rules(quotas=WEEKLY))
    await enrolled(parent, session["id"])
    if busy == "room":
        await book(caller, room, 17, 18)
    elif busy == "quota":
        other = await added(worker, venue, 11, 1)
        await caller.post(f"/sessions/{other['id']}/bookings", json={})
    elif busy == "teaching":
        teacher = await hired(worker, venue)
        await added(worker, venue, 17, 1, teachers=[lead(teacher)])
        await _link(tx, worker, teacher, caller)
    clock.now = at(moment)
    shown = (await caller.get(f"/sessions/{session['id']}")).json()["reasons"]
    answer = await caller.post(f"/sessions/{session['id']}/bookings", json={})
    told = [] if answer.status_code == 200 else answer.json()["reasons"]

    def plain(reasons: list[dict[str, Any]]) -> list[str]:
        return sorted(str(one) for one in reasons)

    assert plain(shown) == plain(told)
    free = home == (1, 1, 1, 1) and capacity == 2 and moment == 8.0 and busy is None
    assert (answer.status_code == 200) == free


async def _link(tx: Tx, worker: Caller, teacher: dict[str, Any], caller: Caller) -> None:
    (await tx.get_one(Person, caller.person_id)).phone = "15499990002"
    await tx.commit()
    body = TEACHER | {"phone": "15499990002", "version": 1}
    assert (await worker.put(f"/teachers/{teacher['id']}", json=body)).status_code == 200
    await accepted(caller, teacher)


async def test_what_is_closed_to_enrolments_says_so(
    worker: Caller, resident: Caller, venue: Venue
) -> None:
    session = await added(worker, venue)
    await changed(worker, session, accepts_enrolments=False)
    answer = await resident.post(f"/sessions/{session['id']}/bookings", json={})
    refused(answer, 409, "not_open")
    assert await codes(resident, session["id"]) == {"closed"}


async def test_a_room_is_not_a_session(resident: Caller, room: RoomRow) -> None:
    refused(
        await resident.post(f"/sessions/{room.id}/bookings", json={}), 404, "session_not_found"
    )
