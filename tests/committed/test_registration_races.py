"""What registering does at the same moment as something else, each in its own transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.checking_in import CheckInReused, Presence, check_in
from neighborhood_api.registrations.ending import cancel
from neighborhood_api.registrations.linking import link_guest
from neighborhood_api.registrations.locking import lock_registration, lock_resources
from neighborhood_api.registrations.promoting import fill_freed
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.states import CheckInMethod
from neighborhood_api.registrations.wishes import Applicant
from neighborhood_api.venues.feeds.models import CalendarFeed
from neighborhood_api.venues.sessions.service import make_teacher
from tests.registrations.things import NOON, NOW, ask, new_person, new_thing, spans, stored
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import phone_number, somebody
from tests.support.refusals import refused
from tests.venues.arranging import at, new_room, new_session, new_venue

HOUR = timedelta(hours=1)
Work = Callable[[Tx], Awaitable[object]]


@asynccontextmanager
async def meanwhile(database: Database, work: Work) -> AsyncIterator[asyncio.Task[object]]:
    """Begin `work` in a transaction of its own, and let it come as far as it can."""

    async def run() -> object:
        async with database.transaction() as tx:
            return await work(tx)

    task = asyncio.create_task(run())
    await asyncio.sleep(0.5)
    yield task


async def test_linking_a_caller_waits_for_what_is_handed_on_to_her(
    live_database: Database, live_town: Town
) -> None:
    """She waits under her account for what staff had booked for her number, and give up."""
    async with live_database.transaction() as tx:
        phone = phone_number()
        person, staff = await somebody(tx, phone=phone), await new_person(tx)
        thing = await new_thing(tx, live_town.place(1, 1), waitlist={"longest": 9})
        guest = Applicant(None, guest_name="王五", guest_phone=phone)
        booked = await ask(tx, thing, guest, by_id=staff.id)
        waits = await ask(tx, thing, person, wait=True)

    async def link(tx: Tx) -> int:
        return await link_guest(tx, person.id, now=NOW)

    async with live_database.transaction() as tx:
        resource, row = await lock_registration(tx, booked.id)
        by = {"by_id": staff.id, "by_staff": True, "why": "本人来电取消"}
        await cancel(tx, resource, row, **by, now=NOW, hand_on=False)  # type: ignore[arg-type]
        async with meanwhile(live_database, link) as linking:
            assert not linking.done()
            await fill_freed(tx, resource, now=NOW)
    assert await linking == 1
    async with live_database.transaction() as tx:
        assert (await stored(tx, waits.id)).state == "confirmed"
        ended = await stored(tx, booked.id)
        assert (ended.state, ended.person_id) == ("cancelled", person.id)
        assert await spans(tx, person.id) == [(NOON, NOON + HOUR)]


async def test_an_id_of_a_device_checks_in_to_one_booking_only(
    live_database: Database, live_town: Town
) -> None:
    async with live_database.transaction() as tx:
        staff = await new_person(tx)
        rows = [
            await ask(tx, await new_thing(tx, live_town.place(1, 1)), await new_person(tx))
            for _ in range(2)
        ]
    presence = Presence(new_id(), CheckInMethod.STAFF, staff.id)

    async def come(tx: Tx, row: RegistrationRow) -> None:
        resource, fresh = await lock_registration(tx, row.id)
        await check_in(tx, resource, fresh, presence, site=None, now=NOON)

    async with live_database.transaction() as tx:
        await come(tx, rows[0])
        async with meanwhile(live_database, lambda other: come(other, rows[1])) as second:
            assert not second.done()
    with pytest.raises(CheckInReused):
        await second
    async with live_database.transaction() as tx:
        found = [(await stored(tx, row.id)).state for row in rows]
    assert found == ["checked_in", "confirmed"]


async def test_a_calendar_link_renewed_twice_at_once_is_renewed_twice(
    live_database: Database, live_callers: Callers, live_town: Town
) -> None:
    for known in (False, True):
        caller = await live_callers.resident(live_town.place(1, 1, 1, 1))
        if known:
            await caller.post("/me/calendar-feed")
        answers = await asyncio.gather(
            *(caller.post("/me/calendar-feed") for _ in range(8)),
        )
        assert [answer.status_code for answer in answers] == [200] * 8
        assert await in_force(live_database, caller.person_id) == 1
        paths = [answer.json()["path"].removeprefix("/api/v1") for answer in answers]
        read = [(await caller.get(path)).status_code for path in paths]
        assert sorted(read) == [200, *[404] * 7]


async def test_who_may_not_is_refused_without_waiting_for_the_locks(
    live_database: Database, live_callers: Callers, live_town: Town
) -> None:
    async with live_database.transaction() as tx:
        venue = await new_venue(tx, live_town.place(1, 1), f"站{new_id().hex[-6:]}")
        room, session = await new_room(tx, venue), await new_session(tx, venue, 14)
        booking = await ask(tx, room.id, await new_person(tx), seats=2)
        teacher = await make_teacher(tx, venue, "陈老师")
    stranger = await live_callers.resident(live_town.place(1, 1, 1, 1))
    body = {"starts_at": at(16).isoformat(), "ends_at": at(17).isoformat(), "reason": "x"}
    leaves = {"teacher_id": str(teacher.id)}
    async with live_database.transaction() as tx:
        await lock_resources(tx, [room.id, session.id])
        async with asyncio.timeout(60):  # far less than for ever, however busy the machine
            moved = await stranger.post(f"/bookings/{booking.id}/move", json=body)
            gone = await stranger.post(f"/sessions/{session.id}/drop-out", json=leaves)
    refused(moved, 404, "registration_not_found")
    refused(gone, 403, "forbidden")


async def in_force(database: Database, owner_id: UUID) -> int:
    query = select(CalendarFeed.id).where(
        CalendarFeed.owner_id == owner_id, CalendarFeed.revoked_at.is_(None)
    )
    async with database.transaction() as tx:
        return len((await tx.scalars(query)).all())
