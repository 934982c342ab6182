"""What tables hold, in short: equal digests are equal rows."""

from collections.abc import Iterable

from sqlalchemy import text

from neighborhood_api.kit.db import Tx
from neighborhood_api.reorganisation.effects import placed_tables
from neighborhood_api.reorganisation.posts import CHANGED

COUNTING_UP = "'version', 'moved_at'"
"""Columns that only ever go up; who read an old version must not write over a newer one."""


def restored_tables() -> list[str]:
    """Every table that an undone reorganisation leaves as it found it."""
    return sorted(placed_tables() | set(CHANGED) | {"issue", "leave", "handling_rule"})


async def digests(tx: Tx, names: Iterable[str] | None = None) -> dict[str, str]:
    """Return the digest of each table; of the tree without places made by a plan.

    Rules that a plan brought to successors stay, withdrawn; they are left out.
    """
    found = {}
    for name in names or restored_tables():
        where = ""
        if name == "node":
            where = "WHERE id NOT IN (SELECT node_id FROM reorganised_node WHERE made)"
        if name == "handling_rule":
            where = "WHERE reason IS NULL OR reason NOT LIKE '网格重组：%'"
        query = (
            "SELECT md5(coalesce(string_agg(one, ',' ORDER BY one), '')) FROM"  # noqa: S608  (names of tables)
            f" (SELECT md5((to_jsonb(t) - ARRAY[{COUNTING_UP}])::text) AS one"
            f" FROM {name} t {where}) rows"
        )
        found[name] = await tx.scalar(text(query))
    return found
