"""Filters of the worklist, search, and filters that are kept."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.issues.worklists import saved, statements
from neighborhood_api.issues.worklists.models import SavedFilter
from neighborhood_api.kit.db import Tx
from tests.issues.worklists.test_boxes import force
from tests.support.clock import Clock
from tests.support.issues import LANE, Street, new_rule
from tests.support.people import Caller
from tests.support.refusals import refused


async def listed(caller: Caller, **query: Any) -> list[str]:  # noqa: ANN401
    answer = await caller.get("/staff/issues", params={"limit": 100} | query)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


@pytest.fixture(params=[1_000, 1], ids=["walking", "by the index of words"])
def walked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Search in both ways; sizes are written out in statements, which are kept."""
    monkeypatch.setattr(statements, "WALKED", request.param)
    monkeypatch.setattr("neighborhood_api.issues.worklists.service.WALKED", request.param)
    statements.walked_page_of.cache_clear()
    yield
    statements.walked_page_of.cache_clear()


async def test_words_are_found_in_text_place_code_and_callers_name(
    street: Street, walked: None
) -> None:
    del walked
    bins = await street.reported(text="巷口垃圾桶满了两天没人清", location="3号楼门口")
    lamp = await street.reported(text="路灯LED坏了，晚上看不见")
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    by_phone = await secretary.post(
        "/issues",
        json=street.wish(
            text="楼下有人堆放杂物", on_behalf_of={"name": "欧阳阿婆", "phone": "13712345678"}
        ),
    )
    called = by_phone.json()["id"]
    code = (await street.chief.get(f"/issues/{lamp}")).json()["code"]
    for caller in (street.chief, secretary, await street.staff(Role.OPERATOR)):
        for text, expected in (
            ("垃圾桶", [bins]),
            ("３号楼", [bins]),
            ("桶满了两天", [bins]),
            ("led", [lamp]),
            (code, [lamp]),
            (code.lower(), [lamp]),
            ("欧阳", [called]),
            ("13712345678", []),
            ("楼", [called, bins]),
            ("垃圾 路灯", []),
            ("  ", [called, lamp, bins]),
        ):
            assert await listed(caller, text=text) == expected, text
    other = await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2)
    assert await listed(other, text="垃圾桶") == []
    refused(await street.chief.get("/staff/issues?text=%EF%BC%81"), 422, "invalid_request")


async def test_a_search_goes_page_by_page_within_a_box(street: Street, walked: None) -> None:
    del walked
    bins = [await street.reported(text=f"垃圾桶满了，第{n}次上报") for n in range(4)]
    await street.reported(text="路灯坏了没有人修")
    await street.resolved(text="垃圾桶已经满了很久")
    found: list[str] = []
    after: dict[str, str] = {}
    page: dict[str, Any] = {}
    for size in (2, 2):
        query = {"box": "mine", "text": "垃圾桶", "limit": "2"} | after
        page = (await street.chief.get("/staff/issues", params=query)).json()
        assert len(page["items"]) == size
        found += [row["id"] for row in page["items"]]
        after = {"after": page["next"]}
    assert found == bins[::-1]
    assert page["next"] is None


async def test_filters_by_group_urgency_time_and_place_together(
    street: Street, tx: Tx, clock: Clock
) -> None:
    await new_rule(tx, "road.light", urgency="emergency")
    first = await street.reported()
    begun = clock.now
    clock.forward(minutes=5)
    light = await street.reported(category_code="road.light")
    beside = await street.reported(lane_id=str(street.town.at(1, 1, 1, 2).id))
    leader = street.leader
    later = begun + timedelta(minutes=1)
    assert await listed(leader, group="env") == [beside, first]
    assert await listed(leader, group="road") == [light]
    assert await listed(leader, urgency="emergency,urgent") == [light]
    assert await listed(leader, opened_from=later.isoformat()) == [beside, light]
    assert await listed(leader, opened_to=later.isoformat()) == [first]
    lane = str(street.town.at(*LANE).id)
    assert await listed(leader, node_id=lane, group="env") == [first]
    assert await listed(leader, node_id=lane, text="垃圾桶", box="below") == [light, first]
    assert await listed(street.chief, node_id=str(street.town.at(1, 1).id)) == [light, first]
    assert await listed(street.chief, node_id=str(street.town.at(1, 2).id)) == []
    for query in ("urgency=high", "box=all", "box=mine&assigned_to_me=true", "opened_to=1"):
        refused(await leader.get(f"/staff/issues?{query}"), 422, "invalid_request")
    for query in ("opened_from=0001-01-01T00:00:00Z", "opened_to=9999-12-31T00:00:00Z"):
        refused(await leader.get(f"/staff/issues?{query}"), 422, "invalid_request")


async def test_rare_states_are_found(street: Street, tx: Tx) -> None:
    ids = {
        state: await force(tx, await street.reported(), state=state)
        for state in ("rejected", "withdrawn", "suspended")
    }
    for state, issue_id in ids.items():
        assert await listed(street.leader, state=state) == [issue_id]
    both = await listed(street.leader, state="suspended,rejected")
    assert both == [ids["suspended"], ids["rejected"]]


