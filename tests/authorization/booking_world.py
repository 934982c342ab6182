"""A venue with bookings, enrolments and strikes in every situation that an operation needs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from httpx import AsyncClient, Response
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.policies import Terms, new_policy
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.models import Room
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.sessions.models import Session, SessionKind, Teacher
from neighborhood_api.venues.sessions.service import NewSession, make_session, make_teacher
from tests.authorization.booking_cast import RUNNING, booking_cast
from tests.authorization.cast import Cast
from tests.support.clock import Clock
from tests.support.people import Callers
from tests.support.places import Town, build_town
from tests.support.posts import phone_number
from tests.venues.arranging import POLICY, TODAY, at, new_room, new_venue, wish
from tests.venues.children.arranging import registered, seated

MADE_AT = at(14.4)
"""Tuesday afternoon."""
NOW = at(14.83)
"""When operations are tried, unless a line says otherwise."""
KEEPING: dict[str, Any] = {
    "check_in": True,
    "notice_minutes": 0,
    "hold_minutes": 60,
    "cancel_minutes": 24 * 60,
    "strikes": {"limit": 100},
    "waitlist": {"longest": 5, "offer_minutes": 60},
}


OTHER_HOURS: dict[str, Any] = {
    "first_on": "2027-01-05",
    "last_on": "2027-01-05",
    "hours": [],
}
CLOSURE = {"starts_at": "2027-01-06T09:00:00+08:00", "ends_at": "2027-01-06T12:00:00+08:00"}
_PLAN: dict[str, Any] = {
    "title": "讲座",
    "subject": "健康",
    "grade": "长者",
    "capacity": 12,
    "about": "",
    "room_id": None,
    "teachers": [],
    "fewest": None,
    "children_per_helper": None,
    "accepts_enrolments": True,
    "policy": {"horizon_days": 30},
    "outside_hours": True,
}
SESSION = _PLAN | {"starts_at": at(57).isoformat(), "ends_at": at(58).isoformat()}
SERIES = _PLAN | {
    "weekdays": [3],
    "starts": "15:00",
    "ends": "16:00",
    "last_on": "2026-12-09",
    "skip_holidays": True,
    "decide_minutes_before": None,
}


class Secret:
    """Something that only some may read, wherever it is shown."""

    def __init__(self, what: str, text: str, readers: set[str]) -> None:
        self.what, self.text, self.readers = what, text, readers


@dataclass
class BookingWorld:
    """Everybody, and everything that they may try to touch."""

    town: Town
    cast: Cast
    nobody: AsyncClient
    tx: Tx
    connection: AsyncConnection
    clock: Clock
    ids: dict[str, str] = field(default_factory=dict)
    """What stands for `{name}` in addresses and bodies."""
    secrets: list[Secret] = field(default_factory=list)

    def client(self, who: str) -> AsyncClient:
        return self.nobody if who == "nobody" else self.cast[who]

    def filled(self, value: Any) -> Any:  # noqa: ANN401
        """Put ids where their names are."""
        if isinstance(value, dict):
            return {key: self.filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        if isinstance(value, str) and value.startswith("{"):
            return self.ids[value.strip("{}")]
        return value

    async def does(self, who: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Do what must succeed."""
        answer: Response = await self.cast[who].post(path, json=body or {})
        assert answer.status_code == 200, (who, path, answer.text)
        return answer.json()

    async def books(
        self,
        who: str,
        room: RoomRow,
        start: float,
        end: float,
        name: str,
        **changes: Any,  # noqa: ANN401
    ) -> str:
        """Book a room; the booking is called `name` from then on."""
        path, body = f"/rooms/{room.id}/bookings", wish(start, end) | changes
        if name == "held":
            path, body = f"/rooms/{room.id}/holds", _times(body)
        made = await self.does(who, path, body)
        return self.known(name, made["id"], {who, *RUNNING})

    def known(self, name: str, found: object, readers: set[str] | None = None) -> str:
        """Remember what a name stands for, and who may read of it."""
        self.ids[name] = str(found)
        if readers is not None:
            self.secrets.append(Secret(name, str(found), readers))
        return str(found)

    def leaks(self, who: str, text: str) -> set[str]:
        """Return what an answer shows to somebody who must not see it."""
        return {one.what for one in self.secrets if who not in one.readers and one.text in text}


