"""Strikes: seen by whom they were given to, answered by the venue's staff."""

from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import at, book, new_room


@pytest.fixture
async def room(tx: Tx, venue: Venue) -> RoomRow:
    """One late cancellation suspends here."""
    strikes = {"limit": 1, "window_days": 30, "suspension_days": 14}
    room = await new_room(tx, venue, notice_minutes=0, strikes=strikes)
    await tx.commit()
    return room


@pytest.fixture
async def strike_id(resident: Caller, room: RoomRow, clock: Clock) -> str:
    """The resident cancelled an hour before the start."""
    booked = (await book(resident, room, 14, 15)).json()["id"]
    clock.now = at(13)
    answer = await resident.post(f"/bookings/{booked}/cancel", json={})
    assert answer.json()["cancelled_late"] is True
    (mine,) = (await resident.get("/me/strikes")).json()["items"]
    assert (mine["booking_id"], mine["reason"], mine["counts"]) == (booked, "late_cancel", True)
    found: str = mine["id"]
    return found


async def test_who_is_suspended_reads_until_when(
    resident: Caller, room: RoomRow, strike_id: str, clock: Clock
) -> None:
    del strike_id
    problem = refused(await book(resident, room, 17, 18), 409, "suspended")
    (why,) = problem["reasons"]
    assert (why["strikes"], why["limit"]) == (1, 1)
    assert why["until"] == "2026-12-08T13:00:00+08:00"
    assert why["message"] == "近期爽约1次，2026-12-08 13:00后可再预约"
    clock.forward(days=14)
    later = await book(resident, room, 24 * 14 + 17, 24 * 14 + 18)
    assert later.status_code == 200, later.text


async def test_an_appeal_is_answered_by_staff_and_lifts_the_suspension(
    resident: Caller, worker: Caller, room: RoomRow, strike_id: str, tx: Tx
) -> None:
    url = f"/me/strikes/{strike_id}/appeal"
    appealed = await resident.post(url, json={"text": "发烧就医"})
    assert appealed.json()["appeal"] == "发烧就医"
    refused(await resident.post(url, json={"text": "再来"}), 409, "appealed_already")
    (waiting,) = (await worker.get("/strikes", params={"waiting": "true"})).json()["items"]
    assert (waiting["id"], waiting["person_name"]) == (strike_id, "黄荔红")
    body = {"lift": True, "text": "情况属实"}
    answered = await worker.post(f"/strikes/{strike_id}/answer", json=body)
    assert answered.status_code == 200, answered.text
    assert (answered.json()["counts"], answered.json()["answer"]) == (False, "情况属实")
    refused(await worker.post(f"/strikes/{strike_id}/answer", json=body), 409, "no_appeal")
    assert (await book(resident, room, 17, 18)).status_code == 200
    act = (await tx.scalars(select(Act).where(Act.what == "venues.strike_lifted"))).one()
    assert (act.subject, act.person_id) == (strike_id, worker.person_id)


async def test_staff_may_uphold_and_may_lift_without_an_appeal(
    resident: Caller, worker: Caller, room: RoomRow, strike_id: str
) -> None:
    await resident.post(f"/me/strikes/{strike_id}/appeal", json={"text": "忘了"})
    body = {"lift": False, "text": "请下次提前取消"}
    kept = await worker.post(f"/strikes/{strike_id}/answer", json=body)
    assert (kept.json()["counts"], kept.json()["lifted_at"]) == (True, None)
    refused(await book(resident, room, 17, 18), 409, "suspended")
    lifted = await worker.post(f"/strikes/{strike_id}/lift", json={"text": "首次，予以撤销"})
    assert lifted.json()["counts"] is False
    again = await worker.post(f"/strikes/{strike_id}/lift", json={"text": "再撤"})
    refused(again, 409, "strike_over")


async def test_who_is_still_suspended_reads_that_the_strike_counts_and_may_appeal(
    resident: Caller, venue: Venue, clock: Clock, tx: Tx
) -> None:
    strikes = {"limit": 1, "window_days": 1, "suspension_days": 14}
    room = await new_room(tx, venue, notice_minutes=0, strikes=strikes)
    await tx.commit()
    booked = (await book(resident, room, 14, 15)).json()["id"]
    clock.now = at(13)
    await resident.post(f"/bookings/{booked}/cancel", json={})

    async def mine() -> dict[str, Any]:
        (shown,) = (await resident.get("/me/strikes")).json()["items"]
        found: dict[str, Any] = shown
        return found

    clock.forward(days=3)
    shown = await mine()
    assert (shown["expires_at"], shown["counts"]) == (at(24 + 13).isoformat(), True)
    refused(await book(resident, room, 24 * 3 + 17, 24 * 3 + 18), 409, "suspended")
    url, why = f"/me/strikes/{shown['id']}/appeal", {"text": "发烧就医"}
    clock.now = at(24 * 14 + 13)
    assert (await mine())["counts"] is False
    refused(await resident.post(url, json=why), 409, "strike_over")
    clock.now = at(24 * 14 + 12)
    assert (await resident.post(url, json=why)).json()["appeal"] == "发烧就医"


async def test_others_learn_and_change_nothing(
    callers: Callers, town: Town, resident: Caller, strike_id: str, tx: Tx
) -> None:
    strangers = [
        await callers.resident(town.place(1, 1, 1, 1)),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.STREET_SECRETARY, 2),
    ]
    for stranger in strangers:
        assert (await stranger.get("/strikes")).json()["items"] == []
        answers = [
            await stranger.post(f"/me/strikes/{strike_id}/appeal", json={"text": "x"}),
            await stranger.post(f"/strikes/{strike_id}/lift", json={"text": "x"}),
            await stranger.post(
                f"/strikes/{strike_id}/answer", json={"lift": True, "text": "x"}
            ),
        ]
        for answer in [*answers]:
            refused(answer, 404, "strike_not_found")
    refused(
        await resident.post(f"/strikes/{strike_id}/lift", json={"text": "x"}),
        404,
        "strike_not_found",
    )
    stored = await tx.get_one(Strike, strike_id)
    assert (stored.lifted_at, stored.appealed_at) == (None, None)


async def test_staff_do_not_lift_their_own(
    worker: Caller, town: Town, room: RoomRow, clock: Clock
) -> None:
    lane = {"lane_id": str(town.at(1, 1, 2, 1).id), "address": "1号"}
    assert (await worker.put("/me/residence", json=lane)).status_code == 200
    booked = (await book(worker, room, 14, 15)).json()["id"]
    clock.now = at(13)
    await worker.post(f"/bookings/{booked}/cancel", json={})
    (mine,) = (await worker.get("/me/strikes")).json()["items"]
    answer = await worker.post(f"/strikes/{mine['id']}/lift", json={"text": "自己"})
    refused(answer, 404, "strike_not_found")
