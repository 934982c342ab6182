"""The moves table as law: what is listed works, and what is refused changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.cases.paths import Offer, Party
from neighborhood_api.cases.policy import CaseNotFound
from neighborhood_api.cases.service import MoveNotAllowed, lock_case, move_case
from neighborhood_api.cases.timekeeping import Request, Rest, Timer
from neighborhood_api.cases.workflow import IN_HAND, OVER, By, Hands, Move, State
from neighborhood_api.files.links import Links
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.issues import service
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.schemas import IssueIn
from neighborhood_api.issues.views import read_issue
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.problems import Problem
from tests.support.issues import LANE, Street, new_rule
from tests.support.moves import MOVES, WORDS, attempt
from tests.support.people import actor_of

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)


class Way(NamedTuple):
    """How an issue comes into a situation: who makes which moves, under which rule."""

    state: State
    steps: list[tuple[str, Move]]
    rule: Mapping[str, Any] = MappingProxyType({})


_ACCEPTED = [("chief", Move.ACCEPT)]
_RESOLVED = [*_ACCEPTED, ("chief", Move.RESOLVE)]
WAYS: dict[str, Way] = {
    "assigned": Way(State.ASSIGNED, []),
    "accepted": Way(State.ACCEPTED, _ACCEPTED),
    "handling": Way(State.HANDLING, [*_ACCEPTED, ("chief", Move.RESPOND)]),
    "waiting": Way(State.WAITING, [*_ACCEPTED, ("chief", Move.ASK)]),
    "wants a suspension": Way(State.ACCEPTED, [*_ACCEPTED, ("chief", Move.REQUEST_SUSPENSION)]),
    "suspended": Way(
        State.SUSPENDED,
        [*_ACCEPTED, ("chief", Move.REQUEST_SUSPENSION), ("leader", Move.SUSPEND)],
    ),
    "wants an extension": Way(State.ACCEPTED, [*_ACCEPTED, ("chief", Move.REQUEST_EXTENSION)]),
    "extended": Way(
        State.ACCEPTED,
        [*_ACCEPTED, ("chief", Move.REQUEST_EXTENSION), ("leader", Move.EXTEND)],
    ),
    "offered to a department": Way(State.ASSIGNED, [("dispatcher", Move.DISPATCH)]),
    "offered to a lane": Way(State.ACCEPTED, [*_ACCEPTED, ("chief", Move.TRANSFER)]),
    "a department's": Way(
        State.ACCEPTED, [("dispatcher", Move.DISPATCH), ("officer", Move.TAKE_OVER)]
    ),
    "adjudicating": Way(State.ADJUDICATING, [("chief", Move.RETURN)], {"returns_allowed": 0}),
    "adjudicated": Way(
        State.ASSIGNED,
        [("chief", Move.RETURN), ("dispatcher", Move.ADJUDICATE)],
        {"returns_allowed": 0},
    ),
    "verifying": Way(State.VERIFYING, _RESOLVED, {"verification": True}),
    "resolved": Way(State.RESOLVED, _RESOLVED),
    "confirmed": Way(State.CONFIRMED, [*_RESOLVED, ("reporter", Move.CONFIRM)]),
    "rejected": Way(State.REJECTED, [("chief", Move.REJECT)]),
    "withdrawn": Way(State.WITHDRAWN, [("reporter", Move.WITHDRAW)]),
}


@pytest.fixture
async def actors(street: Street, tx: Tx) -> dict[str, Actor]:
    town = street.town
    people = {
        "reporter": street.reporter.person_id,
        "chief": street.chief.person_id,
        "leader": street.leader.person_id,
        "dispatcher": town.staff[Role.STREET_DISPATCHER, town.at(1).id].id,
        "secretary": town.staff[Role.STREET_SECRETARY, town.at(1).id].id,
        "officer": town.staff[Role.DEPARTMENT_OFFICER, town.organizations[0].id].id,
        "operator": town.staff[Role.OPERATOR, town.at().id].id,
        "neighbour": town.staff[Role.LANE_CHIEF, town.at(1, 1, 1, 2).id].id,
    }
    return {name: await actor_of(tx, person_id) for name, person_id in people.items()}


async def snapshot(tx: AsyncSession, issue_id: UUID) -> list[object]:
    """Everything that a move could change."""
    rows: list[object] = [
        *(await tx.execute(select(*Case.__table__.c).where(Case.id == issue_id))).all(),
        *(await tx.execute(select(*Issue.__table__.c).where(Issue.case_id == issue_id))).all(),
    ]
    for table in (Entry, Hand, Timer, Rest, Request, Offer, Party):
        columns = table.__table__.c
        mine = select(*columns).where(columns.case_id == issue_id)
        rows.extend((await tx.execute(mine.order_by(*table.__table__.primary_key))).all())
    rows.append(await tx.scalar(select(func.count()).select_from(OutboxRow)))
    return rows


@pytest.fixture
async def arrived(
    street: Street,
    actors: dict[str, Actor],
    tx: Tx,
) -> Callable[[str], Awaitable[UUID]]:
    async def walk(situation: str) -> UUID:
        way = WAYS[situation]
        if way.rule:
            await new_rule(tx, "env.garbage", **way.rule)
        lane_id = street.town.at(*LANE).id
        wish = IssueIn(category_code="env.garbage", text="垃圾桶满了", lane_id=lane_id)
        issue = await service.report_issue(tx, actors["reporter"], wish, now=NOW)
        for name, move in way.steps:
            await attempt(tx, street.town, actors[name], issue.id, move, now=NOW)
        state = await tx.scalar(select(Case.state).where(Case.id == issue.id))
        assert state == way.state.value
        return issue.id

    return walk


@pytest.mark.parametrize("situation", WAYS)
async def test_in_every_situation_everyone_can_do_what_is_listed_and_nothing_else(
    situation: str,
    actors: dict[str, Actor],
    arrived: Callable[[str], Awaitable[UUID]],
    street: Street,
    tx: Tx,
    links: Links,
) -> None:
    issue_id = await arrived(situation)
    state = WAYS[situation].state
    before = await snapshot(tx, issue_id)
    known = [move for move in MOVES if state in ISSUE.rules[move].moves]
    for name, actor in actors.items():
        listed: list[Move] = []
        try:
            listed = (await read_issue(tx, actor, issue_id, links, now=NOW)).moves
        except CaseNotFound:
            assert name in {"officer", "neighbour"}
        worked = []
        for move in known:
            attempted = await tx.begin_nested()
            try:
                await attempt(tx, street.town, actor, issue_id, move, now=NOW)
                worked.append(move)
            except Problem as problem:
                assert problem.status in {403, 404, 409}  # noqa: PT017
            else:
                after = await tx.get_one(Case, issue_id)
                line = ISSUE.rules[move]
                assert after.standing in {line.to or state} | line.also
            await attempted.rollback()
            tx.expire_all()
        assert worked == [move for move in MOVES if move in listed], name
        assert await snapshot(tx, issue_id) == before


@pytest.mark.parametrize("situation", WAYS)
async def test_a_move_that_the_law_does_not_know_changes_nothing(
    situation: str,
    actors: dict[str, Actor],
    arrived: Callable[[str], Awaitable[UUID]],
    street: Street,
    tx: Tx,
) -> None:
    """Without undoing anything: the refusal comes before the first change."""
    issue_id = await arrived(situation)
    state = WAYS[situation].state
    before = await snapshot(tx, issue_id)
    whose = {
        By.HANDS: "dispatcher",
        By.DISPATCHER: "dispatcher",
        By.REPORTER: "reporter",
    }
    tried = 0
    for move in MOVES:
        line = ISSUE.rules[move]
        if state in line.moves or not line.by & whose.keys():
            continue
        name = next(whose[by] for by in whose if by in line.by)
        with pytest.raises(MoveNotAllowed) as refusal:
            await attempt(tx, street.town, actors[name], issue_id, move, now=NOW)
        assert refusal.value.members["state"] == state.value
        assert f"'{move.value}'" not in str(refusal.value.members["allowed"])
        tried += 1
    assert tried > 0
    await tx.flush()
    assert await snapshot(tx, issue_id) == before


async def test_nobody_above_the_street_and_the_button_is_not_shown(
    actors: dict[str, Actor],
    arrived: Callable[[str], Awaitable[UUID]],
    street: Street,
    tx: Tx,
    links: Links,
) -> None:
    issue_id = await arrived("assigned")
    dispatcher = actors["dispatcher"]

    async def shown() -> set[Move]:
        return set((await read_issue(tx, dispatcher, issue_id, links, now=NOW)).moves)

    for _ in range(3):
        assert {Move.ESCALATE, Move.RETURN} <= await shown()
        await attempt(tx, street.town, dispatcher, issue_id, Move.ESCALATE, now=NOW)
    assert not {Move.ESCALATE, Move.RETURN} & await shown()
    before = await snapshot(tx, issue_id)
    for move in (Move.ESCALATE, Move.RETURN):
        with pytest.raises(Problem, match="no level above"):
            await attempt(tx, street.town, dispatcher, issue_id, move, now=NOW)
        assert await snapshot(tx, issue_id) == before
    await attempt(tx, street.town, dispatcher, issue_id, Move.DISPATCH, now=NOW)
    assert not {Move.ESCALATE, Move.RETURN} & await shown()  # it is the street's still
    await attempt(tx, street.town, actors["officer"], issue_id, Move.TAKE_OVER, now=NOW)
    assert {Move.ESCALATE, Move.RETURN} <= await shown()  # the street above the department


async def test_the_system_makes_only_the_moves_of_the_system(
    arrived: Callable[[str], Awaitable[UUID]], tx: Tx
) -> None:
    case = await lock_case(tx, ISSUE, await arrived("accepted"))
    with pytest.raises(ValueError, match="not a move of the system"):
        await move_case(tx, ISSUE, case, Move.RESOLVE, None, WORDS, now=NOW)
    with pytest.raises(ValueError, match="does not lead to"):
        await move_case(tx, ISSUE, case, Move.ESCALATE, None, WORDS, now=NOW, to=State.CLOSED)


def test_the_law_itself() -> None:
    """Properties that every later line of the law must keep."""
    assert set(ISSUE.rules) == set(Move) - {Move.REPORT}
    assert set(ISSUE.announced) == set(Move)
    for move, line in ISSUE.rules.items():
        assert line.moves, move
        assert line.by, move
        moved_on = line.moves & OVER and line.to is not None
        assert not moved_on or move in {Move.RATE, Move.REOPEN}, move
        match line.hands:
            case Hands.KEEP:
                continue
            case Hands.OFFER | Hands.WITHOUT_OFFER:
                assert line.to is None, "an offer leaves everything as it is"
            case _:
                taken_anew = {State.ASSIGNED, State.REOPENED, State.ACCEPTED}
                assert line.to in taken_anew, "new hands take it on anew"
        assert line.moves <= IN_HAND or move is Move.REOPEN, move
    assert set(ISSUE.names) == set(State)
    for state in State:
        ways_out = [line for line in ISSUE.rules.values() if state in line.moves and line.to]
        assert ways_out or state in OVER, state


def test_every_situation_in_which_staff_must_act_is_tried() -> None:
    assert {way.state for way in WAYS.values()} >= IN_HAND - {State.REOPENED}
