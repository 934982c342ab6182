"""Every operation of rosters, checks and records of posts against every caller."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.authorization.attempts import rows_written
from tests.authorization.seats import EVERYONE, Everybody, table, undone
from tests.support.issues import LANE, Street
from tests.support.posts import appointment_at

pytestmark = pytest.mark.slow

# At the lane's grid: reading the roster, putting a shift on it and changing one that is there,
# who is on call, the checks, the record of how the grid's worker was chosen and making her the
# responsible one, and what she has in hand.
POSTS_TABLE = table(
    """
                             roster  make  change  on-call  checks  record  work
    anonymous                   401   401     401      401     401     401   401
    reporter                    403   403     404      200     403     404   404
    neighbour                   403   403     404      200     403     404   404
    own lane chief              403   403     404      200     403     404   404
    next lane chief             403   403     404      200     403     404   404
    own grid leader             200   200     200      200     200     404   200
    own grid worker             200   403     404      200     403     404   200
    other grid leader           403   403     404      200     403     404   404
    other grid worker           403   403     404      200     403     404   404
    own community worker        200   403     404      200     200     404   404
    own community secretary     200   200     200      200     200     404   200
    other community worker      403   403     404      200     403     404   404
    other community secretary   403   403     404      200     403     404   404
    own dispatcher              200   403     404      200     200     404   404
    own street secretary        200   200     200      200     200     404   200
    other dispatcher            403   403     404      200     403     404   404
    other street secretary      403   403     404      200     403     404   404
    officer                     403   403     404      200     403     404   404
    other officer               403   403     404      200     403     404   404
    operator                    200   200     200      200     200     200   200
    far operator                403   403     404      200     403     404   404
    """
)


async def _shift(tx: Tx, street: Street, hours: int) -> Shift:
    grid = street.town.at(*LANE[:3])
    person = street.town.staff[Role.GRID_WORKER, grid.id]
    begins = datetime.now(UTC) + timedelta(hours=hours)
    shift = Shift(
        node_id=grid.id,
        person_id=person.id,
        role=Role.GRID_WORKER.value,
        duty_phone="0752-9100000",
        starts_at=begins,
        ends_at=begins + timedelta(hours=1),
        made_by_id=person.id,
    )
    tx.add(shift)
    await tx.flush()
    shift.series_id = shift.id
    await tx.commit()
    return shift


def _hours(shift: Shift, hours: int) -> dict[str, object]:
    begins = shift.starts_at + timedelta(hours=hours)
    return {
        "person_id": str(shift.person_id),
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=1)).isoformat(),
    }


async def test_every_operation_of_posts_answers_every_caller_as_the_table_says(
    street: Street, everybody: Everybody, connection: AsyncConnection, tx: Tx
) -> None:
    grid = street.town.at(*LANE[:3])
    at_grid = f"/grid/nodes/{grid.id}"
    first, second = await _shift(tx, street, 2), await _shift(tx, street, 4)
    held = f"/appointments/{(await appointment_at(tx, grid, Role.GRID_WORKER)).id}"
    one = f"/roster/shifts/{first.id}"
    start = (first.starts_at + timedelta(hours=8)).astimezone()
    weekly = {
        "weekday": (start + timedelta(days=2)).isoweekday(),
        "begins": "12:00",
        "minutes": 60,
        "person_id": str(first.person_id),
    }
    series = {
        "first_on": (start + timedelta(days=1)).date().isoformat(),
        "last_on": (start + timedelta(days=8)).date().isoformat(),
        "weekly": [weekly],
    }
    swap = {"with_shift_id": str(second.id), "version": 1, "with_version": 1}
    unsaid = ("votes_for", "votes_cast", "votes_eligible", "nominated_by", "document_number")
    chosen = dict.fromkeys((*unsaid, "note")) | {
        "kind": "recruited",
        "decided_on": "2026-01-01",
    }
    tried: dict[str, list[tuple[str, str, object]]] = {
        "roster": [("GET", f"{at_grid}/roster", None)],
        "make": [
            ("POST", f"{at_grid}/roster", _hours(first, 5)),
            ("POST", f"{at_grid}/roster/series", series),
        ],
        "change": [
            ("PUT", one, _hours(first, 1) | {"version": 1, "duty_phone": None}),
            ("POST", f"{one}/swap", swap),
            ("POST", f"{one}/cancel", {"version": 1}),
            ("POST", f"/roster/series/{first.id}/end", None),
        ],
        "on-call": [("GET", f"{at_grid}/on-call", None)],
        "checks": [
            ("GET", f"{at_grid}/checks", None),
            ("GET", f"{at_grid}/checks/vacant_posts", None),
        ],
        "record": [
            ("PUT", f"{held}/selection", chosen),
            ("POST", f"{held}/make-primary", None),
            ("PUT", held, {"duty_phone": "0752-9100009", "ends_on": None, "version": 1}),
        ],
        "work": [("GET", f"{held}/work", None)],
    }
    found: dict[str, dict[str, int]] = {}
    for name, caller in everybody.items():
        found[name] = {}
        for what, requests in tried.items():
            statuses = set()
            for method, path, body in requests:
                async with undone(connection):
                    before = await rows_written(connection)
                    answer = await caller.request(method, path, json=body)
                    wrote = await rows_written(connection) - before
                assert answer.status_code == 200 or not wrote, (name, method, path)
                statuses.add(answer.status_code)
            assert len(statuses) == 1, (name, what, statuses)
            found[name][what] = statuses.pop()
    assert found == POSTS_TABLE


async def test_nobody_sees_the_shifts_of_others_as_her_own(
    street: Street, everybody: Everybody, tx: Tx
) -> None:
    shift = await _shift(tx, street, 2)
    shown = {}
    for name, caller in everybody.items():
        answer = await caller.get("/me/shifts")
        if answer.status_code == 200:
            shown[name] = [one["id"] for one in answer.json()["items"]]
    assert {name for name, ids in shown.items() if ids} == {"own grid worker"}
    assert shown["own grid worker"] == [str(shift.id)]


def test_the_table_names_every_caller_once() -> None:
    assert set(POSTS_TABLE) == EVERYONE
