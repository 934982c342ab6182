"""What an office asks of its posts, and how it is recorded that somebody was chosen."""

from collections import Counter
from datetime import timedelta
from typing import Any

from httpx import AsyncClient
from sqlalchemy import func, select

from neighborhood_api.grid.models import Household, Node
from neighborhood_api.grid.posts.checks.schemas import PostCheck
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from tests.grid.conftest import Days
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, appointment_at, phone_number, somebody, vacate
from tests.support.refusals import refused

GRID = (1, 1, 1)
LANE = (*GRID, 1)
ELECTED: dict[str, Any] = {
    "kind": "elected",
    "decided_on": "2026-11-20",
    "votes_for": 41,
    "votes_cast": 52,
    "votes_eligible": 65,
    "document_number": "罗阳居字〔2026〕7号",
}


def wish_for(node: Node, role: Role, **changes: object) -> dict[str, Any]:
    return {
        "node_id": str(node.id),
        "role": role.value,
        "person": {"name": "新人", "phone": phone_number()},
        "duty_phone": "0752-1234567",
        "starts_on": "2026-01-01",
    } | changes


async def counts(caller: AsyncClient, node: Node) -> Counter[str]:
    answer = await caller.get(f"/grid/nodes/{node.id}/checks")
    assert answer.status_code == 200, answer.text
    return Counter({one["check"]: one["count"] for one in answer.json()["items"]})


async def findings(caller: AsyncClient, node: Node, check: str) -> list[Any]:
    """Everything that a check found, two on each page, and as many as are counted."""
    found: list[Any] = []
    after: str | None = None
    while True:
        params = {"limit": "2"} | ({} if after is None else {"after": after})
        page = await caller.get(f"/grid/nodes/{node.id}/checks/{check}", params=params)
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        after = page.json()["next"]
        if after is None:
            break
    assert (await counts(caller, node))[check] == len(found)
    return found


async def test_a_staffed_town_lacks_only_the_records_of_its_chiefs(
    operator: Caller, town: Town
) -> None:
    assert await counts(operator, town.at()) == Counter({"no_selection": 16})
    assert await counts(operator, town.at(*LANE)) == Counter({"no_selection": 1})
    for check in PostCheck:
        await findings(operator, town.at(1), check.value)


async def test_each_check_finds_what_it_is_for_below_the_place_and_nowhere_else(
    operator: Caller, town: Town, tx: Tx, days: Days
) -> None:
    grid, other = town.at(*GRID), town.at(1, 1, 2)
    lane = town.at(*LANE)
    await vacate(tx, lane, other)
    leader = await appointment_at(tx, grid, Role.GRID_LEADER)
    leader.ends_on = days.today + timedelta(days=30)
    await appoint(tx, grid, Role.GRID_WORKER, (await somebody(tx, "第二人")).id)
    next_lane = town.at(*GRID, 2)
    await vacate(tx, next_lane)
    for path in ((*GRID, 2), (1, 1, 2, 1)):
        await vacate(tx, town.at(*path))
        await appoint(tx, town.at(*path), Role.LANE_CHIEF, leader.person_id)
    await tx.commit()
    community = town.at(1, 1)
    vacant = await findings(operator, community, "vacant_posts")
    assert {one["node"]["id"]: one["roles"] for one in vacant} == {
        str(lane.id): ["lane_chief"],
        str(other.id): ["grid_leader", "grid_worker"],
    }
    lacking = await findings(operator, community, "no_primary_worker")
    assert {one["node"]["id"]: one["workers"] for one in lacking} == {
        str(grid.id): 2,
        str(other.id): 0,
    }
    (ending,) = await findings(operator, community, "terms_ending")
    assert (ending["id"], ending["ends_on"]) == (str(leader.id), leader.ends_on.isoformat())
    (several,) = await findings(operator, town.at(*GRID), "several_posts")
    assert several["person_id"] == str(leader.person_id)
    assert [one["role"] for one in several["posts"]] == ["grid_leader", *["lane_chief"] * 2]
    assert several["same_level"] is True
    (alone,) = await findings(operator, community, "households_without_chief")
    homes = select(func.count()).where(Household.lane_id == lane.id)
    assert (alone["node"]["id"], alone["households"]) == (str(lane.id), await tx.scalar(homes))
    silent = await findings(operator, community, "no_duty_phone")
    assert {one["node"]["id"] for one in silent} == {str(lane.id), str(other.id)}
    elsewhere = await counts(operator, town.at(1, 2))
    assert elsewhere == Counter({"no_selection": 4})


