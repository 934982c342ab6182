"""What lies at a place and below it, counted for the preview and for comparisons."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Table, and_, func, select

from neighborhood_api.cases.workflow import IN_NO_HANDS, State
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.kit.db import Model, ReadTx
from neighborhood_api.registrations.states import LIVE

OPEN_STATES = sorted(state.value for state in State if state not in IN_NO_HANDS)
LIVE_REGISTRATIONS = sorted(state.value for state in LIVE)


def table(name: str) -> Table:
    """Return a table by its name."""
    return Model.metadata.tables[name]


def _measures(now: datetime) -> dict[str, tuple[FromClause, FromClause, ColumnElement[bool]]]:
    """Give by name: what is counted from, where it lies, and what of it counts."""
    node, case, resource = table("node"), table("case_file"), table("resource")
    at_node = {
        name: (table(name).join(node, node.c.id == table(name).c.node_id), node)
        for name in (
            "appointment",
            "vacancy",
            "boundary",
            "canned_reply",
            "handling_rule",
            "organization",
            "shift",
        )
    }
    booking = table("registration")
    booked = booking.join(resource, resource.c.id == booking.c.resource_id)
    future = and_(booking.c.ends_at > now, booking.c.state.in_(LIVE_REGISTRATIONS))
    session = and_(resource.c.mode == "counted", resource.c.ends_at > now)
    posts, rules, shifts = table("appointment"), table("handling_rule"), table("shift")
    to_come = and_(shifts.c.ends_at > now, shifts.c.cancelled_at.is_(None))
    doors, people = table("household"), table("resident")
    everything: ColumnElement[bool] = node.c.id.is_not(None)
    return {
        "residents": (table("residence"), table("residence"), _all("residence", "person_id")),
        "registered": (people, people, people.c.moved_out_on.is_(None)),
        "households": (doors, doors, doors.c.ended_on.is_(None)),
        "establishments": (
            table("establishment"),
            table("establishment"),
            table("establishment").c.ended_on.is_(None),
        ),
        "appointments": (*at_node["appointment"], posts.c.ended_at.is_(None)),
        "vacancies": (*at_node["vacancy"], table("vacancy").c.filled_at.is_(None)),
        "departments": (*at_node["organization"], everything),
        "shifts": (*at_node["shift"], to_come),
        "issues": (case, case, _all("case_file", "id")),
        "open_issues": (case, case, case.c.state.in_(OPEN_STATES)),
        "future_bookings": (booked, resource, future),
        "future_sessions": (resource, resource, session),
        "rooms": (resource, resource, resource.c.mode == "exclusive"),
        "venues": (table("venue"), table("venue"), table("venue").c.closed_at.is_(None)),
        "boundaries": (*at_node["boundary"], table("boundary").c.parts > 0),
        "plates": (
            node,
            node,
            and_(node.c.plate_code.is_not(None), node.c.valid_until.is_(None), everything),
        ),
        "canned_replies": (*at_node["canned_reply"], table("canned_reply").c.active),
        "handling_rules": (*at_node["handling_rule"], rules.c.superseded_at.is_(None)),
    }


def _all(name: str, key: str) -> ColumnElement[bool]:
    return table(name).c[key].is_not(None)


async def counts_of(
    tx: ReadTx,
    nodes: Iterable[tuple[UUID, Level]],
    *,
    now: datetime,
    only: Iterable[str] | None = None,
) -> dict[UUID, dict[str, int]]:
    """Count what lies at each of the nodes and below it."""
    found: dict[UUID, dict[str, int]] = {}
    by_level: dict[Level, list[UUID]] = {}
    for node_id, level in nodes:
        by_level.setdefault(level, []).append(node_id)
        found[node_id] = {}
    measures = _measures(now)
    for name in measures if only is None else only:
        source, placed, counts = measures[name]
        for level, ids in by_level.items():
            column: Any = placed.c[COLUMNS[level]]
            query = (
                select(column, func.count())
                .select_from(source)
                .where(column.in_(ids), counts)
                .group_by(column)
            )
            for node_id, number in await tx.execute(query):
                found[node_id][name] = number
            for node_id in ids:
                found[node_id].setdefault(name, 0)
    return found
