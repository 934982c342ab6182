"""Rules of sharing an issue: joining it, merging it, and finding where many complain."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import CaseNotFound, may_read, reads_as_staff
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import IN_HAND, Move
from neighborhood_api.grid.areas.coordinates import Point, metres_between, to_wgs84
from neighborhood_api.grid.posts.duty import HIGHEST
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.schemas import IssueIn
from neighborhood_api.issues.service import CategoryNotFound, lane_of
from neighborhood_api.issues.settling.schemas import ReopenIn
from neighborhood_api.issues.settling.service import reopen_issue
from neighborhood_api.issues.together.events import IssueSupported, SupportWithdrawn
from neighborhood_api.issues.together.likeness import (
    LIKELY,
    LOOKED_BACK,
    likelihood,
    likeness_of_words,
)
from neighborhood_api.issues.together.models import Support
from neighborhood_api.issues.together.parting import part_from_main
from neighborhood_api.issues.together.queries import CANDIDATES, GOING_ON, SharedRow
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import first_id_at
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

OFFERED = 5
"""Likely duplicates that are shown."""


class OwnIssue(Problem):
    """Nobody supports what she reported herself."""

    title = "It is your own report"
    message = "这是您自己上报的诉求，无需附议"


class NotGoingOn(Problem):
    """The issue is settled or over, and cannot be joined any more."""

    title = "This issue is no longer open to others"
    message = "该诉求已办结，如问题仍在，请重新上报"


class CannotMerge(Problem):
    """The two cannot be handled as one; `reason` says why."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "These two cannot be handled as one"
    message = "不能并入该诉求，请核对主件"


async def find_similar(
    tx: ReadTx, actor: Actor, wish: IssueIn, *, now: datetime
) -> list[tuple[SharedRow, int | None, float]]:
    """Return what is likely the same thing, with distance and likelihood, the likeliest first.

    Residents see only what is public, and their own; staff see what they may read.

    Raises: CategoryNotFound, PlaceNeeded, NodeNotFound, NoLaneNearby.
    """
    group = await tx.scalar(
        select(Category.group_code).where(Category.code == wish.category_code)
    )
    if group is None:
        raise CategoryNotFound
    at_home = wish.on_behalf_of is None
    lane_id = await lane_of(tx, actor, wish.lane_id, wish.position, at_home=at_home, now=now)
    lane = await current_node(tx, lane_id, now=now)
    rows = await CANDIDATES.all(
        tx,
        community_id=lane.community_id,
        since=first_id_at(now - LOOKED_BACK),
        group_code=group,
        person_id=actor.person_id,
        reads=[
            post.node_id
            for post in actor.posts
            if ISSUE.read in GRANTED[post.role] and post.organization_id is None
        ],
    )
    found = [_compared(row, wish, lane.id) for row in rows]
    likely = [one for one in found if one[2] >= LIKELY]
    return sorted(likely, key=lambda one: one[2], reverse=True)[:OFFERED]


async def support_issue(tx: Tx, actor: Actor, issue_id: UUID, *, now: datetime) -> None:
    """Say "me too" to an issue of others; saying it twice changes nothing.

    Raises: CaseNotFound, OwnIssue, NotGoingOn.
    Emits: IssueSupported.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    if case.published_at is None and not may_read(ISSUE, case, actor):
        raise CaseNotFound
    if case.reporter_id == actor.person_id:
        raise OwnIssue
    if case.standing not in GOING_ON:
        raise NotGoingOn(state=case.state)
    row = {"case_id": issue_id, "person_id": actor.person_id, "supported_at": now}
    joined = await tx.scalar(
        insert(Support).values(row).on_conflict_do_nothing().returning(Support.case_id)
    )
    if joined is not None:
        await _count(tx, issue_id, 1)
        emit(tx, IssueSupported(issue_id=issue_id, person_id=actor.person_id))


async def withdraw_support(tx: Tx, actor: Actor, issue_id: UUID) -> None:
    """Take support back; without support nothing happens.

    Raises: CaseNotFound.
    Emits: SupportWithdrawn.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    mine = delete(Support).where(
        Support.case_id == case.id, Support.person_id == actor.person_id
    )
    if await tx.scalar(mine.returning(Support.case_id)) is not None:
        await _count(tx, issue_id, -1)
        emit(tx, SupportWithdrawn(issue_id=issue_id, person_id=actor.person_id))
    elif case.published_at is None and not may_read(ISSUE, case, actor):
        raise CaseNotFound


