"""Loading without indexes, which are built afterwards: several times as fast."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index
    WHERE indrelid = ANY ($1::regclass[]) AND NOT indisunique AND NOT indisexclusion
"""
_EXCLUSIONS = """
    SELECT conrelid::regclass::text AS table, conname AS name,
        pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE conrelid = ANY ($1::regclass[]) AND contype = 'x'
"""


@asynccontextmanager
async def rebuilt(connection: asyncpg.Connection, *tables: str) -> AsyncIterator[None]:
    """Take the indexes of tables away, but for the unique ones, and build them at the end."""
    indexes = await connection.fetch(_INDEXES, list(tables))
    exclusions = await connection.fetch(_EXCLUSIONS, list(tables))
    for row in indexes:
        await connection.execute(f"DROP INDEX {row['name']}")
    for row in exclusions:
        await connection.execute(f"ALTER TABLE {row['table']} DROP CONSTRAINT {row['name']}")
    yield
    for row in indexes:
        await connection.execute(row["definition"])
    for row in exclusions:
        added = f"ALTER TABLE {row['table']} ADD CONSTRAINT {row['name']} {row['definition']}"
        await connection.execute(added)
