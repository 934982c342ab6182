"""Who decides what the public sees, and how often."""

from datetime import UTC, datetime

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.issues.publishing.arranging import (
    MASKED,
    PLANTED,
    announced,
    moderator,
    publication_of,
    published,
    seen,
    shown,
)
from tests.support.issues import LANE, Street, act, new_rule, photos
from tests.support.people import Caller
from tests.support.refusals import refused

SHOW = {"version": 1, "show": True}


async def pending(caller: Caller, query: str = "") -> list[str]:
    answer = await caller.get(f"/staff/moderation?{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


async def test_a_moderator_reads_original_and_masked_and_lets_it_through_in_other_words(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    mine = await photos(tx, street.reporter.person_id, 1, now=datetime.now(UTC))
    await tx.commit()
    issue_id = await street.reported(text=f"老王家总乱扔，电话{PLANTED}", photo_ids=mine)
    worker = await moderator(street)
    (row,) = (await worker.get("/staff/moderation")).json()["items"]
    assert (row["id"], row["version"]) == (issue_id, 1)
    assert row["text"] == f"老王家总乱扔，电话{PLANTED}"
    assert row["public_text"] == f"老王家总乱扔，电话{MASKED}"
    assert [found["kind"] for found in row["findings"]] == ["mobile"]
    assert [photo["id"] for photo in row["photos"]] == mine
    words = {"text": f"有住户乱扔垃圾，{PLANTED}", "reason": "改写后公开"}
    body = await street.done(worker, issue_id, "moderate", **SHOW, **words)
    assert (body["state"], body["version"], body["reason"]) == ("shown", 2, "改写后公开")
    assert await pending(worker) == []
    face = await seen(http, issue_id)
    assert face["text"] == f"有住户乱扔垃圾，{MASKED}"  # moderators overlook things too
    publication = await publication_of(tx, issue_id)
    assert (publication.decided_by_id, publication.photos_shown) == (worker.person_id, False)
    assert await announced(tx, "issues.publ") == ["issues.published"]


async def test_what_was_refused_stays_hidden_and_may_still_be_shown_later(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    issue_id = await street.reported()
    worker = await moderator(street)
    without = await act(worker, issue_id, "moderate", version=1, show=False)
    refused(without, 422, "invalid_request")
    no = {"version": 1, "show": False, "reason": "涉及他人"}
    body = await street.done(worker, issue_id, "moderate", **no)
    assert (body["state"], body["published_at"]) == ("refused", None)
    assert await shown(http) == []
    assert await pending(worker) == []
    assert await announced(tx, "issues.publication") == ["issues.publication_refused"]
    mine = (await street.reporter.get(f"/issues/{issue_id}/public-view")).json()
    assert (mine["state"], mine["reason"]) == ("refused", "涉及他人")
    await street.done(worker, issue_id, "moderate", version=2, show=True)
    assert await shown(http) == [issue_id]


async def test_what_is_shown_can_be_taken_down_with_a_reason(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    issue_id = await published(street)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    down = {"version": 2, "show": False, "reason": "有人认出了当事人"}
    await street.done(dispatcher, issue_id, "moderate", **down)
    assert await shown(http) == []
    refused(await http.get(f"/public/issues/{issue_id}"), 404, "case_not_found")
    assert await announced(tx, "issues.unpubl") == ["issues.unpublished"]
    assert (await tx.scalar(select(Case.published_at))) is None


async def test_of_two_decisions_on_one_version_the_second_is_refused(street: Street) -> None:
    issue_id = await published(street)
    worker = await moderator(street)
    answer = await act(worker, issue_id, "moderate", version=1, show=False, reason="撤下")
    assert refused(answer, 409, "stale_version")["version"] == 2
    seen_by_her = (await worker.get(f"/issues/{issue_id}/public-view")).json()
    assert seen_by_her["state"] == "shown"


async def test_the_reporter_takes_her_own_issue_from_the_public_for_good(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    issue_id = await published(street)
    worker = await moderator(street)
    neighbour = await street.callers.resident(street.town.place(*LANE))
    refused(await act(neighbour, issue_id, "hide"), 404, "case_not_found")
    refused(await act(worker, issue_id, "hide"), 403, "reporters_wish")
    assert await shown(http) == [issue_id]
    body = await street.done(street.reporter, issue_id, "hide", reason="不想公开了")
    assert (body["state"], body["published_at"]) == ("hidden", None)
    assert await shown(http) == []
    again = await street.done(street.reporter, issue_id, "hide")
    assert again["version"] == body["version"]
    assert await announced(tx, "issues.unpubl") == ["issues.unpublished"]
    refused(
        await act(worker, issue_id, "moderate", version=3, show=True),
        409,
        "not_for_the_public",
    )
    handled = await street.done(street.chief, issue_id, "accept")
    assert handled["state"] == "accepted"


async def test_what_its_rule_keeps_from_the_public_no_moderator_shows(
    street: Street, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", publicity="never")
    issue_id = await street.reported()
    worker = await moderator(street)
    assert await pending(worker) == []
    refused(await act(worker, issue_id, "moderate", **SHOW), 409, "not_for_the_public")


async def test_a_confidential_issue_does_not_exist_for_moderators(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.reported(category_code="staff.conduct")
    worker = await moderator(street)
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    refused(await act(worker, issue_id, "moderate", **SHOW), 404, "case_not_found")
    refused(await worker.get(f"/issues/{issue_id}/public-view"), 404, "case_not_found")
    refused(await act(secretary, issue_id, "moderate", **SHOW), 409, "not_for_the_public")
    # Even one that was marked as pending past every rule is in nobody's list.
    (await publication_of(tx, issue_id)).state = "pending"
    await tx.commit()
    for caller in (worker, secretary):
        assert await pending(caller) == []


@pytest.mark.parametrize(
    ("role", "path", "listed", "moderates"),
    [
        (Role.COMMUNITY_WORKER, (1, 1), 1, 200),
        (Role.COMMUNITY_SECRETARY, (1, 1), 1, 200),
        (Role.STREET_DISPATCHER, (1,), 1, 200),
        (Role.STREET_SECRETARY, (1,), 1, 200),
        (Role.COMMUNITY_WORKER, (1, 2), 0, 404),
        (Role.STREET_DISPATCHER, (2,), 0, 404),
        (Role.LANE_CHIEF, LANE, None, 403),
        (Role.GRID_LEADER, LANE[:3], None, 403),
        (Role.OPERATOR, (), None, 403),
    ],
)
async def test_the_community_and_the_street_moderate_what_is_theirs(
    role: Role, path: tuple[int, ...], listed: int | None, moderates: int, street: Street
) -> None:
    issue_id = await street.reported()
    caller = await street.staff(role, *path)
    answer = await caller.get("/staff/moderation")
    if listed is None:
        refused(answer, 403, "forbidden")
    else:
        assert len(answer.json()["items"]) == listed
    assert (await act(caller, issue_id, "moderate", **SHOW)).status_code == moderates


@pytest.mark.parametrize("by", ["chief", "street"])
async def test_what_turns_out_to_lie_elsewhere_waits_for_the_moderators_there(
    by: str, street: Street, http: AsyncClient, tx: Tx
) -> None:
    """Taken over, or given by the street: in the lists of the place that it came to."""
    there = (1, 2, 1, 1)
    target = {"node_id": str(street.town.at(*there).id), "text": "实际位置在那边"}
    issue_id = await street.accepted()
    if by == "street":
        (await tx.scalars(select(Case))).one().state = "adjudicating"
        await tx.commit()
        dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
        await street.done(dispatcher, issue_id, "adjudicate", **target)
    else:
        await street.done(street.chief, issue_id, "transfer", **target)
        chief = await street.staff(Role.LANE_CHIEF, *there)
        await street.done(chief, issue_id, "take-over")
    here, beside = await moderator(street), await street.staff(Role.COMMUNITY_WORKER, 1, 2)
    assert (await pending(here), await pending(beside)) == ([], [issue_id])
    await street.done(beside, issue_id, "moderate", **SHOW)
    for path, listed in ((LANE, []), (there, [issue_id])):
        query = f"node_id={street.town.at(*path).id}"
        assert await shown(http, query) == listed
        assert await shown(http, f"{query}&category=env.garbage") == listed


async def test_residents_and_strangers_do_not_moderate(
    street: Street, http: AsyncClient
) -> None:
    issue_id = await street.reported()
    refused(await act(street.reporter, issue_id, "moderate", **SHOW), 403, "forbidden")
    neighbour = await street.callers.resident(street.town.place(*LANE))
    refused(await act(neighbour, issue_id, "moderate", **SHOW), 404, "case_not_found")
    refused(await act(http, issue_id, "moderate", **SHOW), 401, "not_signed_in")
    refused(await street.reporter.get("/staff/moderation"), 403, "forbidden")
    refused(await neighbour.get(f"/issues/{issue_id}/public-view"), 404, "case_not_found")


async def test_pages_of_what_waits_join_and_skip_what_was_taken_back(street: Street) -> None:
    issues = [await street.reported() for _ in range(5)]
    await street.done(street.reporter, issues.pop(1), "withdraw")
    worker = await moderator(street)
    first = (await worker.get("/staff/moderation?limit=3")).json()
    rest = (await worker.get(f"/staff/moderation?limit=3&after={first['next']}")).json()
    assert [row["id"] for row in first["items"] + rest["items"]] == issues[::-1]
    assert rest["next"] is None
