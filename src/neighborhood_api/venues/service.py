"""Rules of venues: what there is, for whom, and who keeps it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Select, literal, literal_column, or_, select

from neighborhood_api.files.service import claim_files
from neighborhood_api.grid.areas.coordinates import Point, to_wgs84
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node, Residence
from neighborhood_api.grid.schemas import PositionIn
from neighborhood_api.grid.service import ResidenceUnknown, current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import columns_of
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.problems import Problem
from neighborhood_api.schedules.openings.plans import Plan
from neighborhood_api.schedules.openings.queries import plans_of
from neighborhood_api.schedules.openings.service import add_opening
from neighborhood_api.venues.audience import VENUE_NODE, around, serving
from neighborhood_api.venues.models import Venue, VenueKind
from neighborhood_api.venues.queries import may_be_open, metres_from, near, nearer_first
from neighborhood_api.venues.schemas import VenueBaseIn, VenueChangeIn, VenueIn

LOOKED_AT = 1000
"""Venues whose plans are read at once, when only those are wanted that are open."""
AHEAD = timedelta(days=21)
"""How far the next opening is looked for: the longest holidays are over by then."""


class VenueNotFound(Problem):
    """The id names no venue."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such venue"
    message = "没有找到这个服务中心，请返回列表重新选择"


class VenueGone(Problem):
    """The venue was closed for good; `closed_at` says when."""

    title = "The venue is closed for good"
    message = "这个场地已经停办，请选择其他场地"


class Found(NamedTuple):
    """A venue with its plan of the days to come."""

    venue: Venue
    node_name: str
    metres: float | None
    plan: Plan

    @property
    def id(self) -> UUID:
        """The venue's."""
        return self.venue.id

    def open_now(self, now: datetime) -> bool:
        """Tell whether it is open at this moment."""
        today = self.plan.day(local_day(now)).open
        return self.venue.closed_at is None and any(
            span.starts_at <= now < span.ends_at for span in today
        )

    def opens_at(self, now: datetime) -> datetime | None:
        """Return when it opens next; None while it is open, and when that is far away."""
        if self.venue.closed_at is not None:
            return None
        span = self.plan.next_open(now, local_day(now) + AHEAD)
        return span.starts_at if span is not None and span.starts_at > now else None


class Sought(NamedTuple):
    """Which venues somebody looks for."""

    node_id: UUID | None = None
    kind: VenueKind | None = None
    open_now: bool = False
    here: Point | None = None
    """From where the nearest are wanted, in WGS-84 degrees."""


async def find_venues(
    tx: ReadTx, actor: Actor, sought: Sought, page: PageRequest, *, now: datetime
) -> list[Found]:
    """Return a page of venues with one more, newest or nearest first.

    Around a node; without one, near the position, or else those that the caller uses or runs.
    Two statements however many there are; a few more where many look open and are not.

    Raises: NodeNotFound, ResidenceUnknown, BadCursor.
    """
    query = _in_order(await _sought(tx, actor, sought, now), sought, now)
    after_id = None if page.after is None else page.below
    most = min(2 * page.fetch, LOOKED_AT) if sought.open_now else page.fetch
    found: list[Found] = []
    while True:
        rows = await tx.execute(query.where(*_after(sought, after_id)).limit(most))
        looked_at = await _with_plans(tx, [(row[0], row[1], row[2]) for row in rows], now=now)
        found += [one for one in looked_at if not sought.open_now or one.open_now(now)]
        if len(looked_at) < most or len(found) >= page.fetch:
            return found[: page.fetch]
        after_id, most = looked_at[-1].id, min(4 * most, LOOKED_AT)


def venues_with_node() -> Select[Venue, str]:
    """Select venues with the name of the place that each serves."""
    return select(Venue, Node.name).join(Node, Node.id == VENUE_NODE)


async def read_venue(tx: ReadTx, venue_id: UUID) -> tuple[Venue, str]:
    """Return a venue and the name of the place it serves.

    Raises: VenueNotFound.
    """
    found = await tx.execute(venues_with_node().where(Venue.id == venue_id))
    row = found.one_or_none()
    if row is None:
        raise VenueNotFound
    venue, node_name = row
    return venue, node_name


async def read_venue_with_plan(tx: ReadTx, venue_id: UUID, *, now: datetime) -> Found:
    """Return a venue and when it is open.

    Raises: VenueNotFound.
    """
    venue, node_name = await read_venue(tx, venue_id)
    return (await _with_plans(tx, [(venue, node_name, None)], now=now))[0]


async def nearby(
    tx: ReadTx, actor: Actor, node_id: UUID | None, now: datetime
) -> ColumnElement[bool]:
    """Hold for the venues around a node; without one, for those the caller uses or runs.

    Raises: NodeNotFound, ResidenceUnknown.
    """
    if node_id is not None:
        return around((await current_node(tx, node_id, now=now)).place)
    home = await tx.get(Residence, actor.person_id)
    runs = actor.reach(Permission.VENUE_MANAGE, Venue)
    if home is not None:
        return or_(serving(home.place), runs)
    if not actor.posts:
        raise ResidenceUnknown
    return runs


