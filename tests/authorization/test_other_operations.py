"""What no other table holds: reads of places, leaves, words at hand, things that are one's own.

Whoever may not is told 403, or 404 where the thing itself is not hers to know.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from httpx import Response

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.ids import new_id
from neighborhood_api.notifications.models import Notification
from tests.authorization.attempts import Operations, attempted, operations_of
from tests.authorization.cast import EVERYBODY, RESIDENTS, WATCHING
from tests.authorization.world import World
from tests.issues.categories.arranging import rule
from tests.support.issues import LANE
from tests.support.posts import appointment_at

# Plates ask WeChat for their codes.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("phones")]

OPERATOR, LEADER = {"own operator"}, {"own leader"}
GRANTING = {"own leader", "own head", "own secretary", "own operator"}
MANAGING = {"own head", "own secretary", "own operator", "chief operator"}
ELSEWHERE = {"other head", "other secretary", "far operator"}
REPLYING = {"own operator", "own dispatcher"}
INSPECTING = {"own operator", "own inspector", "district inspector"}
STRANGERS = dict.fromkeys(RESIDENTS, 403)
TO_COME = {"first_on": "2090-01-01", "last_on": "2090-01-02"}
REPLY: dict[str, Any] = {
    "move": "respond",
    "title": "已派人",
    "text": "您好，已派人处理。",
    "category_code": None,
    "position": 0,
}
FILTER: dict[str, Any] = {"name": "超时", "filter": {"box": "overdue"}, "position": 0}
ISSUE = {"category_code": "env.garbage", "text": "巷口垃圾桶满了", "lane_id": "{lane}"}
SHAPES: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "properties": {"code": "?"}, "geometry": None}],
}
WITHDRAWN = {"node_id": "{district}", "version": 1, "reason": "活动结束"}


class Line(NamedTuple):
    """An operation, who may, what all others are told, and what is sent."""

    operation: str
    allowed: set[str]
    otherwise: int = 403
    body: dict[str, Any] | None = None
    query: dict[str, str] = {}  # noqa: RUF012  (nobody changes it)
    past: int = 200
    """What those are told who may."""
    nobody: int = 401
    node: str = "lane"
    answers: dict[str, int] = {}  # noqa: RUF012
    """Others who are told something else."""


LINES = (
    Line("read_node", EVERYBODY),
    Line("list_children", EVERYBODY, node="grid"),
    Line("read_node_contacts", EVERYBODY),
    Line("list_organizations", EVERYBODY, node="street"),
    Line("read_boundary", EVERYBODY),
    Line("read_year", EVERYBODY, query={"district_id": "{district}"}),
    Line("read_plate", EVERYBODY, nobody=200),
    Line("read_coverage", OPERATOR, node="grid"),
    Line("import_boundaries", OPERATOR, body=SHAPES, node="grid"),
    # A grid has no plate: whoever may print there is told so, and nothing is drawn.
    Line("print_plate", WATCHING - {"own chief"}, query={"code": "url"}, node="grid", past=422),
    Line("print_plates", WATCHING, query={"code": "url"}),
    Line("list_acts", INSPECTING, node="street"),
    Line("list_acts", INSPECTING - {"own inspector"}, node="district"),
    Line("list_leaves", GRANTING | {"own chief"}, 404),
    Line("grant_leave", GRANTING, 404, TO_COME),
    Line("end_leave", GRANTING, 404),
    Line("revoke_invitation", MANAGING, answers=dict.fromkeys(ELSEWHERE, 404)),
    Line("change_canned_reply", REPLYING, body=REPLY | {"version": 1}),
    Line("withdraw_canned_reply", REPLYING, body={"version": 1}),
    Line("withdraw_category_rule", OPERATOR, body=WITHDRAWN),
    Line("report_issue", EVERYBODY, body=ISSUE),
    Line("preview_issue", EVERYBODY, body={"text": "说明", "lane_id": "{lane}"}),
    Line("find_similar_issues", EVERYBODY, body=ISSUE),
    Line("change_filter", LEADER, 404, FILTER | {"version": 1}, answers=STRANGERS),
    Line("delete_filter", LEADER, 404, answers=STRANGERS),
    Line("read_export", LEADER, 404),
    Line("read_notification", LEADER, 404),
    Line("end_device_sign_in", LEADER, 404),
)


def done(answer: Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json().get("id"))


@pytest.fixture(scope="module")
async def things(world: World) -> dict[str, str]:
    """One thing of each kind, by the name of its parameter."""
    dispatcher, leader = world.cast["own dispatcher"], world.cast["own leader"]
    operator = world.cast["own operator"]
    chief = await appointment_at(world.tx, world.town.at(*LANE), Role.LANE_CHIEF)
    told = Notification(
        id=new_id(),
        person_id=leader.person_id,
        kind="identity.account_reset",
        title="说明",
        body="说明",
        once_key="说明",
        created_at=datetime.now(UTC),
    )
    world.tx.add(told)
    await world.tx.commit()
    away = {"first_on": "2091-01-01", "last_on": "2091-01-02"}
    here = {"node_id": world.ids["district"], "reason": "提速", "rule": rule()}
    done(await operator.put("/issue-categories/env.garbage/rule", json=here))
    reply = REPLY | {"node_id": world.ids["street"]}
    devices = (await leader.get("/me/sessions")).json()["items"]
    return {
        "appointment_id": str(chief.id),
        "leave_id": done(await operator.post(f"/appointments/{chief.id}/leaves", json=away)),
        "invitation_id": done(await operator.post(f"/people/{chief.person_id}/invitation")),
        "reply_id": done(await dispatcher.post("/canned-replies", json=reply)),
        "filter_id": done(await leader.post("/staff/filters", json=FILTER)),
        "export_id": done(await leader.post("/staff/exports", json={})),
        "notification_id": str(told.id),
        "sign_in_id": devices[0]["id"],
        "code": "env.garbage",
        "year": "2026",
    }


@pytest.fixture(scope="module")
def operations(app: FastAPI) -> Operations:
    return operations_of(app)


@pytest.mark.parametrize("line", LINES, ids=lambda one: f"{one.operation}-{one.node}")
async def test_it_is_done_by_whom_the_policy_names(
    line: Line, world: World, things: dict[str, str], operations: Operations
) -> None:
    method, path = operations[line.operation]
    ids = things | {"node_id": world.ids[line.node]}
    if line.operation == "read_plate":
        ids["code"] = world.ids["code"]
    address = "http://api" + path.format(**ids)
    sent = {"json": world.filled(line.body), "params": world.filled(line.query)}
    wanted = dict.fromkeys(EVERYBODY, line.otherwise) | line.answers
    wanted |= dict.fromkeys(line.allowed, line.past) | {"nobody": line.nobody}

    async def attempt(who: str) -> Response:
        return await world.client(who).request(method, address, **sent)

    answers = await attempted(world.connection, wanted, attempt)
    found = {who: answer.status_code for who, answer in answers.items()}
    assert found == wanted, {
        who: answers[who].text[:300] for who in wanted if found[who] != wanted[who]
    }
