"""When the working calendar makes a booked day a holiday, the venue's staff are told."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.jobs import relay_outbox
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.schedules.openings.models import Opening
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.openings import holidays, jobs
from neighborhood_api.venues.openings.holidays import look_at_holidays
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.jobs import job_context
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TODAY, TUESDAY, at, book, new_room, new_session, new_venue
from tests.venues.openings.arranging import made_a_holiday

NOW = at(9, TODAY)


async def announced(tx: Tx) -> list[dict[str, Any]]:
    rows = select(OutboxRow.payload).where(OutboxRow.name == "venues.booked_on_holidays")
    return list(await tx.scalars(rows.order_by(OutboxRow.id)))


async def test_staff_are_told_which_bookings_lie_on_the_new_holiday_and_none_is_cancelled(
    resident: Caller, callers: Callers, town: Town, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    opening = await tx.get_one(Opening, venue.opening_id)
    opening.on_holidays = "closed"
    always = await new_room(tx, venue)
    (await tx.get_one(Opening, always.opening_id)).on_holidays = "open"
    session = await new_session(tx, venue, 18, room=room)
    await tx.commit()
    hit = (await book(resident, room, 9, 10)).json()
    later = (await book(resident, room, 33, 34)).json()
    unharmed = (await book(resident, always, 15, 16)).json()
    assert await look_at_holidays(tx, town.at().id, TODAY, now=NOW) == 0
    await made_a_holiday(callers, town, TUESDAY)
    assert await look_at_holidays(tx, town.at().id, TODAY, now=NOW) == 1
    assert await announced(tx) == [
        {
            "venue_id": str(venue.id),
            "bookings": 1,
            "sessions": 1,
            "registration_ids": [hit["id"]],
            "session_ids": [str(session.id)],
        }
    ]
    for one in (hit, later, unharmed):
        assert (await resident.get(f"/bookings/{one['id']}")).json()["state"] == "confirmed"


async def test_more_than_an_event_names_are_counted_all_the_same(
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    room: RoomRow,
    tx: Tx,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(holidays, "MOST_NAMED", 1)
    (await tx.get_one(Opening, venue.opening_id)).on_holidays = "closed"
    await tx.commit()
    for hour in (9, 10, 15):
        assert (await book(resident, room, hour, hour + 1)).status_code == 200
    await made_a_holiday(callers, town, TUESDAY)
    await look_at_holidays(tx, town.at().id, TODAY, now=NOW)
    (told,) = await announced(tx)
    assert (told["bookings"], len(told["registration_ids"])) == (3, 1)
    assert (told["sessions"], told["session_ids"]) == (0, [])


async def test_days_before_the_change_and_other_districts_are_left_alone(
    resident: Caller, callers: Callers, town: Town, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    (await tx.get_one(Opening, venue.opening_id)).on_holidays = "closed"
    await new_room(tx, await new_venue(tx, town.place(2)))
    await tx.commit()
    await book(resident, room, 9, 10)
    await made_a_holiday(callers, town, TUESDAY)
    assert await look_at_holidays(tx, town.at(1).id, TODAY, now=NOW) == 0
    after = date(2026, 11, 25)
    assert await look_at_holidays(tx, None, after, now=NOW) == 0
    assert await look_at_holidays(tx, None, TODAY, now=at(11)) == 0
    assert await announced(tx) == []
    assert await look_at_holidays(tx, None, TODAY, now=NOW) == 1


async def test_a_change_of_the_calendar_has_a_worker_look_at_what_is_booked(
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    tx: Tx,
    clock: Clock,
    rolled_back: Database,
) -> None:
    clock.now = datetime.now(UTC)
    day = local_day(clock.now) + timedelta(days=3)
    (await tx.get_one(Opening, venue.opening_id)).on_holidays = "closed"
    room = await new_room(tx, venue, weekdays=range(1, 8))
    await tx.commit()
    booked = (await book(resident, room, 9, 10, day=day)).json()
    await made_a_holiday(callers, town, day)
    await relay_outbox(tx)
    asked = await tx.execute(
        text("SELECT args FROM procrastinate_jobs WHERE task_name = 'venues.look_at_holidays'")
    )
    (args,) = asked.scalars()
    await tx.commit()
    await jobs.look_at_holidays(job_context(rolled_back, "venues.look_at_holidays"), **args)
    (told,) = await announced(tx)
    assert told["registration_ids"] == [booked["id"]]
