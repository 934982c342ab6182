"""Where a request names two things, power over the first gives none over the second."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Leave
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.schedules.openings.models import Closure, OpeningException
from tests.support.clock import Clock, clock_of
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appointment_at
from tests.support.refusals import refused
from tests.venues.arranging import TODAY, at, new_room, new_venue
from tests.venues.openings.arranging import closure, exception

GRID, NEXT_GRID = (1, 1, 1), (1, 1, 2)


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        yield clock


async def done(caller: Caller, path: str, body: object = None) -> Any:  # noqa: ANN401
    answer = await caller.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_leader_ends_no_leave_of_the_next_grid_by_way_of_her_own_chief(
    callers: Callers, town: Town, tx: Tx, clock: Clock
) -> None:
    chief, other = [
        await appointment_at(tx, town.at(*grid, 1), Role.LANE_CHIEF)
        for grid in (GRID, NEXT_GRID)
    ]
    away = (local_day(clock.now) + timedelta(days=1)).isoformat()
    leader = await callers.staff(town, Role.GRID_LEADER, *GRID)
    neighbour = await callers.staff(town, Role.GRID_LEADER, *NEXT_GRID)
    wish = {"first_on": away, "last_on": away}
    leave = await done(neighbour, f"/appointments/{other.id}/leaves", wish)
    path = f"/leaves/{leave['id']}/end"
    refused(await leader.post(f"/appointments/{chief.id}{path}"), 404, "leave_not_found")
    refused(await leader.post(f"/appointments/{other.id}{path}"), 404, "appointment_not_found")
    stored = await tx.get_one(Leave, UUID(leave["id"]), populate_existing=True)
    assert stored.ended_at is None
    await done(neighbour, f"/appointments/{other.id}{path}")


async def test_nobody_changes_the_hours_of_one_room_by_way_of_another(
    callers: Callers, town: Town, tx: Tx, clock: Clock
) -> None:
    clock.now = at(8, TODAY)
    rooms = [await new_room(tx, await new_venue(tx, town.place(1, n))) for n in (1, 2)]
    await tx.commit()
    here, there = (f"/rooms/{room.id}/opening" for room in rooms)
    worker, neighbour = [await callers.staff(town, Role.COMMUNITY_WORKER, 1, n) for n in (1, 2)]
    for what, body, end, code, table in (
        ("exceptions", exception(version=1), "withdraw", "exception_not_found", "exceptions"),
        ("closures", closure(9, 10, version=2), "lift", "closure_not_found", "closures"),
    ):
        made = (await done(neighbour, f"{there}/{what}", body))["opening"][table][0]["id"]
        undo = {"version": 1, "reason": "恢复"} if end == "withdraw" else {"version": 1}
        refused(await worker.post(f"{here}/{what}/{made}/{end}", json=undo), 404, code)
        refused(await worker.post(f"{there}/{what}/{made}/{end}", json=undo), 403, "forbidden")
        kind: Any = OpeningException if end == "withdraw" else Closure
        stored = await tx.get_one(kind, UUID(made), populate_existing=True)
        undone = stored.withdrawn_at if end == "withdraw" else stored.lifted_at
        assert undone is None


async def shift(
    caller: Caller, town: Town, grid: tuple[int, ...], begins: datetime
) -> dict[str, Any]:
    node = town.at(*grid)
    body = {
        "person_id": str(town.staff[Role.GRID_WORKER, node.id].id),
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=2)).isoformat(),
    }
    made: dict[str, Any] = await done(caller, f"/grid/nodes/{node.id}/roster", body)
    return made


async def test_shifts_are_swapped_by_who_keeps_both_and_among_those_who_may_be_there(
    callers: Callers, town: Town, tx: Tx, clock: Clock
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    leaders = [await callers.staff(town, Role.GRID_LEADER, *grid) for grid in (GRID, NEXT_GRID)]
    begins = clock.now + timedelta(hours=1)
    mine, theirs = [await shift(operator, town, grid, begins) for grid in (GRID, NEXT_GRID)]
    for first, second in ((mine, theirs), (theirs, mine)):
        path = f"/roster/shifts/{first['id']}/swap"
        wish = {"with_shift_id": second["id"], "version": 1, "with_version": 1}
        for leader in leaders:
            refused(await leader.post(path, json=wish), 404, "shift_not_found")
        # Each works in her own grid, and answers for no other.
        refused(await operator.post(path, json=wish), 422, "not_on_call_here")
    for one in (mine, theirs):
        stored = await tx.get_one(Shift, UUID(one["id"]), populate_existing=True)
        assert (str(stored.person_id), stored.version) == (one["person_id"], 1)


async def test_a_shift_that_has_begun_keeps_its_beginning(
    callers: Callers, town: Town, clock: Clock
) -> None:
    leader = await callers.staff(town, Role.GRID_LEADER, *GRID)
    begins = clock.now.replace(microsecond=0) + timedelta(hours=1)  # as answers show it
    made = await shift(leader, town, GRID, begins)
    clock.forward(hours=2)
    path, ends = f"/roster/shifts/{made['id']}", begins + timedelta(hours=3)
    same = {name: made[name] for name in ("person_id", "starts_at")}
    body = same | {"ends_at": ends.isoformat(), "version": 1, "duty_phone": None}
    earlier = body | {"starts_at": (begins - timedelta(minutes=30)).isoformat()}
    refused(await leader.put(path, json=earlier), 422, "shift_times_wrong")
    longer = await leader.put(path, json=body)
    assert (longer.status_code, longer.json()["version"]) == (200, 2), longer.text
