"""Every administrative change can be read with before and after, by whoever answers for it."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import Act, record_act
from neighborhood_api.kit.auditing import MOST_ROWS, audited_tables
from neighborhood_api.kit.clock import right_now
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.sealing import Sealed
from tests.support.people import Caller, Callers
from tests.support.places import Town, new_node
from tests.support.posts import appoint, somebody
from tests.support.refusals import refused

Json = dict[str, Any]


@pytest.fixture
async def operator(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.OPERATOR)


async def acts(caller: Caller, node: Node, query: str = "") -> list[Json]:
    answer = await caller.get(f"/grid/nodes/{node.id}/acts?{query}")
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["items"]
    return found


async def enclose(operator: Caller, node: Node, version: int) -> None:
    ring = [[114, 23], [114.1, 23], [114.1, 23.1], [114, 23]]
    body = {"geometry": {"type": "Polygon", "coordinates": [ring]}, "version": version}
    answer = await operator.put(f"/grid/nodes/{node.id}/boundary", json=body)
    assert answer.status_code == 200, answer.text


async def test_an_act_tells_each_row_before_and_after(operator: Caller, town: Town) -> None:
    node = town.at(1, 1)
    await enclose(operator, node, 0)
    await operator.put(f"/grid/nodes/{node.id}/boundary", json={"geometry": None, "version": 1})
    last, first = await acts(operator, town.at(), "what=grid.boundary")
    (made,), (removed,) = first["changes"], last["changes"]
    assert (made["table"], made["before"], made["after"]["parts"]) == ("boundary", None, 1)
    assert (removed["before"], removed["after"]) == ({"parts": 1}, {"parts": 0})
    assert {first["by_id"], last["by_id"]} == {str(operator.person_id)}
    assert first["what_name"] == "划定边界"
    assert first["place_names"] == {str(node.id): node.name}
    assert first["detail_names"] == {"parts": "块数"}
    assert removed["table_name"] == "边界"
    shown = {"field": "parts", "field_name": "块数", "before": "1", "after": "0"}
    assert removed["fields"] == [shown]


async def test_what_was_flushed_before_the_act_is_told_as_well(
    operator: Caller, town: Town, tx: Tx
) -> None:
    node = await tx.get_one(Node, town.at(1, 1, 1, 1).id)
    was = node.name
    node.name = "新巷"
    await tx.flush()
    node.name = "又新巷"
    record_act(tx, "grid.renamed", node.id, by=operator.person_id, now=right_now())
    await tx.flush()
    (act,) = await acts(operator, town.at(), "what=grid.renamed")
    (change,) = act["changes"]
    assert (change["before"], change["after"]) == ({"name": was}, {"name": "又新巷"})


async def test_the_next_act_does_not_tell_it_again(
    operator: Caller, town: Town, tx: Tx
) -> None:
    node = await tx.get_one(Node, town.at(1, 1, 1, 1).id)
    node.name = "新巷"
    for what in ("grid.first", "grid.second"):
        record_act(tx, what, node.id, by=operator.person_id, now=right_now())
        await tx.flush()
    second, first = await acts(operator, town.at(), "what=grid.")
    assert (len(first["changes"]), second["changes"]) == (1, [])


async def test_of_very_many_rows_some_are_told_and_the_others_counted(
    operator: Caller, town: Town, tx: Tx
) -> None:
    grid = town.at(1, 1, 1)
    tx.add_all(new_node(grid, 60 + number) for number in range(MOST_ROWS + 7))
    await tx.flush()
    record_act(tx, "grid.grown", grid.id, by=operator.person_id, now=right_now())
    await tx.flush()
    renamed = await tx.get_one(Node, grid.id)
    tx.add_all(new_node(grid, 160 + number) for number in range(MOST_ROWS + 7))
    renamed.name = "大网格"
    record_act(tx, "grid.grown_more", grid.id, by=operator.person_id, now=right_now())
    await tx.flush()
    more, act = await acts(operator, town.at(), "what=grid.grown")
    assert (len(act["changes"]), act["more_changes"]) == (MOST_ROWS, 7)
    assert (len(more["changes"]), more["more_changes"]) == (MOST_ROWS, 8)
    assert {"name": "大网格"} in [one["after"] for one in more["changes"]]


async def test_nobodys_name_or_number_comes_into_the_record(
    operator: Caller, town: Town, tx: Tx
) -> None:
    person = {"name": "甄姓名", "phone": "15412345678", "initial_password": "Cloud-2026"}
    wish = {
        "node_id": str(town.at(1, 1).id),
        "role": Role.COMMUNITY_WORKER.value,
        "person": person,
        "duty_phone": "0752-9123456",
        "starts_on": "2026-01-01",
    }
    made = await operator.post("/appointments", json=wish)
    assert made.status_code == 200, made.text
    (act,) = await acts(operator, town.at(), f"subject={made.json()['id']}")
    (change,) = [one for one in act["changes"] if one["table"] == "appointment"]
    assert change["after"]["role"] == Role.COMMUNITY_WORKER.value
    words = {one["field_name"]: one["after"] for one in change["fields"]}
    assert (words["岗位"], words["主责"]) == ("社区工作者", "否")
    assert words["地点"] == town.at(1, 1).name
    assert change["table_name"] == "任职"
    assert act["detail_names"]["role"] == "岗位"
    over = await operator.post(f"/appointments/{made.json()['id']}/end")
    assert over.status_code == 200, over.text
    (ended, _) = await acts(operator, town.at(), f"subject={made.json()['id']}")
    (over_at,) = [one for one in ended["changes"][0]["fields"] if one["field"] == "ended_at"]
    assert (ended["what_name"], over_at["field_name"]) == ("结束任职", "结束时间")
    assert over_at["before"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", over_at["after"])
    stored = await tx.scalar(select(Act).where(Act.subject == made.json()["id"]))
    assert stored is not None
    for told in ("甄姓名", "15412345678", "9123456"):
        assert told not in str(stored.detail)


def test_people_and_their_addresses_are_never_told() -> None:
    told = audited_tables()
    assert {Node, Appointment, Leave} <= told.keys()
    assert Person not in told
    for table, texts in told.items():
        sealed = {c.name for c in table.__table__.c if isinstance(c.type, Sealed)}
        assert sealed.isdisjoint(texts), table.__tablename__


OTHERS = [
    (Role.STREET_SECRETARY, (1,)),
    (Role.COMMUNITY_SECRETARY, (1, 1)),
    (Role.GRID_LEADER, (1, 1, 1)),
    (Role.LANE_CHIEF, (1, 1, 1, 1)),
]


@pytest.mark.parametrize(("role", "where"), OTHERS)
async def test_only_operators_and_the_discipline_inspection_read_it(
    role: Role, where: tuple[int, ...], callers: Callers, town: Town
) -> None:
    caller = await callers.staff(town, role, *where)
    refused(await caller.get(f"/grid/nodes/{town.at(*where).id}/acts"), 403, "forbidden")


async def test_the_discipline_inspection_reads_its_own_place_only(
    operator: Caller, callers: Callers, town: Town, tx: Tx
) -> None:
    person = await somebody(tx, "纪检员")
    await appoint(tx, town.at(1), Role.DISCIPLINE_OFFICER, person.id)
    await tx.commit()
    inspector = await callers.person(person.id)
    await enclose(operator, town.at(1, 1), 0)
    assert await acts(inspector, town.at(1)) == []  # an operator's act is the district's
    refused(await inspector.get(f"/grid/nodes/{town.at().id}/acts"), 403, "forbidden")
    refused(await inspector.get(f"/grid/nodes/{town.at(2).id}/acts"), 403, "forbidden")
