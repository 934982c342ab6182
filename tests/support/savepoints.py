"""Savepoints at the price of a statement: each request of most tests takes two or three."""

from collections.abc import Callable

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_

Told = Callable[[Connection, str], None]


def tell_savepoints_plainly(engine: AsyncEngine) -> None:
    """Have PostgreSQL told in a line.

    SQLAlchemy compiles and prepares each anew: their names count up, so no cache knows them,
    and those of a test drive its real statements out of the caches.
    """
    dialect = engine.sync_engine.dialect
    for method, words in (
        ("do_savepoint", "SAVEPOINT"),
        ("do_release_savepoint", "RELEASE SAVEPOINT"),
        ("do_rollback_to_savepoint", "ROLLBACK TO SAVEPOINT"),
    ):
        setattr(dialect, method, _told(words, getattr(dialect, method)))


def _told(words: str, first: Told) -> Told:
    def tell(connection: Connection, name: str) -> None:
        adapted = connection.connection.dbapi_connection
        driver = connection.connection.driver_connection
        if driver is None or getattr(adapted, "_transaction", None) is None:
            first(connection, name)  # it begins the transaction too
        else:
            await_(driver.execute(f"{words} {name}"))

    return tell