async def reopen_supported(
    tx: Tx, actor: Actor, issue_id: UUID, wish: ReopenIn, *, now: datetime
) -> None:
    """Say, as one of its supporters, that an issue is not settled; it counts for all of them.

    Raises: CaseNotFound for whoever does not support it, MoveNotAllowed, ReopenTooLate,
        ReopenNotYours, FilesNotUsable.
    """
    if await tx.get(Support, (issue_id, actor.person_id)) is None:
        raise CaseNotFound
    await reopen_issue(tx, actor, issue_id, wish, now=now, supports=True)


async def merge_issue(
    tx: Tx, actor: Actor, issue_id: UUID, into_id: UUID, text: str, *, now: datetime
) -> None:
    """Handle an issue with another one about the same thing; its reporter stays a reporter.

    What was merged into it before goes along. A limit that it has missed by now stays missed in
    the numbers; from now on its limits are those of the other one.

    Raises: CannotMerge, and whatever `move_case` raises.
    """
    if issue_id == into_id:
        raise CannotMerge(reason="same")
    pair = {one: await lock_case(tx, ISSUE, one) for one in sorted((issue_id, into_id))}
    case, main = pair[issue_id], pair[into_id]
    if not may_read(ISSUE, case, actor):
        raise CaseNotFound
    if not reads_as_staff(ISSUE, main, actor):
        raise Forbidden if may_read(ISSUE, main, actor) else CaseNotFound
    if main.standing not in IN_HAND or main.main_id is not None:
        raise CannotMerge(reason="main_not_in_hand", state=main.state)
    if case.place.at(HIGHEST) != main.place.at(HIGHEST):
        raise CannotMerge(reason="other_street")
    if case.confidential or main.confidential:
        raise CannotMerge(reason="confidential")
    said = Said(text=text, detail={"into": str(into_id), "code": main.code})
    case.main_id = into_id
    response_missed = _passed(case.respond_due_at, case.first_responded_at or now)
    resolution_missed = _passed(case.resolve_due_at, now)
    await move_case(tx, ISSUE, case, Move.MERGE, actor, said, now=now)
    issue = await tx.get_one(Issue, case.id)
    issue.response_missed, issue.resolution_missed = response_missed, resolution_missed
    followers = update(Case).where(Case.main_id == issue_id)
    await tx.execute(followers.values(main_id=into_id))
    note = Said(text=f"{case.code} 并入本件：{text}", internal=True)
    await move_case(tx, ISSUE, main, Move.COMMENT, actor, note, now=now)


async def unmerge_issue(
    tx: Tx, actor: Actor, issue_id: UUID, said: Said, *, now: datetime
) -> None:
    """Let an issue go its own way again, in the hands that it was in; its clock goes on.

    Raises: whatever `move_case` raises.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    await move_case(tx, ISSUE, case, Move.UNMERGE, actor, said, now=now)
    await part_from_main(tx, case)


def _passed(due_at: datetime | None, done_at: datetime) -> bool:
    return due_at is not None and due_at < done_at


async def _count(tx: Tx, issue_id: UUID, more: int) -> None:
    counted = update(Issue).where(Issue.case_id == issue_id)
    await tx.execute(counted.values(supporters=Issue.supporters + more))


def _compared(
    row: SharedRow, wish: IssueIn, lane_id: UUID
) -> tuple[SharedRow, int | None, float]:
    metres: float | None = None
    if wish.position is not None and row.longitude is not None and row.latitude is not None:
        given = Point(wish.position.longitude, wish.position.latitude)
        here = to_wgs84(given, wish.position.coordinate_system)
        metres = metres_between(here, Point(row.longitude, row.latitude))
    likely = likelihood(
        likeness_of_words(wish.text, row.text),
        metres=metres,
        same_lane=row.lane_id == lane_id,
        same_category=row.category_code == wish.category_code,
    )
    return row, None if metres is None else round(metres), round(likely, 2)
