"""The part of a series that a change is about: what has not begun, from one date on."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.registrations.models import Resource
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.grounds import (
    Ground,
    Known,
    SessionNotFound,
    SessionOver,
    known_sessions,
    lock_ground,
    teacher_ids_of,
)
from neighborhood_api.venues.sessions.models import Series, Session
from neighborhood_api.venues.sessions.series.schemas import SeriesCancelIn, SeriesChangeIn
from neighborhood_api.venues.sessions.series.service import SeriesNotFound

VenueOf = Callable[[Tx, Actor, UUID], Awaitable[Venue]]
"""Returns a venue that the caller runs: as it is, or kept as it is and not closed for good."""


class Part(NamedTuple):
    """The sessions of a series that a change is about, locked."""

    series: Series
    ground: Ground
    first_on: date
    known: dict[date, Known]
    """Those that have not begun, by their dates in the series."""


async def lock_part(
    tx: Tx,
    actor: Actor,
    series_id: UUID,
    wish: SeriesChangeIn | SeriesCancelIn,
    venue_of: VenueOf,
    *,
    room_id: UUID | None = None,
    teacher_ids: frozenset[UUID] = frozenset(),
    now: datetime,
) -> Part:
    """Lock a series after its venue, then what has not begun with its rooms and teachers.

    Raises: SeriesNotFound, Forbidden, VenueGone, StaleVersion, SessionNotFound, SessionOver,
        RoomNotFound.
    """
    series = await tx.get(Series, series_id)
    if series is None:
        raise SeriesNotFound
    venue = await venue_of(tx, actor, series.venue_id)
    await tx.refresh(series, with_for_update={"key_share": True})
    if series.version != wish.version:
        raise StaleVersion(version=series.version)
    seen = await _to_come(tx, series_id, now)
    first_on = await _first_on(tx, series, seen, wish.from_session_id, now)
    part = {
        its: one for its, one in seen.items() if one.series_on and one.series_on >= first_on
    }
    versions = {its_id: one.version for its_id, one in part.items()}
    ground = await lock_ground(
        tx,
        venue,
        session_ids=list(part),
        room_ids={room_id, *(one.room_id for one in part.values())},
        teacher_ids={*teacher_ids, *await teacher_ids_of(tx, part)},
        now=now,
    )
    known = await known_sessions(tx, ground.resources, part)
    if {its_id: one.session.version for its_id, one in known.items()} != versions:
        raise StaleVersion(version=series.version)
    by_date = {
        one.session.series_on: one
        for one in known.values()
        if one.session.series_on is not None
    }
    return Part(series, ground, first_on, dict(sorted(by_date.items())))


async def dates_with_a_session(tx: ReadTx, part: Part) -> set[date]:
    """Return the dates of a part that have a session, also one that was called off."""
    found = await tx.scalars(
        select(Session.series_on).where(
            Session.series_id == part.series.id, Session.series_on >= part.first_on
        )
    )
    return {on for on in found if on is not None}


async def _first_on(
    tx: ReadTx,
    series: Series,
    seen: dict[UUID, Session],
    from_session_id: UUID | None,
    now: datetime,
) -> date:
    """Return the date from which on a part begins.

    Raises: SessionNotFound, SessionOver.
    """
    first_on = min([one.series_on for one in seen.values() if one.series_on], default=None)
    if from_session_id is not None:
        first = await tx.get(Session, from_session_id)
        if first is None or first.series_id != series.id:
            raise SessionNotFound
        if from_session_id not in seen:
            raise SessionOver
        first_on = first.series_on
    return max(series.first_on, first_on or local_day(now))


async def _to_come(tx: ReadTx, series_id: UUID, now: datetime) -> dict[UUID, Session]:
    query = (
        select(Session)
        .join(Resource, Resource.id == Session.id)
        .where(
            Session.series_id == series_id,
            Resource.starts_at > now,
            Resource.cancelled_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )
    return {one.id: one for one in await tx.scalars(query)}
