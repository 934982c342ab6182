"""Counting all numbers in one statement: of everything, and of each part of a breakdown.

Issues of which the same is known are counted together first, and the numbers are sums of those
counts; only what percentiles are taken of is looked at one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Double,
    Select,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from neighborhood_api.kit.db import ReadTx
from neighborhood_api.statistics.facts import FLAGS
from neighborhood_api.statistics.measures import MEASURES, Kind, Metric, Part

Statement = Select[*tuple[Any, ...]]
_SHARES: ColumnElement[Any] = literal_column("ARRAY[0.5, 0.8, 0.9]::float8[]")
_RANKED = {metric: m.value for metric, m in MEASURES.items() if m.value is not None}


class Figure(NamedTuple):
    """One number as it was counted."""

    n: int
    hits: int | None = None
    percentiles: tuple[float, ...] | None = None


Figures = Mapping[Metric, Figure]


@dataclass
class Tally:
    """What was counted."""

    total: Figures | None = None
    parts: dict[tuple[Any, ...], Figures] = field(default_factory=dict)
    """By their keys; parts without issues are left out."""


async def tally(
    tx: ReadTx,
    facts: Statement,
    keys: Sequence[ColumnElement[Any]] = (),
    *,
    total: bool = True,
    most: int = 0,
) -> Tally:
    """Count what `facts` selects, in all and in the parts that `keys` divide it into.

    Of more than `most` parts one more than that is returned.
    """
    named = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    needed = [facts.selected_columns[name] for name in (*FLAGS, *_RANKED.values())]
    known = facts.with_only_columns(*named, *needed).cte("known")
    known = known.prefix_with("NOT MATERIALIZED")  # read twice, but never written
    by = [known.c[key.name] for key in named]
    flags = [known.c[name] for name in FLAGS]
    alike = select(*by, *flags, func.count().label("cases")).group_by(*by, *flags).cte("alike")
    sums, ranks = _sums(alike), _ranks(known)
    parts: list[Statement] = []
    if total:
        whole = [literal_column("true").label("whole"), *map(_nothing, by)]
        parts += [
            select(*whole, *sums, *map(_nothing, ranks)).select_from(alike),
            select(*whole, *map(_nothing, sums), *ranks).select_from(known),
        ]
    if keys:
        whose: ColumnElement[Any] = literal_column("false").label("whole")
        of_alike = [alike.c[key.name] for key in named]
        parts += [
            select(whose, *of_alike, *sums, *map(_nothing, ranks))
            .group_by(*of_alike)
            .limit(most + 1),
            select(whose, *by, *map(_nothing, sums), *ranks).group_by(*by).limit(most + 1),
        ]
    await _prepare(tx)
    rows = await tx.execute(union_all(*(select(part.subquery()) for part in parts)))
    return _tally((row._mapping for row in rows), len(keys))  # noqa: SLF001  (a public name)


async def _prepare(tx: ReadTx) -> None:
    """Have PostgreSQL plan for this very period, in memory, and interpret what runs once."""
    for setting in (
        "plan_cache_mode = force_custom_plan",
        "work_mem = '64MB'",
        "jit = off",
    ):
        await tx.execute(text(f"SET LOCAL {setting}"))


def _sums(alike: CTE) -> list[ColumnElement[Any]]:
    """Return the columns of the numbers, as sums of the cases that are alike."""
    columns: list[ColumnElement[Any]] = []

    def add(name: str, clause: ColumnElement[bool]) -> None:
        number = func.coalesce(func.sum(alike.c.cases).filter(clause), literal(0))
        columns.append(cast(number, BigInteger).label(name))

    for metric, measure in MEASURES.items():
        add(metric.value, measure.clause(alike, Part.OF))
        if measure.kind is Kind.RATE:
            add(f"{metric.value}_hits", measure.clause(alike, Part.HITS))
    return columns


def _ranks(known: CTE) -> list[ColumnElement[Any]]:
    """Return the columns of the percentiles."""
    columns: list[ColumnElement[Any]] = []
    for metric, value in _RANKED.items():
        of = MEASURES[metric].clause(known, Part.OF)
        ranked = func.percentile_cont(_SHARES).within_group(known.c[value]).filter(of)
        columns.append(cast(ranked, ARRAY(Double)).label(f"{metric.value}_ranked"))
    return columns


def _nothing(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Leave a column empty that another row has."""
    return cast(null(), column.type).label(column.name)


def _tally(rows: Iterable[Mapping[Any, Any]], keys: int) -> Tally:
    """Put the counts and the percentiles of each part together."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["whole"], *(row[f"key_{number}"] for number in range(keys)))
        known = {name: value for name, value in row.items() if value is not None}
        found.setdefault(key, {}).update(known)
    counted = Tally()
    for key, values in found.items():
        if key[0]:
            counted.total = _figures(values)
        else:
            counted.parts[key[1:]] = _figures(values)
    return counted


def _figures(values: Mapping[str, Any]) -> Figures:
    return {
        metric: Figure(
            values[metric.value],
            values.get(f"{metric.value}_hits"),
            values.get(f"{metric.value}_ranked"),
        )
        for metric in MEASURES
    }