def _times(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("starts_at", "ends_at")}


def presence() -> dict[str, str]:
    return {"id": str(new_id())}


async def _rooms(world: BookingWorld, venue: Venue, next_door: Venue) -> dict[str, RoomRow]:
    rooms = {
        "room": await new_room(world.tx, venue, **KEEPING),
        "approved room": await new_room(world.tx, venue, approval=True, notice_minutes=0),
        "free room": await new_room(world.tx, venue, notice_minutes=0, hold_minutes=60),
        "next room": await new_room(world.tx, next_door),
    }
    for name, room in rooms.items():
        world.known(name, room.id)
        code = (await world.tx.get_one(Room, room.id)).qr_code
        readers = {"own dispatcher", "own secretary", "own operator"}
        readers |= {"other clerk", "other head"} if name == "next room" else RUNNING
        world.known(f"sign of {name}", code, readers)
        (unit,) = room.units
        world.known(f"unit of {name}", unit.id)
    await world.tx.commit()
    return rooms


async def _bookings(world: BookingWorld, rooms: dict[str, RoomRow]) -> None:
    room = rooms["room"]
    secret = {"purpose": "不便公开的用途"}
    own = {"holder", *RUNNING}
    world.secrets.append(Secret("purpose", secret["purpose"], own))
    world.secrets.append(Secret("holder's name", "持约人甲", own))
    world.clock.now = at(8, TODAY)
    await world.books("holder", room, 18, 18.5, "given up")
    await world.books("holder", room, 20, 20.5, "given up too")
    world.clock.now = MADE_AT
    await world.books("holder", room, 14.5, 15, "checked in")
    body = presence()
    await world.does("own clerk", f"/bookings/{world.ids['checked in']}/check-in", body)
    await world.books("holder", room, 15, 15.5, "confirmed", **secret)
    await world.books("holder", room, 16, 16.5, "held")
    await world.books("holder", rooms["approved room"], 16.5, 17, "pending")
    await world.books("neighbour", room, 19, 20, "neighbour's")
    await world.books("holder", room, 19, 20, "offered", wait=True)
    await world.books("neighbour", rooms["free room"], 20, 21, "of a neighbour")
    for who, name in (
        ("neighbour", "neighbour's"),
        ("holder", "given up"),
        ("holder", "given up too"),
    ):
        await world.does(who, f"/bookings/{world.ids[name]}/cancel")
    answer = await world.cast["holder"].get("/me/strikes")
    strikes = {one["booking_id"]: one["id"] for one in answer.json()["items"]}
    world.known("strike", strikes[world.ids["given up"]], own)
    world.known("appealed strike", strikes[world.ids["given up too"]], own)
    appeal = {"text": "当天发烧"}
    await world.does("holder", f"/me/strikes/{world.ids['appealed strike']}/appeal", appeal)
    offered = (await world.cast["holder"].get(f"/bookings/{world.ids['offered']}")).json()
    assert offered["state"] == "offered"


async def _teachers(world: BookingWorld, venue: Venue) -> dict[str, Teacher]:
    teachers = {}
    for name in ("teacher", "other teacher", "former teacher"):
        person_id = world.cast[name].person_id
        teachers[name] = await make_teacher(world.tx, venue, name, person_id=person_id)
        world.known(f"{name}'s", teachers[name].id)
    asked = await make_teacher(
        world.tx, venue, "待确认的老师", phone=world.ids["phone of holder"]
    )
    readers = {"holder", *RUNNING}
    world.known("offered teacher's", asked.id, readers)
    return teachers


async def _session(
    world: BookingWorld, venue: Venue, hours: tuple[float, float], *teachers: Teacher
) -> Session:
    terms = Terms(horizon_days=14, notice_minutes=0)
    policy = await new_policy(world.tx, new_id(), terms, by_id=None, now=at(0, TODAY))
    new = NewSession(
        kind=SessionKind.TUTORING,
        title="四点半课堂",
        subject="数学",
        grade="三年级",
        starts_at=at(hours[0]),
        ends_at=at(hours[1]),
        capacity=12,
        teacher_ids=[one.id for one in teachers],
        for_children=hours == LESSON,
    )
    return await make_session(world.tx, venue, new, Terms(**POLICY), policy.id)


