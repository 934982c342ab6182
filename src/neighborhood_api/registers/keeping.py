"""What all registers have in common: who finds an entry, who changes it, what is kept of it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Household
from neighborhood_api.grid.residences.standing import rules_of
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import COLUMNS, Placed
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registers.events import EntryEvent, Register
from neighborhood_api.registers.models import CareFlag, Establishment, Resident

Entry = Household | Resident | Establishment | CareFlag
E = TypeVar("E", Household, Resident, Establishment, CareFlag)

REGISTER_OF: dict[type[Any], Register] = {
    Household: Register.HOUSEHOLD,
    Resident: Register.RESIDENT,
    Establishment: Register.ESTABLISHMENT,
    CareFlag: Register.CARE_FLAG,
}
_TELLING = frozenset({"name", "phone", "birth_year", "address", "note", "relation"}) | {
    "contact_name",
    "contact_phone",
}
"""What the audit trail must not hold: of a change to these it keeps only that there was one."""


class EntryNotFound(Problem):
    """The id names no entry of a register that the caller may see."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such entry in the register"
    message = "没有找到这条登记，请返回列表重新选择"


class EntryAlreadyEnded(Problem):
    """The entry was ended before."""

    title = "This entry of the register was ended"
    message = "这条登记已注销，不能再修改"


class DayNotYet(Problem):
    """What ends is over today or was before; nobody knows the future."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The day lies in the future"
    message = "日期不能晚于今天"


def day_of(day: date | None, *, now: datetime) -> date:
    """Return the day that is meant: today when none is given.

    Raises: DayNotYet.
    """
    today = local_day(now)
    if day is not None and day > today:
        raise DayNotYet
    return day or today


async def find_entry(
    tx: ReadTx,
    actor: Actor,
    table: type[E],
    entry_id: UUID,
    *,
    permission: Permission = Permission.HOUSEHOLD_READ,
) -> E:
    """Return an entry; for who has nothing to do with its place it does not exist.

    Raises: EntryNotFound, Forbidden.
    """
    return _seen(actor, await tx.get(table, entry_id), permission)


async def lock_entry(
    tx: Tx,
    actor: Actor,
    table: type[E],
    entry_id: UUID,
    *,
    permission: Permission = Permission.REGISTER_MANAGE,
    to_end: bool = False,
) -> E:
    """Lock an entry that the caller may change; `to_end` keeps new rows from naming it.

    Raises: EntryNotFound, Forbidden.
    """
    query = select(table).where(table.id == entry_id)
    locking = query.with_for_update(key_share=not to_end)
    found = await tx.scalar(locking.execution_options(populate_existing=True))
    return _seen(actor, found, permission)


def require_open(entry: Entry, version: int | None = None) -> None:
    """Refuse to change what was ended, or what somebody else changed meanwhile.

    Raises: EntryAlreadyEnded, StaleVersion.
    """
    ended = entry.moved_out_on if isinstance(entry, Resident) else entry.ended_on
    if ended is not None:
        raise EntryAlreadyEnded
    if version is not None and entry.version != version:
        raise StaleVersion(version=entry.version)


async def listed_at(
    tx: ReadTx,
    actor: Actor,
    table: type[Placed],
    node_id: UUID,
    *,
    permission: Permission = Permission.HOUSEHOLD_READ,
    now: datetime,
) -> ColumnElement[bool]:
    """Hold for the rows of a register at a node and below.

    Raises: NodeNotFound, Forbidden.
    """
    node = await current_node(tx, node_id, now=now)
    actor.require(permission, at=node.place)
    here: ColumnElement[bool] = getattr(table, COLUMNS[node.level]) == node.id
    return here


async def stale_since(tx: ReadTx, node_id: UUID, days: int | None, *, now: datetime) -> date:
    """Return the first day on which to be verified is not too long ago.

    Without `days` it is as the district of the node sets it.

    Raises: NodeNotFound.
    """
    if days is None:
        node = await current_node(tx, node_id, now=now)
        days = (await rules_of(tx, node.district_id)).stale_after_days
    return local_day(now) - timedelta(days=days)


def is_stale(
    table: type[Household] | type[Resident] | type[Establishment], since: date
) -> ColumnElement[bool]:
    """Hold for entries that nobody verified since a day."""
    return or_(table.verified_on.is_(None), table.verified_on < since)


def change(entry: Entry, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Set what is given; return for the audit trail what was changed, without telling who."""
    changed = {name: old for name in wish if (old := getattr(entry, name)) != wish[name]}
    for name in changed:
        setattr(entry, name, wish[name])
    plain = sorted(changed.keys() - _TELLING)
    return {
        "changed": sorted(changed),
        "before": {name: _plain(changed[name]) for name in plain},
        "after": {name: _plain(wish[name]) for name in plain},
    }


def note(
    tx: Tx,
    actor: Actor,
    happened: type[EntryEvent],
    entry: Entry,
    *,
    now: datetime,
    **detail: Any,  # noqa: ANN401  (plain JSON, and ids)
) -> None:
    """Announce what staff did with an entry, and keep for ever who did it."""
    register = REGISTER_OF[type(entry)]
    event = happened(kind=register, entry_id=entry.id, node_id=entry.place.node_id)
    emit(tx, event)
    what = f"registers.{register.value}_{event.name.rsplit('_', 1)[1]}"
    node_id = entry.place.node_id
    record_act(tx, what, entry.id, by=actor.person_id, now=now, node_id=node_id, **detail)


def verify(entry: Household | Resident | Establishment, day: date) -> bool:
    """Note that an entry is right; tell whether that is news."""
    news = entry.verified_on != day
    entry.verified_on = day
    return news


def _seen(actor: Actor, entry: E | None, permission: Permission) -> E:
    if entry is None:
        raise EntryNotFound
    of_care = isinstance(entry, CareFlag)
    seeing = Permission.CARE_READ if of_care else Permission.HOUSEHOLD_READ
    if not actor.may(seeing, at=entry.place):
        raise EntryNotFound
    actor.require(permission, at=entry.place)
    return entry


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
