"""Every operation at a venue against every caller, as the table says."""

import re
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import Response

from neighborhood_api.kit.db import Database, ReadTx, Tx
from tests.authorization.attempts import Operations, acts_kept, operations_of, rows_written
from tests.authorization.booking_operations import LINES, Line
from tests.authorization.booking_world import NOW, BookingWorld, booking_world
from tests.authorization.seats import undone
from tests.operation.unaudited import NOT_AUDITED
from tests.support.clock import clock_of
from tests.support.fixtures import all_undone, client_of
from tests.support.people import Callers
from tests.support.places import Town
from tests.venues.arranging import at

pytestmark = pytest.mark.slow

API = "http://api"
PARAMETER = re.compile(r"{(\w+)}")
UNCHANGED = {"revoke_my_feed", "revoke_room_feed", "revoke_teacher_feed", "renew_consent"}
"""They are tried where nothing is left to change, and then leave no act."""
PUBLIC = {"read_calendar"}
"""Whoever has the link reads; see below."""


@pytest.fixture(scope="module")
async def bookings(app: FastAPI, town: Town, database: Database) -> AsyncIterator[BookingWorld]:
    """Everybody signed in, and everything booked; built once, and never committed."""
    async with database.engine.connect() as connection, connection.begin() as outer:
        async with (
            all_undone(database, connection) as undone_database,
            undone_database.sessions() as session,
            client_of(app) as nobody,
        ):
            callers = Callers(app, undone_database)
            with clock_of(app) as clock:
                tx = Tx(ReadTx(session))
                yield await booking_world(callers, town, nobody, tx, connection, clock)
            await callers.close()
        await outer.rollback()


@pytest.fixture(scope="module")
def operations(app: FastAPI) -> Operations:
    """Method and address of every operation of venues, by its name."""
    return operations_of(app, ".venues.")


async def attempt(
    world: BookingWorld, operations: Operations, who: str, line: Line
) -> Response:
    method, path = operations[line.operation]
    first, *others = PARAMETER.findall(path) or [""]
    ids = {first: world.ids.get(line.on, "")}
    ids |= {name: world.ids[f"{name} of {line.on}"] for name in others}
    return await world.client(who).request(
        method,
        API + path.format(**ids),
        json=None if line.body is None else world.filled(line.body),
        params=world.filled(line.query),
    )


def is_audited(line: Line, operations: Operations) -> bool:
    """Tell whether doing it leaves an act in the audit trail."""
    changes = operations[line.operation][0] != "GET" and line.past == 200
    preview = (line.body or {}).get("preview", False)
    return changes and not preview and line.operation not in NOT_AUDITED | UNCHANGED


def name_of(line: Line) -> str:
    words = [*(line.body or {}), *line.query]
    special = [word for word in words if word.endswith(("_id", "_of"))]
    special += [value.strip("{}") for value in line.query.values() if "{" in value]
    return "-".join([line.operation, line.on, *special]).strip("-")


@pytest.mark.parametrize("line", LINES, ids=name_of)
async def test_a_venue_is_used_and_run_by_whom_the_rules_name(
    line: Line, bookings: BookingWorld, operations: Operations
) -> None:
    world = bookings
    world.clock.now = NOW if line.hour is None else at(line.hour)
    wanted = dict.fromkeys(line.among, line.otherwise) | dict.fromkeys(line.allowed, line.past)
    wanted |= line.answers | {"nobody": 401}
    before = await rows_written(world.connection)
    answers = {
        who: await attempt(world, operations, who, line)
        for who, status in wanted.items()
        if status != line.past
    }
    assert await rows_written(world.connection) == before
    audited = is_audited(line, operations)
    for who in wanted.keys() - answers.keys():
        by = world.cast[who].person_id
        async with undone(world.connection):
            kept = await acts_kept(world.connection, by) if audited else 0
            answers[who] = await attempt(world, operations, who, line)
            assert not audited or await acts_kept(world.connection, by) > kept, who
    found = {who: answer.status_code for who, answer in answers.items()}
    assert found == wanted, {
        who: answers[who].text[:300] for who in wanted if found[who] != wanted[who]
    }
    for who, answer in answers.items():
        assert world.leaks(who, answer.text) <= {line.reveals}, who


READS = (
    ("holder", "/me/bookings", ("confirmed", "offered", "purpose")),
    ("holder", "/me/strikes", ("strike", "appealed strike")),
    ("guardian", "/me/bookings", ("place of child", "name of child")),
    ("guardian", "/children", ("child", "child at home", "name of child at home")),
    ("own clerk", "/strikes", ("strike", "holder's name")),
    ("own clerk", "/rooms/{room}/bookings", ("confirmed", "purpose", "holder's name")),
    ("own clerk", "/venues/{venue}/week", ("confirmed", "purpose", "holder's name")),
    ("own clerk", "/rooms/{room}/sign", ("sign of room",)),
    ("teacher", "/sessions/{lesson}/roster", ("place of child", "name of child")),
)


@pytest.mark.parametrize(("who", "path", "secrets"), READS, ids=lambda one: str(one)[:30])
async def test_what_others_never_read_is_there_to_be_read(
    bookings: BookingWorld, who: str, path: str, secrets: tuple[str, ...]
) -> None:
    bookings.clock.now = NOW
    answer = await bookings.client(who).get(path.format(**bookings.ids))
    assert answer.status_code == 200, answer.text
    texts = {one.what: one.text for one in bookings.secrets}
    assert [name for name in secrets if texts[name] not in answer.text] == []


async def test_a_calendar_is_read_by_whoever_has_its_link(
    bookings: BookingWorld, operations: Operations
) -> None:
    path = operations["read_calendar"][1].format(token=bookings.ids["token"])
    for who in ("nobody", "neighbour", "holder"):
        assert (await bookings.client(who).get(API + path)).status_code == 200
    wrong = await bookings.client("holder").get(API + path.replace(path[-8], "?"))
    assert wrong.status_code == 404


def test_no_operation_of_venues_is_forgotten(operations: Operations) -> None:
    tried = {line.operation for line in LINES}
    assert len(operations) > 70
    assert operations.keys() - tried - PUBLIC == set()
    assert tried - operations.keys() == set()
