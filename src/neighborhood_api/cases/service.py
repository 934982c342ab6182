"""The one way in which cases are opened and moved."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.events import CaseMoved
from neighborhood_api.cases.ledger import end_page, new_page, turn_page
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.workflow import (
    OVER,
    UNANSWERED,
    By,
    Hands,
    Move,
    Rule,
    State,
    Workflow,
)
from neighborhood_api.grid.duty import HIGHEST, Duty, who_answers
from neighborhood_api.grid.models import Organization
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission, Role
from neighborhood_api.identity.places import Level, Place, columns_of
from neighborhood_api.kit.db import Model, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

SILENCE_CLOSES_AFTER = timedelta(days=7)
"""Days a reporter has to confirm or reopen; the project's own choice, no norm was found."""


class CaseNotFound(Problem):
    """There is no such case, or none that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such case"
    message = "没有找到这条记录"


class MoveNotAllowed(Problem):
    """The case is not in a state that allows the move; `state` and `allowed` say what is."""

    title = "This cannot be done in the present state"
    message = "当前状态不能进行此操作，请刷新后再看"


class WordsNeeded(Problem):
    """The move needs an explanation."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Say why, or what was done"
    message = "请填写说明"


class NobodyAbove(Problem):
    """The case is already in the hands of the highest level."""

    title = "There is no level above that takes cases"
    message = "已在最高层级，不能再上报"