LESSON, TALK = (14.5, 16), (33, 34)


async def _sessions(world: BookingWorld, venue: Venue) -> None:
    teachers = await _teachers(world, venue)
    both = teachers["teacher"], teachers["former teacher"]
    lesson = await _session(world, venue, LESSON, *both)
    talk = await _session(world, venue, TALK, teachers["other teacher"])
    former = update(Teacher).where(Teacher.id == teachers["former teacher"].id)
    await world.tx.execute(former.values(active=False))
    await world.tx.commit()
    world.known("lesson", lesson.id)
    world.known("talk", talk.id)
    guardian = world.cast["guardian"]
    for name in ("child", "child that came"):
        child = await registered(guardian, name=f"孩子{name}")
        world.known(name, child["id"], {"guardian", "teacher", *RUNNING})
        world.secrets.append(
            Secret(f"name of {name}", f'孩子{name}"', {"guardian", "teacher", *RUNNING})
        )
        row = await seated(
            world.tx,
            await world.tx.get_one(Resource, lesson.id),
            guardian.person_id,
            UUID(child["id"]),
            now=MADE_AT,
        )
        await world.tx.commit()
        place = f"place of {name}"
        world.known(place, row.id, {"guardian", "teacher", *RUNNING})
    path = f"/bookings/{world.ids['place of child that came']}/check-in"
    await world.does("teacher", path, presence())
    child = await registered(guardian, name="不去上课的孩子")
    world.known("child at home", child["id"], {"guardian"})
    world.secrets.append(Secret("name of child at home", "不去上课的孩子", {"guardian"}))


async def _hours(world: BookingWorld) -> None:
    """Change the hours of the venue and of a room far ahead, and make a series."""
    for on in ("venue", "room"):
        path = f"/{on}s/{world.ids[on]}/opening"
        body = OTHER_HOURS | {"version": 1, "reason": "检修"}
        done = await world.does("own clerk", f"{path}/exceptions", body)
        world.known(f"exception_id of {on}", done["opening"]["exceptions"][0]["id"])
        body = CLOSURE | {"version": 2, "reason": "检修"}
        done = await world.does("own clerk", f"{path}/closures", body)
        world.known(f"closure_id of {on}", done["opening"]["closures"][0]["id"])
    body = SERIES | {"kind": "activity", "first_on": "2026-12-02", "last_on": "2026-12-02"}
    made = await world.does("own clerk", f"/venues/{world.ids['venue']}/series", body)
    world.known("series", made["id"])
    body = SESSION | {"kind": "activity", "draw_at": at(50).isoformat()}
    made = await world.does("own clerk", f"/venues/{world.ids['venue']}/sessions", body)
    world.known("drawn", made["id"])


async def _phones(world: BookingWorld) -> None:
    """Give numbers that nobody reads whole, save from a child's record."""
    for who, readers in (("holder", {"holder"}), ("guardian", {"guardian"})):
        phone = phone_number()
        person = update(Person).where(Person.id == world.cast[who].person_id)
        await world.tx.execute(person.values(phone=phone))
        world.known(f"phone of {who}", phone, readers)
    await world.tx.commit()


async def booking_world(
    callers: Callers,
    town: Town,
    nobody: AsyncClient,
    tx: Tx,
    connection: AsyncConnection,
    clock: Clock,
) -> BookingWorld:
    """Build two venues in neighbouring communities, and let everybody do something there."""
    clock.now = MADE_AT
    far = await build_town(tx, now=datetime.now(UTC))
    cast = await booking_cast(callers, town, far, tx)
    world = BookingWorld(town, cast, nobody, tx, connection, clock)
    world.known("community", town.at(1, 1).id)
    world.known("grid", town.at(1, 1, 1).id)
    venue = await new_venue(tx, town.place(1, 1))
    next_door = await new_venue(tx, town.place(1, 2), "另一个站")
    world.known("venue", venue.id)
    await _phones(world)
    rooms = await _rooms(world, venue, next_door)
    await _bookings(world, rooms)
    await _sessions(world, venue)
    await _hours(world)
    feed = await world.does("holder", "/me/calendar-feed")
    token = feed["path"].removeprefix("/api/v1/calendars/").removesuffix(".ics")
    world.known("token", token, {"holder"})
    clock.now = NOW
    return world