async def test_a_grid_has_one_primary_worker_the_first_until_another_is_named(
    operator: Caller, town: Town, tx: Tx
) -> None:
    grid = town.at(*GRID)
    await vacate(tx, grid)
    await tx.commit()
    first, second = [
        (await operator.post("/appointments", json=wish_for(grid, Role.GRID_WORKER))).json()
        for _ in range(2)
    ]
    assert (first["primary"], second["primary"]) == (True, False)
    third = wish_for(grid, Role.GRID_WORKER, primary=True)
    refused(await operator.post("/appointments", json=third), 409, "primary_taken")
    no_worker = wish_for(grid, Role.GRID_LEADER, primary=True)
    refused(await operator.post("/appointments", json=no_worker), 422, "primary_for_workers")
    for _ in range(2):
        named = await operator.post(f"/appointments/{second['id']}/make-primary")
        assert (named.json()["primary"], named.json()["version"]) == (True, 2)
    listed = (await operator.get(f"/grid/nodes/{grid.id}/appointments")).json()["items"]
    assert {one["id"]: one["primary"] for one in listed} == {
        first["id"]: False,
        second["id"]: True,
    }
    kept = select(Act.what).where(Act.subject == second["id"], Act.what.like("%primary%"))
    assert list(await tx.scalars(kept)) == ["grid.primary_changed"]
    await operator.post(f"/appointments/{second['id']}/end")
    assert (await counts(operator, grid))["no_primary_worker"] == 0  # one worker is left
    ended = await operator.post(f"/appointments/{second['id']}/make-primary")
    refused(ended, 409, "appointment_already_ended")


UNSAID = dict.fromkeys(
    ("votes_for", "votes_cast", "votes_eligible", "nominated_by", "document_number", "note")
)


async def test_how_somebody_was_chosen_is_recorded_read_and_put_right_for_a_while(
    operator: Caller, town: Town, tx: Tx, clock: Clock
) -> None:
    lane = town.at(*LANE)
    await vacate(tx, lane)
    await tx.commit()
    wish = wish_for(lane, Role.LANE_CHIEF, selection=ELECTED)
    impossible = wish | {"selection": ELECTED | {"votes_cast": 66}}
    refused(await operator.post("/appointments", json=impossible), 422, "votes_do_not_add_up")
    made = (await operator.post("/appointments", json=wish)).json()
    roster = (await operator.get(f"/grid/nodes/{lane.id}/appointments")).json()["items"]
    (shown,) = [one["selection"] for one in roster if one["id"] == made["id"]]
    assert (shown["kind"], shown["votes_for"], shown["turnout"]) == ("elected", 41, 0.8)
    assert (await counts(operator, lane))["no_selection"] == 0
    path = f"/appointments/{made['id']}/selection"
    change = UNSAID | ELECTED | {"votes_for": 42}
    refused(await operator.put(path, json=change), 409, "selection_changed")
    changed = (await operator.put(path, json=change | {"version": 1})).json()
    assert (changed["votes_for"], changed["version"]) == (42, 2)
    refused(await operator.put(path, json=change | {"version": 1}), 409, "selection_changed")
    clock.forward(days=31)
    refused(await operator.put(path, json=change | {"version": 2}), 409, "selection_stands")
    kept = select(Act.detail).where(Act.what == "grid.selection_recorded")
    assert [one["votes"] for one in await tx.scalars(kept)] == [[42, 52, 65]]
    # Of an older appointment the first record may be written at any time.
    held = await appointment_at(tx, town.at(1, 1, 1, 2), Role.LANE_CHIEF)
    late = await operator.put(
        f"/appointments/{held.id}/selection",
        json=UNSAID
        | {"kind": "nominated", "decided_on": "2025-01-01", "nominated_by": "社区党委"},
    )
    assert late.json()["version"] == 1


async def test_several_posts_are_shown_to_their_holder_and_work_in_each_place(
    operator: Caller, callers: Callers, town: Town, tx: Tx
) -> None:
    chief = town.staff[Role.LANE_CHIEF, town.at(*LANE).id]
    await appoint(tx, town.at(1, 2, 1), Role.GRID_WORKER, chief.id)
    await tx.commit()
    caller = await callers.person(chief.id)
    posts = (await caller.get("/me")).json()["posts"]
    assert sorted(one["role"] for one in posts) == ["grid_worker", "lane_chief"]
    (several,) = await findings(operator, town.at(1, 2), "several_posts")
    assert (several["name"], several["same_level"]) == (chief.name, False)
