"""Loading without indexes, which are built afterwards: several times as fast."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index WHERE indrelid = ANY ($1::regclass[]) AND NOT indisunique
"""


@asynccontextmanager
async def rebuilt(connection: asyncpg.Connection, *tables: str) -> AsyncIterator[None]:
    """Take the indexes of tables away, but for the unique ones, and build them at the end."""
    found = await connection.fetch(_INDEXES, list(tables))
    for row in found:
        await connection.execute(f"DROP INDEX {row['name']}")
    yield
    for row in found:
        await connection.execute(row["definition"])
