"""Sessions with a minimum: seen once, when the time to decide has come."""

from datetime import UTC, datetime, timedelta
from typing import Any

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.jobs import settle_sessions
from neighborhood_api.venues.sessions.settling import settle_due
from tests.support.clock import Clock
from tests.support.jobs import job_context
from tests.support.people import Caller
from tests.venues.arranging import at
from tests.venues.sessions.arranging import added, changed, enrolled, told

DECIDE: dict[str, Any] = {"fewest": 2, "decide_at": at(12).isoformat()}


async def test_with_too_few_it_is_called_off_once_and_everybody_is_told(
    worker: Caller, resident: Caller, venue: Venue, rolled_back: Database, tx: Tx
) -> None:
    session = await added(worker, venue, **DECIDE)
    booking = await enrolled(resident, session["id"])
    assert await settle_due(rolled_back, now=at(12) - timedelta(minutes=1)) == 0
    assert await settle_due(rolled_back, now=at(12)) == 1
    assert await settle_due(rolled_back, now=at(12)) == 0
    ended = (await resident.get(f"/bookings/{booking['id']}")).json()
    assert ended["state"] == "cancelled"
    assert ended["cancel_reason"] == "报名1人，未达到最低人数2人"
    assert await told(tx, "venues.session_called_off") == [
        {"session_id": session["id"], "too_few": True}
    ]
    assert len(await told(tx, "registrations.cancelled")) == 1


async def test_with_enough_it_takes_place_and_that_is_told_once(
    worker: Caller,
    resident: Caller,
    parent: Caller,
    venue: Venue,
    rolled_back: Database,
    tx: Tx,
) -> None:
    session = await added(worker, venue, **DECIDE)
    await enrolled(resident, session["id"])
    await enrolled(parent, session["id"])
    assert not (await resident.get(f"/sessions/{session['id']}")).json()["settled"]
    for _ in range(2):
        await settle_due(rolled_back, now=at(12))
    assert await told(tx, "venues.session_settled") == [{"session_id": session["id"]}]
    assert (await resident.get(f"/sessions/{session['id']}")).json()["settled"]
    assert await told(tx, "venues.session_called_off") == []


async def test_a_party_counts_by_its_heads_and_who_only_waits_does_not_count(
    worker: Caller,
    resident: Caller,
    parent: Caller,
    venue: Venue,
    rolled_back: Database,
    tx: Tx,
) -> None:
    family = await added(worker, venue, 15, 1, kind="activity", **DECIDE)
    await enrolled(resident, family["id"], party_size=2)
    tight = {**DECIDE, "fewest": 3}
    full = await added(worker, venue, 18, 1, kind="activity", capacity=3, **tight)
    await enrolled(resident, full["id"], party_size=2)
    await enrolled(parent, full["id"], party_size=2, wait=True)
    await settle_due(rolled_back, now=at(12))
    assert await told(tx, "venues.session_settled") == [{"session_id": family["id"]}]
    off = await told(tx, "venues.session_called_off")
    assert [one["session_id"] for one in off] == [full["id"]]


async def test_a_draw_that_is_due_is_done_before_it_is_decided(
    worker: Caller,
    resident: Caller,
    parent: Caller,
    venue: Venue,
    rolled_back: Database,
    tx: Tx,
) -> None:
    session = await added(worker, venue, draw_at=at(12).isoformat(), **DECIDE)
    await enrolled(resident, session["id"])
    await enrolled(parent, session["id"])
    await settle_due(rolled_back, now=at(12))
    assert await told(tx, "venues.session_settled") == [{"session_id": session["id"]}]
    assert (await resident.get(f"/sessions/{session['id']}")).json()["taken"] == 2


async def test_another_minimum_or_time_is_seen_anew(
    worker: Caller,
    resident: Caller,
    venue: Venue,
    rolled_back: Database,
    tx: Tx,
    clock: Clock,
) -> None:
    session = await added(worker, venue, fewest=1, decide_at=at(10).isoformat())
    await enrolled(resident, session["id"])
    await settle_due(rolled_back, now=at(10))
    clock.now = at(11)
    await changed(worker, session, **DECIDE)
    assert not (await worker.get(f"/sessions/{session['id']}")).json()["settled"]
    await settle_due(rolled_back, now=at(12))
    assert len(await told(tx, "venues.session_called_off")) == 1


async def test_the_worker_decides_by_itself(
    worker: Caller, venue: Venue, rolled_back: Database, tx: Tx, clock: Clock
) -> None:
    clock.now = datetime.now(UTC) - timedelta(hours=3)
    soon = datetime.now(UTC).replace(second=0, microsecond=0)
    times: dict[str, Any] = {
        "starts_at": (soon + timedelta(hours=2)).isoformat(),
        "ends_at": (soon + timedelta(hours=3)).isoformat(),
        "decide_at": (soon - timedelta(minutes=1)).isoformat(),
    }
    session = await added(worker, venue, fewest=1, **times)
    await settle_sessions(job_context(rolled_back, "venues.settle_sessions"), 0)
    off = await told(tx, "venues.session_called_off")
    assert [one["session_id"] for one in off] == [session["id"]]
