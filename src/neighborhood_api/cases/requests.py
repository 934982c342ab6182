"""What the hands may ask for and somebody above decides: suspension (挂账) and extension."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import mover_of
from neighborhood_api.cases.service import move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.timekeeping import Purpose, Request
from neighborhood_api.cases.timers import recompute, timers_of
from neighborhood_api.cases.workflow import Move, Workflow
from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE

LONGEST_SUSPENSION = timedelta(days=180)
"""The project's own choice; whatever takes longer is a plan, and is asked for again."""

_ASKING = frozenset(
    {
        Move.REQUEST_SUSPENSION,
        Move.REQUEST_EXTENSION,
        Move.SUSPEND,
        Move.EXTEND,
        Move.REFUSE_REQUEST,
    }
)


class RequestOpen(Problem):
    """Another request of this case waits for its decision."""

    title = "A request is waiting for its decision"
    message = "已有一项申请待审批，请等审批后再提"


class NoRequest(Problem):
    """No request waits for a decision."""

    title = "There is no request to decide"
    message = "没有待审批的申请，可能已处理，请刷新"


class ExtendedAlready(Problem):
    """A case is extended once."""

    title = "It was extended before"
    message = "办理期限只能延长一次"


class NoExtension(Problem):
    """The handling rule knows no extension."""

    title = "Issues of this kind are not extended"
    message = "此类诉求不能延期"


class ExtensionTooLong(Problem):
    """The rule allows less; `longest` says how much."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The extension is too long"
    message = "延期超过规定上限，请缩短"


class SuspensionOutOfRange(Problem):
    """A suspension ends in the future, and within half a year."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The suspension must end later than now and within 180 days"
    message = "挂账截止时间须晚于现在，且不超过 180 天"


class OwnRequest(Problem):
    """Whoever asked does not decide."""

    status = HTTPStatus.FORBIDDEN
    title = "Somebody else must decide"
    message = "不能审批自己提出的申请"


async def request_suspension(
    tx: Tx,
    workflow: Workflow,
    case: Case,
    actor: Actor,
    said: Said,
    *,
    until: datetime,
    now: datetime,
) -> None:
    """Ask to put a locked case on file until a day, because nothing can be done before.

    Raises: RequestOpen, SuspensionOutOfRange, and whatever `move_case` raises.
    """
    await move_case(tx, workflow, case, Move.REQUEST_SUSPENSION, actor, said, now=now)
    if not now < until <= now + LONGEST_SUSPENSION:
        raise SuspensionOutOfRange
    await _ask(tx, case, actor, "suspension", said, now, until=until)


async def request_extension(
    tx: Tx,
    workflow: Workflow,
    case: Case,
    actor: Actor,
    said: Said,
    *,
    amount: int,
    now: datetime,
) -> None:
    """Ask for more time to settle a locked case, in the unit of its resolve clock; once.

    Raises: RequestOpen, ExtendedAlready, NoExtension, ExtensionTooLong, and whatever
        `move_case` raises.
    """
    await move_case(tx, workflow, case, Move.REQUEST_EXTENSION, actor, said, now=now)
    longest = case.agreed.extension_amount
    if longest == 0:
        raise NoExtension
    if amount > longest:
        raise ExtensionTooLong(longest=longest)
    extended = select(Request.id).where(
        Request.case_id == case.id, Request.kind == "extension", Request.approved.is_(True)
    )
    if await tx.scalar(extended) is not None:
        raise ExtendedAlready
    await _ask(tx, case, actor, "extension", said, now, amount=amount)


async def decide_request(
    tx: Tx,
    workflow: Workflow,
    case: Case,
    actor: Actor,
    said: Said,
    *,
    approve: bool,
    now: datetime,
) -> None:
    """Approve or refuse what the hands asked for; the reporter reads the reason once approved.

    Raises: NoRequest, OwnRequest, SuspensionOutOfRange when its day has come meanwhile, and
        whatever `move_case` raises.
    """
    mover_of(workflow, workflow.rules[Move.REFUSE_REQUEST], case, actor)
    request = await open_request(tx, case.id)
    if request is None:
        raise NoRequest
    if request.requested_by_id == actor.person_id:
        raise OwnRequest
    if approve and request.until is not None and request.until <= now:
        raise SuspensionOutOfRange
    request.approved, request.decided_at = approve, now
    request.decided_by_id, request.answer = actor.person_id, said.text
    move = Move.REFUSE_REQUEST
    if approve:
        move = _granted(request)
        said = Said(text=request.reason, note=said.text, detail=_terms_of(case, request))
    await move_case(tx, workflow, case, move, actor, said, now=now)
    if move is Move.SUSPEND:
        case.resume_at = request.until
    elif move is Move.EXTEND:
        for timer in await timers_of(tx, case, Purpose.RESOLVE):
            timer.extra += request.amount or 0
        await tx.flush()
        await recompute(tx, case)


async def open_request(tx: ReadTx, case_id: UUID) -> Request | None:
    """Return the request that waits for its decision, if there is one."""
    waiting = select(Request).where(Request.case_id == case_id, Request.decided_at.is_(None))
    return await tx.scalar(waiting)


async def without_impossible(
    tx: ReadTx, case: Case, actor: Actor, moves: list[Move]
) -> list[Move]:
    """Leave out what the requests that were made, or are not there, leave no room for."""
    if _ASKING.isdisjoint(moves):
        return moves
    asked = (await tx.scalars(select(Request).where(Request.case_id == case.id))).all()
    waiting = next((one for one in asked if one.decided_at is None), None)
    possible: set[Move] = set()
    if waiting is None:
        possible.add(Move.REQUEST_SUSPENSION)
        extended = any(one.kind == "extension" and one.approved for one in asked)
        if case.agreed.extension_amount and not extended:
            possible.add(Move.REQUEST_EXTENSION)
    elif waiting.requested_by_id != actor.person_id:
        possible |= {Move.REFUSE_REQUEST, _granted(waiting)}
    return [move for move in moves if move not in _ASKING or move in possible]


def _granted(request: Request) -> Move:
    return Move.SUSPEND if request.kind == "suspension" else Move.EXTEND


def _terms_of(case: Case, request: Request) -> dict[str, object]:
    """Return what was granted: until when, or how much on which clock."""
    until = None
    if request.until is not None:
        until = request.until.astimezone(SHOWN_ZONE).isoformat(timespec="seconds")
    clock = None if request.amount is None else case.agreed.resolve.clock.value
    return {"kind": request.kind, "until": until, "amount": request.amount, "clock": clock}


async def _ask(
    tx: Tx,
    case: Case,
    actor: Actor,
    kind: str,
    said: Said,
    now: datetime,
    *,
    until: datetime | None = None,
    amount: int | None = None,
) -> None:
    if await open_request(tx, case.id) is not None:
        raise RequestOpen
    tx.add(
        Request(
            case_id=case.id,
            kind=kind,
            reason=said.text or "",
            requested_by_id=actor.person_id,
            requested_at=now,
            until=until,
            amount=amount,
        )
    )
    await tx.flush()
