"""Lots: promised before anybody enters, and recomputed here from what is published alone."""

from hashlib import sha256

from neighborhood_api.kit.db import Database
from neighborhood_api.registrations.sweeps import draw_due
from neighborhood_api.venues.models import Venue
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import at
from tests.venues.sessions.arranging import PLAN, SERIES, added, changed, enrolled, plan
from tests.venues.sessions.weekly import change, made


async def test_anybody_can_recompute_the_draw_from_what_is_published(
    worker: Caller,
    venue: Venue,
    callers: Callers,
    town: Town,
    rolled_back: Database,
) -> None:
    session = await added(worker, venue, capacity=2, draw_at=at(12).isoformat())
    url = f"/sessions/{session['id']}"
    people = [await callers.resident(town.place(1, 1, 1, 1)) for _ in range(5)]
    entries = [await enrolled(one, session["id"]) for one in people]
    assert {one["state"] for one in entries} == {"entered"}
    promised = (await people[0].get(f"{url}/draw")).json()
    assert (promised["seed"], promised["lots"], promised["drawn_at"]) == (None, [], None)
    assert promised["commitment"] == session["draw_commitment"]
    assert await draw_due(rolled_back, now=at(12)) == 1
    drawn = (await people[0].get(f"{url}/draw")).json()
    (listed,) = (await people[0].get("/sessions")).json()["items"]
    for shown in (listed, (await people[0].get(url)).json()):
        assert shown["draw_at"] == shown["drawn_at"] == at(12).isoformat() == drawn["draw_at"]
        assert shown["draw_commitment"] == promised["commitment"]
    assert drawn["commitment"] == promised["commitment"]
    assert sha256(drawn["seed"].encode()).hexdigest() == promised["commitment"]

    def score(code: str) -> str:
        return sha256(f"{drawn['seed']}:{code.removeprefix('B')}".encode()).hexdigest()

    mine = sorted((one["code"] for one in entries), key=score)
    assert [lot["code"] for lot in drawn["lots"]] == mine
    assert [lot["score"] for lot in drawn["lots"]] == [score(code) for code in mine]
    assert [lot["place"] for lot in drawn["lots"]] == [1, 2, 3, 4, 5]
    assert [lot["won"] for lot in drawn["lots"]] == [True, True, False, False, False]
    states = {}
    for person, entry in zip(people, entries, strict=True):
        shown = (await person.get(f"/bookings/{entry['id']}")).json()
        states[shown["code"]] = (shown["state"], shown["waits_at"])
    assert [states[code] for code in mine] == [
        ("confirmed", None),
        ("confirmed", None),
        ("waitlisted", 1),
        ("waitlisted", 2),
        ("waitlisted", 3),
    ]
    # What becomes of them later does not change what was drawn.
    winner = next(n for n, one in enumerate(entries) if one["code"] == mine[0])
    await people[winner].post(f"/bookings/{entries[winner]['id']}/cancel", json={})
    assert (await people[0].get(f"{url}/draw")).json()["lots"] == drawn["lots"]


async def test_who_is_drawn_and_waits_for_approval_has_won_all_the_same(
    worker: Caller, venue: Venue, callers: Callers, town: Town, rolled_back: Database
) -> None:
    asks = PLAN["policy"] | {"approval": True}
    session = await added(worker, venue, capacity=1, draw_at=at(12).isoformat(), policy=asks)
    people = [await callers.resident(town.place(1, 1, 1, 1)) for _ in range(2)]
    entries = [await enrolled(one, session["id"]) for one in people]
    await draw_due(rolled_back, now=at(12))
    drawn = (await people[0].get(f"/sessions/{session['id']}/draw")).json()
    states = {}
    for person, entry in zip(people, entries, strict=True):
        shown = (await person.get(f"/bookings/{entry['id']}")).json()
        states[shown["code"]] = shown["state"]
    assert [(lot["won"], states[lot["code"]]) for lot in drawn["lots"]] == [
        (True, "pending"),
        (False, "waitlisted"),
    ]


async def test_a_draw_of_places_that_nobody_has_until_approved_is_refused(
    worker: Caller, venue: Venue
) -> None:
    free = PLAN["policy"] | {"approval": True, "pending_blocks": False}
    noon = at(12).isoformat()
    body = {"kind": "tutoring", "draw_at": noon} | plan(policy=free)
    answer = await worker.post(f"/venues/{venue.id}/sessions", json=body)
    refused(answer, 422, "drawn_places_not_held")
    series = SERIES | {"policy": free, "draw_minutes_before": 60}
    answer = await worker.post(f"/venues/{venue.id}/series", json=series)
    refused(answer, 422, "drawn_places_not_held")
    session = await added(worker, venue, draw_at=noon)
    body = plan(version=session["version"], policy=free)
    answer = await worker.put(f"/sessions/{session['id']}", json=body)
    refused(answer, 422, "drawn_places_not_held")
    weekly = await made(worker, venue, draw_minutes_before=60)
    answer = await worker.put(f"/series/{weekly['id']}", json=change(weekly, policy=free))
    refused(answer, 422, "drawn_places_not_held")
    url = f"/sessions/{weekly['sessions'][0]['session_id']}"
    assert (await worker.get(url)).json()["policy"]["pending_blocks"] is True
    await added(worker, venue, policy=free)  # without a draw staff choose among all who ask


async def test_a_session_without_a_draw_has_none_to_show(
    worker: Caller, resident: Caller, venue: Venue
) -> None:
    session = await added(worker, venue)
    refused(await resident.get(f"/sessions/{session['id']}/draw"), 404, "no_draw")
    refused(await resident.get(f"/sessions/{venue.id}/draw"), 404, "session_not_found")


async def test_the_draw_stays_as_long_before_the_start_as_it_was(
    worker: Caller, resident: Caller, venue: Venue, clock: Clock
) -> None:
    session = await added(worker, venue, 16, 1, draw_at=at(12).isoformat())
    await changed(worker, session, 18, 1)
    shown = (await resident.get(f"/sessions/{session['id']}/draw")).json()
    assert shown["draw_at"] == at(14).isoformat()
    clock.now = at(13)
    assert (await enrolled(resident, session["id"]))["state"] == "entered"
