"""The roster: who is on call when, hours that are nobody's, and who answers in them."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select

from neighborhood_api.grid.posts.models import RosterAlarm, Shift
from neighborhood_api.grid.posts.roster.alarms import look_for_gaps
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.notifications.models import Notification
from neighborhood_api.notifications.rosters.jobs import tell_of_gap
from tests.grid.conftest import Days
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, appointment_at, phone_number, vacate
from tests.support.refusals import refused

GRID = (1, 1, 1)


@pytest.fixture
async def leader(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.GRID_LEADER, *GRID)


@pytest.fixture
def worker(town: Town) -> UUID:
    return town.staff[Role.GRID_WORKER, town.at(*GRID).id].id


@pytest.fixture
def chief(town: Town) -> UUID:
    return town.staff[Role.LANE_CHIEF, town.at(*GRID, 1).id].id


def at(day: date, hour: int = 0) -> datetime:
    return datetime.combine(day, time(), SHOWN_ZONE) + timedelta(hours=hour)


def hours(person_id: UUID, starts_at: datetime, ends_at: datetime) -> dict[str, Any]:
    return {
        "person_id": str(person_id),
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
    }


async def put(
    caller: AsyncClient, town: Town, person_id: UUID, starts_at: datetime, ends_at: datetime
) -> Response:
    path = f"/grid/nodes/{town.at(*GRID).id}/roster"
    return await caller.post(path, json=hours(person_id, starts_at, ends_at))


async def made(
    caller: AsyncClient, town: Town, person_id: UUID, starts_at: datetime, ends_at: datetime
) -> Any:  # noqa: ANN401
    answer = await put(caller, town, person_id, starts_at, ends_at)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def on_call(caller: AsyncClient, node_id: UUID) -> Any:  # noqa: ANN401
    answer = await caller.get(f"/grid/nodes/{node_id}/on-call")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_roster_says_who_is_on_call_and_else_the_holder_or_the_next_one_up(
    leader: Caller, callers: Callers, town: Town, tx: Tx, chief: UUID, clock: Clock
) -> None:
    grid, lane = town.at(*GRID), town.at(*GRID, 1)
    resident = await callers.resident(lane.place)
    begins = clock.now + timedelta(hours=1)
    shift = await made(leader, town, chief, begins, begins + timedelta(hours=8))
    assert (shift["role"], shift["person_id"]) == ("lane_chief", str(chief))
    before = await on_call(resident, grid.id)
    assert (before["rostered"], before["role"], before["until"]) == (False, "grid_leader", None)
    clock.forward(hours=1)
    now = await on_call(resident, grid.id)
    assert (now["rostered"], now["role"], now["name"]) == (True, "lane_chief", shift["name"])
    assert (now["until"], now["duty_phone"]) == (shift["ends_at"], shift["duty_phone"])
    mine = (await resident.get("/me/grid")).json()["on_call"]
    assert mine == {name: value for name, value in now.items() if name != "node"}
    assert (await on_call(resident, lane.id))["role"] == "lane_chief"  # a lane has no roster
    clock.forward(hours=8)  # to the very end of the shift
    assert (await on_call(resident, grid.id))["rostered"] is False
    await vacate(tx, grid, town.at(1, 1))
    await tx.commit()
    above = await on_call(resident, grid.id)
    assert (above["role"], above["node"]["id"]) == ("street_dispatcher", str(town.at(1).id))
    await vacate(tx, town.at(1))
    await tx.commit()
    refused(await resident.get(f"/grid/nodes/{grid.id}/on-call"), 404, "nobody_on_call")
    assert (await resident.get("/me/grid")).json()["on_call"] is None
    refused(await resident.get(f"/grid/nodes/{uuid4()}/on-call"), 404, "node_not_found")


async def test_shifts_of_a_place_never_overlap_and_elsewhere_they_warn(
    operator: Caller, town: Town, worker: UUID, chief: UUID, days: Days, tx: Tx
) -> None:
    nine, noon = at(days.tomorrow, 9), at(days.tomorrow, 12)
    first = await made(operator, town, worker, nine, noon)
    refusal = await put(
        operator, town, chief, noon - timedelta(minutes=1), at(days.tomorrow, 13)
    )
    body = refused(refusal, 409, "shifts_overlap")
    assert body["clashes"] == [nine.isoformat(timespec="minutes")]
    after = await made(operator, town, chief, noon, at(days.tomorrow, 13))  # adjoining is free
    assert (first["also_elsewhere"], after["also_elsewhere"]) == (False, False)
    community = f"/grid/nodes/{town.at(1, 1).id}/roster"
    doubled = await operator.post(community, json=hours(worker, nine, noon))
    assert doubled.json()["also_elsewhere"] is True
    kept = select(Act.what).where(Act.subject == first["id"])
    assert list(await tx.scalars(kept)) == ["grid.shift_made"]
    changed = select(OutboxRow).where(OutboxRow.name == "grid.roster_changed")
    nodes = [row.payload["node_id"] for row in await tx.scalars(changed)]
    assert nodes.count(str(town.at(*GRID).id)) == 2


@pytest.mark.parametrize(
    ("first", "last"),
    [(9, 9), (9, 8), (0, 24 * 8), (-48, -47)],
    ids=["empty", "backwards", "over a week", "past"],
)
async def test_hours_that_make_no_shift_are_refused(
    first: int, last: int, leader: Caller, town: Town, worker: UUID, days: Days
) -> None:
    day = days.tomorrow
    answer = await put(leader, town, worker, at(day, first), at(day, last))
    refused(answer, 422, "shift_times_wrong")


async def test_who_has_no_post_in_line_with_the_place_is_not_on_call_there(
    operator: Caller, callers: Callers, town: Town, days: Days
) -> None:
    nine, noon = at(days.tomorrow, 9), at(days.tomorrow, 12)
    path = f"/grid/nodes/{town.at(*GRID).id}/roster"
    strangers = [
        (await callers.resident()).person_id,
        town.staff[Role.GRID_WORKER, town.at(1, 1, 2).id].id,
        town.staff[Role.LANE_CHIEF, town.at(1, 1, 2, 1).id].id,
        town.staff[Role.OPERATOR, town.at().id].id,
        town.staff[Role.DEPARTMENT_OFFICER, town.organizations[0].id].id,
    ]
    for person_id in strangers:
        answer = await operator.post(path, json=hours(person_id, nine, noon))
        refused(answer, 422, "not_on_call_here")
    above = town.staff[Role.STREET_DISPATCHER, town.at(1).id].id
    assert (await operator.post(path, json=hours(above, nine, noon))).status_code == 200
    lane = f"/grid/nodes/{town.at(*GRID, 1).id}/roster"
    refused(await operator.post(lane, json=hours(above, nine, noon)), 422, "roster_not_here")


async def test_a_weekly_pattern_fills_the_roster_and_leaves_no_gap(
    leader: Caller, town: Town, worker: UUID, chief: UUID, days: Days, tx: Tx
) -> None:
    path = f"/grid/nodes/{town.at(*GRID).id}/roster"
    last = days.tomorrow + timedelta(days=19)
    weekly = [
        {"weekday": day, "begins": "08:00", "minutes": 24 * 60, "person_id": str(person)}
        for day, person in zip(range(1, 8), [worker, chief] * 4, strict=False)
    ]
    wish = {
        "first_on": days.tomorrow.isoformat(),
        "last_on": last.isoformat(),
        "weekly": weekly,
    }
    answer = await leader.post(f"{path}/series", json=wish)
    assert answer.json()["shifts"] == 20, answer.text
    shown = (
        await leader.get(path, params={"from": str(days.tomorrow), "until": str(last)})
    ).json()
    assert [one["starts_at"][11:16] for one in shown["items"]] == ["08:00"] * 20
    assert shown["gaps"] == [
        {
            "starts_at": at(days.tomorrow).isoformat(),
            "ends_at": at(days.tomorrow, 8).isoformat(),
        }
    ]
    again = await leader.post(f"{path}/series", json=wish)
    refused(again, 409, "shifts_overlap")
    twice = wish | {"weekly": [*weekly, weekly[0]], "first_on": str(last + timedelta(days=1))}
    twice["last_on"] = str(last + timedelta(days=14))
    refused(await leader.post(f"{path}/series", json=twice), 409, "shifts_overlap")
    count = select(Shift.id).where(Shift.series_id == UUID(answer.json()["series_id"]))
    assert len((await tx.scalars(count)).all()) == 20
    over = await leader.post(f"/roster/series/{answer.json()['series_id']}/end")
    assert over.json()["shifts"] == 20
    shown = (await leader.get(path)).json()
    assert (shown["items"], len(shown["gaps"])) == ([], 1)


async def test_shifts_are_changed_swapped_and_cancelled_by_their_version(
    leader: Caller, callers: Callers, town: Town, worker: UUID, chief: UUID, days: Days
) -> None:
    one = await made(leader, town, worker, at(days.tomorrow, 8), at(days.tomorrow, 12))
    two = await made(leader, town, chief, at(days.tomorrow, 12), at(days.tomorrow, 18))
    stale = {"with_shift_id": two["id"], "version": 1, "with_version": 2}
    path = f"/roster/shifts/{one['id']}"
    refused(await leader.post(f"{path}/swap", json=stale), 409, "shift_changed")
    swapped = await leader.post(f"{path}/swap", json=stale | {"with_version": 1})
    people = [(item["id"], item["person_id"], item["role"]) for item in swapped.json()["items"]]
    assert people == [
        (one["id"], str(chief), "lane_chief"),
        (two["id"], str(worker), "grid_worker"),
    ]
    longer = hours(chief, at(days.tomorrow, 8), at(days.tomorrow, 13)) | {
        "version": 2,
        "duty_phone": None,
    }
    refused(await leader.put(path, json=longer), 409, "shifts_overlap")
    shorter = hours(chief, at(days.tomorrow, 8), at(days.tomorrow, 11)) | {
        "version": 2,
        "duty_phone": None,
    }
    changed = (await leader.put(path, json=shorter)).json()
    assert (changed["version"], changed["ends_at"]) == (3, at(days.tomorrow, 11).isoformat())
    refused(
        await leader.post(f"{path}/cancel", json={"version": 2}),
        409,
        "shift_changed",
    )
    cancelled = (await leader.post(f"{path}/cancel", json={"version": 3})).json()
    assert cancelled["cancelled"] is True
    refused(await leader.post(f"{path}/cancel", json={"version": 4}), 409, "shift_over")
    hers = await callers.person(worker)
    mine = (await hers.get("/me/shifts")).json()["items"]
    assert [item["id"] for item in mine] == [two["id"]]


async def test_whoever_leaves_her_post_leaves_the_roster_and_a_leave_passes_shifts_on(
    operator: Caller, town: Town, worker: UUID, chief: UUID, days: Days, tx: Tx, clock: Clock
) -> None:
    night = at(days.tomorrow, 20)
    coming = await made(operator, town, worker, night, night + timedelta(hours=10))
    theirs = await made(operator, town, chief, night - timedelta(hours=2), night)
    begun = await made(
        operator, town, worker, clock.now - timedelta(hours=1), clock.now + timedelta(hours=1)
    )
    lane = await appointment_at(tx, town.at(*GRID, 1), Role.LANE_CHIEF)
    stand_in = {"name": "代班", "phone": phone_number()}
    wish = {
        "first_on": days.tomorrow.isoformat(),
        "last_on": days.tomorrow.isoformat(),
        "stand_in": stand_in,
    }
    leave = (await operator.post(f"/appointments/{lane.id}/leaves", json=wish)).json()
    held = await appointment_at(tx, town.at(*GRID), Role.GRID_WORKER)
    ended = (await operator.post(f"/appointments/{held.id}/end")).json()
    assert ended["handed_over"]["shifts"] == 2
    rows = {row.id: row for row in await tx.scalars(select(Shift))}
    assert rows[UUID(coming["id"])].cancelled_at == clock.now
    assert rows[UUID(theirs["id"])].person_id == UUID(leave["stand_in_id"])
    assert rows[UUID(begun["id"])].ends_at == clock.now
    assert rows[UUID(begun["id"])].cancelled_at is None


async def test_hours_that_are_nobodys_are_told_once_to_the_keeper_and_her_superior(
    leader: Caller, town: Town, worker: UUID, tx: Tx, clock: Clock
) -> None:
    grid = town.at(*GRID)

    async def found() -> list[str]:
        names = ("grid.roster_gap_found", "grid.roster_gap_closed")
        rows = select(OutboxRow).where(OutboxRow.name.in_(names)).order_by(OutboxRow.id)
        mine = [row for row in await tx.scalars(rows) if row.payload["node_id"] == str(grid.id)]
        return [row.name.rpartition("_")[2] for row in mine]

    await look_for_gaps(tx, now=clock.now)
    assert await found() == []  # who keeps no roster has no gaps in it
    start = clock.now
    for week in range(3):
        if week != 1:
            begins = start + timedelta(days=7 * week)
            await made(leader, town, worker, begins, begins + timedelta(days=7))
    for _ in range(2):
        await look_for_gaps(tx, now=clock.now)
    assert await found() == ["found"]
    query = select(RosterAlarm).where(RosterAlarm.node_id == grid.id)
    alarm = (await tx.scalars(query)).one()
    gap = (start + timedelta(days=7), start + timedelta(days=14))
    assert (alarm.gap_from, alarm.gap_until) == gap
    for _ in range(2):
        await tell_of_gap(tx, alarm.id, now=clock.now)
    told = select(Notification.person_id).where(Notification.subject_id == grid.id)
    secretary = town.staff[Role.COMMUNITY_SECRETARY, town.at(1, 1).id].id
    assert sorted(await tx.scalars(told)) == sorted([leader.person_id, secretary])
    await made(leader, town, worker, *gap)
    await look_for_gaps(tx, now=clock.now)
    assert await found() == ["found", "closed"]


async def test_a_roster_is_read_where_one_has_a_post_and_from_above(
    callers: Callers, town: Town, days: Days
) -> None:
    path = f"/grid/nodes/{town.at(*GRID).id}/roster"
    seats = {
        "leader": (Role.GRID_LEADER, GRID),
        "worker": (Role.GRID_WORKER, GRID),
        "chief": (Role.LANE_CHIEF, (*GRID, 1)),
        "next leader": (Role.GRID_LEADER, (1, 1, 2)),
        "secretary": (Role.COMMUNITY_SECRETARY, (1, 1)),
        "other secretary": (Role.COMMUNITY_SECRETARY, (1, 2)),
    }
    found = {}
    for name, (role, at_path) in seats.items():
        caller = await callers.staff(town, role, *at_path)
        found[name] = (await caller.get(path)).status_code
    assert found == {
        "leader": 200,
        "worker": 200,
        "chief": 403,
        "next leader": 403,
        "secretary": 200,
        "other secretary": 403,
    }
    far = {"from": str(days.today), "until": str(days.today + timedelta(days=62))}
    leader = await callers.staff(town, Role.GRID_LEADER, *GRID)
    refused(await leader.get(path, params=far), 422, "roster_days_wrong")


async def test_a_leave_takes_what_she_is_on_call_for_by_that_post_and_nothing_else(
    operator: Caller, town: Town, chief: UUID, days: Days, tx: Tx, clock: Clock
) -> None:
    """Of the shift that runs the rest, those of its days, and none by her other post."""
    grid, community = town.at(*GRID), town.at(1, 1)
    await appoint(tx, community, Role.COMMUNITY_WORKER, chief)
    await tx.commit()
    running = await made(
        operator, town, chief, clock.now - timedelta(hours=1), clock.now + timedelta(hours=2)
    )
    path = f"/grid/nodes/{community.id}/roster"
    nine, noon = at(days.tomorrow, 9), at(days.tomorrow, 12)
    coming = await made(operator, town, chief, nine, noon)
    other = (await operator.post(path, json=hours(chief, nine, noon))).json()
    assert (coming["role"], other["role"]) == ("lane_chief", "community_worker")
    lane = await appointment_at(tx, town.at(*GRID, 1), Role.LANE_CHIEF)
    wish = {
        "first_on": days.today.isoformat(),
        "last_on": days.tomorrow.isoformat(),
        "stand_in": {"name": "代班", "phone": phone_number()},
        "duty_phone": "0752-5550000",
    }
    granted = await operator.post(f"/appointments/{lane.id}/leaves", json=wish)
    assert granted.status_code == 200, granted.text
    now = await on_call(operator, grid.id)
    assert (now["rostered"], now["name"], now["duty_phone"]) == (True, "代班", "0752-5550000")
    assert now["until"] == running["ends_at"]
    rows = {row.id: row for row in await tx.scalars(select(Shift))}
    assert rows[UUID(running["id"])].ends_at == clock.now
    assert rows[UUID(coming["id"])].person_id == UUID(granted.json()["stand_in_id"])
    assert rows[UUID(other["id"])].person_id == chief
    for day, role in ((1, "community_worker"), (2, "lane_chief")):  # by which she may, that day
        begins = at(days.today + timedelta(days=day), 14)
        more = await made(operator, town, chief, begins, begins + timedelta(hours=2))
        assert more["role"] == role


async def test_a_leave_that_is_cancelled_leaves_nobody_on_the_roster_without_a_post(
    operator: Caller, town: Town, chief: UUID, days: Days, tx: Tx
) -> None:
    coming = await made(operator, town, chief, at(days.tomorrow, 9), at(days.tomorrow, 12))
    lane = await appointment_at(tx, town.at(*GRID, 1), Role.LANE_CHIEF)
    wish = {
        "first_on": days.tomorrow.isoformat(),
        "last_on": days.tomorrow.isoformat(),
        "stand_in": {"name": "代班", "phone": phone_number()},
    }
    leave = (await operator.post(f"/appointments/{lane.id}/leaves", json=wish)).json()
    stand_in = UUID(leave["stand_in_id"])
    away = await put(operator, town, chief, at(days.tomorrow, 14), at(days.tomorrow, 16))
    refused(away, 422, "away_then")
    day_after = days.tomorrow + timedelta(days=1)
    late = await put(operator, town, stand_in, at(day_after, 9), at(day_after, 12))
    refused(late, 422, "not_on_call_here")  # she stands in on the days of the leave
    ended = await operator.post(f"/appointments/{lane.id}/leaves/{leave['id']}/end")
    assert ended.status_code == 200, ended.text
    shift = await tx.get_one(Shift, UUID(coming["id"]), populate_existing=True)
    assert (shift.person_id, shift.cancelled_at is not None) == (stand_in, True)
    changed = select(OutboxRow).where(OutboxRow.name == "grid.roster_changed")
    assert len((await tx.scalars(changed)).all()) == 3  # made, passed on, released