async def add_venue(tx: Tx, actor: Actor, wish: VenueIn, *, now: datetime) -> Venue:
    """Add a venue to a place at any level; it opens once it has hours.

    Raises: NodeNotFound, Forbidden, FilesNotUsable.
    """
    node = await current_node(tx, wish.node_id, now=now)
    actor.require(Permission.VENUE_MANAGE, at=node.place)
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)
    opening = await add_opening(tx, node.district_id, on_holidays=wish.on_holidays)
    point = _point(wish.position)
    venue = Venue(
        kind=wish.kind.value,
        name=wish.name,
        address=wish.address,
        phone=wish.phone,
        host=wish.host,
        services=wish.services,
        photo_ids=list(wish.photo_ids),
        longitude=None if point is None else point.longitude,
        latitude=None if point is None else point.latitude,
        opening_id=opening.id,
        **columns_of(node.place),  # type: ignore[arg-type]
    )
    tx.add(venue)
    record_act(
        tx,
        "venues.venue_added",
        venue.id,
        by=actor.person_id,
        now=now,
        kind=venue.kind,
        node_id=node.id,
    )
    await tx.flush()
    return venue


async def change_venue(
    tx: Tx, actor: Actor, venue_id: UUID, wish: VenueChangeIn, *, now: datetime
) -> Venue:
    """Change what a venue is like; its place stays, and so do its hours and rooms.

    Raises: VenueNotFound, Forbidden, VenueGone, StaleVersion, FilesNotUsable.
    """
    venue = await lock_venue(tx, actor, venue_id, wish.version)
    fresh = [one for one in wish.photo_ids if one not in venue.photo_ids]
    await claim_files(tx, actor.person_id, fresh, now=now)
    changed = _differences(venue, wish)
    point = _point(wish.position)
    venue.kind, venue.name, venue.address = wish.kind.value, wish.name, wish.address
    venue.phone, venue.host, venue.services = wish.phone, wish.host, wish.services
    venue.longitude = None if point is None else point.longitude
    venue.latitude = None if point is None else point.latitude
    venue.photo_ids = list(wish.photo_ids)
    record_act(
        tx, "venues.venue_changed", venue.id, by=actor.person_id, now=now, changed=changed
    )
    await tx.flush()
    return venue


async def lock_venue(tx: Tx, actor: Actor, venue_id: UUID, version: int) -> Venue:
    """Lock a venue to change it.

    Raises: VenueNotFound, Forbidden, VenueGone, StaleVersion.
    """
    venue = await hold_venue(tx, actor, venue_id)
    if venue.version != version:
        raise StaleVersion(version=venue.version)
    venue.version += 1
    return venue


async def hold_venue(tx: Tx, actor: Actor, venue_id: UUID) -> Venue:
    """Keep a venue as it is to the end of the transaction: no room is added meanwhile.

    Before the resources: whoever locks both takes the venue first.

    Raises: VenueNotFound, Forbidden, VenueGone.
    """
    venue = await tx.get(
        Venue, venue_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if venue is None:
        raise VenueNotFound
    actor.require(Permission.VENUE_MANAGE, at=venue.place)
    require_running(venue)
    return venue


def require_running(venue: Venue) -> None:
    """Refuse what a venue that was closed for good has no more.

    Raises: VenueGone.
    """
    if venue.closed_at is not None:
        raise VenueGone(closed_at=venue.closed_at.isoformat())


async def _sought(
    tx: ReadTx, actor: Actor, sought: Sought, now: datetime
) -> Select[Venue, str, float | None]:
    metres = literal(None, Float) if sought.here is None else metres_from(sought.here)
    query = (
        venues_with_node().add_columns(metres.label("metres")).where(Venue.closed_at.is_(None))
    )
    if sought.here is not None:
        query = query.where(near(sought.here))
    if sought.here is None or sought.node_id is not None:
        query = query.where(await nearby(tx, actor, sought.node_id, now))
    if sought.kind is not None:
        query = query.where(Venue.kind == sought.kind.value)
    return query


def _in_order(
    query: Select[Venue, str, float | None], sought: Sought, now: datetime
) -> Select[Venue, str, float | None]:
    if sought.open_now:
        query = query.where(may_be_open(now))
    if sought.here is None:
        return query.order_by(Venue.id.desc())
    return query.order_by(literal_column("metres"), Venue.id)


def _after(sought: Sought, after_id: UUID | None) -> tuple[ColumnElement[bool], ...]:
    if sought.here is not None:
        return nearer_first(sought.here, after_id)
    return () if after_id is None else (Venue.id < after_id,)


async def _with_plans(
    tx: ReadTx, rows: Sequence[tuple[Venue, str, float | None]], *, now: datetime
) -> list[Found]:
    today = local_day(now)
    plans = await plans_of(tx, [row[0].opening_id for row in rows], today, today + AHEAD)
    return [Found(*row, plans[row[0].opening_id]) for row in rows]


def _point(position: PositionIn | None) -> Point | None:
    if position is None:
        return None
    given = Point(position.longitude, position.latitude)
    return to_wgs84(given, position.coordinate_system)


def _differences(venue: Venue, wish: VenueBaseIn) -> list[str]:
    """Name what changes; texts and numbers stay out of the audit trail."""
    names = ("name", "address", "phone", "host", "services")
    changed = [name for name in names if getattr(venue, name) != getattr(wish, name)]
    if venue.kind != wish.kind.value:
        changed.append("kind")
    if list(venue.photo_ids) != list(wish.photo_ids):
        changed.append("photos")
    point = _point(wish.position)
    if point != (venue.longitude, venue.latitude) and (point or venue.longitude is not None):
        changed.append("position")
    return changed
