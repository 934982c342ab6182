"""Having all writing wait while the grid is redrawn.

Everything that lies at a place is locked at once against writing; reading goes on. Whoever is
in the middle of a change finishes it first, and whoever comes later waits, and then sees the
new grid: the guards of the tables refuse what was looked up in the old one, and the request is
done once more. If somebody waits for us while we wait for her, we give way and try again.
"""

import asyncio
from datetime import datetime, timedelta
from random import uniform
from time import perf_counter

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from neighborhood_api.kit.db import Tx
from neighborhood_api.reorganisation.effects import TREE, node_columns, placed_tables
from neighborhood_api.reorganisation.problems import GridIsBusy

PATIENCE_MILLISECONDS = 700
"""Less than after which PostgreSQL looks for a deadlock: so it is never we who break others."""
TRIES = 40
_TAKEN = {"55P03", "40P01"}
_ALSO = {"person", "registration", "issue"}


def locked_tables() -> list[str]:
    """Return the tables that nobody writes to meanwhile; the tree first."""
    names = placed_tables() | {name for name, _ in node_columns()} | _ALSO
    own = {name for name in names if name.startswith(("reorganis", "node_succession"))}
    return [TREE, *sorted(names - own - {TREE})]


async def pause_writing(tx: Tx, *, now: datetime) -> datetime:
    """Lock the tables until the transaction ends; return the moment at which they are locked.

    What others wrote while we waited is older than that.

    Raises: GridIsBusy.
    """
    locking = f"LOCK TABLE {', '.join(locked_tables())} IN EXCLUSIVE MODE"
    began = perf_counter()
    for _ in range(TRIES):
        try:
            async with tx.begin_nested():
                await tx.execute(text(f"SET LOCAL lock_timeout = {PATIENCE_MILLISECONDS}"))
                await tx.execute(text(locking))
                await tx.execute(text("SET LOCAL lock_timeout = 0"))
        except DBAPIError as exc:
            if getattr(exc.orig, "sqlstate", None) not in _TAKEN:
                raise
            await asyncio.sleep(uniform(0.05, 0.3))  # noqa: S311  (no secret)
        else:
            return now + timedelta(seconds=perf_counter() - began)
    raise GridIsBusy(retry_after_seconds=60)
