"""Whom a venue serves: everyone who lives at its place or below."""

from sqlalchemy import ColumnElement, and_, func, or_

from neighborhood_api.identity.places import COLUMNS, Place
from neighborhood_api.venues.models import Venue

VENUE_NODE = func.coalesce(*(getattr(Venue, name) for name in reversed(COLUMNS)))
"""The deepest node of a venue's place."""


def serves(venue: Place, home: Place) -> bool:
    """Tell whether somebody living at `home` is of the venue's audience."""
    return all(node is None or node == home[level] for level, node in enumerate(venue))


def serving(home: Place) -> ColumnElement[bool]:
    """Hold for the venues that serve `home`; the same rule as `serves`, a test compares."""
    clauses = []
    for name, node in zip(COLUMNS, home, strict=True):
        column = getattr(Venue, name)
        clauses.append(
            column.is_(None) if node is None else or_(column.is_(None), column == node)
        )
    return and_(*clauses)


def around(place: Place) -> ColumnElement[bool]:
    """Hold for the venues that serve `place` or lie below it."""
    return or_(serving(place), getattr(Venue, COLUMNS[place.level]) == place.node_id)
