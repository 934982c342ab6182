"""Which dates a series gains, keeps and loses when it is changed."""

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import TUESDAY, book
from tests.venues.openings.arranging import made_a_holiday
from tests.venues.sessions.arranging import enrolled, told
from tests.venues.sessions.weekly import DATES, THURSDAY, change, dates, iso, made, put


async def test_a_date_that_was_skipped_is_told_again_or_made_when_it_is_free(
    worker: Caller, resident: Caller, venue: Venue, room: RoomRow
) -> None:
    booking = (await book(resident, room, 17, 18, THURSDAY)).json()
    series = await made(worker, venue, room_id=str(room.id), on_clash="skip")
    assert dates(series) == iso(DATES[0], *DATES[2:])
    again = await put(worker, series, title="新课", on_clash="skip")
    assert [(one["on"], one["code"]) for one in again["skipped"]] == [
        (THURSDAY.isoformat(), "room_taken")
    ]
    answer = await worker.put(f"/series/{series['id']}", json=change(again, title="又一课"))
    problem = refused(answer, 409, "series_clashes")
    assert [one["on"] for one in problem["clashes"]] == [THURSDAY.isoformat()]
    await resident.post(f"/bookings/{booking['id']}/cancel", json={})
    after = await put(worker, again, title="又一课")
    assert (dates(after), after["skipped"]) == (iso(*DATES), [])


async def test_a_day_that_became_a_holiday_keeps_its_session_and_who_is_enrolled(
    worker: Caller, resident: Caller, venue: Venue, callers: Callers, town: Town, tx: Tx
) -> None:
    series = await made(worker, venue)
    booking = await enrolled(resident, series["sessions"][1]["session_id"])
    await made_a_holiday(callers, town, THURSDAY)
    after = await put(worker, series, title="新课")
    assert (dates(after), after["skipped"]) == (iso(*DATES), [])
    assert await told(tx, "venues.session_called_off") == []
    thursday = series["sessions"][1]["session_id"]
    assert (await worker.get(f"/sessions/{thursday}")).json()["title"] == "新课"
    assert (await resident.get(f"/bookings/{booking['id']}")).json()["state"] == "confirmed"
    other = await made(worker, venue)
    assert [one["message"] for one in other["skipped"]] == ["放假"]


async def test_holidays_fall_away_when_staff_say_so_from_now_on(
    worker: Caller, venue: Venue, callers: Callers, town: Town
) -> None:
    await made_a_holiday(callers, town, THURSDAY)
    series = await made(worker, venue, skip_holidays=False)
    assert dates(series) == iso(*DATES)
    after = await put(worker, series, skip_holidays=True)
    assert dates(after) == iso(*(day for day in DATES if day != THURSDAY))
    assert [one["code"] for one in after["skipped"]] == ["holiday"]


async def test_a_part_that_somebody_changed_meanwhile_is_not_changed(
    worker: Caller, venue: Venue, callers: Callers, town: Town
) -> None:
    series = await made(worker, venue)
    colleague = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
    third = series["sessions"][2]["session_id"]
    await put(colleague, series, from_session_id=third, title="新课")
    for move in ("put", "cancel"):
        body = change(series, from_session_id=None, title="旧课")
        if move == "cancel":
            body = {"version": series["version"], "reason": "学期结束"}
        url = f"/series/{series['id']}" + ("/cancel" if move == "cancel" else "")
        answer = await worker.request("PUT" if move == "put" else "POST", url, json=body)
        assert refused(answer, 409, "stale_version")["version"] == 2
    shown = (await worker.get(f"/series/{series['id']}")).json()
    assert dates(shown) == iso(TUESDAY, THURSDAY)
    assert shown["plan"]["title"] == series["plan"]["title"]
