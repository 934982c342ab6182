"""好差评: five levels, versioned sub-items, one rating for each handling."""

from typing import Any

from sqlalchemy import func, select

from neighborhood_api.identity.access import Role
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import Rating, RatingForm
from neighborhood_api.kit.db import Tx
from tests.issues.settling.arranging import announced, case_of, confirmed, settled_again
from tests.support.issues import LANE, Street, act
from tests.support.posts import chief_operator
from tests.support.refusals import refused

ONLINE = [{"code": "overall", "name": "整体满意度"}]
OFFLINE = [{"code": "attitude", "name": "服务态度"}]


async def ratings_of(tx: Tx, issue_id: str) -> list[Rating]:
    mine = select(Rating).where(Rating.case_id == issue_id).order_by(Rating.handling)
    return list(await tx.scalars(mine))


async def test_the_first_form_is_there_and_an_operator_makes_the_next(
    street: Street, tx: Tx
) -> None:
    form = (await street.reporter.get("/rating-form")).json()
    assert form["version"] == 1
    assert [level["name"] for level in form["levels"]] == [
        "非常满意", "满意", "基本满意", "不满意", "非常不满意",
    ]  # fmt: skip
    assert [item["name"] for item in form["online"]][:2] == ["整体满意度", "办事效率"]
    assert [item["name"] for item in form["offline"]] == ["服务效率", "服务水平", "服务态度"]
    wish = {"version": 1, "online": ONLINE, "offline": OFFLINE}
    for role, path in ((Role.STREET_SECRETARY, (1,)), (Role.LANE_CHIEF, LANE)):
        caller = await street.staff(role, *path)
        refused(await caller.put("/rating-form", json=wish), 403, "forbidden")
    refused(await street.reporter.put("/rating-form", json=wish), 403, "forbidden")
    of_the_district = await street.staff(Role.OPERATOR)
    refused(await of_the_district.put("/rating-form", json=wish), 403, "forbidden")
    operator = await street.callers.person(await chief_operator(tx, street.town.at()))
    made = await operator.put("/rating-form", json=wish)
    assert (made.status_code, made.json()["version"]) == (200, 2), made.text
    assert (await street.reporter.get("/rating-form")).json() == made.json()
    unchanged = await operator.put("/rating-form", json=wish)
    assert unchanged.json()["version"] == 2
    other = wish | {"online": [{"code": "speed", "name": "速度"}]}
    stale = refused(await operator.put("/rating-form", json=other), 409, "stale_version")
    assert stale["version"] == 2
    twice = wish | {"version": 2, "online": ONLINE * 2}
    refused(await operator.put("/rating-form", json=twice), 422, "invalid_request")
    assert list(await tx.scalars(select(RatingForm.version).order_by(RatingForm.version))) == [
        1, 2,
    ]  # fmt: skip
    assert await announced(tx, "issues.rating_form_changed") == [{"version": 2}]


async def test_a_rating_keeps_the_version_that_was_filled_in(street: Street, tx: Tx) -> None:
    issue_id = await confirmed(street)
    operator = await street.callers.person(await chief_operator(tx, street.town.at()))
    new = {"version": 1, "online": [{"code": "overall", "name": "总体"}], "offline": OFFLINE}
    assert (await operator.put("/rating-form", json=new)).status_code == 200
    given: dict[str, Any] = {"rating": 4, "items": {"efficiency": 5, "overall": 3}}
    body = refused(
        await act(street.reporter, issue_id, "rate", **given), 422, "rating_items_unknown"
    )
    assert body["unknown"] == ["efficiency"]
    unknown = await act(street.reporter, issue_id, "rate", **given, form_version=9)
    refused(unknown, 422, "rating_form_unknown")
    for wrong in ({"overall": 6}, {"overall": 0}, {"办事": 3}):
        answer = await act(street.reporter, issue_id, "rate", rating=4, items=wrong)
        refused(answer, 422, "invalid_request")
    assert await ratings_of(tx, issue_id) == []
    assert (await case_of(tx, issue_id)).state == "confirmed"
    await street.done(street.reporter, issue_id, "rate", **given, form_version=1)
    (shown,) = (await street.reporter.get(f"/issues/{issue_id}/ratings")).json()["items"]
    assert (shown["form_version"], shown["rating_name"]) == (1, "满意")
    assert [(item["name"], item["rating"]) for item in shown["items"]] == [
        ("整体满意度", 3),
        ("办事效率", 5),
    ]


async def test_the_sub_items_are_those_of_the_channel(street: Street, tx: Tx) -> None:
    issue_id = await confirmed(street)
    given = {"rating": 4, "items": {"attitude": 5}}
    answer = await act(street.reporter, issue_id, "rate", **given)
    refused(answer, 422, "rating_items_unknown")
    await street.done(street.reporter, issue_id, "rate", **given, channel="offline")
    (rating,) = await ratings_of(tx, issue_id)
    assert (rating.channel, rating.items) == ("offline", {"attitude": 5})


async def test_each_handling_is_rated_once_and_the_newest_is_shown(
    street: Street, tx: Tx
) -> None:
    issue_id = await confirmed(street)
    await street.done(street.reporter, issue_id, "rate", rating=2, text="太慢")
    refused(await act(street.reporter, issue_id, "rate", rating=5), 409, "already_rated")
    await settled_again(street, issue_id)
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert (seen["rating"], "rate" in seen["moves"]) == (2, True)
    body = await street.done(street.reporter, issue_id, "rate", rating=5)
    assert (body["rating"], body["rating_text"], body["state"]) == (5, None, "closed")
    assert "rate" not in body["moves"]
    refused(await act(street.reporter, issue_id, "rate", rating=1), 409, "already_rated")
    stored = await ratings_of(tx, issue_id)
    assert [(row.handling, row.rating, row.text) for row in stored] == [
        (0, 2, "太慢"),
        (1, 5, None),
    ]
    assert {row.person_id for row in stored} == {street.reporter.person_id}
    newest = select(Issue.rating).where(Issue.case_id == issue_id)
    assert await tx.scalar(newest) == 5
    assert [event["rating"] for event in await announced(tx, "issues.issue_rated")] == [2, 5]
    for reader in (street.reporter, street.chief):
        listed = (await reader.get(f"/issues/{issue_id}/ratings")).json()["items"]
        assert [(row["handling"], row["rating"]) for row in listed] == [(0, 2), (1, 5)]
    neighbour = await street.callers.resident(street.town.place(*LANE))
    refused(await neighbour.get(f"/issues/{issue_id}/ratings"), 404, "case_not_found")
    next_lane = await street.staff(Role.LANE_CHIEF, 1, 1, 1, 2)
    refused(await next_lane.get(f"/issues/{issue_id}/ratings"), 404, "case_not_found")


async def test_nobody_rates_for_her(street: Street, tx: Tx) -> None:
    issue_id = await confirmed(street)
    refused(await act(street.chief, issue_id, "rate", rating=5), 403, "forbidden")
    neighbour = await street.callers.resident(street.town.place(*LANE))
    refused(await act(neighbour, issue_id, "rate", rating=5), 404, "case_not_found")
    assert await tx.scalar(select(func.count()).select_from(Rating)) == 0
