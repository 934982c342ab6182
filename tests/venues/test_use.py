"""Numbers of use: whoever lists the bookings finds the same; exports give nothing away."""

from base64 import b64decode
from collections.abc import Sequence
from csv import DictReader
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.states import State
from neighborhood_api.schedules.openings.models import OpeningException
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.reads import count_on
from tests.support.refusals import refused
from tests.venues.arranging import HOURS, TUESDAY, at, book, new_room, new_session, new_venue

WEEK = {"from": "2026-11-23", "to": "2026-11-29"}
OPEN_DAY = sum(closes - opens for opens, closes in HOURS)
HAD = {State.CONFIRMED, State.CHECKED_IN, State.COMPLETED, State.NO_SHOW}
CAME = {State.CHECKED_IN, State.COMPLETED}


@pytest.fixture
async def room(tx: Tx, venue: Venue) -> RoomRow:
    """Two tables, at which one must check in."""
    keeping: dict[str, Any] = {"check_in": True, "notice_minutes": 0, "hold_minutes": 0}
    room = await new_room(tx, venue, units=("1号台", "2号台"), **keeping)
    await tx.commit()
    return room


async def booked(caller: Caller, room: RoomRow, start: float, end: float, **more: Any) -> str:  # noqa: ANN401
    answer = await book(caller, room, start, end, **more)
    assert answer.status_code == 200, answer.text
    booking_id: str = answer.json()["id"]
    return booking_id


