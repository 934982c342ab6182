"""Every issue operation against every caller."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.kit.db import Tx
from tests.authorization.seats import EVERYONE, Everybody, Path, table, undone
from tests.support.issues import LANE, Street, act, new_rule, photos
from tests.support.refusals import refused

# What each may do with an issue that her neighbour reported, in the lane chief's hands; and
# take it over when it is offered to the next lane, or to the first department.
ISSUE_TABLE = table(
    """
                             see  handle  above  dispatch  settle  note  lane  body
    anonymous                401     401    401       401     401   401   401   401
    reporter                 200     403    403       403     200   403   403   403
    neighbour                404     404    404       404     404   404   404   404
    own lane chief           200     200    403       403     403   200   403   403
    next lane chief          404     404    404       404     404   404   200   404
    own grid leader          200     200    200       403     403   200   200   403
    own grid worker          200     200    200       403     403   200   200   403
    other grid leader        404     404    404       404     404   404   404   404
    other grid worker        404     404    404       404     404   404   404   404
    own community worker     200     200    200       403     403   200   200   403
    own community secretary  200     200    200       403     403   200   200   403
    other community worker   404     404    404       404     404   404   404   404
    other community secretary 404    404    404       404     404   404   404   404
    own dispatcher           200     200    200       200     403   200   200   403
    own street secretary     200     200    200       200     403   200   200   403
    other dispatcher         404     404    404       404     404   404   404   404
    other street secretary   404     404    404       404     404   404   404   404
    officer                  404     404    404       404     404   404   404   200
    other officer            404     404    404       404     404   404   404   404
    operator                 200     403    403       403     403   200   403   403
    far operator             404     404    404       404     404   404   404   404
    """
)

# Each move with the state it is tried in, the column of the table, and a sufficient body.
LATER = (datetime.now(UTC) + timedelta(days=3)).isoformat()
MOVES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("accept", "assigned", "handle", {}),
    ("reject", "assigned", "handle", {"text": "不属于本街道职责"}),
    ("escalate", "assigned", "handle", {"text": "本级无法处理"}),
    ("respond", "accepted", "handle", {"text": "今天下午处理"}),
    ("resolve", "accepted", "handle", {"text": "已清运"}),
    ("return", "assigned", "handle", {"reason": "unclear", "text": "看不懂"}),
    ("ask", "accepted", "handle", {"text": "几号门口？"}),
    ("resume", "waiting", "handle", {}),
    ("request-extension", "accepted", "handle", {"amount": 60, "text": "等配件"}),
    ("request-suspension", "accepted", "handle", {"until": LATER, "text": "等停水"}),
    ("transfer", "accepted", "handle", {"organization_id": "", "text": "请协助"}),
    ("decide-request", "asking", "above", {"approve": True, "text": "同意"}),
    ("decide-request", "asking", "above", {"approve": False, "text": "不同意"}),
    ("take-over", "offered lane", "lane", {}),
    ("decline", "offered lane", "lane", {"reason": "unclear", "text": "看不懂"}),
    ("take-over", "offered body", "body", {}),
    ("decline", "offered body", "body", {"reason": "unclear", "text": "看不懂"}),
    ("dispatch", "assigned", "dispatch", {"organization_id": ""}),
    ("adjudicate", "adjudicating", "dispatch", {"organization_id": "", "text": "裁定"}),
    ("answer", "waiting", "settle", {"text": "3号门口"}),
    ("withdraw", "assigned", "settle", {}),
    ("confirm", "resolved", "settle", {}),
    ("reopen", "resolved", "settle", {"text": "还没清干净"}),
    ("rate", "confirmed", "settle", {"rating": 4}),
    ("comment", "assigned", "see", {"text": "补充情况"}),
    ("comment", "assigned", "note", {"text": "内部备注", "internal": True}),
]


async def situations(street: Street, tx: Tx) -> dict[str, str]:
    """An issue for every state that the table tries."""
    offers = {
        "lane": {"node_id": str(street.town.at(1, 1, 1, 2).id)},
        "body": {"organization_id": str(street.town.organizations[0].id)},
    }
    found = {
        "assigned": await street.reported(),
        "accepted": await street.accepted(),
        "waiting": await street.accepted(),
        "asking": await street.accepted(),
        "resolved": await street.resolved(),
        "confirmed": await street.resolved(),
    }
    await street.done(street.chief, found["waiting"], "ask", text="几号门口？")
    wish = {"until": LATER, "text": "等停水"}
    await street.done(street.chief, found["asking"], "request-suspension", **wish)
    await street.done(street.reporter, found["confirmed"], "confirm")
    for name, target in offers.items():
        issue_id = found[f"offered {name}"] = await street.accepted()
        await street.done(street.chief, issue_id, "transfer", **target, text="请接收")
    await new_rule(tx, "env.garbage", returns_allowed=0)
    found["adjudicating"] = await street.reported()
    why = {"reason": "not_our_duty", "text": "不归本巷"}
    await street.done(street.chief, found["adjudicating"], "return", **why)
    return found


async def test_every_issue_operation_answers_every_caller_as_the_table_says(
    street: Street, everybody: Everybody, connection: AsyncConnection, tx: Tx
) -> None:
    issues = await situations(street, tx)
    found: dict[str, dict[str, int]] = {}
    expected: dict[str, dict[str, int]] = {}
    for name, caller in everybody.items():
        seen = await caller.get(f"/issues/{issues['assigned']}")
        found[name] = {"read": seen.status_code}
        expected[name] = {"read": ISSUE_TABLE[name]["see"]}
        for move, state, column, body in MOVES:
            if "organization_id" in body:
                body = body | {"organization_id": str(street.town.organizations[0].id)}  # noqa: PLW2901
            async with undone(connection):
                answer = await act(caller, issues[state], move, **body)
            found[name][f"{move} {column}"] = answer.status_code
            expected[name][f"{move} {column}"] = ISSUE_TABLE[name][column]
    assert found == expected


# Seeing and handling the same issue while it is in other hands: 200/403/404 as above.
HANDS_TABLE = table(
    """
                             see  grid  community  street  department  seen-there
    reporter                 200   403        403     403         403         200
    neighbour                404   404        404     404         404         404
    own lane chief           200   403        403     403         403         200
    next lane chief          404   404        404     404         404         404
    own grid leader          200   200        403     403         403         200
    own grid worker          200   200        403     403         403         200
    other grid leader        404   404        404     404         404         404
    own community worker     200   200        200     403         403         200
    own community secretary  200   200        200     403         403         200
    other community worker   404   404        404     404         404         404
    own dispatcher           200   200        200     200         200         200
    own street secretary     200   200        200     200         200         200
    other dispatcher         404   404        404     404         404         404
    officer                  404   404        404     404         200         200
    other officer            404   404        404     404         404         404
    operator                 200   403        403     403         403         200
    far operator             404   404        404     404         404         404
    """
)


async def test_whoever_is_below_the_hands_sees_the_issue_and_does_not_act(
    street: Street, everybody: Everybody, connection: AsyncConnection
) -> None:
    passed_up = {"grid": 1, "community": 2, "street": 3}
    issues = {}
    for hands, times in passed_up.items():
        issues[hands] = await street.reported()
        for _ in range(times):
            await street.done(
                everybody["own dispatcher"], issues[hands], "escalate", text="请上级处理"
            )
    issues["department"] = await street.dispatched(0)
    found: dict[str, dict[str, int]] = {}
    for name in HANDS_TABLE:
        caller = everybody[name]
        seen = await caller.get(f"/issues/{issues['street']}")
        there = await caller.get(f"/issues/{issues['department']}")
        found[name] = {"see": seen.status_code, "seen-there": there.status_code}
        for hands, issue_id in issues.items():
            async with undone(connection):
                answer = await act(caller, issue_id, "reject", text="不予受理")
            found[name][hands] = answer.status_code
    assert found == HANDS_TABLE


async def test_the_worklist_shows_exactly_what_each_may_read(
    street: Street, everybody: Everybody
) -> None:
    lanes: list[Path] = [LANE, (1, 1, 1, 2), (1, 1, 2, 1), (1, 2, 1, 1), (2, 1, 1, 1)]
    issues = [await street.reported(lane_id=str(street.town.at(*lane).id)) for lane in lanes]
    issues.append(await street.dispatched(0))
    for name in everybody.keys() - {"anonymous", "reporter", "neighbour"}:
        caller = everybody[name]
        listed = await caller.get("/staff/issues?limit=100")
        assert listed.status_code == 200, listed.text
        readable = {
            issue_id
            for issue_id in issues
            if (await caller.get(f"/issues/{issue_id}")).status_code == 200
        }
        assert {row["id"] for row in listed.json()["items"]} == readable, name
    everyone_together = await everybody["operator"].get("/staff/issues")
    assert len(everyone_together.json()["items"]) == len(issues)
    nothing = await everybody["far operator"].get("/staff/issues")
    assert nothing.json()["items"] == []
    for name, status in (("anonymous", 401), ("reporter", 403), ("neighbour", 403)):
        assert (await everybody[name].get("/staff/issues")).status_code == status


async def test_my_issues_are_mine_alone(street: Street, everybody: Everybody) -> None:
    issue_id = await street.reported()
    mine = await street.reporter.get("/me/issues")
    assert [row["id"] for row in mine.json()["items"]] == [issue_id]
    for name in everybody.keys() - {"anonymous", "reporter"}:
        assert (await everybody[name].get("/me/issues")).json()["items"] == [], name


async def test_a_phone_photo_of_somebody_else_is_no_evidence(street: Street, tx: Tx) -> None:
    """An upload belongs to who uploaded it, whatever posts the other holds."""
    issue_id = await street.accepted()
    theirs = await photos(tx, street.leader.person_id, 1, now=datetime.now(UTC))
    answer = await act(street.chief, issue_id, "resolve", text="已清运", photo_ids=theirs)
    refused(answer, 422, "files_not_usable")
    after = await street.chief.get(f"/issues/{issue_id}")
    assert after.json()["state"] == "accepted"


def test_the_table_names_every_caller_once() -> None:
    assert set(ISSUE_TABLE) == EVERYONE
