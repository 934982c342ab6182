"""The one way in which cases are moved."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, Select, bindparam, exists, select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from neighborhood_api.cases.calls import end_calls
from neighborhood_api.cases.events import CaseMoved
from neighborhood_api.cases.hands import (
    change_hands,
    naming_target,
    settle_offer,
    take_up_again,
)
from neighborhood_api.cases.ledger import end_page
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.paths import Call, Offer, Party
from neighborhood_api.cases.policy import SYSTEM, CaseNotFound, mover_of, moves_for
from neighborhood_api.cases.telling import Said, new_entry
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.cases.timers import (
    begin_rest,
    drop_request,
    end_rest,
    start_timer,
    timers_of,
)
from neighborhood_api.cases.workflow import (
    IN_HAND,
    IN_NO_HANDS,
    OVER,
    PAUSED,
    UNANSWERED,
    WITH_REPORTER,
    By,
    Hands,
    Move,
    Rule,
    State,
    Workflow,
)
from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.kit.trail import trail_of

RESTING = PAUSED | WITH_REPORTER | {State.VERIFYING, State.CLOSED, State.REJECTED, State.MERGED}
"""States in which the clock of the resolution rests: nobody who holds it could go on."""
_STAYING = frozenset({Hands.KEEP, Hands.OFFER, Hands.WITHOUT_OFFER})
ANSWERING = frozenset({Move.RESPOND, Move.ASK, Move.RESOLVE, Move.REJECT, Move.FOLLOW})
"""Moves by which the reporter hears from whoever handles it, or what it was merged into."""


class _Parts(NamedTuple):
    """Which of a case's parts there are; most cases have none."""

    offered: bool
    called: bool
    shared: bool


# One case is loaded with every request about it: these are built once.
_AS_STORED = {"populate_existing": True}
_MINE: BindParameter[UUID] = bindparam("case_id")
_ONE = (
    select(Case)
    .where(Case.kind == bindparam("kind"), Case.id == _MINE)
    .execution_options(**_AS_STORED)
)
_ONE_LOCKED = _ONE.with_for_update(key_share=True, of=Case)
_OFFERED = (Offer.case_id == _MINE, Offer.answered_at.is_(None))
_OFFER = select(Offer).where(*_OFFERED).execution_options(**_AS_STORED)
_CALLS = (
    select(Call).where(Call.case_id == _MINE).order_by(Call.id).execution_options(**_AS_STORED)
)
_PARTIES = select(Party).where(Party.case_id == _MINE).execution_options(**_AS_STORED)
_PARTS = Query(
    select(
        exists().where(*_OFFERED).label("offered"),
        exists().where(Call.case_id == _MINE).label("called"),
        exists().where(Party.case_id == _MINE).label("shared"),
    ),
    _Parts,
)


class MoveNotAllowed(Problem):
    """The case is not in a state that allows the move.

    `state` says where it stands, and `allowed` what the caller could do instead.
    """

    title = "This cannot be done in the present state"
    message = "当前状态不能进行此操作，请刷新后再看"


