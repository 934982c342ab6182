"""Nothing that changes about a session comes to lie in the past."""

from datetime import timedelta
from typing import Any

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.settling import settle_due
from tests.support.clock import Clock
from tests.support.people import Caller
from tests.support.refusals import refused
from tests.venues.arranging import TODAY, TUESDAY, at
from tests.venues.sessions.arranging import added, changed, enrolled, plan
from tests.venues.sessions.weekly import DATES, change, dates, iso, made, put

WEEK_MINUTES = 7 * 24 * 60


async def test_a_change_of_a_series_moves_no_session_before_now(
    worker: Caller, resident: Caller, venue: Venue, clock: Clock
) -> None:
    series = await made(worker, venue)
    first = series["sessions"][0]
    booking = await enrolled(resident, first["session_id"])
    clock.now = at(12)
    early = {"starts": "08:00", "ends": "09:30"}
    answer = await worker.put(f"/series/{series['id']}", json=change(series, **early))
    problem = refused(answer, 409, "series_clashes")
    assert [(one["on"], one["code"]) for one in problem["clashes"]] == [
        (TUESDAY.isoformat(), "in_the_past")
    ]
    after = await put(worker, series, **early, on_clash="skip")
    assert [(one["on"], one["code"]) for one in after["skipped"]] == [
        (TUESDAY.isoformat(), "in_the_past")
    ]
    assert [one["starts_at"][11:16] for one in after["sessions"]] == ["16:30"] + ["08:00"] * 5
    shown = (await resident.get(f"/bookings/{booking['id']}")).json()
    assert shown["starts_at"] == at(16.5).isoformat()


async def test_dates_too_near_to_be_decided_are_left_out_and_none_is_called_off_at_once(
    worker: Caller, venue: Venue, clock: Clock, rolled_back: Database
) -> None:
    deciding: dict[str, Any] = {"fewest": 2, "decide_minutes_before": WEEK_MINUTES}
    new = await made(worker, venue, **deciding)
    assert dates(new) == iso(*DATES[2:])
    assert [one["code"] for one in new["skipped"]] == ["in_the_past", "in_the_past"]
    old = await made(worker, venue)
    after = await put(worker, old, **deciding, on_clash="skip")
    assert [one["on"] for one in after["skipped"]] == iso(*DATES[:2])
    await settle_due(rolled_back, now=clock.now)
    assert dates((await worker.get(f"/series/{old['id']}")).json()) == iso(*DATES)
    first = (await worker.get(f"/sessions/{old['sessions'][0]['session_id']}")).json()
    assert first["fewest"] is None


async def test_a_draw_is_not_moved_before_now(
    worker: Caller, venue: Venue, clock: Clock
) -> None:
    series = await made(worker, venue, draw_minutes_before=240)
    clock.now = at(11)
    early = {"starts": "14:00", "ends": "15:00"}
    answer = await worker.put(f"/series/{series['id']}", json=change(series, **early))
    problem = refused(answer, 409, "series_clashes")
    assert [(one["on"], one["code"]) for one in problem["clashes"]] == [
        (TUESDAY.isoformat(), "in_the_past")
    ]
    session = await added(worker, venue, 17, draw_at=at(12).isoformat())
    url = f"/sessions/{session['id']}"
    refused(await worker.put(url, json=plan(15.9, version=1)), 422, "session_in_the_past")
    assert (await changed(worker, session, 16.5))["draw_at"] == at(11.5).isoformat()


async def test_a_minimum_is_not_changed_once_it_was_decided_but_the_rest_is(
    worker: Caller,
    resident: Caller,
    venue: Venue,
    clock: Clock,
    rolled_back: Database,
) -> None:
    decided: dict[str, Any] = {"decide_at": at(12).isoformat()}
    session = await added(worker, venue, fewest=1, **decided)
    await enrolled(resident, session["id"])
    clock.now = at(13)
    await settle_due(rolled_back, now=clock.now)
    url = f"/sessions/{session['id']}"
    body = plan(version=1, fewest=3, **decided)
    refused(await worker.put(url, json=body), 422, "session_in_the_past")
    assert (await changed(worker, session, title="新课", fewest=1, **decided))["settled"]
    await settle_due(rolled_back, now=clock.now + timedelta(minutes=1))
    assert (await worker.get(url)).json()["cancelled_at"] is None


async def test_before_its_first_date_the_past_is_no_obstacle(
    worker: Caller, venue: Venue, clock: Clock, tx: Tx
) -> None:
    del tx
    clock.now = at(9, TODAY)
    series = await made(worker, venue)
    after = await put(worker, series, starts="08:00", ends="09:00")
    assert (dates(after), after["skipped"]) == (iso(*DATES), [])
