"""Plans out of the database: any number of openings, with their parents, in one statement."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    select,
    union,
)

from neighborhood_api.kit.db import Source
from neighborhood_api.kit.reads import Query
from neighborhood_api.schedules.calendar import Window
from neighborhood_api.schedules.openings.models import (
    Closure,
    Opening,
    OpeningException,
    OpeningRule,
)
from neighborhood_api.schedules.openings.plans import (
    Closing,
    Hours,
    OnHolidays,
    OtherHours,
    Plan,
    Sheet,
)
from neighborhood_api.schedules.openings.spans import DAY, midnight_of
from neighborhood_api.schedules.working import CALENDAR_VERSION, calendar_at

_IDS = bindparam("ids", type_=ARRAY(Uuid))
_FIRST = bindparam("first_day", type_=Date)
_LAST = bindparam("last_day", type_=Date)
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))


class SheetRow(NamedTuple):
    """One opening with all that it says about a period; lists come as JSON."""

    id: UUID
    parent_id: UUID | None
    district_id: UUID
    on_holidays: str | None
    version: int
    calendar_version: int
    rules: str | None
    exceptions: str | None
    closings: str | None


def _listed(query: Select[*tuple[Any, ...]], *columns: Any) -> ColumnElement[str]:  # noqa: ANN401
    """Gather the rows of `query` into one text of JSON, beside the opening's own columns."""
    rows = cast(func.json_agg(func.json_build_array(*columns)), Text)
    return query.with_only_columns(rows).correlate(Opening).scalar_subquery()


def _statement() -> Query[SheetRow]:
    asked = select(Opening.id).where(Opening.id == any_(_IDS))
    above = select(Opening.parent_id).where(
        Opening.id == any_(_IDS), Opening.parent_id.is_not(None)
    )
    wanted = union(asked, above).cte("wanted")
    rules = _listed(
        select(OpeningRule).where(OpeningRule.opening_id == Opening.id),
        OpeningRule.weekday,
        OpeningRule.opens_minute,
        OpeningRule.closes_minute,
        OpeningRule.valid_from,
        OpeningRule.valid_until,
    )
    exceptions = _listed(
        select(OpeningException).where(
            OpeningException.opening_id == Opening.id,
            OpeningException.withdrawn_at.is_(None),
            OpeningException.last_on >= _FIRST,
            OpeningException.first_on <= _LAST,
        ),
        OpeningException.id,
        OpeningException.first_on,
        OpeningException.last_on,
        OpeningException.hours,
        OpeningException.reason,
        OpeningException.made_at,
    )
    closings = _listed(
        select(Closure).where(
            Closure.opening_id == Opening.id,
            Closure.lifted_at.is_(None),
            Closure.ends_at > _SINCE,
            Closure.starts_at < _UNTIL,
        ),
        Closure.id,
        Closure.starts_at,
        Closure.ends_at,
        Closure.reason,
    )
    statement = select(
        Opening.id,
        Opening.parent_id,
        Opening.district_id,
        Opening.on_holidays,
        Opening.version,
        CALENDAR_VERSION.label("calendar_version"),
        rules.label("rules"),
        exceptions.label("exceptions"),
        closings.label("closings"),
    ).join(wanted, wanted.c.id == Opening.id)
    return Query(statement, SheetRow)


SHEETS = _statement()
"""Openings and their parents, with rules, and what else meets a period."""


async def plans_of(
    source: Source, opening_ids: Iterable[UUID], first_day: date, last_day: date
) -> dict[UUID, Plan]:
    """Return the plans of openings from one day to another, read in one statement.

    The working calendar costs a second one, the first time that a process needs it.
    """
    ids = list(set(opening_ids))
    if not ids:
        return {}
    rows = await SHEETS.all(
        source,
        ids=ids,
        first_day=first_day,
        last_day=last_day,
        since=midnight_of(first_day),
        until=midnight_of(last_day + DAY),
    )
    found = {row.id: row for row in rows}
    sheets = {row.id: _sheet(row) for row in rows}
    plans = {}
    for row in (found[one] for one in ids if one in found):
        calendar = await calendar_at(source, row.district_id, row.calendar_version)
        parent = None if row.parent_id is None else sheets[row.parent_id]
        plans[row.id] = Plan(sheets[row.id], calendar, parent, first_day, last_day)
    return plans


async def plan_of(source: Source, opening_id: UUID, first_day: date, last_day: date) -> Plan:
    """Return the plan of one opening from one day to another.

    Raises: KeyError, when there is no such opening.
    """
    return (await plans_of(source, [opening_id], first_day, last_day))[opening_id]


def _sheet(row: SheetRow) -> Sheet:
    return Sheet(
        id=row.id,
        rules=tuple(sorted(map(_hours, json.loads(row.rules or "[]")), key=_in_the_week)),
        exceptions=tuple(map(_other_hours, json.loads(row.exceptions or "[]"))),
        closings=tuple(map(_closing, json.loads(row.closings or "[]"))),
        on_holidays=None if row.on_holidays is None else OnHolidays(row.on_holidays),
        version=row.version,
    )


def _in_the_week(rule: Hours) -> tuple[int, int, int]:
    return rule.weekday, rule.opens, rule.closes


def _hours(columns: list[Any]) -> Hours:
    weekday, opens, closes, since, until = columns
    return Hours(weekday, opens, closes, _day(since), _day(until))


def _other_hours(columns: list[Any]) -> OtherHours:
    key, first_on, last_on, hours, reason, made_at = columns
    return OtherHours(
        UUID(key),
        date.fromisoformat(first_on),
        date.fromisoformat(last_on),
        tuple(Window(opens, closes) for opens, closes in hours),
        reason,
        datetime.fromisoformat(made_at),
    )


def _closing(columns: list[Any]) -> Closing:
    key, starts_at, ends_at, reason = columns
    return Closing(
        UUID(key), datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at), reason
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
