"""What the list of venues asks the database: how far, and which may be open."""

from datetime import datetime
from math import cos, degrees, radians

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import aliased
from sqlalchemy.orm.util import AliasedClass

from neighborhood_api.grid.areas.coordinates import EARTH_METRES, Point
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.openings.models import OpeningException, OpeningRule
from neighborhood_api.venues.models import Venue

NEAR_METRES = 50_000
"""Farther away than this nothing is near."""
_NARROWEST = 0.05
"""Cosine of the latitude up to which a box has a width; China ends at 0.59."""
_SUNDAY = 7


def metres_from(
    here: Point, table: type[Venue] | AliasedClass[Venue] = Venue
) -> ColumnElement[float]:
    """Return how far venues are from a position, as `metres_between` computes it."""
    half_north = func.radians(table.latitude - here.latitude) / 2
    half_east = func.radians(table.longitude - here.longitude) / 2
    narrowed = func.cos(func.radians(table.latitude)) * cos(radians(here.latitude))
    chord = func.power(func.sin(half_north), 2) + narrowed * func.power(func.sin(half_east), 2)
    distance: ColumnElement[float] = 2 * EARTH_METRES * func.asin(func.sqrt(chord))
    return distance


def near(here: Point) -> ColumnElement[bool]:
    """Hold for venues with a point inside the box around a position, which the index finds."""
    north = degrees(NEAR_METRES / EARTH_METRES)
    east = north / max(_NARROWEST, cos(radians(here.latitude)))
    box = func.box(
        func.point(here.longitude - east, here.latitude - north),
        func.point(here.longitude + east, here.latitude + north),
    )
    spot = func.point(Venue.longitude, Venue.latitude)
    return and_(
        Venue.longitude.is_not(None),
        Venue.closed_at.is_(None),
        spot.op("<@", is_comparison=True)(box),
    )


def nearer_first(here: Point, after_id: object | None) -> tuple[ColumnElement[bool], ...]:
    """Hold for what comes after a venue in the order of distance, then id."""
    if after_id is None:
        return ()
    last = aliased(Venue)
    metres = select(metres_from(here, last)).where(last.id == after_id).scalar_subquery()
    mine = metres_from(here)
    return (or_(mine > metres, and_(mine == metres, Venue.id > after_id)),)


def may_be_open(now: datetime) -> ColumnElement[bool]:
    """Hold for every venue that is open at this moment, and for few others.

    Only its plan knows for sure: holidays and closures are left to that.
    """
    local = now.astimezone(SHOWN_ZONE)
    day, minute = local_day(now), local.hour * 60 + local.minute
    ruled = select(literal(1)).where(
        OpeningRule.opening_id == Venue.opening_id,
        OpeningRule.weekday.in_({day.isoweekday(), _SUNDAY}),
        OpeningRule.opens_minute <= minute,
        OpeningRule.closes_minute > minute,
    )
    changed = select(literal(1)).where(
        OpeningException.opening_id == Venue.opening_id,
        OpeningException.withdrawn_at.is_(None),
        OpeningException.first_on <= day,
        OpeningException.last_on >= day,
    )
    return or_(ruled.exists(), changed.exists())
