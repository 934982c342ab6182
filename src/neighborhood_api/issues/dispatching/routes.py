"""HTTP operations that send issues on, send them back, or ask for time."""

from uuid import UUID

from fastapi import Depends

from neighborhood_api.cases import requests
from neighborhood_api.cases.hands import (
    AlreadyThere,
    ConfidentialStays,
    NobodyAbove,
    OrganizationNotFound,
    OtherStreet,
    TargetNeeded,
    TransferredTooOften,
)
from neighborhood_api.cases.policy import CaseNotFound, reads_as_staff
from neighborhood_api.cases.service import find_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import Move
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.issues.dispatching import service
from neighborhood_api.issues.dispatching.queries import OFFERS, REQUESTS
from neighborhood_api.issues.dispatching.schemas import (
    RETURN_REASONS,
    DecisionIn,
    DispatchIn,
    ExtensionIn,
    OfferList,
    ReasonList,
    ReasonOut,
    RequestList,
    ReturnIn,
    SuspensionIn,
    TargetIn,
)
from neighborhood_api.issues.moving import MOVING, SIGNED_IN, AcceptBody, MovingDep
from neighborhood_api.issues.schemas import IssueDetailOut, WordsIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx, ReadTxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["诉求流转 dispatching"])

TARGET = (
    OrganizationNotFound,
    TargetNeeded,
    OtherStreet,
    AlreadyThere,
    ConfidentialStays,
    NodeNotFound,
)


@router.post(
    "/issues/{issue_id}/escalate",
    summary="上报上级 · Pass an issue up one level",
    responses=problems(*MOVING, NobodyAbove),
)
async def escalate_issue(body: WordsIn, moving: MovingDep) -> IssueDetailOut:
    """本级办不了，上报上一级。Pass up what cannot be settled here."""
    return await moving.make(Move.ESCALATE, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/dispatch",
    summary="派遣部门 · Give an issue to a department",
    responses=problems(*MOVING, *TARGET),
)
async def dispatch_issue(body: DispatchIn, moving: MovingDep) -> IssueDetailOut:
    """街道调度员派给部门；部门接收前，原承办人仍负责（首接负责），时限照计。

    The department accepts or returns it; until then whoever holds it stays responsible.
    """
    said = Said(note=body.text, organization_id=body.organization_id)
    return await moving.make(Move.DISPATCH, said)


@router.post(
    "/issues/{issue_id}/transfer",
    summary="转办 · Offer an issue to another body",
    responses=problems(*MOVING, *TARGET, TransferredTooOften, service.AdjudicatedFinally),
)
async def transfer_issue(body: TargetIn, moving: MovingDep) -> IssueDetailOut:
    """转给部门或本街道内其他社区、网格、街巷；对方接收前仍由您负责，时限和逐级上报都不停。

    Clocks, ladder and history go on; you are responsible until the other has accepted. At most
    five times in the life of an issue; whoever does not answer in time has returned it.
    """
    said = Said(text=body.text, organization_id=body.organization_id, node_id=body.node_id)
    case = await moving.lock()
    await service.transfer_issue(moving.tx, case, moving.actor, said, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/take-over",
    summary="接收转办 · Accept what was offered",
    responses=problems(*MOVING),
)
async def take_over_issue(body: AcceptBody, moving: MovingDep) -> IssueDetailOut:
    """接收派来或转来的诉求，从此由您负责。From now on it is yours."""
    return await moving.make(Move.TAKE_OVER, Said(text=body.text))


@router.post(
    "/issues/{issue_id}/return",
    summary="退单 · Send an issue back",
    responses=problems(*MOVING, NobodyAbove, ConfidentialStays, service.AdjudicatedFinally),
)
async def return_issue(body: ReturnIn, moving: MovingDep) -> IssueDetailOut:
    """说明原因退回上一级；不停表，次数有限，超过后由街道裁定。

    One level up. The clocks run on; after too many returns the street decides.
    """
    case = await moving.lock()
    await service.return_issue(moving.tx, case, moving.actor, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/decline",
    summary="退回转办 · Refuse what was offered",
    responses=problems(*MOVING),
)
async def decline_issue(body: ReturnIn, moving: MovingDep) -> IssueDetailOut:
    """说明原因，不接收派来或转来的诉求；计入退单次数。It stays where it is, and counts."""
    case = await moving.lock()
    await service.decline_issue(moving.tx, case, moving.actor, body, now=moving.now)
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/adjudicate",
    summary="裁定 · Decide whose an issue is",
    responses=problems(*MOVING, *TARGET),
)
async def adjudicate_issue(body: TargetIn, moving: MovingDep) -> IssueDetailOut:
    """街道裁定承办单位；裁定后不得再退。The street's decision; it is final."""
    said = Said(text=body.text, organization_id=body.organization_id, node_id=body.node_id)
    case = await moving.lock()
    await service.adjudicate_issue(moving.tx, case, moving.actor, said, now=moving.now)
    return await moving.answer()


