"""Whatever staff do, each session takes exactly what it says: its room, its teachers' time."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.models import (
    Occupation,
    Registration,
    Resource,
    Timetable,
    Unit,
)
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TUESDAY, new_room
from tests.venues.sessions.arranging import SERIES, helper, hired, lead, linked, plan

pytestmark = pytest.mark.slow

BUFFER = timedelta(minutes=10)
STEPS = 70
Taken = set[tuple[Any, datetime, datetime]]


async def claimed(tx: Tx) -> dict[Any, Taken]:
    """What each session should take, read from what it says of itself."""
    rows = await tx.execute(
        select(Session.id, Session.room_id, Resource.starts_at, Resource.ends_at)
        .join(Resource, Resource.id == Session.id)
        .where(Resource.cancelled_at.is_(None))
    )
    found: dict[Any, Taken] = {}
    for its_id, room_id, *times in rows.all():
        starts_at, ends_at = moments(times)
        taken: Taken = found.setdefault(its_id, set())
        units = await tx.scalars(
            select(Unit.id).where(Unit.resource_id == room_id, Unit.active)
        )
        taken |= {(unit, starts_at - BUFFER, ends_at + BUFFER) for unit in units}
        teachers = await tx.execute(
            select(Teacher.id, Teacher.person_id)
            .join(SessionTeacher, SessionTeacher.teacher_id == Teacher.id)
            .where(SessionTeacher.session_id == its_id)
        )
        for ids in teachers:
            taken |= {(one, starts_at, ends_at) for one in ids if one is not None}
    return {its_id: taken for its_id, taken in found.items() if taken}


async def stored(tx: Tx) -> dict[Any, Taken]:
    """What each session takes."""
    rows = await tx.execute(
        select(Occupation.resource_id, Timetable.id, Occupation.starts_at, Occupation.ends_at)
        .join(Timetable, Timetable.number == Occupation.timetable_number)
        .where(Occupation.resource_id.is_not(None))
    )
    found: dict[Any, Taken] = {}
    for its_id, whose, *times in rows:
        found.setdefault(its_id, set()).add((whose, *moments(times)))
    return found


def moments(times: list[Any]) -> tuple[datetime, datetime]:
    return times[0], times[1]


async def seats(tx: Tx) -> list[tuple[int, int]]:
    """The seats that each session counts, and those of who has one."""
    pairs = []
    for resource in await tx.scalars(
        select(Resource)
        .where(Resource.kind == "session")
        .execution_options(populate_existing=True)
    ):
        rows = await tx.scalars(
            select(Registration.seats).where(
                Registration.resource_id == resource.id, Registration.state == "confirmed"
            )
        )
        pairs.append((resource.taken, sum(rows)))
    return pairs


class Office:
    """Staff who do anything at random, and residents who enrol."""

    def __init__(self, chance: random.Random, staff: Caller, people: list[Caller]) -> None:
        self.chance, self.staff, self.people = chance, staff, people
        self.venue_id = ""
        self.rooms: list[str | None] = [None]
        self.teachers: list[dict[str, Any]] = []
        self.sessions: list[str] = []
        self.series: list[str] = []
        self.codes: dict[str, int] = {}

    def of(self) -> dict[str, Any]:
        """Room and teachers at random."""
        who = self.chance.sample(self.teachers, self.chance.randint(0, 2))
        roles = [lead, helper]
        return {
            "room_id": self.chance.choice(self.rooms),
            "teachers": [role(one) for role, one in zip(roles, who, strict=False)],
            "capacity": self.chance.randint(1, 4),
        }

    async def step(self) -> None:
        doings = [self.add, self.change, self.end, self.drop, self.enrol, self.enrol]
        doings += [self.add_series, self.change_series, self.end_series, self.change_units]
        await self.chance.choice(doings)()

    async def said(self, method: str, url: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.staff.request(method, url, json=body)
        assert answer.status_code in (200, 404, 409, 422), answer.text
        self.note(answer.json().get("code", "done") if answer.is_error else "done")
        shown: dict[str, Any] = {} if answer.is_error else answer.json()
        return shown

    def note(self, code: str) -> None:
        self.codes[code] = self.codes.get(code, 0) + 1

    def when(self) -> dict[str, Any]:
        return plan(self.chance.randint(36, 80) / 4, 1)

    async def add(self) -> None:
        body = {"kind": "tutoring"} | self.when() | self.of()
        shown = await self.said("POST", f"/venues/{self.venue_id}/sessions", body)
        if shown:
            self.sessions.append(shown["id"])

    async def any_session(self) -> dict[str, Any] | None:
        if not self.sessions:
            return None
        answer = await self.staff.get(f"/sessions/{self.chance.choice(self.sessions)}")
        shown: dict[str, Any] = answer.json()
        return shown

    async def change(self) -> None:
        session = await self.any_session()
        if session is not None:
            body = self.when() | self.of() | {"version": session["version"]}
            body["cancel_conflicting"] = self.chance.random() < 0.5
            await self.said("PUT", f"/sessions/{session['id']}", body)

    async def end(self) -> None:
        session = await self.any_session()
        if session is not None and self.chance.random() < 0.2:
            await self.said("POST", f"/sessions/{session['id']}/cancel", {"reason": "停课"})

    async def drop(self) -> None:
        session = await self.any_session()
        if session is not None and session["teachers"]:
            body = {"teacher_id": session["teachers"][0]["teacher_id"]}
            if self.chance.random() < 0.5:
                body["substitute_id"] = self.chance.choice(self.teachers)["id"]
            await self.said("POST", f"/sessions/{session['id']}/drop-out", body)

    async def enrol(self) -> None:
        if self.sessions:
            url = f"/sessions/{self.chance.choice(self.sessions)}/bookings"
            answer = await self.chance.choice(self.people).post(url, json={"wait": True})
            self.note(answer.json().get("code", "enrolled") if answer.is_error else "enrolled")

    def weekly(self) -> dict[str, Any]:
        hour = self.chance.randint(9, 19)
        weekdays = self.chance.sample(range(1, 8), self.chance.randint(1, 3))
        times = {"starts": f"{hour:02}:00", "ends": f"{hour + 1:02}:00"}
        return SERIES | times | {"weekdays": weekdays, "on_clash": "skip"} | self.of()

    async def add_series(self) -> None:
        shown = await self.said("POST", f"/venues/{self.venue_id}/series", self.weekly())
        self.learn(shown)

    async def change_series(self) -> None:
        if not self.series:
            return
        series = (await self.staff.get(f"/series/{self.chance.choice(self.series)}")).json()
        fixed = {"kind", "first_on"}
        body = {name: one for name, one in self.weekly().items() if name not in fixed}
        body |= {"version": series["version"], "cancel_conflicting": True}
        body["last_on"] = (TUESDAY + timedelta(days=self.chance.randint(3, 25))).isoformat()
        if self.chance.random() < 0.5:
            body["weekdays"] = series["plan"]["weekdays"]
        if series["sessions"] and self.chance.random() < 0.5:
            body["from_session_id"] = self.chance.choice(series["sessions"])["session_id"]
        self.learn(await self.said("PUT", f"/series/{series['id']}", body))

    async def end_series(self) -> None:
        if self.series and self.chance.random() < 0.1:
            url = f"/series/{self.chance.choice(self.series)}"
            series = (await self.staff.get(url)).json()
            body = {"version": series["version"], "reason": "学期结束"}
            await self.said("POST", f"{url}/cancel", body)

    async def change_units(self) -> None:
        room_id = self.chance.choice(self.rooms)
        if room_id is None:
            return
        room = (await self.staff.get(f"/rooms/{room_id}")).json()
        units = [
            {"id": one["id"], "name": one["name"], "active": self.chance.random() < 0.6}
            for one in room["units"]
            if self.chance.random() < 0.9
        ]
        if len(room["units"]) < 5:
            units.append({"name": f"{len(room['units'])}号台"})
        if units:
            body = {"version": room["version"], "units": units}
            await self.said("PUT", f"/rooms/{room_id}/units", body)

    def learn(self, series: dict[str, Any]) -> None:
        if series:
            self.series.append(series["id"])
            self.sessions += [one["session_id"] for one in series["sessions"]]


@pytest.mark.parametrize("seed", range(3))
async def test_after_anything_that_staff_do_each_session_takes_exactly_what_it_says(
    worker: Caller,
    venue: Venue,
    phone: tuple[str, Caller],
    callers: Callers,
    town: Town,
    tx: Tx,
    seed: int,
) -> None:
    chance = random.Random(seed)  # noqa: S311  (any mix will do, but the same each time)
    people = [await callers.resident(town.place(1, 1, 1, 1)) for _ in range(4)]
    office = Office(chance, worker, people)
    office.venue_id = str(venue.id)
    around: dict[str, Any] = {"buffer_before_minutes": 10, "buffer_after_minutes": 10}
    for _ in range(2):
        office.rooms.append(str((await new_room(tx, venue, units=("一", "二"), **around)).id))
    await tx.commit()
    office.teachers = [
        await linked(worker, venue, phone),
        await hired(worker, venue, "周志远"),
        await hired(worker, venue, "何秀兰"),
    ]
    for _ in range(STEPS):
        await office.step()
        assert await stored(tx) == await claimed(tx), office.codes
    assert office.codes.get("done", 0) > 10
    assert office.codes.get("enrolled", 0) > 0
    for taken, had in await seats(tx):
        assert taken == had
