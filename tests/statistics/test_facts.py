"""Facts that were written down count, and never once something has changed."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, text, update

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.statistics.keeping import AT_ONCE, write_facts
from neighborhood_api.statistics.models import Changed, Fact
from tests.support.clock import Clock
from tests.support.issues import Street, act, new_rule


async def write_all(tx: Tx) -> None:
    while await write_facts(tx) == AT_ONCE:
        pass
    await tx.commit()


async def figures(street: Street) -> dict[str, Any]:
    """What the secretary of the street reads."""
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    answer = await secretary.get("/statistics")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["total"]["figures"]
    return shown


async def test_facts_are_written_once_and_read_until_something_changes(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.resolved()
    assert await tx.scalar(select(Changed.id).limit(1)) is not None
    await write_all(tx)
    assert await tx.scalar(select(Changed.id).limit(1)) is None
    assert await write_facts(tx) == 0
    before = await figures(street)
    assert before["urged"] == 0
    invented = update(Fact).where(Fact.case_id == issue_id).values(urged=True)
    await tx.execute(invented)
    assert (await figures(street))["urged"] == before["urged"] + 1
    await tx.execute(update(Case).where(Case.id == issue_id).values(version=99))
    assert await figures(street) == before
    await write_all(tx)
    assert await figures(street) == before
    assert not (await tx.get_one(Fact, issue_id, populate_existing=True)).urged


async def exclude(street: Street, issue_id: str) -> None:
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    why = {"reason": "out_of_duty", "text": "属于公安职责，已告知"}
    assert (await act(dispatcher, issue_id, "exclude", **why)).status_code == 200
    yes = {"approve": True, "text": "同意"}
    assert (await act(secretary, issue_id, "exclude/decide", **yes)).status_code == 200


async def confirm(street: Street, issue_id: str) -> None:
    await street.done(street.reporter, issue_id, "confirm")


async def rate(street: Street, issue_id: str) -> None:
    await confirm(street, issue_id)
    await street.done(street.reporter, issue_id, "rate", rating=4)


async def reopen(street: Street, issue_id: str) -> None:
    await street.done(street.reporter, issue_id, "reopen", text="又满了")


Late = Callable[[Street, str], Awaitable[None]]


@pytest.mark.parametrize(
    ("late", "changed"),
    [
        (exclude, "assessed"),
        (confirm, "solution"),
        (rate, "satisfaction"),
        (reopen, "reopened"),
    ],
)
async def test_what_comes_late_counts_at_once(
    late: Late, changed: str, street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.resolved()
    await write_all(tx)
    before = await figures(street)
    clock.forward(minutes=1)
    await late(street, issue_id)
    after = await figures(street)
    assert after[changed] != before[changed]
    await write_all(tx)
    assert await figures(street) == after


async def test_a_limit_that_passes_counts_without_any_change(
    street: Street, tx: Tx, clock: Clock
) -> None:
    await street.reported()
    await write_all(tx)
    assert (await figures(street))["response"]["n"] == 0
    clock.forward(minutes=60, seconds=1)
    told = await figures(street)
    assert (told["response"], told["overdue"]) == ({"hits": 0, "n": 1, "rate": 0.0}, 1)
    assert await tx.scalar(select(Changed.id).limit(1)) is None


async def test_what_is_about_persons_stays_with_its_posts_when_it_is_written_down(
    street: Street, tx: Tx
) -> None:
    await new_rule(tx, "staff.conduct", confidential=True)
    await street.reported(category_code="staff.conduct")
    await street.reported()
    await write_all(tx)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    hidden = (await dispatcher.get("/statistics")).json()["total"]["figures"]
    assert (hidden["opened"], (await figures(street))["opened"]) == (1, 2)


CHANGES = (
    "UPDATE case_file SET times_urged = times_urged + 1 WHERE id = :id",
    "UPDATE issue SET rating = 1 WHERE case_id = :id",
    """
    INSERT INTO case_entry (id, case_id, move, by, to_state, recorded_at, internal, file_ids)
    VALUES (gen_random_uuid(), :id, 'confirm', 'reporter', 'x', now(), false, '{}')
    """,
    """
    INSERT INTO case_rest (id, case_id, state, started_at)
    VALUES (gen_random_uuid(), :id, 'waiting', now())
    """,
    """
    INSERT INTO issue_call_back
        (id, case_id, handling, reason, opened_at, remedy_wanted, attempts)
    VALUES (gen_random_uuid(), :id, 0, 'sample', now(), false, 0)
    """,
    """
    INSERT INTO issue_exclusion
        (id, case_id, number, step, excluded, person_id, text, recorded_at)
    SELECT gen_random_uuid(), id, 1, 'approved', true, reported_by_id, 'x', now()
    FROM case_file WHERE id = :id
    """,
)


@pytest.mark.parametrize("change", CHANGES)
async def test_every_table_that_facts_come_from_says_what_has_changed(
    change: str, street: Street, tx: Tx
) -> None:
    issue_id = await street.reported()
    await write_all(tx)
    await tx.execute(text(change), {"id": issue_id})
    assert [str(one) for one in await tx.scalars(select(Changed.case_id))] == [issue_id]
