"""What tables hold, in short: equal digests are equal rows."""

from collections.abc import Iterable

from sqlalchemy import text

from neighborhood_api.kit.db import Model, Tx
from neighborhood_api.reorganisation.effects import placed_tables
from neighborhood_api.reorganisation.posts import CHANGED

COUNTING_UP = {"version", "moved_at", "duty_changes", "duty_seen"}
"""Columns that only ever go up; who read an old version must not write over a newer one."""
_LEFT_OUT = {
    "node": "WHERE id NOT IN (SELECT node_id FROM reorganised_node WHERE made)",
    "vacancy": "WHERE node_id NOT IN (SELECT node_id FROM reorganised_node WHERE made)",
    "handling_rule": "WHERE reason IS NULL OR reason NOT LIKE '网格重组%'",
}


def restored_tables() -> list[str]:
    """Every table that an undone reorganisation leaves as it found it."""
    return sorted(placed_tables() | set(CHANGED) | {"issue", "leave", "handling_rule"})


async def digests(tx: Tx, names: Iterable[str] | None = None) -> dict[str, str]:
    """Return the digest of each table; of the tree without places made by a plan.

    Rules that a plan brought to successors stay, withdrawn, and so do alarms of posts at places
    that it made; they are left out.
    """
    whole = " UNION ALL ".join(_digest(name) for name in names or restored_tables())
    return {row[0]: row[1] for row in await tx.execute(text(whole))}


def _digest(name: str) -> str:
    """Add up a hash of each row, whatever their order."""
    columns = (c.name for c in Model.metadata.tables[name].c if c.name not in COUNTING_UP)
    row = ", ".join(f't."{column}"' for column in columns)
    return (
        f"SELECT '{name}', concat(count(*), ' ', sum(hashtextextended(ROW({row})::text, 0)))"  # noqa: S608  (names of tables and columns)
        f" FROM {name} t {_LEFT_OUT.get(name, '')}"
    )
