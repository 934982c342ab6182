"""How much venues are used, for their staff and for whoever reads the numbers of a place."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.kit.db import ReadTx, Source
from neighborhood_api.venues.service import VenueNotFound
from neighborhood_api.venues.sessions.models import SessionKind
from neighborhood_api.venues.use.counting import (
    Tally,
    numbers,
    open_minutes,
    room_tallies,
    seconds_by_room,
)
from neighborhood_api.venues.use.periods import UsePeriod
from neighborhood_api.venues.use.queries import (
    COUNTS_BELOW,
    COUNTS_OF,
    PART_LINE,
    ROOM_LINE,
    SESSION_COUNTS_BELOW,
    SESSIONS_OF,
    SITE_OF,
    SITES_BELOW,
    VENUE_LINE,
    WHOLE_LINE,
    Counts,
    SessionUse,
    Site,
)
from neighborhood_api.venues.use.schemas import (
    NodeUseOut,
    PlaceUseOut,
    RoomUseOut,
    SessionUseOut,
    VenueUseDetailOut,
    VenueUseOut,
)


async def read_venue_use(
    source: Source, actor: Actor, venue_id: UUID, period: UsePeriod, *, now: datetime
) -> VenueUseDetailOut:
    """Return how much a venue was used, by room and session; four statements.

    Raises: VenueNotFound, Forbidden.
    """
    sites = await SITE_OF.all(source, id=venue_id)
    if not sites:
        raise VenueNotFound
    require_numbers(actor, sites[0].place)
    asked = {"id": venue_id, "since": period.since, "until": period.until}
    counted = await COUNTS_OF.all(source, **asked, now=now)
    sessions = await SESSIONS_OF.all(source, **asked)
    opened = await open_minutes(source, sites, period)
    tallies = room_tallies(sites, opened, seconds_by_room(sessions))
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    for session in sessions:
        whole.add_session(session)
    by_room = {one.room_id: one for one in counted if one.line == ROOM_LINE}
    together = next((one for one in counted if one.line == VENUE_LINE), None)
    return VenueUseDetailOut(
        **numbers(together, whole),
        venue_id=venue_id,
        name=sites[0].venue_name,
        first_on=period.first_on,
        last_on=period.last_on,
        session_totals=whole.totals(),
        rooms=[_room(one, by_room.get(one.room_id), tallies) for one in sites if one.room_id],
        sessions=[_session(one) for one in sessions],
    )


async def read_node_use(
    tx: ReadTx, actor: Actor, node_id: UUID, period: UsePeriod, *, now: datetime
) -> NodeUseOut:
    """Return how much the venues of a place and below were used; five statements.

    Raises: NodeNotFound, Forbidden.
    """
    node = await current_node(tx, node_id, now=now)
    require_numbers(actor, node.place)
    level = Level(node.level)
    asked = {"id": node_id, "since": period.since, "until": period.until}
    sites = await SITES_BELOW[level].all(tx, id=node_id)
    counted = await COUNTS_BELOW[level].all(tx, **asked, now=now)
    sessions = await SESSION_COUNTS_BELOW[level].all(tx, **asked)
    opened = await open_minutes(tx, sites, period)
    taken: dict[UUID | None, int] = defaultdict(int)
    tallies: dict[UUID, Tally] = defaultdict(Tally)
    for some in sessions:
        taken[some.room_id] += some.seconds
        tallies[some.venue_id].add_sessions(some)
    by_room = room_tallies(sites, opened, taken)
    for one in sites:
        if one.room_id is not None:
            tallies[one.venue_id].add(by_room[one.room_id])
    return _node_view(node_id, node.name, period, sites, counted, tallies)


def require_numbers(actor: Actor, place: Place) -> None:
    """Refuse whoever reads neither the numbers nor the bookings of a place.

    Raises: Forbidden.
    """
    if not actor.may(Permission.STATISTICS_READ, at=place):
        actor.require(Permission.BOOKING_READ, at=place)


def _node_view(
    node_id: UUID,
    name: str,
    period: UsePeriod,
    sites: list[Site],
    counted: list[Counts],
    tallies: dict[UUID, Tally],
) -> NodeUseOut:
    venues = {one.venue_id: one for one in sites}
    by_venue = {one.venue_id: one for one in counted if one.line == VENUE_LINE}
    by_part = {one.part_id: one for one in counted if one.line == PART_LINE}
    together = next((one for one in counted if one.line == WHOLE_LINE), None)
    parts: dict[UUID | None, list[Site]] = defaultdict(list)
    for one in venues.values():
        parts[one.part_id].append(one)
    return NodeUseOut(
        first_on=period.first_on,
        last_on=period.last_on,
        whole=_place(node_id, name, [*venues.values()], together, tallies),
        parts=[
            _place(part_id, some[0].part_name, some, by_part.get(part_id), tallies)
            for part_id, some in parts.items()
        ],
        venues=[
            VenueUseOut(
                **numbers(by_venue.get(venue_id), tallies[venue_id]),
                venue_id=venue_id,
                name=one.venue_name,
                session_totals=tallies[venue_id].totals(),
            )
            for venue_id, one in venues.items()
        ],
    )


def _place(
    node_id: UUID | None,
    name: str | None,
    venues: list[Site],
    counts: Counts | None,
    tallies: dict[UUID, Tally],
) -> PlaceUseOut:
    together = Tally()
    for one in venues:
        together.add(tallies[one.venue_id])
    return PlaceUseOut(
        **numbers(counts, together),
        node_id=node_id,
        name=name,
        venues=len(venues),
        session_totals=together.totals(),
    )


def _room(site: Site, counts: Counts | None, tallies: dict[UUID, Tally]) -> RoomUseOut:
    if site.room_id is None:
        raise ValueError("a venue without rooms has none to show")
    return RoomUseOut(
        **numbers(counts, tallies[site.room_id]),
        room_id=site.room_id,
        name=site.room_name or "",
        units=site.units,
    )


def _session(one: SessionUse) -> SessionUseOut:
    return SessionUseOut(
        session_id=one.id,
        title=one.title,
        kind=SessionKind(one.kind),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        cancelled_at=one.cancelled_at,
        seats=one.seats,
        enrolled=one.enrolled,
        came=one.came,
        no_shows=one.no_shows,
        waited=one.waited,
    )
