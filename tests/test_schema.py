"""The migrations make what the models say, also where comparing them sees nothing."""

import pytest
from sqlalchemy import CheckConstraint, text

from neighborhood_api import tables
from neighborhood_api.kit.db import Database, Model

FOUND = text(
    "SELECT conrelid::regclass || '.' || conname FROM pg_constraint"
    " WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
)
KEYS = text(
    "SELECT conrelid::regclass::text, array_agg(attname::text ORDER BY place)"
    " FROM pg_constraint, unnest(conkey) WITH ORDINALITY AS key(number, place)"
    " JOIN pg_attribute ON attnum = number"
    " WHERE contype = 'p' AND attrelid = conrelid GROUP BY conrelid"
)


@pytest.fixture(scope="module", autouse=True)
def _every_table_is_known() -> None:
    assert tables.__name__


async def test_every_check_of_the_models_is_in_the_database(database: Database) -> None:
    """A migration that is made by comparison leaves out the checks of older tables."""
    wanted = {
        f"{table.name}.{one.name}"
        for table in Model.metadata.tables.values()
        for one in table.constraints
        if isinstance(one, CheckConstraint)
    }
    async with database.transaction() as tx:
        found = set(await tx.scalars(FOUND))
    assert wanted - found == set()
    assert len(wanted) > 20


async def test_every_table_has_the_primary_key_of_its_model(database: Database) -> None:
    """Nor does it see that the key is another one."""
    wanted = {
        table.name: [column.name for column in table.primary_key]
        for table in Model.metadata.tables.values()
    }
    async with database.transaction() as tx:
        found = {row[0]: row[1] for row in await tx.execute(KEYS)}
    assert {name: found.get(name) for name in wanted} == wanted
