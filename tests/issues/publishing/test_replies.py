"""Words at hand for each move, by place and category."""

from hashlib import sha256
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from tests.issues.publishing.arranging import announced
from tests.support.issues import LANE, Street
from tests.support.people import Caller
from tests.support.posts import chief_operator
from tests.support.refusals import refused

WORDS = {"move": "respond", "title": "已派人", "text": "{lane}的{category}（{code}）已派人处理"}
WHOLE = WORDS | {"category_code": None, "position": 0}


async def made(caller: Caller, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await caller.post("/canned-replies", json=WORDS | changes)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def offered(caller: Caller, query: str = "") -> list[str]:
    answer = await caller.get(f"/canned-replies?{query}")
    assert answer.status_code == 200, answer.text
    return [row["title"] for row in answer.json()["items"]]


@pytest.fixture
async def dispatcher(street: Street) -> Caller:
    return await street.staff(Role.STREET_DISPATCHER, 1)


async def test_the_nearest_place_and_the_category_come_first(
    street: Street, dispatcher: Caller, tx: Tx
) -> None:
    operator = await street.callers.person(await chief_operator(tx, street.town.at()))
    here = str(street.town.at(1).id)
    near = str(street.town.at(1, 1).id)
    await made(operator, title="各地")
    await made(dispatcher, title="街道", node_id=here)
    await made(dispatcher, title="街道垃圾", node_id=here, category_code="env.garbage")
    await made(dispatcher, title="社区二", node_id=near, position=2)
    await made(dispatcher, title="社区一", node_id=near, position=1)
    await made(dispatcher, title="受理", node_id=near, move="accept")
    await made(dispatcher, title="路灯", node_id=here, category_code="road.light")
    await made(dispatcher, title="别的社区", node_id=str(street.town.at(1, 2).id))
    found = await offered(street.chief, "category=env.garbage&move=respond")
    assert found == ["社区一", "社区二", "街道垃圾", "街道", "各地"]
    assert await offered(street.chief, "move=accept") == ["受理"]
    far = await street.staff(Role.LANE_CHIEF, 2, 1, 1, 1)
    assert await offered(far) == ["各地"]


async def test_placeholders_are_filled_for_an_issue_that_the_caller_may_read(
    street: Street, dispatcher: Caller
) -> None:
    await made(dispatcher, node_id=str(street.town.at(1).id))
    await made(dispatcher, node_id=str(street.town.at(1).id), category_code="road.light")
    reported = (await street.report()).json()
    path = f"/canned-replies?issue_id={reported['id']}"
    (row,) = (await street.chief.get(path)).json()["items"]
    code, lane = reported["code"], reported["lane_name"]
    assert row["text"] == f"{lane}的env.garbage（{code}）已派人处理"
    assert (row["move_name"], row["node_name"]) == ("回应", street.town.at(1).name)
    next_chief = await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2)
    refused(await next_chief.get(path), 404, "case_not_found")
    secret = await street.reported(category_code="staff.conduct")
    hidden = await dispatcher.get(f"/canned-replies?issue_id={secret}")
    refused(hidden, 404, "case_not_found")


async def test_an_unknown_placeholder_and_an_unknown_category_are_refused(
    street: Street, dispatcher: Caller
) -> None:
    here = {"node_id": str(street.town.at(1).id)}
    for text in ("{name}您好", "{}您好", "{ code }"):
        answer = await dispatcher.post("/canned-replies", json=WORDS | here | {"text": text})
        problem = refused(answer, 422, "invalid_request")
        assert problem["errors"][0]["pointer"] == "#/body/text"
    unknown = WORDS | here | {"category_code": "no.such"}
    refused(await dispatcher.post("/canned-replies", json=unknown), 404, "category_unknown")
    assert await offered(dispatcher) == []


async def test_a_reply_is_changed_and_withdrawn_by_version(
    street: Street, dispatcher: Caller, tx: Tx
) -> None:
    reply = await made(dispatcher, node_id=str(street.town.at(1).id))
    path = f"/canned-replies/{reply['id']}"
    changed = await dispatcher.put(path, json=WHOLE | {"title": "马上到", "version": 1})
    assert (changed.json()["title"], changed.json()["version"]) == ("马上到", 2)
    stale = await dispatcher.put(path, json=WHOLE | {"version": 1})
    refused(stale, 409, "stale_version")
    refused(
        await dispatcher.post(f"{path}/withdraw", json={"version": 1}), 409, "stale_version"
    )
    gone = await dispatcher.post(f"{path}/withdraw", json={"version": 2})
    assert gone.status_code == 200, gone.text
    assert await offered(street.chief) == []
    after = await dispatcher.put(path, json=WHOLE | {"version": 3})
    refused(after, 404, "reply_not_found")
    assert await announced(tx, "issues.canned") == ["issues.canned_reply_changed"] * 3
    acts = (
        await tx.scalars(select(Act).where(Act.subject == reply["id"]).order_by(Act.id))
    ).all()
    assert [(act.what, act.person_id) for act in acts] == [
        ("issues.canned_reply_changed", dispatcher.person_id)
    ] * 3
    assert [(act.detail["version"], act.detail["active"]) for act in acts] == [
        (1, True),
        (2, True),
        (3, False),
    ]
    words = f"马上到\n{WORDS['text']}"
    assert acts[1].detail["words"] == sha256(words.encode()).hexdigest()


async def test_replies_are_made_at_the_makers_own_places_only(
    street: Street, dispatcher: Caller, http: AsyncClient, tx: Tx
) -> None:
    here, elsewhere = (str(street.town.at(path).id) for path in (1, 2))
    operator = await street.callers.person(await chief_operator(tx, street.town.at()))
    reply = await made(dispatcher, node_id=here)
    everywhere = await made(operator)
    of_the_district = await street.staff(Role.OPERATOR)
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    other = await street.staff(Role.STREET_DISPATCHER, 2)
    for caller, where in (
        (dispatcher, {"node_id": elsewhere}),
        (dispatcher, {}),  # everywhere
        (of_the_district, {}),
        (worker, {"node_id": str(street.town.at(1, 1).id)}),
        (street.chief, {"node_id": str(street.town.at(*LANE).id)}),
        (street.reporter, {"node_id": here}),
    ):
        refused(await caller.post("/canned-replies", json=WORDS | where), 403, "forbidden")
    for caller, one in (
        (other, reply),
        (dispatcher, everywhere),
        (of_the_district, everywhere),
        (worker, reply),
    ):
        path = f"/canned-replies/{one['id']}"
        refused(await caller.put(path, json=WHOLE | {"version": 1}), 403, "forbidden")
        gone = await caller.post(f"{path}/withdraw", json={"version": 1})
        refused(gone, 403, "forbidden")
    refused(await street.reporter.get("/canned-replies"), 403, "forbidden")
    refused(await http.get("/canned-replies"), 401, "not_signed_in")
