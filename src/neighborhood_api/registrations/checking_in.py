"""Rules of coming and leaving: what is strange is flagged and kept, never refused."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from neighborhood_api.grid.areas.coordinates import Point, metres_between
from neighborhood_api.kit.db import Handle
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations import events
from neighborhood_api.registrations.deciding import NotInThatState
from neighborhood_api.registrations.histories import CheckIn
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.promoting import fill_freed
from neighborhood_api.registrations.queries import OneId, RegistrationRow, ResourceRow
from neighborhood_api.registrations.states import Act, CheckInMethod, State
from neighborhood_api.registrations.writing import entry, event, leave, store, tell

FAR_METRES = 200
"""Farther than this one is not there; the project's own choice, as all limits here."""
VAGUE_METRES = 100
CLOCK_OFF = timedelta(minutes=5)
"""A device's clock that differs by more is wrong, or the message was long on its way."""

_KNOWN = Query(
    select(CheckIn.registration_id.label("id")).where(
        CheckIn.id == bindparam("id", type_=Uuid)
    ),
    OneId,
)


class TooEarlyToCheckIn(Problem):
    """The time has not come; `opens_at` says when."""

    title = "It is too early to check in"
    message = "还没到签到时间，请稍后再来"


class CheckInReused(Problem):
    """The id was used for another booking."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This check-in belongs to another booking"
    message = "签到编号重复，请刷新后重新签到"


class Presence(NamedTuple):
    """How somebody says to be there."""

    id: UUID
    """Made by the device."""
    method: CheckInMethod
    by_id: UUID
    device_at: datetime | None = None
    position: Point | None = None
    accuracy_metres: float | None = None


async def check_in(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    presence: Presence,
    *,
    site: Point | None,
    now: datetime,
) -> RegistrationRow:
    """Note that somebody came; the same message again changes nothing.

    From some minutes before the start, by the terms, until the booking is given up or over.

    Raises: CheckInReused, NotInThatState, TooEarlyToCheckIn.
    Emits: CheckedIn.
    """
    if await _seen(handle, row, presence):
        return row
    terms = await terms_of(handle, row.policy_id)
    if row.state != State.CONFIRMED or now >= row.ends_at:
        raise NotInThatState(state=row.state)
    _require_time(row, terms, now)
    here = row._replace(state=State.CHECKED_IN.value, checked_in_at=now)
    here = await store(handle, here, terms, now=now)
    flags = _flags(presence, site, now)
    handle.add(_line(row, presence, "in", site, flags, now))
    line = entry(here, Act.CHECK_IN, now=now, by_id=presence.by_id, flags=flags)
    tell(handle, line, event(events.CheckedIn, here, resource))
    return here


async def check_out(
    handle: Handle,
    resource: ResourceRow,
    row: RegistrationRow,
    presence: Presence,
    *,
    site: Point | None,
    picked_up_by: str | None = None,
    now: datetime,
) -> RegistrationRow:
    """Note that somebody left; the rest of a room's time is free again.

    Raises: CheckInReused, NotInThatState.
    Emits: CheckedOut, PlaceOffered, PlaceGiven.
    """
    if await _seen(handle, row, presence):
        return row
    if row.state not in (State.CHECKED_IN, State.COMPLETED) or row.checked_out_at is not None:
        raise NotInThatState(state=row.state)
    terms = await terms_of(handle, row.policy_id)
    early = row.state == State.CHECKED_IN and now < row.ends_at
    if early:
        resource = await leave(handle, resource, row, now=now)
    gone = row._replace(state=State.COMPLETED.value, checked_out_at=now)
    gone = await store(handle, gone, terms, now=now)
    flags = _flags(presence, site, now)
    handle.add(_line(row, presence, "out", site, flags, now, picked_up_by))
    line = entry(gone, Act.CHECK_OUT, now=now, by_id=presence.by_id, flags=flags)
    tell(handle, line, event(events.CheckedOut, gone, resource))
    if early:
        await fill_freed(handle, resource, now=now)
    return gone


def opens_at(row: RegistrationRow, terms: Terms) -> datetime:
    """Return from when on one may check in."""
    return row.starts_at - timedelta(minutes=terms.check_in_before_minutes)


async def _seen(handle: Handle, row: RegistrationRow, presence: Presence) -> bool:
    known = await _KNOWN.first(handle, id=presence.id)
    if known is not None and known.id != row.id:
        raise CheckInReused
    return known is not None


def _require_time(row: RegistrationRow, terms: Terms, now: datetime) -> None:
    first = opens_at(row, terms)
    if now < first:
        raise TooEarlyToCheckIn(opens_at=first.isoformat())


def _flags(presence: Presence, site: Point | None, now: datetime) -> list[str]:
    """Return what is strange about a presence; staff at the desk need no position."""
    found = []
    if presence.device_at is not None and abs(presence.device_at - now) > CLOCK_OFF:
        found.append("clock_off")
    if presence.method is CheckInMethod.STAFF:
        return found
    if presence.position is None:
        return [*found, "no_position"]
    vague = presence.accuracy_metres or 0.0
    if vague > VAGUE_METRES:
        found.append("vague_position")
    if site is not None and metres_between(presence.position, site) > FAR_METRES + vague:
        found.append("far_away")
    return found


def _line(
    row: RegistrationRow,
    presence: Presence,
    direction: str,
    site: Point | None,
    flags: list[str],
    now: datetime,
    picked_up_by: str | None = None,
) -> CheckIn:
    where = presence.position
    distance = None if where is None or site is None else metres_between(where, site)
    return CheckIn(
        id=presence.id,
        registration_id=row.id,
        direction=direction,
        method=presence.method.value,
        server_at=now,
        by_id=presence.by_id,
        device_at=presence.device_at,
        longitude=None if where is None else where.longitude,
        latitude=None if where is None else where.latitude,
        accuracy_metres=presence.accuracy_metres,
        distance_metres=distance,
        flags=flags,
        picked_up_by=picked_up_by,
    )
