"""HTTP operations of calling departments to an issue (吹哨报到)."""

from typing import Annotated
from uuid import UUID

from fastapi import Body

from neighborhood_api.cases import attending, whistles
from neighborhood_api.cases.hands import ConfidentialStays, OrganizationNotFound
from neighborhood_api.cases.policy import CaseNotFound, WhistleFromGrid
from neighborhood_api.cases.service import find_case
from neighborhood_api.files.handles import LinksDep
from neighborhood_api.files.service import FilesNotUsable
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.issues.moving import MOVING, SIGNED_IN, Moving, MovingDep
from neighborhood_api.issues.whistling import service
from neighborhood_api.issues.whistling.queries import list_calls
from neighborhood_api.issues.whistling.schemas import (
    CallList,
    CheckInIn,
    RateCallIn,
    ReleaseIn,
    ReportIn,
    StaffCallOut,
    WhistleIn,
)
from neighborhood_api.issues.whistling.views import show_calls, staff_call_view
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["吹哨报到 whistling"])

CALLED = (*MOVING, attending.CallNotFound)


@router.post(
    "/issues/{issue_id}/whistle",
    summary="吹哨 · Call departments to an issue",
    responses=problems(
        *MOVING,
        WhistleFromGrid,
        ConfidentialStays,
        OrganizationNotFound,
        whistles.OneLead,
        whistles.CalledAlready,
        whistles.MeetingOutOfRange,
    ),
)
async def whistle_issue(body: WhistleIn, moving: MovingDep) -> CallList:
    """网格及以上岗位调度多个部门到场，一个牵头、其余配合，各有报到时限。

    From the grid up. One department leads, the others assist; each has a deadline to check
    in. While a leading department is called, further whistles call assisting ones only.
    """
    case = await moving.lock()
    await service.whistle(moving.tx, case, moving.actor, body, now=moving.now)
    return await _answer(moving)


@router.post(
    "/issues/{issue_id}/calls/{call_id}/check-in",
    summary="报到 · A called department has come",
    responses=problems(*CALLED, attending.CallReleased, attending.CheckedInAlready),
)
async def check_in_to_call(
    call_id: UUID,
    body: Annotated[CheckInIn, Body(default_factory=CheckInIn)],
    moving: MovingDep,
) -> CallList:
    """部门人员到场报到；较远或逾期只作标记。Far away or late is noted, and not refused."""
    case = await moving.lock()
    await service.check_in(moving.tx, case, moving.actor, call_id, body, now=moving.now)
    return await _answer(moving)


@router.post(
    "/issues/{issue_id}/calls/{call_id}/report",
    summary="反馈处置 · A called department reports",
    responses=problems(*CALLED, attending.CallReleased, attending.CheckInFirst, FilesNotUsable),
)
async def report_on_call(call_id: UUID, body: ReportIn, moving: MovingDep) -> CallList:
    """部门反馈处置情况，可多次，以最后一次为准。The last report counts; all are kept."""
    case = await moving.lock()
    await service.report_work(moving.tx, case, moving.actor, call_id, body, now=moving.now)
    return await _answer(moving)


@router.post(
    "/issues/{issue_id}/calls/{call_id}/release",
    summary="解除调度 · Let a called department go",
    responses=problems(*CALLED, attending.CallReleased, attending.ReportOrReason),
)
async def release_call(
    call_id: UUID,
    body: Annotated[ReleaseIn, Body(default_factory=ReleaseIn)],
    moving: MovingDep,
) -> CallList:
    """吹哨单位或其上级解除；部门未反馈的须说明原因。By whoever called it, or above."""
    case = await moving.lock()
    await attending.release_call(
        moving.tx, ISSUE, case, moving.actor, call_id, reason=body.text, now=moving.now
    )
    return await _answer(moving)


@router.post(
    "/issues/{issue_id}/calls/{call_id}/rate",
    summary="评价报到单位 · Rate a released department",
    responses=problems(*CALLED, attending.NotReleasedYet, attending.CallRatedAlready),
)
async def rate_call(call_id: UUID, body: RateCallIn, moving: MovingDep) -> CallList:
    """吹哨单位评价 1–5，每次调度评一次（双考核）。Once, by whoever called it, or above."""
    case = await moving.lock()
    await attending.rate_call(
        moving.tx,
        ISSUE,
        case,
        moving.actor,
        call_id,
        rating=body.rating,
        text=body.text,
        now=moving.now,
    )
    return await _answer(moving)


@router.get(
    "/issues/{issue_id}/calls",
    summary="吹哨报到记录 · Departments called to an issue",
    responses=problems(*SIGNED_IN, CaseNotFound, Forbidden),
)
async def list_issue_calls(
    issue_id: UUID, actor: ActorDep, tx: ReadTxDep, links: LinksDep, now: NowDep
) -> CallList:
    """全部被调度部门及报到、反馈、评价（工作人员）。For staff: who was called, who came."""
    case = await find_case(tx, ISSUE, issue_id)
    return await show_calls(tx, actor, case, links, now=now)


@router.get(
    "/staff/calls",
    summary="本部门的报到任务 · What my department is called to",
    responses=problems(*SIGNED_IN, Forbidden, paging.BadCursor),
)
async def list_my_calls(
    actor: ActorDep, tx: ReadTxDep, links: LinksDep, page: paging.PageDep, now: NowDep
) -> paging.Page[StaffCallOut]:
    """本部门被调度的诉求：未解除的在前，各自新的在前。Open ones first, then those released."""
    mine = list(service.departments_of(actor))
    listed = await list_calls(tx, mine, page)
    return page.page(listed, lambda one: staff_call_view(one, links, now=now))


async def _answer(moving: Moving) -> CallList:
    """Show every call of the issue after a change."""
    await moving.tx.flush()
    case = await find_case(moving.tx, ISSUE, moving.issue_id)
    return await show_calls(moving.tx, moving.actor, case, moving.links, now=moving.now)
