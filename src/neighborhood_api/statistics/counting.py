"""Counting the numbers, and listing exactly the issues behind one."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    func,
    literal_column,
    select,
    text,
)

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.queries import IssueRow, issue_rows
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.problems import InvalidRequest, Problem
from neighborhood_api.statistics.dimensions import (
    HELD,
    PERIODS,
    Breakdown,
    Dimension,
    HandKey,
    breakdown_of,
    held_by,
    pages,
)
from neighborhood_api.statistics.facts import facts
from neighborhood_api.statistics.measures import MEASURES, Kind, Measure, Metric, Part
from neighborhood_api.statistics.scope import Scope
from neighborhood_api.statistics.wishes import BehindWish, StatisticsWish

MOST_PARTS = 1000
SHARES = (0.5, 0.8, 0.9)


class TooManyParts(Problem):
    """The breakdown has more than a thousand parts."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The breakdown has too many parts; narrow it"
    message = "细分项过多，请缩小地点或时间范围"


class Figure(NamedTuple):
    """One number as it was counted."""

    n: int
    hits: int | None = None
    percentiles: tuple[float, ...] | None = None


Figures = Mapping[Metric, Figure]


async def count_all(
    tx: ReadTx, scope: Scope, wish: StatisticsWish, *, now: datetime
) -> Figures:
    """Return every number of the issues asked for.

    Raises: PeriodNotUsable.
    """
    return await count_cases(tx, wish.cases(scope, wish.period(now=now)), now=now)


async def count_cases(tx: ReadTx, wanted: ColumnElement[bool], *, now: datetime) -> Figures:
    """Return every number of the cases that a clause holds for."""
    found = facts(wanted, now=now)
    await _prepare(tx)
    row = (await tx.execute(select(*_columns(found)).select_from(found))).one()
    return _figures(row._mapping)  # noqa: SLF001  (SQLAlchemy's public name)


async def count_each(
    tx: ReadTx, scope: Scope, wish: StatisticsWish, by: Breakdown, *, now: datetime
) -> list[tuple[Any, Figures]]:
    """Return every number of each part of a breakdown; parts without issues are left out.

    Raises: PeriodNotUsable, Forbidden, TooManyParts.
    """
    wanted = wish.cases(scope, wish.period(now=now))
    found = facts(wanted, now=now)
    query: Select[*tuple[Any, ...]]
    if by.dimension in HELD:
        held = pages(scope, by.dimension, wanted).distinct()
        columns = _HELD_KEYS[by.dimension]
        holders = held.with_only_columns(*[held.selected_columns[n] for n in columns])
        parts = holders.subquery("holders")
        keys = [parts.c[name] for name in columns[1:]]
        query = select(*keys, *_columns(found)).join(parts, parts.c.case_id == found.c.id)
    else:
        keys = [by.key(found).label("key")]
        query = select(*keys, *_columns(found)).select_from(found)
    await _prepare(tx)
    rows = await tx.execute(query.group_by(*keys).limit(MOST_PARTS + 1))
    counted = [(_key(row[: len(keys)], by), _figures(row._mapping)) for row in rows]  # noqa: SLF001
    if len(counted) > MOST_PARTS:
        raise TooManyParts
    return _sorted(counted, by)


async def list_behind(
    tx: ReadTx, scope: Scope, wish: BehindWish, page: PageRequest, *, now: datetime
) -> list[IssueRow]:
    """Return one page of the issues behind a number, newest first.

    Raises: PeriodNotUsable, Forbidden, InvalidRequest, BadCursor.
    """
    wanted = wish.cases(scope, wish.period(now=now))
    found = facts(wanted, now=now)
    clauses = [_clause(MEASURES[wish.metric], found, wish.part), found.c.id < page.below]
    if (wish.dimension is None) != (wish.key is None):
        raise InvalidRequest("dimension and key belong together")
    if wish.dimension is not None and wish.key is not None:
        by = breakdown_of(scope, wish.dimension, wish.level)
        key = by.parse(wish.key)
        if by.dimension in HELD:
            clauses.append(found.c.id.in_(held_by(scope, by.dimension, key, wanted)))
        else:
            clauses.append(by.key(found).is_not_distinct_from(key))
    ids = select(found.c.id).where(*clauses).order_by(found.c.id.desc()).limit(page.fetch)
    await _prepare(tx)
    query = issue_rows().where(Case.id.in_((await tx.scalars(ids)).all()))
    return [IssueRow(*row) for row in await tx.execute(query.order_by(Case.id.desc()))]


_HELD_KEYS = {
    Dimension.HANDLER: ("case_id", "person_id"),
    Dimension.HAND: ("case_id", "node_id", "role", "organization_id"),
}


async def _prepare(tx: ReadTx) -> None:
    """Have PostgreSQL interpret what runs once: compiling it takes longer than counting."""
    await tx.execute(text("SET LOCAL jit = off"))


def _clause(measure: Measure, found: Subquery, part: Part) -> ColumnElement[bool]:
    try:
        return measure.clause(found, part)
    except ValueError as exc:
        raise InvalidRequest(f"part: {exc}") from exc


def _columns(found: Subquery) -> list[ColumnElement[Any]]:
    columns: list[ColumnElement[Any]] = []
    for metric, measure in MEASURES.items():
        of = measure.clause(found, Part.OF)
        columns.append(func.count().filter(of).label(metric.value))
        if measure.kind is Kind.RATE:
            hits = measure.clause(found, Part.HITS)
            columns.append(func.count().filter(hits).label(f"{metric.value}_hits"))
        if measure.value is not None:
            shares: ColumnElement[Any] = literal_column(f"ARRAY{[*SHARES]}::float8[]")
            ranked = func.percentile_cont(shares).within_group(found.c[measure.value])
            columns.append(ranked.filter(of).label(f"{metric.value}_ranked"))
    return columns


def _figures(row: Mapping[Any, Any]) -> Figures:
    return {
        metric: Figure(
            row[metric.value], row.get(f"{metric}_hits"), row.get(f"{metric}_ranked")
        )
        for metric in MEASURES
    }


def _key(values: Any, by: Breakdown) -> Any:  # noqa: ANN401  (as the dimension has it)
    if by.dimension is Dimension.HAND:
        return HandKey(values[0], Role(values[1]), values[2])
    return values[0]


def _sorted(counted: list[tuple[Any, Figures]], by: Breakdown) -> list[tuple[Any, Figures]]:
    """Put periods in their order, and other parts by how many issues they have."""
    if by.dimension in PERIODS:
        return sorted(counted, key=lambda one: one[0])
    return sorted(counted, key=lambda one: (-one[1][Metric.OPENED].n, str(one[0])))