async def keep(caller: Caller, name: str, position: int = 0, **wish: Any) -> dict[str, Any]:  # noqa: ANN401
    body = {"name": name, "filter": wish, "position": position}
    answer = await caller.post("/staff/filters", json=body)
    assert answer.status_code == 200, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


async def test_a_saved_filter_counts_what_it_would_list(
    street: Street, clock: Clock, tx: Tx
) -> None:
    await street.reported()
    await street.reported(category_code="road.light", text="垃圾桶旁边的路灯坏了")
    clock.forward(minutes=601)
    lane = str(street.town.at(*LANE).id)
    wishes: dict[str, dict[str, Any]] = {
        "超时": {"box": "overdue"},
        "全部": {},
        "照明": {"group": "road", "overdue": True},
        "垃圾": {"text": "垃圾桶", "node_id": lane},
        "今天": {"opened_from": (clock.now + timedelta(hours=1)).isoformat()},
        "待办": {"state": "assigned, accepted", "urgency": "ordinary"},
    }
    for position, (name, wish) in enumerate(wishes.items()):
        kept = await keep(street.chief, name, position, **wish)
        assert kept["filter"].items() >= {k: v for k, v in wish.items() if k == "box"}.items()
    answer = (await street.chief.get("/staff/filters")).json()["items"]
    assert [one["name"] for one in answer] == list(wishes)
    for one in answer:
        expected = await listed(street.chief, **wishes[one["name"]])
        assert (one["count"], one["more"]) == (len(expected), False), one["name"]
        assert one["shown"] == str(len(expected))
    mine = select(SavedFilter.name).where(SavedFilter.person_id == street.chief.person_id)
    assert set(await tx.scalars(mine)) == set(wishes)
    assert (await street.leader.get("/staff/filters")).json()["items"] == []


async def test_saved_filters_are_changed_and_deleted_by_their_owner_alone(
    street: Street, tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await keep(street.chief, "超时", box="overdue")
    await keep(street.chief, "待办", box="mine")
    path = f"/staff/filters/{kept['id']}"
    change = {"name": "等待", "filter": {"box": "waiting"}, "position": 7, "version": 1}
    refused(await street.leader.put(path, json=change), 404, "saved_filter_not_found")
    refused(await street.leader.delete(path), 404, "saved_filter_not_found")
    refused(await street.reporter.get("/staff/filters"), 403, "forbidden")
    changed = (await street.chief.put(path, json=change)).json()
    assert (changed["name"], changed["filter"]["box"], changed["version"]) == (
        "等待",
        "waiting",
        2,
    )
    refused(await street.chief.put(path, json=change), 409, "stale_version")
    taken = change | {"name": "待办", "version": 2}
    refused(await street.chief.put(path, json=taken), 409, "filter_name_taken")
    same = {"name": "待办", "filter": {}}
    refused(await street.chief.post("/staff/filters", json=same), 409, "filter_name_taken")
    bad = {"name": "坏的", "filter": {"state": "lost"}}
    refused(await street.chief.post("/staff/filters", json=bad), 422, "invalid_request")
    monkeypatch.setattr(saved, "MOST", 2)
    more = {"name": "更多", "filter": {}}
    refused(await street.chief.post("/staff/filters", json=more), 409, "too_many_filters")
    assert (await street.chief.delete(path)).json() == {"done": True}
    left = select(SavedFilter.name).where(SavedFilter.person_id == street.chief.person_id)
    assert set(await tx.scalars(left)) == {"待办"}


async def test_a_query_is_read_as_it_is_written(street: Street) -> None:
    """Signs of SQL and of its language of searches are signs and nothing else."""
    issue_id = await street.reported(text="墙上写着 ' OR 1=1 -- 请清理")
    for text in ("' OR 1=1", "1=1 --", "or & !", "清理:*"):
        answer = await street.chief.get(f"/staff/issues?text={quote(text)}")
        assert [row["id"] for row in answer.json()["items"]] == [issue_id], text


async def test_a_wrong_filter_is_explained_like_any_other_wrong_field(street: Street) -> None:
    for query, name, code, message in (
        ("state=foo", "state", "value_error", "没有 foo，可用（逗号分隔）：assigned、"),
        ("state=closed,foo", "state", "value_error", "没有 foo，可用"),
        ("urgency=soon", "urgency", "value_error", "没有 soon，可用"),
        ("box=attic", "box", "enum", "应为以下之一"),
    ):
        answer = await street.chief.get(f"/staff/issues?{query}")
        problem = refused(answer, 422, "invalid_request")
        (error,) = problem["errors"]
        assert (error["pointer"], error["code"]) == (f"#/query/{name}", code)
        assert error["message"].startswith(message)
    answer = await street.chief.get("/staff/issues?assigned_to_me=true&box=overdue")
    (error,) = refused(answer, 422, "invalid_request")["errors"]
    assert error["message"] == "assigned_to_me 与 box 只能选其一"
