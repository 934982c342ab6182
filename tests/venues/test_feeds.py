"""Calendars behind private links."""

from icalendar import Calendar
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.feeds.models import CalendarFeed
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.sessions.service import make_teacher
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import at, book, new_session

API = "/api/v1"


async def read(http: Caller, path: str) -> list[dict[str, object]]:
    answer = await http.get(path.removeprefix(API))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return [
        {name: event.decoded(name) for name in ("summary", "dtstart", "dtend", "status")}
        | {"text": answer.text}
        for event in Calendar.from_ical(answer.content).walk("VEVENT")
    ]


async def test_a_person_subscribes_to_what_she_has_without_signing_in(
    resident: Caller, http: Caller, room: RoomRow, venue: Venue
) -> None:
    await book(resident, room, 14, 15)
    dropped = (await book(resident, room, 16, 17)).json()["id"]
    await resident.post(f"/bookings/{dropped}/cancel", json={})
    path = (await resident.post("/me/calendar-feed")).json()["path"]
    (event,) = await read(http, path)
    assert (event["summary"], event["status"]) == ("乒乓球室", "CONFIRMED")
    assert (event["dtstart"], event["dtend"]) == (at(14), at(15))
    assert venue.name in str(event["text"])


async def test_an_unchanged_calendar_is_not_sent_again(
    resident: Caller, http: Caller, room: RoomRow
) -> None:
    await book(resident, room, 14, 15)
    path = (await resident.post("/me/calendar-feed")).json()["path"].removeprefix(API)
    first = await http.get(path)
    same = {"If-None-Match": first.headers["etag"]}
    assert (await http.get(path, headers=same)).status_code == 304
    await book(resident, room, 17, 18)
    assert (await http.get(path, headers=same)).status_code == 200


async def test_a_renewed_or_revoked_link_is_worthless_and_only_its_hash_is_kept(
    resident: Caller, http: Caller, tx: Tx
) -> None:
    old = (await resident.post("/me/calendar-feed")).json()["path"].removeprefix(API)
    new = (await resident.post("/me/calendar-feed")).json()["path"].removeprefix(API)
    refused(await http.get(old), 404, "feed_not_found")
    assert (await http.get(new)).status_code == 200
    token = new.split("/")[-1].removesuffix(".ics")
    hashes = (await tx.scalars(select(CalendarFeed.token_hash))).all()
    assert len(hashes) == 2
    assert not any(token in stored for stored in hashes)
    assert (await resident.post("/me/calendar-feed/revoke")).status_code == 200
    refused(await http.get(new), 404, "feed_not_found")


async def test_a_rooms_calendar_names_nobody_and_is_for_its_staff(
    resident: Caller,
    worker: Caller,
    callers: Callers,
    town: Town,
    http: Caller,
    room: RoomRow,
    venue: Venue,
    tx: Tx,
) -> None:
    await book(resident, room, 14, 15)
    await new_session(tx, venue, 16.5, room=room, title="象棋入门")
    await tx.commit()
    url = f"/rooms/{room.id}/calendar-feed"
    elsewhere = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    for stranger in (resident, elsewhere):
        refused(await stranger.post(url), 403, "forbidden")
        refused(await stranger.post(f"{url}/revoke"), 403, "forbidden")
    events = await read(http, (await worker.post(url)).json()["path"])
    assert [event["summary"] for event in events] == ["乒乓球室", "象棋入门"]
    assert "黄荔红" not in str(events[0]["text"])


async def test_a_teacher_sees_what_she_teaches_and_staff_make_the_link(
    resident: Caller,
    worker: Caller,
    callers: Callers,
    town: Town,
    http: Caller,
    venue: Venue,
    tx: Tx,
) -> None:
    teacher = await make_teacher(tx, venue, "麦秋禾", person_id=resident.person_id)
    await new_session(tx, venue, 16.5, title="数学", teachers=(teacher.id,))
    await new_session(tx, venue, 18, title="别人的课")
    await tx.commit()
    mine = await read(http, (await resident.post("/me/calendar-feed")).json()["path"])
    assert [event["summary"] for event in mine] == ["数学"]
    url = f"/teachers/{teacher.id}/calendar-feed"
    theirs = await read(http, (await worker.post(url)).json()["path"])
    assert [event["summary"] for event in theirs] == ["数学"]
    refused(await resident.post(url), 403, "forbidden")
    elsewhere = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    refused(await elsewhere.post(url), 403, "forbidden")
    refused(await worker.post(f"/teachers/{venue.id}/calendar-feed"), 404, "teacher_not_found")
