"""A text can be taken out of the trail for good: seen by all, and by nobody undone."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from neighborhood_api.cases.models import Entry
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.trail import Fault, Trail, Withholding, seal_trail, withhold
from tests.committed.trail.tampering import faults, run
from tests.support.issues import Street

NOW = datetime.now(UTC)


async def told(street: Street, database: Database, *, sealed: bool) -> UUID:
    """An entry of a timeline in which somebody is named."""
    issue_id = await street.accepted()
    await street.done(street.reporter, issue_id, "comment", text="请找欧阳慎之 13800001111")
    async with database.transaction() as tx:
        if sealed:
            await seal_trail(tx)
        entry = select(Entry.id).where(Entry.case_id == UUID(issue_id), Entry.move == "comment")
        return (await tx.scalars(entry)).one()


async def taken_out(database: Database, entry_id: UUID, words: str) -> None:
    async with database.transaction() as tx:
        entry = await tx.get_one(Entry, entry_id)
        await withhold(tx, entry, {"text": words}, now=NOW)


@pytest.mark.parametrize("sealed", [True, False])
async def test_the_trail_stays_whole_when_a_text_is_withheld_even_twice(
    street: Street, database: Database, *, sealed: bool
) -> None:
    entry_id = await told(street, database, sealed=sealed)
    for words in ("请找欧阳慎之 ***********", "请找（已删除） ***********"):
        await taken_out(database, entry_id, words)
        assert await faults(database) == []
    async with database.transaction() as tx:
        await seal_trail(tx)
        assert (await tx.get_one(Entry, entry_id)).text == "请找（已删除） ***********"
        digest = (await tx.scalars(select(Trail).where(Trail.subject_id == entry_id))).one()
        assert digest.salt is None  # nobody can try out numbers until the digest fits
        rows = select(Withholding).where(Withholding.subject_id == entry_id)
        salts = [row.salt for row in await tx.scalars(rows.order_by(Withholding.id))]
    assert salts[0] is None
    assert salts[1] is not None
    assert await faults(database) == []


async def test_what_was_put_in_its_place_is_under_the_trail_too(
    street: Street, database: Database
) -> None:
    entry_id = await told(street, database, sealed=True)
    await taken_out(database, entry_id, "……")
    await run(database, "UPDATE case_entry SET text = 'x' WHERE id = :id", id=entry_id)
    assert await faults(database) == [(Fault.CHANGED, entry_id)]
    await run(database, "UPDATE case_entry SET text = '……' WHERE id = :id", id=entry_id)
    assert await faults(database) == []
    await run(database, "UPDATE case_entry SET role = 'operator' WHERE id = :id", id=entry_id)
    assert await faults(database) == [(Fault.CHANGED, entry_id)]


async def test_a_text_that_somebody_changes_and_calls_withheld_is_found(
    street: Street, database: Database
) -> None:
    entry_id = await told(street, database, sealed=True)
    await run(database, "UPDATE case_entry SET text = 'x' WHERE id = :id", id=entry_id)
    await run(database, "UPDATE trail SET salt = NULL WHERE subject_id = :id", id=entry_id)
    assert await faults(database) == [(Fault.CHANGED, entry_id)]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE case_entry SET text = 'x'",
        "UPDATE trail SET salt = NULL",
        "UPDATE withholding SET salt = NULL",
        "DELETE FROM withholding",
    ],
)
async def test_the_database_refuses_it_to_whoever_does_not_say_so(
    street: Street, database: Database, sql: str
) -> None:
    entry_id = await told(street, database, sealed=True)
    await taken_out(database, entry_id, "……")
    with pytest.raises(DBAPIError, match="never changed"):
        async with database.transaction() as tx:
            await tx.execute(text(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE case_entry SET role = 'operator'",
        "UPDATE case_entry SET text = 'x', recorded_at = now()",
        "DELETE FROM case_entry",
        "UPDATE trail SET digest = sha256('x')",
        "UPDATE trail SET salt = sha256('x')",
        "UPDATE withholding SET texts = sha256('x')",
        "DELETE FROM withholding",
    ],
)
async def test_withholding_lets_nothing_else_pass(
    street: Street, database: Database, sql: str
) -> None:
    entry_id = await told(street, database, sealed=True)
    await taken_out(database, entry_id, "……")
    async with database.transaction() as tx:
        await tx.execute(text("SET LOCAL neighborhood.withholding = 'on'"))
        with pytest.raises(DBAPIError, match="never changed"):
            await tx.execute(text(sql))
        await tx.rollback()
    assert await faults(database) == []


async def test_the_permission_ends_with_the_withholding(
    street: Street, database: Database
) -> None:
    entry_id = await told(street, database, sealed=True)
    async with database.transaction() as tx:
        await withhold(tx, await tx.get_one(Entry, entry_id), {"text": "……"}, now=NOW)
        with pytest.raises(DBAPIError, match="never changed"):
            await tx.execute(text("UPDATE case_entry SET text = 'x'"))
        await tx.rollback()