class WordsNeeded(Problem):
    """The move needs an explanation."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Say why, or what was done"
    message = "请填写说明"


def whole_cases(workflow: Workflow) -> Select[Case]:
    """Select cases with what the policy looks at: offer, calls and parties.

    Those come in statements of their own: joined to a case that was waited for, PostgreSQL
    would show them as they were before the wait.
    """
    return (
        select(Case)
        .where(Case.kind == workflow.kind)
        .options(*map(selectinload, (Case.offer, Case.calls, Case.parties)))
        .execution_options(populate_existing=True)
    )


async def find_case(tx: ReadTx, workflow: Workflow, case_id: UUID) -> Case:
    """Load a case to look at.

    Raises: CaseNotFound.
    """
    return await _whole(tx, _ONE, workflow, case_id)


async def lock_case(tx: Tx, workflow: Workflow, case_id: UUID) -> Case:
    """Load a case and hold it until the transaction ends, so that moves come one by one.

    Raises: CaseNotFound.
    """
    return await _whole(tx, _ONE_LOCKED, workflow, case_id)


async def _whole(tx: ReadTx, one: Select[Case], workflow: Workflow, case_id: UUID) -> Case:
    """Load one case as `whole_cases` would, without asking for parts that are not there."""
    case = await tx.scalar(one, {"kind": workflow.kind, "case_id": case_id})
    parts = None if case is None else await _PARTS.first(tx, case_id=case_id)
    if case is None or parts is None:
        raise CaseNotFound
    mine = {"case_id": case_id}
    offer = await tx.scalar(_OFFER, mine) if parts.offered else None
    calls = (await tx.scalars(_CALLS, mine)).all() if parts.called else ()
    parties = (await tx.scalars(_PARTIES, mine)).all() if parts.shared else ()
    set_committed_value(case, "offer", offer)
    set_committed_value(case, "calls", list(calls))
    set_committed_value(case, "parties", list(parties))
    return case


async def move_case(
    tx: Tx,
    workflow: Workflow,
    case: Case,
    move: Move,
    actor: Actor | None,
    said: Said,
    *,
    now: datetime,
    to: State | None = None,
    supports: bool = False,
) -> Entry:
    """Move a locked case as the law allows; the only function that does.

    Without `actor` the mover is the system. `to` chooses among the states that the law knows
    for the move; `supports` says that the actor has joined the case, which the domain knows.

    Raises: CaseNotFound, Forbidden, ThirdPersonNeeded, MoveNotAllowed, WordsNeeded,
        NobodyAbove, OrganizationNotFound, TargetNeeded, OtherStreet, AlreadyThere,
        ConfidentialStays, WhistleFromGrid, CallsOpen.
    Emits: the workflow's event for the move.
    """
    line = workflow.rules[move]
    if actor is None and By.SYSTEM not in line.by:
        raise ValueError(f"{move} is not a move of the system")
    if to is not None and to != line.to and to not in line.also:
        raise ValueError(f"{move} does not lead to {to}")
    mover = (
        SYSTEM if actor is None else mover_of(workflow, line, case, actor, supports=supports)
    )
    before = case.standing
    if before not in line.moves:
        instead = [] if actor is None else moves_for(workflow, case, actor)
        raise MoveNotAllowed(state=before.value, allowed=[one.value for one in instead])
    if line.words and not said.text:
        raise WordsNeeded
    now = max(now, case.moved_at)  # who waited for the lock may bring an older moment
    hands = _hands(line, to)
    await change_hands(tx, case, move, hands, mover, said, now=now)
    said = await naming_target(tx, hands, said)
    case.state = (to or line.to or before).value
    case.version += 1
    case.moved_at = now
    await _set_clocks(tx, case, move, actor, before, now)
    await end_calls(tx, case, move, now=now)
    await _keep_hands(tx, case, hands, before, now)
    entry = new_entry(case, move, mover, said, before, now)
    if hands not in _STAYING:
        entry.hand_node_id, entry.hand_role = case.hand_node_id, case.hand_role
    tx.add(entry)
    await tx.flush()
    tx.add_all((CaseMoved.of(workflow, case, entry), trail_of(entry)))
    return entry


def _hands(line: Rule, to: State | None) -> Hands:
    """Return what the move does to the hands; what is adjudicated lies with the street."""
    return Hands.TO_STREET if to is State.ADJUDICATING else line.hands


async def _keep_hands(tx: Tx, case: Case, hands: Hands, before: State, now: datetime) -> None:
    """End or go on with the ledger; let go what it was offered or asked for before."""
    after = case.standing
    if after in IN_NO_HANDS:
        await end_page(tx, case, now)
    elif before in IN_NO_HANDS and hands is Hands.KEEP:
        await take_up_again(tx, case, now=now)
    over = before in IN_HAND and after not in IN_HAND
    if over:
        await settle_offer(tx, case, "void", now=now)
    if over or hands not in _STAYING:
        await drop_request(tx, case, now=now)


async def _set_clocks(
    tx: Tx, case: Case, move: Move, actor: Actor | None, before: State, now: datetime
) -> None:
    """Note when the clocks stopped or rested; no move ever sets a deadline back."""
    after = case.standing
    if move in ANSWERING and case.first_responded_at is None:
        case.first_responded_at = now
    if move in {Move.RESOLVE, Move.FOLLOW} and after not in OVER:
        case.resolved_at = now
        case.resolved_by_id = None if actor is None else actor.person_id
    if move is Move.REOPEN:
        case.times_reopened += 1
    if after in OVER:
        case.closed_at = case.closed_at or now
    elif after not in RESTING:
        case.resolved_at = case.closed_at = None
    _set_alarms(case, before, now)
    await _keep_timers(tx, case, before, now)


def _set_alarms(case: Case, before: State, now: datetime) -> None:
    """Set when something happens by itself: going up, going on, being closed."""
    after = case.standing
    if after not in UNANSWERED:
        case.pass_up_at = None
    elif case.pass_up_at is None and before not in UNANSWERED:
        case.pass_up_at = now + timedelta(minutes=case.agreed.accept_minutes)
    if after is not State.SUSPENDED:
        case.resume_at = None
    if after not in WITH_REPORTER:
        case.close_at = None
    elif before not in WITH_REPORTER:
        case.close_at = now + timedelta(days=case.agreed.silence_days)


async def _keep_timers(tx: Tx, case: Case, before: State, now: datetime) -> None:
    after = case.standing
    running = {
        Purpose.RESPOND: case.first_responded_at is None and after not in OVER,
        Purpose.RESOLVE: case.resolved_at is None and after not in OVER,
        Purpose.VERIFY: after is State.VERIFYING,
    }
    started = set()
    for timer in await timers_of(tx, case):
        purpose = Purpose(timer.purpose)
        if purpose in running and timer.subject_id is None:
            goes_on = running[purpose] and purpose is not Purpose.VERIFY
            if timer.stopped_at is None and not running[purpose]:
                timer.stopped_at = now
            elif timer.stopped_at is not None and goes_on and purpose is Purpose.RESOLVE:
                timer.stopped_at = None
            if timer.stopped_at is None:
                started.add(purpose)
    if after is State.VERIFYING and Purpose.VERIFY not in started:
        await start_timer(tx, case, Purpose.VERIFY, case.agreed.verify, now=now)
    if (before in RESTING) != (after in RESTING):
        await (begin_rest if after in RESTING else end_rest)(tx, case, now=now)
