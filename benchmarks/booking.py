"""`python -m benchmarks booking`: how many wishes for rooms are decided in a second.

Of every two wishes for a slot one is granted and one refused. On one room they all wait for
each other; on a thousand rooms hardly any does. Beside it, what the week of a venue's rooms
costs with few and with many bookings of the past.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
from rich.table import Table

from benchmarks import report
from benchmarks.attempts import REFUSED, note_attempts, noting
from benchmarks.ground import Server, durable_database, folder, server
from benchmarks.load import CONNECTIONS, LoadFailed, Sample, send
from benchmarks.measure import API, WARM_UP_SECONDS, Variant
from benchmarks.population import District, Resident, load_people
from benchmarks.population_bookings import (
    CLOSES,
    OPENS,
    ROOMS_OF_A_VENUE,
    SLOT,
    Houses,
    load_bookings,
    load_rooms,
)
from benchmarks.turns import Question, take_turns
from neighborhood_api.identity.keys import Keyring
from neighborhood_api.identity.tokens import Standing, Tokens
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.migrate import migrate
from neighborhood_api.settings import Settings

HOT = "hot"
ROOMS = 1000
RESIDENTS = 2000
"""Who book the one room in turn; as many others book the others, so nobody is in two places."""
GUESTS = 20_000
"""Who have booked in the past."""
EACH_WANTS = 2
"""Wishes for each slot."""
AIM = 0.4
ALLOWED = 1.5
"""How much longer the week may take with many bookings of the past."""
SMALL = 10_000
ROUNDS = 30
_FASTEST = 1000
"""Answers in a second that no run reaches."""
_FROM = timedelta(days=4)


@dataclass
class Ground:
    """What the wishes are for, and who has them."""

    home: Path
    url: str
    residents: list[Resident]
    room_ids: list[UUID]
    hot_room: UUID
    tokens: dict[UUID, str] = field(default_factory=dict)
    next_slot: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    """Of the hot room, and of the others: those before it were asked for already."""


@dataclass(frozen=True)
class Week:
    """The week of the rooms of one venue."""

    past: int
    question: Question
    statements: int


@dataclass(frozen=True)
class Measured:
    """What came out."""

    attempts: list[Variant]
    statements: dict[str, int]
    weeks: list[Week]


def measure(rounds: int, seconds: float, many: int, tell: Callable[[str], None]) -> Measured:
    """Load what is needed, and measure.

    Raises: LoadFailed, ServerFailed.
    """
    found, statements = _measure_attempts(rounds, seconds, tell)
    return Measured(found, statements, _measure_weeks(many, tell))


def variants() -> list[Variant]:
    """Return what is measured, each after what it is compared with."""
    found = []
    for where, label in ((HOT, "one room"), ("many", f"{ROOMS:,} rooms")):
        bare = f"bare_{where}"
        found += [
            Variant(bare, f"bare ASGI, the same statements, {label}", "", "attempts"),
            Variant(
                f"book_{where}",
                f"POST /rooms/…/bookings, {label}",
                "",
                "product",
                writes=True,
                against=bare,
                aim=AIM,
            ),
        ]
    return found


def tables(measured: Measured) -> list[Table]:
    """Lay the figures out."""
    title = "Wishes for rooms, half of them granted: one worker; medians of the rounds"
    weeks = Table(title=f"The week of {ROOMS_OF_A_VENUE} rooms, one request at a time")
    for heading in ("past bookings", "ms (p50)", "statements"):
        weeks.add_column(heading, justify="right")
    for week in measured.weeks:
        weeks.add_row(f"{week.past:,}", f"{week.question.p50:.1f}", str(week.statements))
    weeks.caption = f"many cost {_ratio(measured.weeks):.2f} × few"
    return [report.table(measured.attempts, title), weeks]


def figures(measured: Measured) -> dict[str, Any]:
    """Return the figures as they are kept."""
    found = measured.attempts
    ratio = _ratio(measured.weeks)
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "residents": RESIDENTS,
        "wishes_for_a_slot": EACH_WANTS,
        "rounds": len(found[0].samples),
        "statements": measured.statements,
        "attempts": {
            variant.name: report.figures(variant, found) | {"refused": _refused(variant)}
            for variant in found
        },
        "week": {
            "rooms": ROOMS_OF_A_VENUE,
            "p50_ms": {str(one.past): round(one.question.p50, 1) for one in measured.weeks},
            "statements": max(one.statements for one in measured.weeks),
            "many_to_few": round(ratio, 3),
            "allowed": ALLOWED,
            "reached": ratio <= ALLOWED,
        },
    }


def _measure_attempts(
    rounds: int, seconds: float, tell: Callable[[str], None]
) -> tuple[list[Variant], dict[str, int]]:
    found = variants()
    with ExitStack() as stack:
        home = stack.enter_context(folder())
        url = stack.enter_context(durable_database(home))
        migrate(url)
        tell(f"loading {ROOMS:,} rooms")
        district, houses = asyncio.run(_load(url, 2 * RESIDENTS, ROOMS + 1, 1))
        hot, *others = houses.room_ids
        ground = Ground(home, url, district.residents, others, hot)
        ground.tokens = _tokens(home, ground.residents)
        product = stack.enter_context(server("product", home, url))
        wishes = _to_try_out(ground)
        settings = Settings(data_dir=home)
        noted = asyncio.run(note_attempts(settings, url, wishes[: 2 * EACH_WANTS]))
        variables = {"BENCH_WISHES": json.dumps(wishes[EACH_WANTS:])}
        bare = stack.enter_context(server("attempts", home, url, variables))
        servers = {"product": product, "attempts": bare}
        for number in range(1, rounds + 1):
            ground.tokens = _tokens(home, ground.residents)
            for variant in found:
                tell(f"round {number} of {rounds}: {variant.label}")
                target = servers[variant.served_by]
                _sample(ground, variant, target, WARM_UP_SECONDS)
                variant.samples.append(_sample(ground, variant, target, seconds))
        return found, {str(one.status): len(one.statements) for one in noted}


def _sample(ground: Ground, variant: Variant, target: Server, seconds: float) -> Sample:
    """Send wishes that were never sent before, and see that what was granted is stored.

    Raises: LoadFailed.
    """
    wishes = int(_FASTEST * seconds / 4) * 4
    requests = [
        _request(ground, variant, room_id, number, starts_at)
        for number, (room_id, starts_at) in enumerate(islice(_wishes(ground, variant), wishes))
    ]
    before = _stored(ground.url)
    sample = send(target, requests, ground.home, seconds=seconds, refusal=REFUSED)
    granted = sample.requests - sample.refused
    if sample.requests >= wishes:
        raise LoadFailed(f"{variant.label}: there were too few wishes")
    if _stored(ground.url) - before < granted:
        raise LoadFailed(f"{variant.label}: fewer bookings are stored than were acknowledged")
    used = -(-(sample.requests + CONNECTIONS) // EACH_WANTS)
    ground.next_slot[_is_hot(variant)] += used if _is_hot(variant) else _whole(used)
    return sample


def _is_hot(variant: Variant) -> bool:
    return variant.name.endswith(HOT)


def _whole(slots: int) -> int:
    """Round up, so that the next wish is for the first room again."""
    return slots + -slots % ROOMS


def _wishes(ground: Ground, variant: Variant) -> Iterator[tuple[UUID, datetime]]:
    """Give slots from the first that nobody has asked for, each so often."""
    rooms = [ground.hot_room] if _is_hot(variant) else ground.room_ids
    number = ground.next_slot[_is_hot(variant)]
    while True:
        starts_at = slot(number // len(rooms))
        for _ in range(EACH_WANTS):
            yield rooms[number % len(rooms)], starts_at
        number += 1


def slot(number: int) -> datetime:
    """Return when a slot begins, of all those of a room."""
    of_a_day = timedelta(hours=CLOSES - OPENS) // SLOT
    days, nth = divmod(number, of_a_day)
    today = datetime.now(UTC).astimezone(SHOWN_ZONE).date()
    first = datetime.combine(today, time(OPENS), SHOWN_ZONE) + _FROM
    return first + timedelta(days=days) + nth * SLOT


def body_of(starts_at: datetime) -> dict[str, Any]:
    """Return the body of a wish."""
    return {
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + SLOT).isoformat(),
        "party_size": 4,
        "purpose": "邻居练球",
    }


def _request(
    ground: Ground, variant: Variant, room_id: UUID, number: int, starts_at: datetime
) -> bytes:
    mine = number % RESIDENTS
    person_id = ground.residents[mine if _is_hot(variant) else mine + RESIDENTS].person_id
    if variant.served_by == "product":
        path = f"{API}/rooms/{room_id}/bookings"
    else:
        path = f"/book/{room_id}/{person_id}/{int(starts_at.timestamp())}"
    body = json.dumps(body_of(starts_at), ensure_ascii=False).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        "User-Agent: MicroMessenger/8.0 miniProgram",
        f"Authorization: Bearer {ground.tokens[person_id]}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Idempotency-Key: {key}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _to_try_out(ground: Ground) -> list[dict[str, Any]]:
    """Return wishes whose statements are noted; the first two fill what a process keeps."""
    wishes = []
    for number in range(3 * EACH_WANTS):
        person_id = ground.residents[RESIDENTS + number].person_id
        wishes.append(
            {
                "room_id": str(ground.room_ids[0]),
                "person_id": str(person_id),
                "token": ground.tokens[person_id],
                "body": body_of(slot(number // EACH_WANTS)),
            }
        )
    ground.next_slot[False] = 3 * len(ground.room_ids)
    return wishes


def _measure_weeks(many: int, tell: Callable[[str], None]) -> list[Week]:
    with ExitStack() as stack:
        weeks = [_week(stack, past, tell) for past in (SMALL, many)]
        shown = [json.loads(week.question.ask()) for week in weeks]
        taken = [json.dumps(one).count('"taken"') for one in shown]
        if len(shown[0]["rooms"]) != ROOMS_OF_A_VENUE or not taken[0] or len(set(taken)) > 1:
            raise LoadFailed("both weeks should show the same slots")
        take_turns([week.question for week in weeks], ROUNDS, tell)
    return weeks


def _week(stack: ExitStack, past: int, tell: Callable[[str], None]) -> Week:
    home = stack.enter_context(folder())
    url = stack.enter_context(durable_database(home))
    migrate(url)
    tell(f"loading {past:,} bookings")
    loading = _load(url, GUESTS, ROOMS_OF_A_VENUE, 2, past=past)
    district, houses = asyncio.run(loading)
    product = stack.enter_context(server("product", home, url))
    somebody = district.residents[0]
    token = _tokens(home, [somebody])[somebody.person_id]
    path = f"/venues/{houses.venue_ids[0]}/availability"
    statements = asyncio.run(_count(home, url, path, token))
    return Week(past, Question.to(product, f"{API}{path}", token), statements)


async def _load(
    url: str, residents: int, rooms: int, units: int, *, past: int = 0
) -> tuple[District, Houses]:
    district = District()
    connection = await asyncpg.connect(url)
    try:
        await load_people(connection, district, residents)
        houses = await load_rooms(connection, district, rooms=rooms, units=units)
        if past:
            await load_bookings(connection, district, past=past)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return district, houses


async def _count(home: Path, url: str, path: str, token: str) -> int:
    """Return how many statements an answer takes once the process is warm."""
    headers = {"authorization": f"Bearer {token}"}
    async with noting(Settings(data_dir=home), url) as (client, notes):
        for _ in range(2):
            notes.clear()
            answer = await client.get(path, headers=headers)
            if answer.status_code != HTTPStatus.OK:
                raise LoadFailed(f"GET {path} was answered {answer.status_code}")
        return len(notes)


def _tokens(home: Path, residents: list[Resident]) -> dict[UUID, str]:
    tokens = Tokens(Keyring.from_folder(home / "keys"))
    now = datetime.now(UTC)
    return {
        r.person_id: tokens.make(r.person_id, new_id(), 0, Standing(residence=r.home), now)
        for r in residents
    }


def _stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM registration").fetchone()
    return 0 if row is None else int(row[0])


def _refused(variant: Variant) -> float:
    """Return the part of the wishes that was refused."""
    asked = sum(sample.requests for sample in variant.samples)
    return round(sum(sample.refused for sample in variant.samples) / asked, 3)


def _ratio(weeks: list[Week]) -> float:
    few, many = sorted(weeks, key=lambda week: week.past)
    return many.question.p50 / few.question.p50