class OrganizationNotFound(Problem):
    """The id names no department of the place of the case."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no such department here"
    message = "没有找到这个部门，请重新选择"


@dataclass(frozen=True)
class Clocks:
    """How long a case may take, in minutes of the wall clock."""

    respond_minutes: int
    resolve_minutes: int


@dataclass(frozen=True)
class Said:
    """What goes with a move."""

    text: str | None = None
    internal: bool = False
    file_ids: Sequence[UUID] = field(default_factory=tuple)
    rating: int | None = None
    organization_id: UUID | None = None
    """For dispatch: the department that shall handle it."""


@dataclass(frozen=True)
class Mover:
    """Who makes a move, and in which post."""

    by: By
    person_id: UUID | None = None
    role: Role | None = None

    @property
    def side(self) -> str:
        """How the timeline calls the mover: reporter, staff or system."""
        if self.by in {By.REPORTER, By.SYSTEM}:
            return self.by.value
        return "reporter" if self.role is None else "staff"


SYSTEM = Mover(By.SYSTEM)


def open_case(
    workflow: Workflow,
    place: Place,
    duty: Duty,
    clocks: Clocks,
    mover: Mover,
    *,
    code: str,
    reporter_id: UUID | None,
    said: Said,
    now: datetime,
) -> tuple[Case, list[Model]]:
    """Make a case in the hands of `duty`; return it, and all rows to save with it."""
    if mover.person_id is None:
        raise ValueError("a case is opened by somebody")
    case = Case(
        kind=workflow.kind,
        code=code,
        state=State.ASSIGNED.value,
        reported_by_id=mover.person_id,
        opened_at=now,
        respond_due_at=now + timedelta(minutes=clocks.respond_minutes),
        resolve_due_at=now + timedelta(minutes=clocks.resolve_minutes),
        respond_minutes=clocks.respond_minutes,
        hand_level=duty.level.value,
        hand_node_id=duty.node_id,
        hand_role=duty.role.value,
        hand_person_id=duty.person_id,
        reporter_id=reporter_id,
        pass_up_at=_pass_up_at(duty.level, clocks.respond_minutes, now),
        district_id=_district(place),
        **{k: v for k, v in columns_of(place).items() if k != "district_id"},  # type: ignore[arg-type]
    )
    entry = _entry(case, Move.REPORT, mover, said, None, now)
    entry.hand_node_id, entry.hand_role = case.hand_node_id, case.hand_role
    return case, [case, entry, new_page(case, None, now), _moved(case, entry).row()]


def _district(place: Place) -> UUID:
    return place.up_to(Level.DISTRICT).node_id


async def lock_case(tx: Tx, workflow: Workflow, case_id: UUID) -> Case:
    """Load a case and hold it until the transaction ends, so that moves come one by one.

    Raises: CaseNotFound.
    """
    case = await tx.scalar(
        select(Case)
        .where(Case.id == case_id, Case.kind == workflow.kind)
        .with_for_update(key_share=True)
    )
    if case is None:
        raise CaseNotFound
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
) -> Entry:
    """Move a locked case as the law allows; the only function that does.

    Without `actor` the mover is the system.

    Raises: CaseNotFound, Forbidden, MoveNotAllowed, WordsNeeded, NobodyAbove,
        OrganizationNotFound.
    Emits: CaseMoved.
    """
    line = workflow.rules[move]
    if actor is None and By.SYSTEM not in line.by:
        raise ValueError(f"{move} is not a move of the system")
    mover = SYSTEM if actor is None else mover_of(workflow, line, case, actor)
    before = case.standing
    if before not in line.moves:
        raise MoveNotAllowed(
            state=before.value, allowed=[m.value for m in workflow.allowed_from(before)]
        )
    if line.words and not said.text:
        raise WordsNeeded
    if line.hands is not Hands.KEEP:
        await _change_hands(tx, case, line.hands, said, now)
    case.state = (line.to or before).value
    case.version += 1
    _set_clocks(case, move, now)
    if move is Move.REOPEN and case.organization_id is None:
        await hand_over(tx, case, now=now)
    if case.standing in OVER:
        case.closed_at = await end_page(tx, case, now) or case.closed_at
    entry = _entry(case, move, mover, said, before, now)
    if line.hands is not Hands.KEEP:
        entry.hand_node_id, entry.hand_role = case.hand_node_id, case.hand_role
    tx.add(entry)
    await tx.flush()
    emit(tx, _moved(case, entry))
    return entry


def may_read(workflow: Workflow, case: Case, actor: Actor) -> bool:
    """Tell whether the caller may see the case at all."""
    return case.reporter_id == actor.person_id or reads_as_staff(workflow, case, actor)


def reads_as_staff(workflow: Workflow, case: Case, actor: Actor) -> bool:
    """Tell whether the caller sees the case as staff does, internal entries included."""
    return actor.may(workflow.read, at=case.place, organization_id=case.organization_id)


def may_handle(workflow: Workflow, case: Case, actor: Actor) -> bool:
    """Tell whether the caller acts for the hands that hold the case, or is above them."""
    return actor.may(workflow.handle, at=case.hand_place, organization_id=case.organization_id)


def moves_for(workflow: Workflow, case: Case, actor: Actor) -> list[Move]:
    """Return the moves that this caller could make now, for the buttons of a front end."""
    return [
        move
        for move in workflow.allowed_from(case.standing)
        if _role_in(workflow, workflow.rules[move], case, actor) is not None
        and not (workflow.rules[move].hands is Hands.UP and _at_the_top(case))
    ]


def mover_of(workflow: Workflow, line: Rule, case: Case, actor: Actor) -> Mover:
    """Return the caller as the one who makes a move.

    Raises: CaseNotFound when she may not even see it, Forbidden when she may.
    """
    mover = _role_in(workflow, line, case, actor)
    if mover is None:
        if may_read(workflow, case, actor):
            raise Forbidden
        raise CaseNotFound
    return mover


def _role_in(workflow: Workflow, line: Rule, case: Case, actor: Actor) -> Mover | None:
    """Find in which quality the law lets the caller make this move, staff first."""
    held = {
        By.HANDS: (workflow.handle, case.hand_place),
        By.DISPATCHER: (workflow.dispatch, case.place),
        By.READER: (workflow.read, case.place),
    }
    for by in (By.HANDS, By.DISPATCHER, By.READER):
        if by in line.by:
            role = _post(actor, *held[by], case.organization_id)
            if role is not None:
                return Mover(by, actor.person_id, role)
    may_report = line.by & {By.REPORTER, By.READER}
    if may_report and case.reporter_id == actor.person_id:
        return Mover(By.REPORTER, actor.person_id)
    return None


def _post(
    actor: Actor, permission: Permission, place: Place, organization_id: UUID | None
) -> Role | None:
    for post in actor.posts:
        if permission in GRANTED[post.role] and post.covers(place, organization_id):
            return post.role
    return None


async def _change_hands(tx: Tx, case: Case, hands: Hands, said: Said, now: datetime) -> None:
    """Give the case into other hands, and close the ledger line of the ones it leaves."""
    if hands is Hands.UP:
        if _at_the_top(case):
            raise NobodyAbove
        up = max(HIGHEST, case.hand_level - 1)
        duty = await who_answers(tx, case.place.up_to(Level(up)), now=now)
        case.times_passed_up += 1
        organization_id = None
    else:
        organization_id = await _department(tx, case, said.organization_id)
        duty = Duty(HIGHEST, case.place.up_to(HIGHEST).node_id, Role.DEPARTMENT_OFFICER, None)
    case.hand_level, case.hand_node_id = duty.level.value, duty.node_id
    case.hand_role, case.hand_person_id = duty.role.value, duty.person_id
    case.organization_id = organization_id
    case.pass_up_at = _pass_up_at(duty.level, case.respond_minutes, now)
    await turn_page(tx, case, organization_id, now)


def _at_the_top(case: Case) -> bool:
    """Tell whether nobody is above; above a department is the dispatcher."""
    return case.hand_level <= HIGHEST and case.hand_role != Role.DEPARTMENT_OFFICER.value


async def hand_over(tx: Tx, case: Case, *, now: datetime) -> None:
    """Note who acts now in the post that holds a locked case; the node stays the same."""
    duty = await who_answers(tx, case.hand_place, now=now)
    person_id = duty.person_id if duty.node_id == case.hand_node_id else None
    if person_id == case.hand_person_id:
        return
    case.hand_person_id = person_id
    if person_id is not None:
        case.hand_role = duty.role.value
    await turn_page(tx, case, None, now)


async def _department(tx: Tx, case: Case, organization_id: UUID | None) -> UUID:
    organization = (
        None if organization_id is None else await tx.get(Organization, organization_id)
    )
    if organization is None or organization.node_id not in case.place:
        raise OrganizationNotFound
    return organization.id


def _set_clocks(case: Case, move: Move, now: datetime) -> None:
    """Note when the clocks stopped; no move ever sets a deadline back."""
    if move is Move.RESPOND and case.first_responded_at is None:
        case.first_responded_at = now
    if case.standing not in UNANSWERED:
        case.pass_up_at = None
    if move is Move.RESOLVE:
        case.resolved_at = now
        case.first_responded_at = case.first_responded_at or now
        case.close_at = now + SILENCE_CLOSES_AFTER
    if move is Move.REOPEN:
        case.times_reopened += 1
        case.resolved_at = case.close_at = None
        case.pass_up_at = _pass_up_at(Level(case.hand_level), case.respond_minutes, now)
    if case.standing in OVER:
        case.closed_at = case.closed_at or now
        case.close_at = None


def _pass_up_at(level: Level, respond_minutes: int, now: datetime) -> datetime | None:
    return None if level <= HIGHEST else now + timedelta(minutes=respond_minutes)


def _entry(
    case: Case, move: Move, mover: Mover, said: Said, before: State | None, now: datetime
) -> Entry:
    return Entry(
        case_id=case.id,
        move=move.value,
        by=mover.side,
        to_state=case.state,
        recorded_at=now,
        from_state=None if before is None else before.value,
        person_id=mover.person_id,
        role=None if mover.role is None else mover.role.value,
        text=said.text,
        internal=said.internal,
        file_ids=list(said.file_ids),
        rating=said.rating,
    )


def _moved(case: Case, entry: Entry) -> CaseMoved:
    return CaseMoved(
        case_id=case.id,
        entry_id=entry.id,
        kind=case.kind,
        move=entry.move,
        to_state=case.state,
        hand_node_id=case.hand_node_id,
        hand_person_id=case.hand_person_id,
    )
