"""What is known of each issue for the numbers: one row, from which all of them are counted.

Most rows were written down before by `keeping`; of whatever has changed since they are computed
as they are read. So a number is never older than the transaction that reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    Subquery,
    Text,
    and_,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.statistics.computing import computed
from neighborhood_api.statistics.models import Changed, Fact

_FALSE: ColumnElement[bool] = literal_column("false")
FLAGS = (
    "excluded",
    "merged",
    "withdrawn",
    "rejected",
    "reopened",
    "returned",
    "passed_up",
    "urged",
    "overdue",
    "responded",
    "resolved",
    "response_judged",
    "response_in_time",
    "resolution_judged",
    "resolution_in_time",
    "solved",
    "satisfied",
    "checked_in_in_time",
)
"""What is known to be so or not; issues of which the same is known count alike."""
_AS_THEY_ARE = (
    "opened_at",
    *COLUMNS,
    "category_code",
    "excluded",
    "merged",
    "withdrawn",
    "rejected",
    "reopened",
    "returned",
    "passed_up",
    "urged",
    "resolved",
    "response_in_time",
    "resolution_in_time",
    "solved",
    "satisfied",
    "first_response",
    "resolution_wall",
    "resolution_net",
)


@dataclass(frozen=True)
class Wanted:
    """Which issues are counted."""

    cases: ColumnElement[bool]
    """Holds for them among all cases."""
    plain: ColumnElement[bool] | None = None
    """Holds for those that are not about persons among all facts, where facts alone tell."""

    def also(self, cases: ColumnElement[bool], facts: ColumnElement[bool]) -> "Wanted":
        """Want only those for which the same holds, said of cases and of facts."""
        plain = None if self.plain is None else and_(self.plain, facts)
        return Wanted(and_(self.cases, cases), plain)


def facts(wanted: Wanted, *, now: datetime) -> Subquery:
    """Select one row for each issue that is `wanted`, with what the numbers need of it."""
    found = union_all(*_kept(wanted), _changed(wanted)).subquery("found")
    c = found.c
    return select(
        c.case_id.label("id"),
        *(c[name] for name in _AS_THEY_ARE),
        group_of(c.category_code).label("group_code"),
        c.first_response.is_not(None).label("responded"),
        _since(c.overdue_from, now).label("overdue"),
        _since(c.response_judged_from, now).label("response_judged"),
        _since(c.resolution_judged_from, now).label("resolution_judged"),
        case((c.missed_from < now, _FALSE), else_=c.came_in_time).label("checked_in_in_time"),
    ).subquery("facts")


def group_of(code: SQLColumnExpression[str]) -> ColumnElement[str]:
    """Return the group of a category."""
    return func.split_part(code, ".", 1, type_=Text)


def _kept(wanted: Wanted) -> Iterator[Select[*tuple[Any, ...]]]:
    """Select the facts as they were written down, of what has not changed since."""
    table = Fact.__table__
    kept = select(*_ordered(table.c)).where(Fact.case_id.not_in(select(Changed.case_id)))
    if wanted.plain is None:
        yield kept.where(Fact.case_id.in_(select(Case.id).where(wanted.cases)))
        return
    about_persons = select(Case.id).where(wanted.cases, Case.confidential)
    yield kept.where(~Fact.confidential, wanted.plain)
    yield kept.where(Fact.confidential, Fact.case_id.in_(about_persons))


def _changed(wanted: Wanted) -> Select[*tuple[Any, ...]]:
    """Compute the facts of what has changed."""
    changed = select(Changed.case_id).distinct().subquery("changed")
    found = computed(changed).where(wanted.cases)
    return found.with_only_columns(*_ordered(found.selected_columns))


def _ordered(columns: Any) -> list[ColumnElement[Any]]:  # noqa: ANN401  (columns by name)
    return [columns[one.name] for one in Fact.__table__.c]


def _since(moment: ColumnElement[datetime | None], now: datetime) -> ColumnElement[bool]:
    return func.coalesce(moment < now, _FALSE)
