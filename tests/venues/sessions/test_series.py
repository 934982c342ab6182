"""Weekly series: every clash is told, and nothing that people are enrolled in falls away."""

from datetime import date, timedelta
from typing import Any

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.models import CalendarChange, SpecialDay, WorkingYear
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import TUESDAY, at, book, new_room
from tests.venues.sessions.arranging import (
    SERIES,
    added,
    busy_at,
    enrolled,
    helper,
    hired,
    lead,
    occupied,
    told,
    unit_of,
)
from tests.venues.sessions.weekly import DATES, THURSDAY, WEEK, change, dates, iso, made, put


async def test_a_series_has_a_session_on_each_of_its_days_with_room_and_teacher(
    worker: Caller, venue: Venue, room: RoomRow, tx: Tx, resident: Caller
) -> None:
    teacher = await hired(worker, venue)
    series = await made(worker, venue, room_id=str(room.id), teachers=[lead(teacher)])
    assert dates(series) == iso(*DATES)
    assert (series["skipped"], series["kept"]) == ([], [])
    for one, day in zip(series["sessions"], DATES, strict=True):
        assert one["starts_at"] == at(16.5, day).isoformat()
        assert await occupied(tx, one["session_id"]) == 2
    spans = [(at(16.5, day), at(18, day)) for day in DATES]
    assert await busy_at(tx, teacher["id"]) == await busy_at(tx, unit_of(room)) == spans
    listed = (await resident.get("/sessions")).json()["items"]
    assert [one["id"] for one in listed] == [one["session_id"] for one in series["sessions"]]
    shown = (await worker.get(f"/series/{series['id']}")).json()
    assert shown["sessions"] == series["sessions"]


async def test_only_staff_of_the_place_make_see_change_and_end_series(
    worker: Caller, resident: Caller, venue: Venue, callers: Callers, town: Town
) -> None:
    series = await made(worker, venue)
    url = f"/series/{series['id']}"
    other = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    for stranger in (resident, other):
        answer = await stranger.post(f"/venues/{venue.id}/series", json=SERIES)
        refused(answer, 403, "forbidden")
        refused(await stranger.get(url), 403, "forbidden")
        refused(await stranger.put(url, json=change(series)), 403, "forbidden")
        body = {"version": 1, "reason": "停"}
        refused(await stranger.post(f"{url}/cancel", json=body), 403, "forbidden")
    refused(await worker.get(f"/series/{venue.id}"), 404, "series_not_found")


async def test_public_holidays_are_left_out_and_told_or_not(
    worker: Caller, venue: Venue, tx: Tx, town: Town
) -> None:
    year = WorkingYear(
        year=2026, published_at=at(0), source="县里通知", district_id=town.at().id
    )
    tx.add(year)
    await tx.flush()
    tx.add(SpecialDay(working_year_id=year.id, day=THURSDAY, is_workday=False, name="测试节"))
    changed: dict[str, Any] = {
        "changed_at": at(0),
        "changed_by_id": None,
        "since_on": THURSDAY,
    }
    tx.add(CalendarChange(district_id=town.at().id, **changed))
    await tx.commit()
    series = await made(worker, venue)
    assert dates(series) == iso(*(day for day in DATES if day != THURSDAY))
    (skipped,) = series["skipped"]
    assert (skipped["on"], skipped["code"]) == (THURSDAY.isoformat(), "holiday")
    assert "测试节" in skipped["message"]
    series = await made(worker, venue, skip_holidays=False)
    assert dates(series) == iso(*DATES)


