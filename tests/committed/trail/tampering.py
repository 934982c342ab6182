"""What somebody with the database's own password might do, and what is found of it."""

from uuid import UUID

from sqlalchemy import text

from neighborhood_api.kit.db import Database
from neighborhood_api.kit.trail import Fault, verify_trail


async def faults(database: Database) -> list[tuple[Fault, UUID]]:
    return [(found.fault, found.subject_id) async for found in verify_trail(database)]


async def run(database: Database, sql: str, **values: object) -> None:
    """Act as somebody with the database's own password and bad intentions."""
    async with database.transaction() as tx:
        await tx.execute(text("SET LOCAL session_replication_role = replica"))
        await tx.execute(text(sql), values)
