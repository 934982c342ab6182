"""The audit trail betrays whoever changes what was written, even past the database's guards."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from neighborhood_api.kit.db import Database
from neighborhood_api.kit.sealing import seals
from neighborhood_api.kit.trail import Fault, chain_end, seal_trail
from tests.committed.trail.tampering import faults, run
from tests.support.issues import Street


async def entries(database: Database, issue_id: str) -> list[UUID]:
    async with database.transaction() as tx:
        sql = text("SELECT id FROM case_entry WHERE case_id = :id ORDER BY id")
        return list(await tx.scalars(sql, {"id": UUID(issue_id)}))


async def sealed(database: Database) -> int:
    async with database.transaction() as tx:
        return await seal_trail(tx)


async def test_the_whole_life_of_an_issue_leaves_a_trail_without_faults(
    street: Street, database: Database
) -> None:
    issue_id = await street.resolved()
    await street.done(street.reporter, issue_id, "confirm")
    written = await entries(database, issue_id)
    assert len(written) == 4
    assert await sealed(database) == 4
    assert await faults(database) == []
    async with database.transaction() as tx:
        length, seal = await chain_end(tx)
    await street.done(street.reporter, issue_id, "rate", rating=5)
    assert await sealed(database) == 1
    async with database.transaction() as tx:
        assert await chain_end(tx) != (length, seal)
    assert await faults(database) == []


async def test_the_database_itself_refuses_to_change_an_entry(
    street: Street, database: Database
) -> None:
    issue_id = await street.accepted()
    for sql in (
        "UPDATE case_entry SET text = 'x'",
        "DELETE FROM case_entry",
        "TRUNCATE case_entry CASCADE",
    ):
        with pytest.raises(DBAPIError, match="never changed"):
            async with database.transaction() as tx:
                await tx.execute(text(sql))
    assert len(await entries(database, issue_id)) == 2


@pytest.mark.parametrize("before_the_seal", [True, False])
async def test_a_changed_entry_is_found_whether_sealed_or_not(
    street: Street, database: Database, *, before_the_seal: bool
) -> None:
    first, second = await entries(database, await street.accepted())
    if not before_the_seal:
        await sealed(database)
    await run(database, "UPDATE case_entry SET recorded_at = now() WHERE id = :id", id=second)
    assert await faults(database) == [(Fault.CHANGED, second)]
    await run(database, "DELETE FROM case_entry WHERE id = :id", id=first)
    assert sorted(await faults(database)) == sorted(
        [(Fault.GONE, first), (Fault.CHANGED, second)]
    )


async def test_a_digest_that_is_rewritten_with_its_entry_breaks_the_chain(
    street: Street, database: Database
) -> None:
    first, second = await entries(database, await street.accepted())
    await sealed(database)
    await run(
        database,
        "UPDATE trail SET digest = (SELECT digest FROM trail WHERE subject_id = :other)"
        " WHERE subject_id = :id",
        id=first,
        other=second,
    )
    found = await faults(database)
    assert (Fault.BROKEN, first) in found


async def test_an_entry_without_a_digest_and_a_missing_place_are_found(
    street: Street, database: Database
) -> None:
    first, second = await entries(database, await street.accepted())
    await sealed(database)
    await run(database, "DELETE FROM trail WHERE subject_id = :id", id=first)
    assert await faults(database) == [(Fault.MISSING, second), (Fault.UNTRAILED, first)]


async def test_a_look_at_a_number_belongs_to_the_trail(
    street: Street, database: Database
) -> None:
    await run(
        database,
        "UPDATE person SET phone = :phone WHERE id = :id",
        phone=seals().seal("13900000001", "phone"),
        id=street.reporter.person_id,
    )
    issue_id = await street.reported()
    told = await street.done(street.chief, issue_id, "reporter-phone")
    assert told["phone"] == "13900000001"
    assert await sealed(database) == 2
    assert await faults(database) == []
    await run(database, "UPDATE issue_look SET looked_at = looked_at - interval '1 day'")
    ((fault, _),) = await faults(database)
    assert fault is Fault.CHANGED
    await run(database, "DELETE FROM issue_look")
    ((fault, _),) = await faults(database)
    assert fault is Fault.GONE


async def test_two_that_seal_at_once_make_one_chain(street: Street, database: Database) -> None:
    for _ in range(6):
        await street.accepted()
    counts = await asyncio.gather(*(sealed(database) for _ in range(4)))
    assert sum(counts) == 12
    assert await faults(database) == []
