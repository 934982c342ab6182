"""Rules of showing a reporter's number: to who must call her, and each look is written down."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import exists, select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import (
    CaseNotFound,
    holding_post,
    may_read,
    mover_of,
)
from neighborhood_api.cases.service import find_case, lock_case
from neighborhood_api.cases.workflow import IN_HAND, Move
from neighborhood_api.identity.access import Actor, Post
from neighborhood_api.issues.publishing.events import ReporterPhoneShown
from neighborhood_api.issues.publishing.models import Look
from neighborhood_api.issues.publishing.schemas import PhoneOut
from neighborhood_api.issues.queries import DETAIL
from neighborhood_api.issues.settling.models import CallBack
from neighborhood_api.issues.settling.queries import TO_CALL
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx, Tx, save
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.trail import trail_of


class NotInYourHands(Problem):
    """The number is for whoever holds the issue until it is settled, or calls her back."""

    status = HTTPStatus.FORBIDDEN
    title = "The number is shown only to whoever holds the issue now"
    message = "只有当前承办人可以查看诉求人电话"


class NoPhone(Problem):
    """The reporter has given no number."""

    status = HTTPStatus.NOT_FOUND
    title = "The reporter has given no number"
    message = "诉求人没有留电话，请用留言联系"


async def show_reporter_phone(
    tx: Tx, actor: Actor, issue_id: UUID, *, now: datetime
) -> PhoneOut:
    """Tell the reporter's number to who has to call her, and write down that it was told.

    That is whoever holds the issue, until it is settled, and whoever has taken a call-back.

    Raises: CaseNotFound, NotInYourHands, NoPhone.
    Emits: ReporterPhoneShown.
    """
    case = await lock_case(tx, ISSUE, issue_id)
    if not may_read(ISSUE, case, actor):
        raise CaseNotFound
    post = await _calling_post(tx, case, actor)
    if post is None:
        raise NotInYourHands
    detail = await DETAIL.first(tx, issue_id=issue_id)
    by_phone = detail is not None and detail.caller_phone is not None
    phone = None
    if detail is not None:
        phone = detail.caller_phone if by_phone else detail.reporter_phone
    if detail is None or phone is None:
        raise NoPhone
    look = Look(
        case_id=case.id,
        person_id=actor.person_id,
        role=post.role.value,
        node_id=post.node_id,
        organization_id=post.organization_id,
        looked_at=now,
    )
    told = ReporterPhoneShown(issue_id=case.id, look_id=look.id)
    await save(tx, look, trail_of(look), told.row())
    return PhoneOut(name=detail.caller_name if by_phone else detail.reporter_name, phone=phone)


async def looks_are_named(tx: ReadTx, actor: Actor, issue_id: UUID) -> bool:
    """Tell whether the caller reads who looked (those above) or only which post (reporter).

    Raises: CaseNotFound, Forbidden for other staff.
    """
    case = await find_case(tx, ISSUE, issue_id)
    if case.reporter_id == actor.person_id:
        return False
    mover_of(ISSUE, ISSUE.rules[Move.SUPERVISE], case, actor)
    return True


async def _calling_post(tx: ReadTx, case: Case, actor: Actor) -> Post | None:
    """Return the post that has to call the reporter: the hands, or who calls her back."""
    post = holding_post(ISSUE, case, actor) if case.standing in IN_HAND else None
    if post is not None or not await _calls_back(tx, case, actor):
        return post
    mover = mover_of(ISSUE, ISSUE.rules[Move.CALL_BACK], case, actor)
    posts = (post for post in actor.posts if post.covers(case.place, ()))
    return next((post for post in posts if post.role is mover.role), None)


async def _calls_back(tx: ReadTx, case: Case, actor: Actor) -> bool:
    taken = exists().where(
        CallBack.case_id == case.id, CallBack.taken_by_id == actor.person_id, TO_CALL
    )
    return bool(await tx.scalar(select(taken)))
