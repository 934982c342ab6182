"""Nothing that lies at a place is forgotten."""

from sqlalchemy import text

from neighborhood_api import tables
from neighborhood_api.kit.db import Database
from neighborhood_api.reorganisation.effects import (
    FATES,
    PLACEMENTS,
    TREE,
    node_columns,
    placed_tables,
)

GUARDED = text(
    "SELECT event_object_table FROM information_schema.triggers"
    " WHERE trigger_name LIKE '%\\_lies\\_in\\_todays\\_grid'"
)


def test_every_placed_table_says_how_its_rows_find_their_place() -> None:
    assert tables.METADATA.tables
    named = [placement.table for placement in PLACEMENTS]
    assert len(named) == len(set(named))
    assert {*named, TREE} == placed_tables()
    for at, placement in enumerate(PLACEMENTS):
        assert [key.name for key in placement.rows.primary_key] == [placement.key]
        if placement.along is not None:
            assert placement.along.table in named[:at]
            assert placement.along.column in placement.rows.c


def test_every_column_that_names_a_place_has_a_fate() -> None:
    assert node_columns() == set(FATES)


async def test_every_placed_table_is_guarded_against_the_grid_of_before(
    database: Database,
) -> None:
    async with database.transaction() as tx:
        guarded = set(await tx.scalars(GUARDED))
    assert guarded == placed_tables() - {TREE}
