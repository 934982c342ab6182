"""The moves table as law: what is listed works, and what is refused changes nothing."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.cases.service import CaseNotFound, MoveNotAllowed, Said, move_case
from neighborhood_api.cases.workflow import IN_HAND, OVER, By, Hands, Move, State
from neighborhood_api.files.links import Links
from neighborhood_api.grid.service import standing_of
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.issues import service
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.schemas import CommentIn, IssueIn, RateIn, ResolveIn
from neighborhood_api.issues.views import read_issue
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.problems import Problem
from tests.support.issues import LANE, Street

NOW = datetime.now(UTC)
WORDS = Said(text="说明")
BY_PEOPLE = [move for move in Move if move not in {Move.REPORT, Move.CLOSE}]

# The way to each state: who moves, and how.
WAYS: dict[State, list[tuple[str, Move]]] = {
    State.ASSIGNED: [],
    State.ACCEPTED: [("chief", Move.ACCEPT)],
    State.HANDLING: [("chief", Move.ACCEPT), ("chief", Move.RESPOND)],
    State.RESOLVED: [("chief", Move.ACCEPT), ("chief", Move.RESOLVE)],
    State.REJECTED: [("chief", Move.REJECT)],
    State.WITHDRAWN: [("reporter", Move.WITHDRAW)],
}
WAYS[State.CONFIRMED] = [*WAYS[State.RESOLVED], ("reporter", Move.CONFIRM)]
WAYS[State.REOPENED] = [*WAYS[State.RESOLVED], ("reporter", Move.REOPEN)]
WAYS[State.CLOSED] = [*WAYS[State.CONFIRMED], ("reporter", Move.RATE)]


@pytest.fixture
async def actors(street: Street, tx: Tx) -> dict[str, Actor]:
    async def actor(person_id: UUID) -> Actor:
        standing = await standing_of(tx, person_id, NOW)
        return Actor(person_id, person_id, standing.posts, standing.residence)

    town = street.town
    people = {
        "reporter": street.reporter.person_id,
        "chief": street.chief.person_id,
        "leader": street.leader.person_id,
        "dispatcher": town.staff[Role.STREET_DISPATCHER, town.at(1).id].id,
        "officer": town.staff[Role.DEPARTMENT_OFFICER, town.organizations[0].id].id,
        "operator": town.staff[Role.OPERATOR, town.at().id].id,
        "neighbour": town.staff[Role.LANE_CHIEF, town.at(1, 1, 1, 2).id].id,
    }
    return {name: await actor(person_id) for name, person_id in people.items()}


async def attempt(tx: Tx, actor: Actor, issue_id: UUID, move: Move, town_body: UUID) -> None:
    """Make a move with everything that its shape demands."""
    if move is Move.RESOLVE:
        await service.resolve_issue(tx, actor, issue_id, ResolveIn(text="办好了"), now=NOW)
    elif move is Move.COMMENT:
        await service.comment_issue(tx, actor, issue_id, CommentIn(text="留言"), now=NOW)
    elif move is Move.RATE:
        await service.rate_issue(tx, actor, issue_id, RateIn(rating=3), now=NOW)
    elif move is Move.DISPATCH:
        said = Said(internal=True, organization_id=town_body)
        await service.move_issue(tx, actor, issue_id, move, said, now=NOW)
    else:
        await service.move_issue(tx, actor, issue_id, move, WORDS, now=NOW)
    await tx.flush()


async def snapshot(tx: AsyncSession, issue_id: UUID) -> list[object]:
    """Everything that a move could change."""
    case = select(*Case.__table__.c).where(Case.id == issue_id)
    issue = select(*Issue.__table__.c).where(Issue.case_id == issue_id)
    entries = select(*Entry.__table__.c).where(Entry.case_id == issue_id).order_by(Entry.id)
    hands = select(*Hand.__table__.c).where(Hand.case_id == issue_id).order_by(Hand.id)
    rows: list[object] = []
    for statement in (case, issue, entries, hands):
        rows.extend((await tx.execute(statement)).all())
    rows.append(await tx.scalar(select(func.count()).select_from(OutboxRow)))
    return rows


@pytest.fixture
async def at_state(
    street: Street, actors: dict[str, Actor], tx: Tx
) -> Callable[[State], Awaitable[UUID]]:
    async def walk(state: State) -> UUID:
        wish = IssueIn(
            category_code="env.garbage", text="垃圾桶满了", lane_id=street.town.at(*LANE).id
        )
        case = await service.report_issue(tx, actors["reporter"], wish, now=NOW)
        for name, move in WAYS[state]:
            body = street.town.organizations[0].id
            await attempt(tx, actors[name], case.id, move, body)
        assert await tx.scalar(select(Case.state).where(Case.id == case.id)) == state.value
        return case.id

    return walk


@pytest.mark.parametrize("state", list(State))
async def test_from_every_state_everyone_can_do_what_is_listed_and_nothing_else(
    state: State,
    street: Street,
    actors: dict[str, Actor],
    at_state: Callable[[State], Awaitable[UUID]],
    tx: Tx,
    links: Links,
) -> None:
    issue_id = await at_state(state)
    before = await snapshot(tx, issue_id)
    body = street.town.organizations[0].id
    for name, actor in actors.items():
        listed: list[Move] = []
        if name in {"officer", "neighbour"}:
            with pytest.raises(CaseNotFound):
                await read_issue(tx, actor, issue_id, links, now=NOW)
        else:
            listed = (await read_issue(tx, actor, issue_id, links, now=NOW)).moves
        worked = []
        for move in BY_PEOPLE:
            attempted = await tx.begin_nested()
            try:
                await attempt(tx, actor, issue_id, move, body)
                worked.append(move)
            except Problem as problem:
                assert problem.status in {403, 404, 409}  # noqa: PT017
            else:
                after = await tx.get_one(Case, issue_id)
                assert after.state == (ISSUE.rules[move].to or state).value
            await attempted.rollback()
            tx.expire_all()
        assert worked == [move for move in BY_PEOPLE if move in listed], name
        assert await snapshot(tx, issue_id) == before


@pytest.mark.parametrize("state", list(State))
async def test_a_move_that_the_law_does_not_know_changes_nothing(
    state: State,
    street: Street,
    actors: dict[str, Actor],
    at_state: Callable[[State], Awaitable[UUID]],
    tx: Tx,
) -> None:
    """Without undoing anything: the refusal comes before the first change."""
    issue_id = await at_state(state)
    before = await snapshot(tx, issue_id)
    whose = {By.HANDS: "chief", By.DISPATCHER: "dispatcher", By.REPORTER: "reporter"}
    tried = 0
    for move in BY_PEOPLE:
        line = ISSUE.rules[move]
        if state in line.moves:
            continue
        name = next(whose[by] for by in (By.HANDS, By.DISPATCHER, By.REPORTER) if by in line.by)
        with pytest.raises(MoveNotAllowed) as refusal:
            await attempt(tx, actors[name], issue_id, move, street.town.organizations[0].id)
        assert refusal.value.members["state"] == state.value
        tried += 1
    assert tried > 0
    await tx.flush()
    assert await snapshot(tx, issue_id) == before


async def test_nobody_above_the_street_and_the_button_is_not_shown(
    street: Street,
    actors: dict[str, Actor],
    at_state: Callable[[State], Awaitable[UUID]],
    tx: Tx,
    links: Links,
) -> None:
    issue_id = await at_state(State.ASSIGNED)
    dispatcher = actors["dispatcher"]
    body = street.town.organizations[0].id
    shown = []
    for _ in range(3):
        shown.append((await read_issue(tx, dispatcher, issue_id, links, now=NOW)).moves)
        await attempt(tx, dispatcher, issue_id, Move.ESCALATE, body)
    assert all(Move.ESCALATE in moves for moves in shown)
    at_the_top = (await read_issue(tx, dispatcher, issue_id, links, now=NOW)).moves
    assert Move.ESCALATE not in at_the_top
    before = await snapshot(tx, issue_id)
    with pytest.raises(Problem, match="no level above"):
        await attempt(tx, dispatcher, issue_id, Move.ESCALATE, body)
    assert await snapshot(tx, issue_id) == before
    await attempt(tx, dispatcher, issue_id, Move.DISPATCH, body)
    taken_back = (await read_issue(tx, dispatcher, issue_id, links, now=NOW)).moves
    assert Move.ESCALATE in taken_back


async def test_what_silence_closed_can_still_be_rated_once(
    actors: dict[str, Actor],
    at_state: Callable[[State], Awaitable[UUID]],
    street: Street,
    tx: Tx,
    links: Links,
) -> None:
    issue_id = await at_state(State.RESOLVED)
    case = await tx.get_one(Case, issue_id)
    await move_case(tx, ISSUE, case, Move.CLOSE, None, Said(text="自动"), now=NOW)
    reporter = actors["reporter"]
    assert (await read_issue(tx, reporter, issue_id, links, now=NOW)).moves == [Move.RATE]
    await attempt(tx, reporter, issue_id, Move.RATE, street.town.organizations[0].id)
    assert (await read_issue(tx, reporter, issue_id, links, now=NOW)).moves == []


def test_the_law_itself() -> None:
    """Properties that every later line of the law must keep."""
    assert set(ISSUE.rules) == set(Move) - {Move.REPORT}
    for move, line in ISSUE.rules.items():
        assert line.moves, move
        assert line.by, move
        assert not (line.moves & OVER) or move is Move.RATE, move
        if line.hands is not Hands.KEEP:
            assert line.to is State.ASSIGNED, "new hands take it on anew"
            assert line.moves <= IN_HAND
    assert set(ISSUE.names) == set(State)
    for state in State:
        ways_out = [line for line in ISSUE.rules.values() if state in line.moves and line.to]
        assert ways_out or state in OVER, state
