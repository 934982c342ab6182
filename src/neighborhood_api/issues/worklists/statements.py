"""The statements of the worklist: each shape is written once, and run with other values.

First the ids of a page are found, by a lean statement that PostgreSQL plans quickly; then the
rows are read by their ids, by one statement for all.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Select,
    String,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from neighborhood_api.cases.models import Case
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.queries import exists_on
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.queries import IssueRow, issue_rows
from neighborhood_api.issues.worklists.boxes import BY_DUE, Box, Source
from neighborhood_api.issues.worklists.streams import Stream, filter_clause, stream_of
from neighborhood_api.kit.reads import Query

Statement = Select[*tuple[Any, ...]]

WALKED = 1_000
"""Cases looked at for words that may be common, before all texts are searched for them."""
PAGE_SIZES = (21, 101, 1_001)
"""Rows asked for: the usual page, the longest, and what an export reads at once; each one more
than is shown. Sizes are written out, since plans depend on them."""
COUNTED = 1_000
"""Counts end here: the last one says that there are more."""
WALKED_TO_COUNT = 5_000
"""Cases looked at to count what no index counts."""

_MOMENT = DateTime(timezone=True)
_BELOW = bindparam("below", type_=Uuid)
_AFTER = (bindparam("after_due", type_=_MOMENT), bindparam("after_id", type_=Uuid))


class Shape(NamedTuple):
    """What a statement depends on, beside its parameters."""

    box: Box | None
    sources: tuple[Source, ...]
    filters: tuple[str, ...]
    most: int = PAGE_SIZES[0]


class Found(NamedTuple):
    """A case of a page, and the deadline by which the page may be ordered."""

    id: UUID
    due_at: datetime | None


class Walked(NamedTuple):
    """A case of a page of a search, and how many were looked at."""

    id: UUID | None
    due_at: datetime | None
    looked_at: int


class Counted(NamedTuple):
    """How many cases of a box were found among those looked at."""

    found: int
    looked_at: int


class BoxCount(NamedTuple):
    """How many cases lie in a box, up to `COUNTED`."""

    box: str
    found: int


class NodeRow(NamedTuple):
    """Where a node lies."""

    id: UUID
    level: int
    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None


ROWS = Query(issue_rows().where(Case.id == any_(bindparam("ids", type_=ARRAY(Uuid)))), IssueRow)
"""The rows of a page, in no order."""

NODES = Query(
    select(
        Node.id,
        Node.level,
        Node.district_id,
        Node.street_id,
        Node.community_id,
        Node.grid_id,
        Node.lane_id,
    ).where(
        Node.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        exists_on(bindparam("day", type_=Date)),
    ),
    NodeRow,
)
"""Places of today's grid."""


@lru_cache(maxsize=256)
def page_of(shape: Shape) -> Query[Found]:
    """Write the statement of a page: each stream gives its own, and the best of all are it."""
    order = _Order(shape.box)
    filters = [filter_clause(name) for name in shape.filters]
    most = _number(shape.most)
    pages = [order.page(stream, filters, most) for stream in _streams(shape)]
    return Query(order.merged(pages, most), Found)


@lru_cache(maxsize=256)
def walked_page_of(shape: Shape) -> Query[Walked]:
    """Write the statement of a page of a search, looking at the first cases of the box only.

    It has a row without a case where nothing is found.
    """
    order = _Order(shape.box)
    pages = [order.page(stream, [], _number(WALKED)) for stream in _streams(shape)]
    walked = order.merged(pages, _number(WALKED)).cte("walked").prefix_with("MATERIALIZED")
    found = select(walked.c.id, walked.c.due_at).where(*_that_fit(walked, shape.filters))
    own_words = select(Issue.words).where(Issue.case_id == walked.c.id).scalar_subquery()
    matches = cast(own_words, TSVECTOR).op("@@", is_comparison=True)(cast(_WORDS, TSQUERY))
    page = (
        order.sorted(found.where(matches), walked.c).limit(_number(shape.most)).subquery("page")
    )
    looked_at = (
        select(func.count().label("looked_at")).select_from(walked).subquery("all_of_it")
    )
    rows = select(page.c.id, page.c.due_at, looked_at.c.looked_at)
    rows = rows.select_from(looked_at.outerjoin(page, true()))
    return Query(order.sorted(rows, page.c), Walked)


@lru_cache(maxsize=256)
def searched_page_of(shape: Shape) -> Query[Found]:
    """Write the statement of a page of a search, going by the index of words."""
    order = _Order(shape.box)
    found = _searched(shape).where(order.after())
    return Query(order.sorted(found, Case).limit(_number(shape.most)), Found)


