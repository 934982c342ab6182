"""Very many new rows at once, by COPY: a hundred times as many a second as one by one."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import asyncpg

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.sealing import binding

Row = dict[str, Any]


async def copy_rows(
    connection: asyncpg.Connection, model: type[Model], rows: Iterable[Row]
) -> None:
    """Write rows that all have the same keys; columns that they lack take their defaults."""
    ahead = iter(rows)
    first = next(ahead, None)
    if first is None:
        return
    table = model.__table__
    usual = {
        column.name: column.default.arg
        for column in table.c
        if column.name not in first and column.default is not None and column.default.is_scalar
    }
    names = [*first, *usual]
    lacking = tuple(usual.values())
    sealing = [
        (at, bind) for at, name in enumerate(first) if (bind := binding(table.c[name].type))
    ]
    await connection.copy_records_to_table(
        model.__tablename__,
        records=((*_sealed(row, sealing), *lacking) for row in chain([first], ahead)),
        columns=names,
    )


def _sealed(
    row: Row, sealing: Sequence[tuple[int, Callable[[str | None], Any]]]
) -> Iterable[Any]:
    if not sealing:
        return row.values()
    values = list(row.values())
    for at, bind in sealing:
        values[at] = bind(values[at])
    return values
