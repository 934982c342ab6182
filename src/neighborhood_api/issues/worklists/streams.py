"""What the parts of a box look like in SQL.

Each stream is drawn from one index in the order of the page, and PostgreSQL is given no choice:
by its estimates it would rather walk through everybody's newest cases, and meet those of one
street by chance. So a place is a range of one, `(place, id) < (this, last) AND place >= this`,
which no other index has in order; and conditions that shall not lead to another index are
written IS NOT DISTINCT FROM, which no index answers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    DateTime,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    tuple_,
)

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call, Offer, Party
from neighborhood_api.cases.sight import Sight
from neighborhood_api.cases.workflow import IN_HAND, State
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.worklists.boxes import Box, Draw, Source

Clause = ColumnElement[bool]


def _literally(condition: str) -> Clause:
    """Write a condition without parameters, as the partial indexes that answer it have it."""
    return literal_column(condition, Boolean)


def _quoted(names: Iterable[str]) -> str:
    """Write names of states out: which index answers them depends on what they are."""
    return ", ".join(f"'{State(name).value}'" for name in names)


STATES = "states "
"""What the name of a filter by states begins with; the states follow."""
ANY_OF = "_any_of"
"""What the name of a filter by several places of one level ends with; a column begins it."""
_STATES = _quoted(sorted(IN_HAND))
_IN_HAND = _literally(f"case_file.state IN ({_STATES})")
ME = bindparam("me", type_=Uuid)
NOW = bindparam("now", type_=DateTime(timezone=True))
DAY_FROM = bindparam("day_from", type_=DateTime(timezone=True))
DAY_UNTIL = bindparam("day_until", type_=DateTime(timezone=True))


@dataclass(frozen=True)
class Stream:
    """One part of a box."""

    key: Any
    """The column of case ids that its index goes by."""
    lead: Sequence[tuple[Any, ColumnElement[Any]]]
    """The columns before it in the index, and what they are."""
    only: Sequence[Clause]
    """What else its rows must be, the cases included."""
    apart: Sequence[Clause] = ()
    """What rows must be that are not those of cases."""

    def cases(self) -> Select[*tuple[Any, ...]]:
        """Select its cases in no order."""
        return self._from_index().where(*[column == value for column, value in self.lead])

    def newest(self, below: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
        """Select its cases before `below`, newest first."""
        columns = [column for column, _ in self.lead]
        values = [value for _, value in self.lead]
        before = tuple_(*columns, self.key) < tuple_(*values, below)
        from_here = tuple_(*columns) >= tuple_(*values)
        newest_first = [column.desc() for column in (*columns, self.key)]
        return self._from_index().where(before, from_here).order_by(*newest_first)

    def holds(self) -> Clause:
        """Hold for its cases where they are found in another way."""
        at = [column == value for column, value in self.lead]
        if self.key.class_ is Case:
            return and_(*at, *self.only)
        found = select(1).where(self.key == Case.id, *at, *self.apart)
        return and_(exists(found), *self.only)

    def _from_index(self) -> Select[*tuple[Any, ...]]:
        if self.key.class_ is Case:
            return select(Case.id).where(*self.only)
        found = select(self.key.label("id")).join(Case, Case.id == self.key)
        return found.where(*self.apart, *self.only)


def stream_of(source: Source, box: Box | None, name: str) -> Stream:
    """Return the stream of a source, whose place or department is the parameter `name`."""
    bound = bindparam(name, type_=Uuid)
    stream = _STREAMS[source.draw](source, bound)
    only = [_literally("case_file.kind = 'issue'"), *stream.only, *_of_box(source, box)]
    only += _in_sight(source)
    lead = [*stream.lead]
    if box in _ASIDE and source.draw is Draw.PLACE:
        lead.append((Case.state, _literally(f"'{_ASIDE[box]}'")))
    return replace(stream, lead=lead, only=only)


def _in_sight(source: Source) -> list[Clause]:
    """Return what `visible` says, as the partial indexes have it."""
    not_above = f"case_file.hand_level >= {source.post_level.value}"
    match source.sight:
        case Sight.BOTH:
            return [_literally(f"(NOT case_file.confidential OR {not_above})")]
        case Sight.CONFIDENTIAL:
            return [_literally("case_file.confidential"), _literally(not_above)]
        case _:
            return [_literally("NOT case_file.confidential")]


_ASIDE: dict[Box | None, str] = {
    Box.WAITING: "waiting",
    Box.SUSPENDED: "suspended",
    Box.ADJUDICATING: "adjudicating",
    Box.TO_VERIFY: "verifying",
}
"""Boxes with states for which there are indexes."""


def _here(source: Source, bound: ColumnElement[Any]) -> Clause:
    here: Clause = getattr(Case, COLUMNS[source.level]).is_not_distinct_from(bound)
    return here


def _place(source: Source, bound: ColumnElement[Any]) -> Stream:
    return Stream(Case.id, [(getattr(Case, COLUMNS[source.level]), bound)], [])


def _person_at_place(source: Source, bound: ColumnElement[Any]) -> Stream:
    return Stream(Case.id, [(Case.hand_person_id, ME)], [_here(source, bound)])


def _person_in_department(_: Source, bound: ColumnElement[Any]) -> Stream:
    mine = Case.organization_id.is_not_distinct_from(bound)
    return Stream(Case.id, [(Case.hand_person_id, ME)], [mine])


def _hands(source: Source, bound: ColumnElement[Any]) -> Stream:
    of_the_node = [Case.organization_id.is_(None), _here(source, bound)]
    return Stream(Case.id, [(Case.hand_node_id, bound)], of_the_node)


def _department(_: Source, bound: ColumnElement[Any]) -> Stream:
    given = Case.organization_id.is_not(None)
    return Stream(Case.id, [(Case.organization_id, bound)], [given])


def _party(_: Source, bound: ColumnElement[Any]) -> Stream:
    return Stream(Party.case_id, [(Party.organization_id, bound)], [])


_OPEN = Offer.answered_at.is_(None)


def _offer_to_place(source: Source, bound: ColumnElement[Any]) -> Stream:
    return Stream(Offer.case_id, [(getattr(Offer, COLUMNS[source.level]), bound)], [], [_OPEN])


def _offer_to_node(_: Source, bound: ColumnElement[Any]) -> Stream:
    to_node = [_OPEN, Offer.organization_id.is_(None)]
    return Stream(Offer.case_id, [(Offer.node_id, bound)], [], to_node)


def _offer_to_department(_: Source, bound: ColumnElement[Any]) -> Stream:
    return Stream(Offer.case_id, [(Offer.organization_id, bound)], [], [_OPEN])


def _call(_: Source, bound: ColumnElement[Any]) -> Stream:
    still = Call.released_at.is_(None)
    return Stream(Call.case_id, [(Call.organization_id, bound)], [], [still])


_STREAMS = {
    Draw.PLACE: _place,
    Draw.PARTY: _party,
    Draw.OFFER_TO_PLACE: _offer_to_place,
    Draw.PERSON_AT_PLACE: _person_at_place,
    Draw.PERSON_IN_DEPARTMENT: _person_in_department,
    Draw.HANDS: _hands,
    Draw.DEPARTMENT: _department,
    Draw.OFFER_TO_NODE: _offer_to_node,
    Draw.OFFER_TO_DEPARTMENT: _offer_to_department,
    Draw.CALL: _call,
}


def _of_box(source: Source, box: Box | None) -> list[Clause]:
    """Return what cases must be to lie in a box."""
    match box:
        case None | Box.OFFERED | Box.CALLED:
            return []
        case Box.BELOW:
            return [_IN_HAND, _BELOW[source.post_level]]
        case Box.WAITING | Box.SUSPENDED | Box.ADJUDICATING:
            return [*_held(source), _literally(f"case_file.state = '{box.value}'")]
        case _:
            return _BOXES[box]


_BELOW = {
    level: _literally(
        f"(case_file.hand_level > {level.value} OR (case_file.hand_level = {level.value}"
        " AND case_file.organization_id IS NOT NULL))"
    )
    for level in Level
}
_BOXES: dict[Box, list[Clause]] = {
    Box.MINE: [_IN_HAND],
    Box.NODE: [_IN_HAND],
    Box.OVERDUE: [_IN_HAND, Case.due_at < NOW],
    Box.DUE_TODAY: [_IN_HAND, Case.due_at >= DAY_FROM, Case.due_at < DAY_UNTIL],
    Box.RETURNED: [_IN_HAND, _literally("case_file.times_returned > 0")],
    Box.REOPENED: [_IN_HAND, _literally("case_file.times_reopened > 0")],
    Box.TO_VERIFY: [
        _literally("case_file.state = 'verifying'"),
        Case.resolved_by_id.is_distinct_from(ME),
        Case.reporter_id.is_distinct_from(ME),
    ],
}


def _held(source: Source) -> list[Clause]:
    """Say what the index of a department needs to know; the state alone does not say it."""
    return [_IN_HAND] if source.draw is Draw.DEPARTMENT else []


def _texts(name: str) -> ColumnElement[Any]:
    return any_(bindparam(name, type_=ARRAY(Text)))


def _about(*clauses: Clause) -> Clause:
    return exists(select(1).where(Issue.case_id == Case.id, *clauses))


def filter_clause(name: str) -> Clause:
    """Return the condition of one filter; its value is the parameter of the same name."""
    if name.startswith(STATES):
        return _literally(f"case_file.state IN ({_quoted(name.removeprefix(STATES).split())})")
    if name in COLUMNS:
        return getattr(Case, name).is_not_distinct_from(bindparam(name, type_=Uuid))  # type: ignore[no-any-return]
    if name.endswith(ANY_OF):
        several = any_(bindparam(name, type_=ARRAY(Uuid)))
        return getattr(Case, name.removesuffix(ANY_OF)) == several  # type: ignore[no-any-return]
    return _FILTERS[name]


_MOMENT = DateTime(timezone=True)
_FILTERS: dict[str, Clause] = {
    "category": _about(Issue.category_code == bindparam("category", type_=Text)),
    "group": _about(
        Issue.category_code.in_(
            select(Category.code).where(Category.group_code == bindparam("group", type_=Text))
        )
    ),
    "urgencies": Case.terms["urgency"].astext == _texts("urgencies"),
    "overdue": and_(_IN_HAND, Case.due_at < NOW),
    "on_time": or_(
        _literally(f"case_file.state NOT IN ({_STATES})"),
        Case.due_at.is_(None),
        Case.due_at >= NOW,
    ),
    "opened_from": and_(
        Case.opened_at >= bindparam("opened_from", type_=_MOMENT),
        Case.id >= bindparam("made_from", type_=Uuid),
    ),
    "opened_to": Case.opened_at < bindparam("opened_to", type_=_MOMENT),
}