@lru_cache(maxsize=256)
def count_of(shape: Shape) -> Query[Counted]:
    """Write the statement that counts a box with filters, looking at so many cases at most."""
    order = _Order(shape.box)
    most = bindparam("walked", type_=Integer)
    pages = [order.page(stream, [], most) for stream in _streams(shape)]
    walked = order.merged(pages, most).subquery("walked")
    found = func.count()
    if shape.filters:
        found = found.filter(*_that_fit(walked, shape.filters))  # type: ignore[assignment]
    looked_at = func.count().label("looked_at")
    return Query(select(found.label("found"), looked_at).select_from(walked), Counted)


@lru_cache(maxsize=256)
def searched_count_of(shape: Shape) -> Query[Counted]:
    """Write the statement that counts what a search finds."""
    found = _searched(shape).limit(bindparam("walked", type_=Integer)).subquery("found")
    count = func.count()
    return Query(
        select(count.label("found"), _number(0).label("looked_at")).select_from(found),
        Counted,
    )


@lru_cache(maxsize=256)
def box_counts_of(sources: tuple[tuple[Box, Source], ...]) -> Query[BoxCount]:
    """Write the statement that counts boxes, at the cost of `COUNTED` rows each."""
    streams: dict[Box, list[Statement]] = {}
    for number, (box, source) in enumerate(sources):
        cases = stream_of(source, box, name_of(number)).cases().limit(_number(COUNTED))
        streams.setdefault(box, []).append(cases)
    counts = []
    for box, parts in streams.items():
        together = union_all(*[select(part.subquery()) for part in parts]).subquery()
        distinct = func.count(together.c.id.distinct())
        found = func.least(distinct, _number(COUNTED)).label("found")
        counts.append(
            select(literal(box.value, String).label("box"), found).select_from(together)
        )
    return Query(select(union_all(*counts).subquery("counts")), BoxCount)


def _number(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer)


def name_of(number: int) -> str:
    """Return the parameter that a source is bound to."""
    return f"bound_{number}"


def _streams(shape: Shape) -> list[Stream]:
    return [
        stream_of(source, shape.box, name_of(number))
        for number, source in enumerate(shape.sources)
    ]


class _Order:
    """Newest first, or the most pressing first."""

    def __init__(self, box: Box | None) -> None:
        self._by_due = box in BY_DUE

    def page(
        self, stream: Stream, filters: list[ColumnElement[bool]], limit: ColumnElement[int]
    ) -> Statement:
        """Select one page of a stream."""
        if self._by_due:
            found = stream.cases().add_columns(Case.due_at).where(self.after())
            return found.where(*filters).order_by(Case.due_at, Case.id).limit(limit)
        found = stream.newest(_BELOW).add_columns(cast(None, _MOMENT).label("due_at"))
        return found.where(*filters).limit(limit)

    def merged(self, pages: list[Statement], limit: ColumnElement[int]) -> Statement:
        """Select the first cases of several pages, each once."""
        if len(pages) == 1:
            return pages[0]
        parts = [page.subquery(f"page_{number}") for number, page in enumerate(pages)]
        one = union_all(*map(select, parts)).subquery("pages")
        found = select(one.c.id, one.c.due_at).distinct()
        return self.sorted(found, one.c).limit(limit)

    def sorted(self, cases: Statement, columns: Any) -> Statement:  # noqa: ANN401
        """Sort cases that were found in no order."""
        if self._by_due:
            return cases.order_by(columns.due_at, columns.id)
        return cases.order_by(columns.id.desc())

    def after(self) -> ColumnElement[bool]:
        """Hold for what comes after the page before."""
        if self._by_due:
            return tuple_(Case.due_at, Case.id) > tuple_(*_AFTER)
        return Case.id < _BELOW


_WORDS = bindparam("words", type_=Text)


def _that_fit(cases: Any, filters: tuple[str, ...]) -> list[ColumnElement[bool]]:  # noqa: ANN401
    """Return what holds for the found cases that fit all filters."""
    if not filters:
        return []
    fit = [filter_clause(name) for name in filters]
    return [select(1).where(Case.id == cases.c.id, *fit).correlate(cases).exists()]


def _case(cases: Any) -> Statement:  # noqa: ANN401  (a subquery with ids)
    return select(Case.id, Case.due_at).select_from(cases).join(Case, Case.id == cases.c.id)


def _searched(shape: Shape) -> Statement:
    """Select the cases with the words that some stream of the shape has."""
    in_index = cast(bindparam("indexed_words", type_=Text), TSQUERY)
    hits = (
        select(Issue.case_id.label("id"))
        .where(Issue.words.op("@@", is_comparison=True)(in_index))
        .cte("hits")
        .prefix_with("MATERIALIZED")
    )
    theirs = or_(*[stream.holds() for stream in _streams(shape)])
    return _case(hits).where(theirs, *[filter_clause(name) for name in shape.filters])
