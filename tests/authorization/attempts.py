"""Attempts of everybody at an operation, and what became of them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_WRITTEN = text(
    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables"
)


async def rows_written(connection: AsyncConnection) -> int:
    """Return how many rows the transaction has written so far, what was undone included."""
    return int((await connection.execute(_WRITTEN)).scalar_one())
