"""Sessions where it is open: closures always count, the ordinary hours unless staff say so."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.openings.models import OpeningRule
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.people import Caller
from tests.support.refusals import refused
from tests.venues.arranging import TUESDAY, at, new_room
from tests.venues.openings.arranging import closure, exception
from tests.venues.sessions.arranging import SERIES, added, plan
from tests.venues.sessions.weekly import DATES, change, dates, iso, made

Body = dict[str, Any]


@pytest.fixture
async def open_venue(tx: Tx, venue: Venue) -> Venue:
    """Open from eight to nine in the evening, every day."""
    tx.add_all(
        OpeningRule(
            opening_id=venue.opening_id,
            weekday=weekday,
            opens_minute=8 * 60,
            closes_minute=21 * 60,
        )
        for weekday in range(1, 8)
    )
    await tx.commit()
    return venue


async def done(answer: Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.json()["applied"], answer.text


async def tried(
    worker: Caller,
    venue: Venue,
    start: float,
    hours: float,
    **more: Any,  # noqa: ANN401
) -> Response:
    """Try to add a session, by default within the ordinary hours only."""
    body = {"kind": "activity"} | plan(start, hours, **{"outside_hours": False} | more)
    return await worker.post(f"/venues/{venue.id}/sessions", json=body)


def codes(answer: Response) -> list[str]:
    problem = refused(answer, 409, "place_or_teacher_taken")
    return [one["code"] for one in problem["clashes"]]


@pytest.mark.parametrize("in_", ["venue", "room"])
@pytest.mark.parametrize("where", ["venue", "room"])
@pytest.mark.parametrize("what", ["closure", "exception"])
async def test_where_it_is_closed_no_session_is_added_whatever_staff_set_aside(
    worker: Caller, open_venue: Venue, room: RoomRow, in_: str, where: str, what: str
) -> None:
    url = f"/venues/{open_venue.id}" if where == "venue" else f"/rooms/{room.id}"
    bodies = {"closure": closure(15, 16), "exception": exception()}
    await done(await worker.post(f"{url}/opening/{what}s", json=bodies[what]))
    wish: Body = {"room_id": str(room.id)} if in_ == "room" else {}
    answer = await tried(worker, open_venue, 15, 1, outside_hours=True, **wish)
    if where == "room" and in_ == "venue":
        assert answer.status_code == 200, answer.text
        return
    assert codes(answer) == [{"closure": "out_of_use", "exception": "closed_day"}[what]]
    assert {"closure": "空调检修", "exception": "社区大扫除"}[what] in answer.text


async def test_outside_the_hours_a_session_needs_a_word_of_staff(
    worker: Caller, open_venue: Venue, room: RoomRow
) -> None:
    rooms: tuple[Body, ...] = ({}, {"room_id": str(room.id)})
    for wish in rooms:
        answer = await tried(worker, open_venue, 20, 2, **wish)
        assert codes(answer) == ["outside_hours"]
    session = await added(worker, open_venue, 15, 1, outside_hours=False)
    body = plan(20, 2, version=1, outside_hours=False)
    assert codes(await worker.put(f"/sessions/{session['id']}", json=body)) == ["outside_hours"]
    answer = await worker.put(f"/sessions/{session['id']}", json=body | {"outside_hours": True})
    assert answer.status_code == 200, answer.text
    # Once it is there, nobody asks again.
    body |= {"version": 2, "title": "夜读"}
    assert (await worker.put(f"/sessions/{session['id']}", json=body)).json()["title"] == "夜读"


async def test_a_session_over_midnight_is_held_against_both_days(
    worker: Caller, open_venue: Venue
) -> None:
    url = f"/venues/{open_venue.id}/opening/closures"
    await done(await worker.post(url, json=closure(26, 27)))
    answer = await tried(worker, open_venue, 22, 6, outside_hours=True)
    assert codes(answer) == ["out_of_use"]
    answer = await tried(worker, open_venue, 22, 4, outside_hours=True)
    assert answer.status_code == 200, answer.text
    answer = await tried(worker, open_venue, 23, 1, outside_hours=True)
    assert answer.status_code == 200, answer.text


async def test_an_exception_that_closes_the_next_day_leaves_what_ends_at_midnight(
    worker: Caller, open_venue: Venue
) -> None:
    wednesday = exception(day=TUESDAY + timedelta(days=1))
    url = f"/venues/{open_venue.id}/opening/exceptions"
    await done(await worker.post(url, json=wednesday))
    answer = await tried(worker, open_venue, 22, 2, outside_hours=True)
    assert answer.status_code == 200, answer.text
    answer = await tried(worker, open_venue, 22, 3, outside_hours=True)
    assert codes(answer) == ["closed_day"]


async def test_a_closure_that_touches_the_end_is_not_in_the_way_of_what_comes_after_the_buffer(
    worker: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, buffer_after_minutes=30)
    await tx.commit()
    url = f"/rooms/{room.id}/opening/closures"
    await done(await worker.post(url, json=closure(16, 18)))
    wish: Body = {"room_id": str(room.id), "outside_hours": False}
    session = await added(worker, venue, 15, 1, **wish)
    body = plan(15, 1, title="换个题目", version=1, **wish)
    answer = await worker.put(f"/sessions/{session['id']}", json=body)
    assert answer.json()["title"] == "换个题目"


async def test_dates_of_a_series_that_are_closed_are_refused_or_told(
    worker: Caller, open_venue: Venue
) -> None:
    url = f"/venues/{open_venue.id}/opening/closures"
    await done(await worker.post(url, json=closure(9, 20, DATES[1])))
    late = SERIES | {"starts": "20:00", "ends": "21:30", "outside_hours": False}
    answer = await worker.post(f"/venues/{open_venue.id}/series", json=late)
    problem = refused(answer, 409, "series_clashes")
    assert {one["code"] for one in problem["clashes"]} == {"outside_hours"}
    assert [one["on"] for one in problem["clashes"]] == iso(*DATES)
    series = await made(worker, open_venue, on_clash="skip", outside_hours=False)
    assert dates(series) == iso(DATES[0], *DATES[2:])
    (skipped,) = series["skipped"]
    assert (skipped["on"], skipped["code"]) == (iso(DATES[1])[0], "out_of_use")
    body = change(series, starts="20:00", ends="21:30", outside_hours=False)
    answer = await worker.put(f"/series/{series['id']}", json=body)
    problem = refused(answer, 409, "series_clashes")
    assert {one["code"] for one in problem["clashes"]} == {"outside_hours"}
    body |= {"outside_hours": True}
    changed = (await worker.put(f"/series/{series['id']}", json=body)).json()
    assert dates(changed) == iso(*DATES)  # the evening of the second one is free


async def test_all_that_is_in_the_way_of_a_skipped_date_is_told(
    worker: Caller, venue: Venue, room: RoomRow
) -> None:
    url = f"/rooms/{room.id}/opening/closures"
    await done(await worker.post(url, json=closure(17, 20)))
    await added(worker, venue, 15.5, 1.25, room_id=str(room.id))
    series = await made(worker, venue, room_id=str(room.id), on_clash="skip")
    (skipped,) = series["skipped"]
    assert [one["code"] for one in skipped["clashes"]] == ["room_taken", "out_of_use"]
    taken, closed = skipped["clashes"]
    assert (taken["starts_at"], closed["ends_at"]) == (
        at(15.5).isoformat(),
        at(20).isoformat(),
    )
    assert skipped["message"] == f"{taken['message']}；{closed['message']}"
