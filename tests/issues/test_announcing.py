"""Every move is announced: once, under its own name, with the line of the timeline it made."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.models import Entry
from neighborhood_api.cases.service import lock_case, move_case
from neighborhood_api.cases.telling import Said
from neighborhood_api.cases.workflow import By, Hands, Move
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.issues import Street


async def told_of(tx: Tx, issue_id: str) -> list[tuple[str, str, str]]:
    """What was announced of the moves of an issue: name, move and entry."""
    rows = select(OutboxRow).where(OutboxRow.payload["case_id"].astext == issue_id)
    return [
        (row.name, row.payload["move"], row.payload["entry_id"])
        for row in await tx.scalars(rows.order_by(OutboxRow.id))
        if "move" in row.payload
    ]


async def lines_of(tx: Tx, issue_id: str) -> list[tuple[str, str, str]]:
    """What should have been announced: one name for each line of the timeline."""
    entries = select(Entry).where(Entry.case_id == issue_id).order_by(Entry.id)
    return [
        (f"{ISSUE.announced[Move(entry.move)]}", entry.move, str(entry.id))
        for entry in await tx.scalars(entries)
    ]


async def test_each_line_of_the_law_emits_exactly_one_event(street: Street, tx: Tx) -> None:
    """Whoever makes the move, and wherever it leaves the hands."""
    issue_id, main_id = await street.reported(), UUID(await street.reported())
    assert await told_of(tx, issue_id) == await lines_of(tx, issue_id) != []
    for move, line in ISSUE.rules.items():
        free = replace(line, by=frozenset({By.SYSTEM}), hands=Hands.KEEP)
        law = replace(ISSUE, rules={move: free})
        attempt = await tx.begin_nested()
        case = await lock_case(tx, ISSUE, UUID(issue_id))
        case.main_id = main_id
        case.state = min(line.moves).value
        before = len(await told_of(tx, issue_id))
        await tx.flush()
        await move_case(tx, law, case, move, None, Said(text="说明"), now=datetime.now(UTC))
        await tx.flush()
        told = await told_of(tx, issue_id)
        assert len(told) == before + 1, move
        assert told[-1][:2] == (ISSUE.announced[move], move.value)
        assert told == await lines_of(tx, issue_id)
        await attempt.rollback()
        tx.expire_all()


async def test_a_real_life_announces_each_step_once(street: Street, tx: Tx) -> None:
    issue_id = await street.resolved()
    await street.done(street.reporter, issue_id, "reopen", text="又满了")
    await street.done(street.leader, issue_id, "accept")
    told = await told_of(tx, issue_id)
    assert told == await lines_of(tx, issue_id)
    assert [name for name, _, _ in told] == [
        "issues.issue_opened",
        "issues.issue_accepted",
        "issues.issue_resolved",
        "issues.issue_reopened",
        "issues.issue_accepted",
    ]
