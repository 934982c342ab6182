"""Sealing anew, with the first key, what older keys have sealed, while everything runs.

A row that somebody changes meanwhile is left to that change, which seals with the first key
itself; so it does not matter where it is cut off, or how often it is begun.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    column,
    func,
    not_,
    select,
    table,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from neighborhood_api.kit.db import Database, Model, Tx
from neighborhood_api.kit.sealing import Sealed, seals

AT_ONCE = 500
"""Rows that one transaction seals anew."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed texts, seen as the texts that it holds."""

    name: str
    about: str
    text: ColumnElement[str]
    keys: tuple[ColumnElement[Any], ...]
    source: Any

    def old(self) -> ColumnElement[bool]:
        """Hold for the rows that the first key did not seal."""
        return and_(self.text.is_not(None), not_(func.starts_with(self.text, seals().mark)))


@dataclass(frozen=True)
class Resealed:
    """What sealing anew came to."""

    rows: int
    conflicts: dict[str, int]
    """Rows by column whose value somebody entered twice, once under each key."""


def sealed_columns() -> Iterator[SealedColumn]:
    """Give every sealed column of the database."""
    for where in Model.metadata.sorted_tables:
        for one in where.c:
            if isinstance(one.type, Sealed):
                keys = tuple(column(key.name, key.type) for key in where.primary_key.columns)
                text = column(one.name, Text)
                source = table(where.name, text, *(key for key in keys if key.name != one.name))
                yield SealedColumn(
                    f"{where.name}.{one.name}", one.type.about, text, keys, source
                )


async def rows_by_key(database: Database) -> dict[str, dict[str, int]]:
    """Return, by column and by the mark of the key, how many rows it sealed."""
    found: dict[str, dict[str, int]] = {}
    async with database.transaction() as tx:
        for one in sealed_columns():
            mark = func.substring(one.text, "^.*[.]")
            counted = (
                select(mark, func.count())
                .select_from(one.source)
                .where(one.text.is_not(None))
                .group_by(mark)
            )
            found[one.name] = dict([tuple(row) for row in await tx.execute(counted)])
    return found


async def rows_left(database: Database) -> dict[str, int]:
    """Return how many rows of each column need a key other than the first."""
    first = seals().mark
    counted = {
        name: sum(count for mark, count in by_key.items() if mark != first)
        for name, by_key in (await rows_by_key(database)).items()
    }
    return {name: count for name, count in counted.items() if count}


async def reseal(database: Database, progress: Progress) -> Resealed:
    """Seal with the first key what others have sealed; `progress` is told of rows."""
    rows = 0
    conflicts: dict[str, int] = {}
    for one in sealed_columns():
        after: tuple[Any, ...] | None = None
        while True:
            async with database.transaction() as tx:
                batch = (await tx.execute(_next(one, after))).all()
            if not batch:
                break
            after = tuple(batch[-1][1:])
            try:
                async with database.transaction() as tx:
                    await _seal(tx, one, batch)
            except IntegrityError:
                refused = await _one_by_one(database, one, batch)
                conflicts[one.name] = conflicts.get(one.name, 0) + refused
            rows += len(batch)
            progress(len(batch))
    return Resealed(rows, {name: count for name, count in conflicts.items() if count})


def _next(one: SealedColumn, after: tuple[Any, ...] | None) -> Select[Any]:
    rows = select(one.text, *one.keys).select_from(one.source).where(one.old())
    if after is not None:
        rows = rows.where(tuple_(*one.keys) > tuple_(*after))
    return rows.order_by(*one.keys).limit(AT_ONCE)


async def _seal(tx: Tx, one: SealedColumn, batch: Any) -> None:  # noqa: ANN401  (rows)
    ring = seals()
    changed = update(one.source).where(
        one.text == bindparam("before"),
        *(key == bindparam(f"key_{at}", type_=key.type) for at, key in enumerate(one.keys)),
    )
    given = [
        {
            "before": row[0],
            "after": ring.seal(ring.open(row[0], one.about), one.about),
            **{f"key_{at}": key for at, key in enumerate(row[1:])},
        }
        for row in batch
    ]
    statement = changed.values({one.text.key: bindparam("after")})
    connection = await tx.connection()
    await connection.execute(statement, given)


async def _one_by_one(database: Database, one: SealedColumn, batch: Any) -> int:  # noqa: ANN401
    """Seal the rows of a batch of which some cannot be; return how many those are."""
    refused = 0
    for row in batch:
        try:
            async with database.transaction() as tx:
                await _seal(tx, one, [row])
        except IntegrityError:
            refused += 1
    return refused
