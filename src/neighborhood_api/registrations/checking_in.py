"""Rules of coming and leaving: what is strange is flagged and kept, never refused."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from neighborhood_api.grid.areas.coordinates import Point, metres_between
from neighborhood_api.kit.db import Handle, refusing, save
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations import events
from neighborhood_api.registrations.deciding import NotInThatState
from neighborhood_api.registrations.histories import CheckIn
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.registrations.promoting import fill_freed
from neighborhood_api.registrations.queries import RegistrationRow, ResourceRow
from neighborhood_api.registrations.states import Act, CheckInMethod, State
from neighborhood_api.registrations.writing import entry, event, leave, store, tell

FAR_METRES = 200
"""Farther than this one is not there; the project's own choice, as all limits here."""
VAGUE_METRES = 100
CLOCK_OFF = timedelta(minutes=5)
"""A device's clock that differs by more is wrong, or the message was long on its way."""


class TooEarlyToCheckIn(Problem):
    """The time has not come; `opens_at` says when."""

    title = "It is too early to check in"
    message = "还没到签到时间，请稍后再来"


class TooLateToCheckIn(Problem):
    """The time of the booking is over."""

    title = "The booking is over"
    message = "预约时间已过，不能再签到"


class CheckInReused(Problem):
    """The id was used for another booking, or for coming and now for leaving."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This id was used already"
    message = "签到编号重复，请刷新后重新签到或签退"


_REUSED: dict[str, type[Problem]] = {"pk_check_in": CheckInReused}


class Presence(NamedTuple):
    """How somebody says to be there."""

    id: UUID
    """Made by the device."""
    method: CheckInMethod
    by_id: UUID
    device_at: datetime | None = None
    position: Point | None = None
    accuracy_metres: float | None = None


class KnownRow(NamedTuple):
    """What an id of a device stands for already."""

    registration_id: UUID
    direction: str


KNOWN = Query(
    select(CheckIn.registration_id, CheckIn.direction).where(
        CheckIn.id == bindparam("id", type_=Uuid)
    ),
    KnownRow,
)


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

    Raises: CheckInReused, NotInThatState, TooEarlyToCheckIn, TooLateToCheckIn.
    Emits: CheckedIn.
    """
    if await _seen(handle, row, presence, "in"):
        return row
    terms = await terms_of(handle, row.policy_id)
    if row.state != State.CONFIRMED:
        raise NotInThatState(state=row.state)
    _require_time(row, terms, now)
    here = row._replace(state=State.CHECKED_IN.value, checked_in_at=now)
    here = await store(handle, here, terms, now=now)
    flags = _flags(presence, site, now)
    with refusing(_REUSED):
        await save(handle, _line(row, presence, "in", site, flags, now))
    line = entry(here, Act.CHECK_IN, now=now, by_id=presence.by_id, **_strange(presence, flags))
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
    if await _seen(handle, row, presence, "out"):
        return row
    if row.state not in (State.CHECKED_IN, State.COMPLETED) or row.checked_out_at is not None:
        raise NotInThatState(state=row.state)
    terms = await terms_of(handle, row.policy_id)
    early = row.state == State.CHECKED_IN and now < row.ends_at
    if early:
        resource = await leave(handle, resource, row, now=now, terms=terms)
    gone = row._replace(state=State.COMPLETED.value, checked_out_at=now)
    gone = await store(handle, gone, terms, now=now)
    flags = _flags(presence, site, now)
    with refusing(_REUSED):
        await save(handle, _line(row, presence, "out", site, flags, now, picked_up_by))
    line = entry(
        gone, Act.CHECK_OUT, now=now, by_id=presence.by_id, **_strange(presence, flags)
    )
    tell(handle, line, event(events.CheckedOut, gone, resource))
    if early:
        await fill_freed(handle, resource, now=now)
    return gone


def opens_at(row: RegistrationRow, terms: Terms) -> datetime:
    """Return from when on one may check in."""
    return row.starts_at - timedelta(minutes=terms.check_in_before_minutes)


async def _seen(
    handle: Handle, row: RegistrationRow, presence: Presence, direction: str
) -> bool:
    known = await KNOWN.first(handle, id=presence.id)
    if known is not None and known != (row.id, direction):
        raise CheckInReused
    return known is not None


def _require_time(row: RegistrationRow, terms: Terms, now: datetime) -> None:
    first = opens_at(row, terms)
    if now < first:
        shown = first.astimezone(SHOWN_ZONE)
        raise TooEarlyToCheckIn(opens_at=shown.isoformat(timespec="seconds"))
    if now >= row.ends_at:
        raise TooLateToCheckIn


def _strange(presence: Presence, flags: list[str]) -> dict[str, Any]:
    """Return what the history keeps of a presence."""
    sent = presence.device_at
    return {"flags": flags, "device_at": None if sent is None else sent.isoformat()}


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
