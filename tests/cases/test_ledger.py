"""The ledger of hands: what the database itself refuses, and whose time it was."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case, Hand
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx, constraint_of
from tests.support.clock import Clock
from tests.support.hands import check_ledger, pages_of
from tests.support.issues import Street

PAGE = text(
    "INSERT INTO case_hand (case_id, page, node_id, role, held_from, held_until, idle)"
    " VALUES (:case_id, :page, :node_id, 'lane_chief', :held_from, :held_until, false)"
)


@pytest.fixture
async def issue_id(street: Street, clock: Clock) -> str:
    """In its third pair of hands: three pages, twenty minutes each."""
    issue_id = await street.reported()
    for caller in (street.chief, street.leader):
        clock.forward(minutes=20)
        await street.done(caller, issue_id, "escalate", text="上报")
    clock.forward(minutes=20)
    return issue_id


async def refused_by(tx: Tx, statement: Any, **values: Any) -> str | None:  # noqa: ANN401
    """The name of the constraint that refuses a statement, which must be refused."""
    attempt = await tx.begin_nested()
    with pytest.raises(IntegrityError) as refusal:
        await tx.execute(text(statement) if isinstance(statement, str) else statement, values)
    await attempt.rollback()
    return constraint_of(refusal.value)


async def test_a_page_begins_where_the_page_before_it_ends(
    issue_id: str, street: Street, tx: Tx, clock: Clock
) -> None:
    """Neither later, which leaves a gap, nor earlier, which overlaps."""
    await street.done(street.reporter, issue_id, "withdraw")
    pages = await pages_of(tx, issue_id)
    end = pages[-1].held_until
    assert end == clock.now
    row: dict[str, Any] = {
        "case_id": UUID(issue_id),
        "page": 4,
        "node_id": street.town.at(1).id,
        "held_from": end,
        "held_until": None,
    }
    minute = timedelta(minutes=1)
    for wrong in (
        {"held_from": end + minute},
        {"held_from": end - minute},
        {"page": 5},  # a page is missing
        {"page": 6, "held_from": end + minute},
    ):
        assert await refused_by(tx, PAGE, **row | wrong) == "fk_case_hand_no_gap", wrong
    backwards = row | {"held_until": end - minute}
    assert await refused_by(tx, PAGE, **backwards) == "ck_case_hand_held_forward"
    assert await refused_by(tx, PAGE, **row | {"page": 0}) == "ck_case_hand_pages_from_one"
    assert await refused_by(tx, PAGE, **row | {"page": 3}) == "pk_case_hand"
    await tx.execute(PAGE, row)  # and the right one is taken


async def test_there_is_one_open_page_and_it_is_the_last(
    issue_id: str, street: Street, tx: Tx
) -> None:
    pages = await pages_of(tx, issue_id)
    row = {
        "case_id": UUID(issue_id),
        "page": 4,
        "node_id": street.town.at(1).id,
        "held_from": pages[-1].held_from,
        "held_until": None,
    }
    assert await refused_by(tx, PAGE, **row) in {"uq_case_hand_open", "fk_case_hand_no_gap"}
    ended = row | {"held_until": pages[-1].held_from}
    assert await refused_by(tx, PAGE, **ended) == "fk_case_hand_no_gap"


async def test_the_first_page_begins_with_the_case(
    street: Street, tx: Tx, clock: Clock
) -> None:
    """A case without a page gets its first one at the moment it was opened, or none."""
    issue_id = await street.reported()
    template = (await tx.scalars(select(Case).where(Case.id == issue_id))).one()
    stored = [column.name for column in Case.__table__.c if column.computed is None]
    values = {name: getattr(template, name) for name in stored}
    copied = values | {"id": UUID(int=UUID(issue_id).int ^ 1), "code": "TS-COPY"}
    await tx.execute(insert(Case).values(copied))
    row: dict[str, Any] = {
        "case_id": copied["id"],
        "page": 1,
        "node_id": street.town.at(1).id,
        "held_from": clock.now,
        "held_until": None,
    }
    for seconds in (-1, 1):
        later = row | {"held_from": clock.now + timedelta(seconds=seconds)}
        assert await refused_by(tx, PAGE, **later) == "fk_case_hand_from_the_start"
    await tx.execute(PAGE, row)
    moved = "UPDATE case_file SET opened_at = opened_at - interval '1 minute' WHERE id = :id"
    assert (await refused_by(tx, moved, id=copied["id"])) == "fk_case_hand_from_the_start"


@pytest.mark.parametrize(
    "change",
    [
        "held_from = held_from - interval '1 minute'",
        "held_until = held_until + interval '1 minute'",
        "held_until = NULL",
        "person_id = NULL",
        "node_id = (SELECT hand_node_id FROM case_file WHERE id = case_id)",
        "idle = true",
        "page = page + 10",
        "case_id = case_id",
    ],
)
async def test_what_is_written_stays_written(
    change: str, issue_id: str, street: Street, tx: Tx
) -> None:
    await street.done(street.reporter, issue_id, "withdraw")
    before = await snapshot(tx, issue_id)
    for page in (1, 2, 3):
        sql = f"UPDATE case_hand SET {change} WHERE case_id = :id AND page = :page"  # noqa: S608
        assert await refused_by(tx, sql, id=UUID(issue_id), page=page) == "case_hand_is_kept"
    assert await snapshot(tx, issue_id) == before


async def test_no_page_can_be_taken_out(issue_id: str, tx: Tx) -> None:
    """In the middle, at either end, or all at once."""
    before = await snapshot(tx, issue_id)
    delete = "DELETE FROM case_hand WHERE case_id = :id"
    for page in (1, 2, 3):
        one = f"{delete} AND page = {page}"
        assert await refused_by(tx, one, id=UUID(issue_id)) == "case_hand_is_kept"
    assert await refused_by(tx, delete, id=UUID(issue_id)) == "case_hand_is_kept"
    attempt = await tx.begin_nested()
    with pytest.raises(IntegrityError, match="never changed"):
        await tx.execute(text("TRUNCATE case_hand CASCADE"))
    await attempt.rollback()
    assert await snapshot(tx, issue_id) == before


async def test_the_open_page_is_ended_and_nothing_else_about_it_changes(
    issue_id: str, tx: Tx, clock: Clock
) -> None:
    for change in ("held_from = :now", "held_until = :now, person_id = NULL", "role = 'x'"):
        sql = f"UPDATE case_hand SET {change} WHERE case_id = :id AND held_until IS NULL"  # noqa: S608
        values = {"id": UUID(issue_id)} | ({"now": clock.now} if ":now" in change else {})
        assert await refused_by(tx, sql, **values) == "case_hand_is_kept", change
    early = "UPDATE case_hand SET held_until = held_from - interval '1 s' WHERE case_id = :id"
    early += " AND held_until IS NULL"
    assert await refused_by(tx, early, id=UUID(issue_id)) == "ck_case_hand_held_forward"


async def snapshot(tx: Tx, issue_id: str) -> list[Any]:
    pages = select(*Hand.__table__.c).where(Hand.case_id == issue_id).order_by(Hand.page)
    return list((await tx.execute(pages)).all())


async def test_time_in_hands_sums_to_the_age_and_what_was_over_was_nobodys(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    opened = clock.now
    issue_id = await street.accepted()
    clock.forward(minutes=30)
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    clock.forward(days=7)
    assert await sweeps.close_silent(rolled_back, ISSUE, now=clock.now) == 1
    closed = clock.now
    await check_ledger(tx, issue_id, now=clock.now)
    reopened = clock.forward(days=3)
    await street.done(street.reporter, issue_id, "reopen", text="又满了")
    await check_ledger(tx, issue_id, now=clock.now)
    clock.forward(hours=4)
    await street.done(street.leader, issue_id, "accept")
    await street.done(street.leader, issue_id, "resolve", text="又清了")
    ended = clock.forward(hours=2)
    await street.done(street.reporter, issue_id, "confirm")
    await street.done(street.reporter, issue_id, "rate", rating=3)
    await check_ledger(tx, issue_id, now=clock.now)
    pages = await pages_of(tx, issue_id)
    assert [(page.role, page.idle) for page in pages] == [
        ("lane_chief", False),
        ("lane_chief", True),
        ("grid_leader", False),
    ]
    times: list[tuple[datetime, datetime | None]] = [
        (page.held_from, page.held_until) for page in pages
    ]
    assert times == [(opened, closed), (closed, reopened), (reopened, ended)]


async def test_closed_and_reopened_in_the_same_moment_leaves_no_idle_page(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.resolved()
    clock.forward(minutes=9)
    await street.done(street.reporter, issue_id, "confirm")
    await street.done(street.reporter, issue_id, "rate", rating=3)
    await street.done(street.reporter, issue_id, "reopen", text="按错了")
    assert [page.idle for page in await pages_of(tx, issue_id)] == [False, False]
    await check_ledger(tx, issue_id, now=clock.now)


async def test_only_the_hands_that_held_it_have_time_on_it(
    street: Street, tx: Tx, clock: Clock
) -> None:
    """An offer that waits is the time of whoever made it."""
    issue_id = await street.reported()
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    body = {"organization_id": str(street.town.organizations[0].id)}
    await street.done(dispatcher, issue_id, "dispatch", **body)
    clock.forward(minutes=40)
    await street.done(officer, issue_id, "take-over")
    clock.forward(minutes=5)
    first, second = await pages_of(tx, issue_id)
    assert first.held_until is not None
    assert first.held_until - first.held_from == timedelta(minutes=40)
    assert (second.organization_id, second.person_id) == (
        street.town.organizations[0].id,
        officer.person_id,
    )