async def does(caller: Caller, path: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await caller.post(path, json=body)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def use_of(caller: Caller, venue: Venue, **period: str) -> dict[str, Any]:
    answer = await caller.get(f"/venues/{venue.id}/use", params=WEEK | period)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
async def busy(
    resident: Caller, worker: Caller, callers: Callers, town: Town, room: RoomRow, clock: Clock
) -> None:
    """A day on which some came, one left early, one did not come, and one gave up late."""
    neighbour = await callers.resident(town.place(1, 1, 1, 2))
    clock.now = at(9)
    early = await booked(resident, room, 10, 12, party_size=3)
    missed = await booked(neighbour, room, 10, 11)
    late = await booked(resident, room, 14, 15)
    await booked(neighbour, room, 20, 21)
    guest = {"name": "来电群众", "phone": "15400000077"}
    await booked(worker, room, 18, 19, on_behalf_of=guest)
    clock.now = at(10)
    await does(worker, f"/bookings/{early}/check-in", id=str(new_id()))
    clock.now = at(10.5)
    await does(worker, f"/bookings/{missed}/mark-no-show")
    clock.now = at(11.25)
    await does(resident, f"/bookings/{early}/check-out", id=str(new_id()))
    clock.now = at(13.5)
    assert (await does(resident, f"/bookings/{late}/cancel"))["cancelled_late"] is True


def recomputed(bookings: Sequence[dict[str, Any]], now: datetime) -> dict[str, int]:
    """The published formulae, over a list of bookings."""
    had = [one for one in bookings if one["state"] in HAD]
    came = [one for one in had if one["state"] in CAME]
    booked, used = timedelta(), timedelta()
    for one in had:
        starts, ends = (datetime.fromisoformat(one[key]) for key in ("starts_at", "ends_at"))
        booked += ends - starts
        if one in came:
            since = max(
                datetime.fromisoformat(one["checked_in_at"] or one["starts_at"]), starts
            )
            until = datetime.fromisoformat(one["checked_out_at"] or one["ends_at"])
            used += max(min(until, ends, now) - since, timedelta())
    return {
        "booked_minutes": booked // timedelta(minutes=1),
        "used_minutes": used // timedelta(minutes=1),
        "bookings": len(had),
        "persons": len({one["holder"]["name"] for one in had}),
        "visitors": sum(one["party_size"] for one in came),
        "no_shows": sum(one["state"] == "no_show" for one in had),
        "walk_ins": sum(one["channel"] == "walk_in" for one in had),
    }


async def test_the_numbers_are_those_of_the_list(
    busy: None,
    resident: Caller,
    worker: Caller,
    venue: Venue,
    room: RoomRow,
    clock: Clock,
    tx: Tx,
) -> None:
    del busy
    code = (await tx.get_one(Room, room.id)).qr_code
    clock.now = at(16.25)
    await does(resident, "/walk-ins", id=str(new_id()), code=code, slots=2)
    clock.now = at(16.5)
    found = await use_of(worker, venue)
    (shown,) = found["rooms"]
    listed = await worker.get(f"/rooms/{room.id}/bookings", params=WEEK)
    wanted = recomputed(listed.json()["items"], clock.now)
    assert {name: shown[name] for name in wanted} == wanted
    assert wanted == {
        "booked_minutes": 120 + 60 + 60 + 60 + 45,
        "used_minutes": 75 + 15,
        "bookings": 5,
        "persons": 3,
        "visitors": 4,
        "no_shows": 1,
        "walk_ins": 1,
    }
    assert shown["late_cancellations"] == 1
    assert (shown["units"], shown["open_minutes"]) == (2, 6 * OPEN_DAY * 2)
    assert shown["booked_rate"] == round(345 / shown["open_minutes"], 4)
    assert shown["used_rate"] == round(90 / shown["open_minutes"], 4)
    assert {name: found[name] for name in shown if name in found and name != "name"} == {
        name: shown[name] for name in shown if name in found and name != "name"
    }


async def test_what_begins_outside_of_the_period_does_not_count(
    busy: None, worker: Caller, venue: Venue
) -> None:
    del busy
    other = await use_of(worker, venue, **{"from": "2026-11-25", "to": "2026-11-25"})
    assert (other["bookings"], other["persons"], other["late_cancellations"]) == (0, 0, 0)
    assert other["open_minutes"] == OPEN_DAY * 2
    monday = await use_of(worker, venue, **{"from": "2026-11-23", "to": "2026-11-23"})
    assert (monday["open_minutes"], monday["booked_rate"], monday["used_rate"]) == (
        0,
        None,
        None,
    )


async def test_where_nobody_checks_in_the_whole_time_counts_as_used(
    tx: Tx, resident: Caller, worker: Caller, venue: Venue, clock: Clock
) -> None:
    room = await new_room(tx, venue, notice_minutes=0)
    await tx.commit()
    booking_id = await booked(resident, room, 10, 12)
    clock.now = at(12)
    await tx.execute(
        text("UPDATE registration SET state = 'completed' WHERE id = :id"), {"id": booking_id}
    )
    await tx.commit()
    (shown,) = (await use_of(worker, venue))["rooms"]
    assert (shown["used_minutes"], shown["visitors"]) == (120, 2)


async def test_open_minutes_follow_the_hours_as_they_are(
    tx: Tx, worker: Caller, venue: Venue, room: RoomRow
) -> None:
    tx.add(
        OpeningException(
            opening_id=room.opening_id,
            first_on=TUESDAY,
            last_on=TUESDAY,
            hours=[],
            reason="检修",
            made_at=at(0),
            made_by_id=worker.person_id,
        )
    )
    await tx.commit()
    assert (await use_of(worker, venue))["open_minutes"] == 5 * OPEN_DAY * 2
    closed = update(Venue).where(Venue.id == venue.id)
    await tx.execute(closed.values(closed_at=at(25), close_reason="撤并"))
    await tx.commit()
    assert (await use_of(worker, venue))["open_minutes"] == 0
    later = await use_of(worker, venue, **{"from": "2026-11-17", "to": "2026-11-29"})
    assert later["open_minutes"] == 6 * OPEN_DAY * 2


async def test_sessions_take_the_room_and_are_told_one_by_one(
    tx: Tx, resident: Caller, worker: Caller, callers: Callers, town: Town, venue: Venue
) -> None:
    room = await new_room(tx, venue, units=("1号台", "2号台"))
    lesson = await new_session(tx, venue, 10, 1.5, room=room, capacity=1, kind="activity")
    off = await new_session(tx, venue, 15, 1, room=room)
    await tx.execute(
        text("UPDATE resource SET cancelled_at = now() WHERE id = :id"), {"id": off.id}
    )
    waitlist = '{"waitlist": {"longest": 5, "offer_minutes": null}}'
    await tx.execute(
        text(
            "UPDATE policy SET terms = terms || cast(:terms AS jsonb) WHERE id ="
            " (SELECT policy_id FROM resource WHERE id = :id)"
        ),
        {"id": lesson.id, "terms": waitlist},
    )
    await tx.commit()
    second = await callers.resident(town.place(1, 1, 1, 2))
    for caller, wait in ((resident, False), (second, True)):
        await does(caller, f"/sessions/{lesson.id}/bookings", wait=wait)
    found = await use_of(worker, venue)
    first, cancelled = found["sessions"]
    numbers = ("seats", "enrolled", "came", "no_shows", "waited")
    assert tuple(first[name] for name in numbers) == (1, 1, 0, 0, 1)
    assert (first["cancelled_at"], cancelled["session_id"]) == (None, str(off.id))
    assert found["session_totals"] == {
        "sessions": 1,
        "cancelled": 1,
        "seats": 1,
        "enrolled": 1,
        "came": 0,
        "no_shows": 0,
        "waited": 1,
        "filled": 1.0,
    }
    assert found["rooms"][0]["session_minutes"] == 90 * 2
    assert (found["bookings"], found["booked_minutes"]) == (0, 0)
    assert found["booked_rate"] == round(180 / found["open_minutes"], 4)


async def test_a_place_adds_up_its_venues_and_counts_persons_once(
    busy: None,
    tx: Tx,
    town: Town,
    callers: Callers,
    resident: Caller,
    venue: Venue,
) -> None:
    del busy
    street = await new_venue(tx, town.place(1), "街道中心")
    room = await new_room(tx, street, notice_minutes=0)
    elsewhere = await new_venue(tx, town.place(2), "别处")
    await new_room(tx, elsewhere)
    await tx.commit()
    await booked(resident, room, 15, 16)
    secretary = await callers.staff(town, Role.STREET_SECRETARY, 1)
    params = WEEK | {"node_id": str(town.at(1).id)}
    answer = await secretary.get("/venue-use", params=params)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    shown = {one["venue_id"]: one for one in found["venues"]}
    assert shown.keys() == {str(venue.id), str(street.id)}
    parts = {one["node_id"]: one for one in found["parts"]}
    assert parts.keys() == {None, str(town.at(1, 1).id)}
    whole = found["whole"]
    assert (whole["venues"], whole["name"]) == (2, town.at(1).name)
    for name in ("bookings", "booked_minutes", "open_minutes", "no_shows"):
        assert whole[name] == sum(one[name] for one in shown.values())
        assert whole[name] == sum(one[name] for one in parts.values())
    assert [shown[str(one.id)]["persons"] for one in (venue, street)] == [3, 1]
    assert whole["persons"] == 3
    alone = await use_of(secretary, venue)
    assert {name: alone[name] for name in shown[str(venue.id)]} == shown[str(venue.id)]


@pytest.mark.parametrize(
    ("first_on", "last_on"),
    [
        ("2026-11-24", "2026-11-23"),
        ("2026-08-23", "2026-11-23"),
        ("1900-01-01", "1900-01-02"),
        ("2026-11-23", "9999-12-31"),
    ],
)
async def test_a_period_runs_forward_and_has_a_quarter_at_most(
    worker: Caller, venue: Venue, first_on: str, last_on: str
) -> None:
    period = {"from": first_on, "to": last_on}
    answer = await worker.get(f"/venues/{venue.id}/use", params=period)
    refused(answer, 422, "use_period_not_usable")
    body = {"first_on": first_on, "last_on": last_on}
    answer = await worker.post(f"/venues/{venue.id}/export-bookings", json=body)
    refused(answer, 422, "use_period_not_usable")


async def test_the_statements_do_not_grow_with_what_there_is(
    busy: None,
    connection: AsyncConnection,
    tx: Tx,
    town: Town,
    worker: Caller,
    venue: Venue,
) -> None:
    del busy
    place = {"node_id": str(town.at(1, 1).id)}
    raw, statements = await count_on(connection)
    counts = []
    try:
        for _ in range(2):
            await use_of(worker, venue)
            before = len(statements)
            assert (await worker.get("/venue-use", params=WEEK | place)).status_code == 200
            counts.append((before, len(statements) - before))
            statements.texts.clear()
            raw.remove_query_logger(statements.hear)
            more = await new_venue(tx, town.place(1, 1), "又一个")
            for _ in range(3):
                room = await new_room(tx, more)
                await new_session(tx, more, 10, room=room)
                await new_room(tx, venue)
            await tx.commit()
            raw.add_query_logger(statements.hear)
    finally:
        raw.remove_query_logger(statements.hear)
    assert counts[0] == counts[1]


async def exported(worker: Caller, venue: Venue, form: str, **more: str) -> bytes:
    body = {"first_on": "2026-11-23", "last_on": "2026-11-29", "format": form} | more
    done = await does(worker, f"/venues/{venue.id}/export-bookings", **body)
    assert done["name"] == f"{venue.name}-20261123-20261129.{form}"
    return b64decode(done["content"])


async def test_an_export_has_every_booking_with_masked_phones_and_leaves_a_trace(
    busy: None, tx: Tx, resident: Caller, worker: Caller, venue: Venue, room: RoomRow
) -> None:
    del busy
    person = update(Person).where(Person.id == resident.person_id)
    await tx.execute(person.values(phone="15412345678"))
    await tx.commit()
    content = (await exported(worker, venue, "csv")).decode("utf-8-sig")
    lines = list(DictReader(StringIO(content)))
    assert [line["开始"] for line in lines] == ["10:00", "10:00", "14:00", "18:00", "20:00"]
    assert [line["状态"] for line in lines] == ["已结束", "未到", "已取消", "已确认", "已确认"]
    assert [line["手机号"] for line in lines[::2]] == ["154****5678", "154****5678", ""]
    assert lines[3]["手机号"] == "154****0077"
    assert lines[0]["签退"] == "2026-11-24 11:15"
    assert lines[2]["临近取消"] == "是"
    assert "15412345678" not in content
    assert "15400000077" not in content
    acts = select(Act).where(Act.what == "venues.bookings_exported")
    (act,) = (await tx.scalars(acts)).all()
    assert (act.person_id, act.subject, act.detail["lines"]) == (
        worker.person_id,
        str(venue.id),
        5,
    )
    other = await new_room(tx, venue)
    await tx.commit()
    one_room = await exported(worker, venue, "csv", room_id=str(other.id))
    assert len(one_room.decode("utf-8-sig").splitlines()) == 1
    same = await exported(worker, venue, "csv", room_id=str(room.id))
    assert same.decode("utf-8-sig") == content


async def test_an_export_holds_no_formula(
    resident: Caller, worker: Caller, venue: Venue, room: RoomRow
) -> None:
    formula = '=HYPERLINK("http://evil","练球")'
    await booked(resident, room, 10, 11, purpose=formula)
    (line,) = DictReader(StringIO((await exported(worker, venue, "csv")).decode("utf-8-sig")))
    assert line["用途"] == f"'{formula}"
    with ZipFile(BytesIO(await exported(worker, venue, "xlsx"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        words = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert "&apos;=HYPERLINK" in words or "'=HYPERLINK" in words