async def test_one_clash_refuses_all_and_every_date_is_named(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    room = await new_room(tx, venue, range(1, 8))
    await tx.commit()
    booking = (await book(resident, room, 17, 18, THURSDAY)).json()
    teacher = await hired(worker, venue)
    busy = await added(worker, venue, 17 + 7 * 24, 1, title="书法", teachers=[lead(teacher)])
    body = SERIES | {"room_id": str(room.id), "teachers": [lead(teacher)]}
    answer = await worker.post(f"/venues/{venue.id}/series", json=body)
    problem = refused(answer, 409, "series_clashes")
    assert [(one["on"], one["code"]) for one in problem["clashes"]] == [
        (THURSDAY.isoformat(), "room_taken"),
        (DATES[2].isoformat(), "teacher_taken"),
    ]
    assert booking["code"] in problem["clashes"][0]["message"]
    assert "书法" in problem["clashes"][1]["message"]
    assert await busy_at(tx, teacher["id"]) == [(at(17 + 7 * 24), at(18 + 7 * 24))]
    series = await made(
        worker, venue, on_clash="skip", **{k: body[k] for k in ("room_id", "teachers")}
    )
    assert dates(series) == iso(DATES[0], *DATES[3:])
    assert [(one["on"], one["code"]) for one in series["skipped"]] == [
        (THURSDAY.isoformat(), "room_taken"),
        (DATES[2].isoformat(), "teacher_taken"),
    ]
    assert busy["id"] not in [one["session_id"] for one in series["sessions"]]
    body |= {"on_clash": "skip", "first_on": iso(THURSDAY)[0], "last_on": iso(THURSDAY)[0]}
    answer = await worker.post(f"/venues/{venue.id}/series", json=body)
    problem = refused(answer, 422, "no_dates_left")
    assert [one["code"] for one in problem["skipped"]] == ["room_taken"]


async def test_days_that_are_over_are_told(worker: Caller, venue: Venue, clock: Clock) -> None:
    clock.now = at(17)
    series = await made(worker, venue)
    assert dates(series) == iso(*DATES[1:])
    assert [(one["on"], one["code"]) for one in series["skipped"]] == [
        (TUESDAY.isoformat(), "in_the_past")
    ]


async def test_this_and_following_become_a_series_of_their_own(
    worker: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    series = await made(worker, venue, room_id=str(room.id))
    third = series["sessions"][2]["session_id"]
    after = await put(worker, series, from_session_id=third, starts="17:00", title="新课")
    assert after["id"] != series["id"]
    assert after["split_from_id"] == series["id"]
    assert (after["first_on"], dates(after)) == (iso(DATES[2])[0], iso(*DATES[2:]))
    before = (await worker.get(f"/series/{series['id']}")).json()
    assert (before["last_on"], dates(before)) == (
        iso(DATES[2] - timedelta(days=1))[0],
        iso(*DATES[:2]),
    )
    assert (before["plan"]["title"], after["plan"]["title"]) == (SERIES["title"], "新课")
    assert {one["session_id"] for one in before["sessions"] + after["sessions"]} == {
        one["session_id"] for one in series["sessions"]
    }
    hours = [16.5, 16.5, 17, 17, 17, 17]
    assert await busy_at(tx, unit_of(room)) == [
        (at(hour, day), at(18, day)) for hour, day in zip(hours, DATES, strict=True)
    ]
    shown = (await worker.get(f"/sessions/{third}")).json()
    assert (shown["title"], shown["series_id"]) == ("新课", after["id"])


async def test_all_leaves_what_has_begun_as_it_was(
    worker: Caller, venue: Venue, clock: Clock
) -> None:
    series = await made(worker, venue)
    clock.now = at(17, THURSDAY)
    after = await put(worker, series, starts="17:30", ends="19:00")
    assert after["split_from_id"] == series["id"]
    assert dates(after) == iso(*DATES[2:])
    assert {one["starts_at"][11:16] for one in after["sessions"]} == {"17:30"}
    before = (await worker.get(f"/series/{series['id']}")).json()
    assert {one["starts_at"][11:16] for one in before["sessions"]} == {"16:30"}
    first = series["sessions"][0]["session_id"]
    answer = await worker.put(
        f"/series/{before['id']}", json=change(before, from_session_id=first)
    )
    refused(answer, 409, "session_over")


async def test_a_whole_series_is_changed_in_place(worker: Caller, venue: Venue) -> None:
    series = await made(worker, venue)
    after = await put(worker, series, title="新课", capacity=9)
    assert (after["id"], after["version"], after["split_from_id"]) == (series["id"], 2, None)
    for one in after["sessions"]:
        shown = (await worker.get(f"/sessions/{one['session_id']}")).json()
        assert (shown["title"], shown["capacity"]) == ("新课", 9)
    answer = await worker.put(f"/series/{series['id']}", json=change(series))
    refused(answer, 409, "stale_version")


async def test_enrolments_stay_with_their_session_and_are_told_of_its_new_time(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    series = await made(worker, venue)
    one = series["sessions"][1]["session_id"]
    booking = await enrolled(resident, one)
    await put(worker, series, starts="18:00", ends="19:00")
    shown = (await resident.get(f"/bookings/{booking['id']}")).json()
    assert (shown["state"], shown["starts_at"]) == ("confirmed", at(18, THURSDAY).isoformat())
    assert await busy_at(tx, resident.person_id) == [(at(18, THURSDAY), at(19, THURSDAY))]
    (moved,) = await told(tx, "registrations.moved")
    assert moved["registration_id"] == booking["id"]


async def test_a_date_with_enrolments_does_not_fall_away_and_is_named(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx
) -> None:
    series = await made(worker, venue)
    thursday = series["sessions"][1]
    booking = await enrolled(resident, thursday["session_id"])
    body = change(series, weekdays=[2, 5])
    answer = await worker.put(f"/series/{series['id']}", json=body)
    problem = refused(answer, 409, "series_dates_enrolled")
    assert problem["sessions"] == [
        {"session_id": thursday["session_id"], "on": THURSDAY.isoformat(), "enrolled": 1}
    ]
    unchanged = (await worker.get(f"/series/{series['id']}")).json()
    assert dates(unchanged) == iso(*DATES)
    url = f"/sessions/{thursday['session_id']}/cancel"
    assert (await worker.post(url, json={"reason": "改到周五"})).status_code == 200
    after = await put(worker, series, weekdays=[2, 5])
    friday = timedelta(days=1)
    wanted = [day if day.isoweekday() == 2 else day + friday for day in DATES]
    assert dates(after) == iso(*(day for day in wanted if day <= date(2026, 12, 10)))
    assert (await resident.get(f"/bookings/{booking['id']}")).json()["state"] == "cancelled"
    assert len(await told(tx, "venues.session_called_off")) == 3


async def test_a_longer_series_gets_more_dates_but_none_back_that_was_called_off(
    worker: Caller, venue: Venue
) -> None:
    series = await made(worker, venue)
    url = f"/sessions/{series['sessions'][1]['session_id']}/cancel"
    assert (await worker.post(url, json={"reason": "停课"})).status_code == 200
    later = (DATES[-1] + WEEK).isoformat()
    after = await put(worker, series, last_on=later)
    assert dates(after) == iso(DATES[0], *DATES[2:], TUESDAY + 3 * WEEK, THURSDAY + 3 * WEEK)
    shorter = await put(worker, after, last_on=DATES[3].isoformat())
    assert dates(shorter) == iso(DATES[0], *DATES[2:4])


async def test_a_change_that_clashes_is_refused_or_leaves_those_dates_as_they_are(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    series = await made(worker, venue, room_id=str(room.id))
    assert (await book(resident, room, 19, 20, THURSDAY)).status_code == 200
    body = change(series, starts="18:30", ends="20:00", title="晚课")
    answer = await worker.put(f"/series/{series['id']}", json=body)
    problem = refused(answer, 409, "series_clashes")
    assert [(one["on"], one["code"]) for one in problem["clashes"]] == [
        (THURSDAY.isoformat(), "room_taken")
    ]
    after = await put(
        worker, series, starts="18:30", ends="20:00", title="晚课", on_clash="skip"
    )
    assert [one["on"] for one in after["skipped"]] == [THURSDAY.isoformat()]
    starts = {one["on"]: one["starts_at"][11:16] for one in after["sessions"]}
    assert starts.pop(THURSDAY.isoformat()) == "16:30"
    assert set(starts.values()) == {"18:30"}
    thursday = after["sessions"][1]["session_id"]
    assert (await worker.get(f"/sessions/{thursday}")).json()["title"] == SERIES["title"]
    assert len(await busy_at(tx, unit_of(room))) == len(DATES) + 1


async def test_participants_who_are_elsewhere_are_told_as_a_clash_or_cancelled(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow
) -> None:
    series = await made(worker, venue)
    booking = await enrolled(resident, series["sessions"][1]["session_id"])
    assert (await book(resident, room, 19, 20, THURSDAY)).status_code == 200
    times = {"starts": "18:30", "ends": "20:00"}
    answer = await worker.put(f"/series/{series['id']}", json=change(series, **times))
    problem = refused(answer, 409, "series_clashes")
    assert [one["code"] for one in problem["clashes"]] == ["participant_elsewhere"]
    await put(worker, series, **times, cancel_conflicting=True)
    assert (await resident.get(f"/bookings/{booking['id']}")).json()["state"] == "cancelled"


async def test_what_was_changed_of_a_session_alone_stays_and_is_told(
    worker: Caller, venue: Venue
) -> None:
    one, two = await hired(worker, venue), await hired(worker, venue, "周志远")
    series = await made(worker, venue, teachers=[lead(one)])
    thursday = series["sessions"][1]["session_id"]
    wish = {"teacher_id": one["id"], "substitute_id": two["id"]}
    answer = await worker.post(f"/sessions/{thursday}/drop-out", json=wish)
    assert answer.status_code == 200, answer.text
    after = await put(worker, series, title="新课", teachers=[lead(one), helper(two)])
    assert after["kept"] == [
        {"session_id": thursday, "on": THURSDAY.isoformat(), "fields": ["teachers"]}
    ]
    shown = (await worker.get(f"/sessions/{thursday}")).json()
    assert shown["title"] == "新课"
    assert [one["name"] for one in shown["teachers"]] == ["周志远"]
    first = series["sessions"][0]["session_id"]
    shown = (await worker.get(f"/sessions/{first}")).json()
    assert [one["name"] for one in shown["teachers"]] == ["陈敏华", "周志远"]


async def test_the_rules_of_a_series_have_versions_and_a_session_may_have_its_own(
    worker: Caller, resident: Caller, venue: Venue
) -> None:
    series = await made(worker, venue)
    one, other = (series["sessions"][n]["session_id"] for n in (0, 1))
    policy = SERIES["policy"] | {"largest_party": 2}
    await put(worker, series, policy=policy)
    for session_id in (one, other):
        answer = await resident.post(f"/sessions/{session_id}/bookings", json={"party_size": 3})
        problem = refused(answer, 422, "wish_not_possible")
        assert [one["code"] for one in problem["reasons"]] == ["party_too_large"]
        assert (await enrolled(resident, session_id))["policy_version"] == 2


async def test_each_session_of_a_series_has_its_draw_and_its_minimum(
    worker: Caller, resident: Caller, venue: Venue
) -> None:
    series = await made(
        worker, venue, draw_minutes_before=240, fewest=2, decide_minutes_before=120
    )
    for one, day in zip(series["sessions"], DATES, strict=True):
        shown = (await resident.get(f"/sessions/{one['session_id']}")).json()
        assert shown["draw_at"] == at(12.5, day).isoformat()
        assert shown["decide_at"] == at(14.5, day).isoformat()
    seeds = {
        (await resident.get(f"/sessions/{one['session_id']}/draw")).json()["commitment"]
        for one in series["sessions"]
    }
    assert len(seeds) == len(DATES)


async def test_ending_a_series_calls_off_what_follows_and_says_why(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    series = await made(worker, venue, room_id=str(room.id))
    third = series["sessions"][2]["session_id"]
    booking = await enrolled(resident, third)
    body = {"version": 1, "from_session_id": third, "reason": "学期结束"}
    answer = await worker.post(f"/series/{series['id']}/cancel", json=body)
    assert dates(answer.json()) == iso(*DATES[:2])
    ended = (await resident.get(f"/bookings/{booking['id']}")).json()
    assert (ended["state"], ended["cancel_reason"]) == ("cancelled", "学期结束")
    assert len(await busy_at(tx, unit_of(room))) == 2
    body = {"version": 2, "reason": "学期结束"}
    answer = await worker.post(f"/series/{series['id']}/cancel", json=body)
    assert dates(answer.json()) == []


async def test_a_series_has_at_most_two_hundred_sessions(worker: Caller, venue: Venue) -> None:
    body = SERIES | {"weekdays": [1, 2, 3, 4, 5, 6, 7], "last_on": "2027-11-20"}
    answer = await worker.post(f"/venues/{venue.id}/series", json=body)
    assert refused(answer, 422, "series_too_long")["most"] == 200


async def test_a_weekday_that_comes_back_has_its_sessions_anew(
    worker: Caller, venue: Venue
) -> None:
    series = await made(worker, venue)
    without = await put(worker, series, weekdays=[2])
    assert dates(without) == iso(*DATES[::2])
    again = await put(worker, without, weekdays=[2, 4])
    assert dates(again) == iso(*DATES)
    before = {one["session_id"] for one in series["sessions"] if one["on"] in iso(*DATES[1::2])}
    assert not before & {one["session_id"] for one in again["sessions"]}
    for one in before:
        shown = (await worker.get(f"/sessions/{one}")).json()
        assert (shown["series_id"], shown["cancelled_at"] is None) == (None, False)