@router.get(
    "/return-reasons",
    summary="退单原因 · Reasons for sending back",
    dependencies=[Depends(current_actor)],
    responses=problems(*SIGNED_IN),
)
async def list_return_reasons() -> ReasonList:
    """可选的退单原因。The reasons to choose from."""
    return ReasonList(
        items=[ReasonOut(code=code, name=name) for code, name in RETURN_REASONS.items()]
    )


@router.post(
    "/issues/{issue_id}/request-suspension",
    summary="申请挂账 · Ask to put an issue on file",
    responses=problems(*MOVING, requests.RequestOpen, requests.SuspensionOutOfRange),
)
async def request_suspension(body: SuspensionIn, moving: MovingDep) -> IssueDetailOut:
    """暂时无法办理时申请挂账，上级批准后暂停计时。After approval the clock rests."""
    case = await moving.lock()
    said = Said(text=body.text, internal=True)
    await requests.request_suspension(
        moving.tx, ISSUE, case, moving.actor, said, until=body.until, now=moving.now
    )
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/request-extension",
    summary="申请延期 · Ask for more time",
    responses=problems(
        *MOVING,
        requests.RequestOpen,
        requests.ExtendedAlready,
        requests.NoExtension,
        requests.ExtensionTooLong,
    ),
)
async def request_extension(body: ExtensionIn, moving: MovingDep) -> IssueDetailOut:
    """申请延长办结期限，只能一次；批准后理由向诉求人公开。Once; the reporter reads why."""
    case = await moving.lock()
    said = Said(text=body.text, internal=True)
    await requests.request_extension(
        moving.tx, ISSUE, case, moving.actor, said, amount=body.amount, now=moving.now
    )
    return await moving.answer()


@router.post(
    "/issues/{issue_id}/decide-request",
    summary="审批挂账或延期 · Decide a request",
    responses=problems(
        *MOVING, requests.NoRequest, requests.OwnRequest, requests.SuspensionOutOfRange
    ),
)
async def decide_request(body: DecisionIn, moving: MovingDep) -> IssueDetailOut:
    """上级审批。Somebody above approves or refuses."""
    case = await moving.lock()
    said = Said(text=body.text, internal=not body.approve)
    await requests.decide_request(
        moving.tx, ISSUE, case, moving.actor, said, approve=body.approve, now=moving.now
    )
    return await moving.answer()


@router.get(
    "/issues/{issue_id}/requests",
    summary="挂账和延期申请 · Requests of an issue",
    responses=problems(*SIGNED_IN, CaseNotFound, Forbidden),
)
async def list_requests(issue_id: UUID, actor: ActorDep, tx: ReadTxDep) -> RequestList:
    """全部申请及审批结果（工作人员）。For staff: every request, and what came of it."""
    await _for_staff(tx, actor, issue_id)
    items = await REQUESTS.all(tx, issue_id=issue_id)
    return RequestList.model_validate({"items": items})


@router.get(
    "/issues/{issue_id}/offers",
    summary="派遣和转办记录 · Offers of an issue",
    responses=problems(*SIGNED_IN, CaseNotFound, Forbidden),
)
async def list_offers(issue_id: UUID, actor: ActorDep, tx: ReadTxDep) -> OfferList:
    """全部派遣、转办及结果（工作人员）。For staff: where it was offered, and the answers."""
    await _for_staff(tx, actor, issue_id)
    return OfferList.model_validate({"items": await OFFERS.all(tx, issue_id=issue_id)})


async def _for_staff(tx: ReadTx, actor: Actor, issue_id: UUID) -> None:
    case = await find_case(tx, ISSUE, issue_id)
    if not reads_as_staff(ISSUE, case, actor):
        raise Forbidden if case.reporter_id == actor.person_id else CaseNotFound
