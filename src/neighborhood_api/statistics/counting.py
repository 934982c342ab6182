"""Counting the numbers, and listing exactly the issues behind one."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Subquery,
    select,
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
from neighborhood_api.statistics.facts import Wanted, facts
from neighborhood_api.statistics.measures import MEASURES, Measure, Metric, Part
from neighborhood_api.statistics.scope import Scope
from neighborhood_api.statistics.tallies import Figures, tally
from neighborhood_api.statistics.wishes import BehindWish, StatisticsWish

MOST_PARTS = 1000


class TooManyParts(Problem):
    """The breakdown has more than a thousand parts."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The breakdown has too many parts; narrow it"
    message = "细分项过多，请缩小地点或时间范围"


async def count_cases(tx: ReadTx, wanted: Wanted, *, now: datetime) -> Figures:
    """Return every number of the issues that are wanted."""
    counted = await tally(tx, select(facts(wanted, now=now)))
    if counted.total is None:
        raise AssertionError("a total has a row even of nothing")
    return counted.total


async def count_parts(
    tx: ReadTx, scope: Scope, wish: StatisticsWish, by: Breakdown, *, now: datetime
) -> tuple[Figures, list[tuple[Any, Figures]]]:
    """Return every number of the issues asked for, and of each part of a breakdown.

    Parts without issues are left out. An issue may be in several parts of whose hands it was.

    Raises: PeriodNotUsable, Forbidden, TooManyParts.
    """
    wanted = wish.wanted(scope, wish.period(now=now))
    found = facts(wanted, now=now)
    if by.dimension in HELD:
        held = pages(scope, by.dimension, wanted.cases).distinct()
        columns = _HELD_KEYS[by.dimension]
        holders = held.with_only_columns(*[held.selected_columns[n] for n in columns])
        parts = holders.subquery("holders")
        keys = [parts.c[name] for name in columns[1:]]
        query = select(found).join(parts, parts.c.case_id == found.c.id)
        counted = await tally(tx, query, keys, total=False, most=MOST_PARTS)
        counted.total = await count_cases(tx, wanted, now=now)
    else:
        counted = await tally(tx, select(found), [by.key(found)], most=MOST_PARTS)
    if len(counted.parts) > MOST_PARTS:
        raise TooManyParts
    if counted.total is None:
        raise AssertionError("a total has a row even of nothing")
    named = [(_key(key, by), figures) for key, figures in counted.parts.items()]
    return counted.total, _sorted(named, by)


async def list_behind(
    tx: ReadTx, scope: Scope, wish: BehindWish, page: PageRequest, *, now: datetime
) -> list[IssueRow]:
    """Return one page of the issues behind a number, newest first.

    Raises: PeriodNotUsable, Forbidden, InvalidRequest, BadCursor.
    """
    wanted = wish.wanted(scope, wish.period(now=now))
    found = facts(wanted, now=now)
    clauses = [_clause(MEASURES[wish.metric], found, wish.part), found.c.id < page.below]
    if (wish.dimension is None) != (wish.key is None):
        raise InvalidRequest("dimension and key belong together")
    if wish.dimension is not None and wish.key is not None:
        by = breakdown_of(scope, wish.dimension, wish.level)
        key = by.parse(wish.key)
        if by.dimension in HELD:
            clauses.append(found.c.id.in_(held_by(scope, by.dimension, key, wanted.cases)))
        else:
            clauses.append(by.key(found).is_not_distinct_from(key))
    ids = select(found.c.id).where(*clauses).order_by(found.c.id.desc()).limit(page.fetch)
    query = issue_rows().where(Case.id.in_((await tx.scalars(ids)).all()))
    return [IssueRow(*row) for row in await tx.execute(query.order_by(Case.id.desc()))]


_HELD_KEYS = {
    Dimension.HANDLER: ("case_id", "person_id"),
    Dimension.HAND: ("case_id", "node_id", "role", "organization_id"),
}


def _clause(measure: Measure, found: Subquery, part: Part) -> ColumnElement[bool]:
    try:
        return measure.clause(found, part)
    except ValueError as exc:
        raise InvalidRequest(f"part: {exc}") from exc


def _key(values: Any, by: Breakdown) -> Any:  # noqa: ANN401  (as the dimension has it)
    if by.dimension is Dimension.HAND:
        return HandKey(values[0], Role(values[1]), values[2])
    return values[0]


def _sorted(counted: list[tuple[Any, Figures]], by: Breakdown) -> list[tuple[Any, Figures]]:
    """Put periods in their order, and other parts by how many issues they have."""
    if by.dimension in PERIODS:
        return sorted(counted, key=lambda one: one[0])
    return sorted(counted, key=lambda one: (-one[1][Metric.OPENED].n, str(one[0])))
