"""Saved filters: each person's own."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select

from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.issues.worklists.models import SavedFilter
from neighborhood_api.issues.worklists.schemas import (
    CountOut,
    FilterIn,
    SavedFilterChangeIn,
    SavedFilterIn,
    SavedFilterOut,
)
from neighborhood_api.issues.worklists.service import count_filter, require_post
from neighborhood_api.kit.db import Source, Tx, refusing
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query

MOST = 30
"""Saved filters of a person: each is counted whenever they are listed."""


class SavedFilterNotFound(Problem):
    """The id names none of the caller's filters."""

    status = HTTPStatus.NOT_FOUND
    title = "You have no such saved filter"
    message = "没有找到这个筛选，可能已删除"


class FilterNameTaken(Problem):
    """Another of the caller's filters has the name."""

    title = "You have a saved filter of this name"
    message = "已有同名筛选，请换一个名称"


class TooManyFilters(Problem):
    """The caller has as many filters as can be kept."""

    title = "No more filters can be saved"
    message = f"最多保存 {MOST} 个筛选，请先删除不用的"


_TAKEN: dict[str, type[Problem]] = {"uq_saved_filter_name": FilterNameTaken}


class SavedRow(NamedTuple):
    """A saved filter."""

    id: UUID
    name: str
    filter: Any
    position: int
    version: int


SAVED = Query(
    select(
        SavedFilter.id,
        SavedFilter.name,
        SavedFilter.filter,
        SavedFilter.position,
        SavedFilter.version,
    )
    .where(SavedFilter.person_id == bindparam("person_id", type_=Uuid))
    .order_by(SavedFilter.position, SavedFilter.id),
    SavedRow,
)


async def list_saved(source: Source, actor: Actor, *, now: datetime) -> list[SavedFilterOut]:
    """Return the caller's filters in her order, with how many issues each finds.

    Raises: Forbidden.
    """
    require_post(actor)
    rows = await SAVED.all(source, person_id=actor.person_id)
    return [await _view(source, actor, row, now=now) for row in rows]


async def save_filter(
    tx: Tx, actor: Actor, wish: SavedFilterIn, *, now: datetime
) -> SavedFilterOut:
    """Keep a filter.

    Raises: Forbidden, FilterNameTaken, TooManyFilters.
    """
    require_post(actor)
    me = select(Person.id).where(Person.id == actor.person_id)
    await tx.execute(me.with_for_update(key_share=True))  # two at once count one another
    mine = select(func.count()).where(SavedFilter.person_id == actor.person_id)
    if (await tx.scalar(mine) or 0) >= MOST:
        raise TooManyFilters
    saved = SavedFilter(
        person_id=actor.person_id,
        name=wish.name,
        filter=plain(wish.filter),
        position=wish.position,
    )
    tx.add(saved)
    with refusing(_TAKEN):
        await tx.flush()
    return await _view(tx, actor, _row(saved), now=now)


async def change_filter(
    tx: Tx, actor: Actor, filter_id: UUID, wish: SavedFilterChangeIn, *, now: datetime
) -> SavedFilterOut:
    """Change one of the caller's filters.

    Raises: Forbidden, SavedFilterNotFound, StaleVersion, FilterNameTaken.
    """
    saved = await _mine(tx, actor, filter_id)
    if saved.version != wish.version:
        raise StaleVersion(version=saved.version)
    saved.name, saved.position, saved.filter = wish.name, wish.position, plain(wish.filter)
    saved.version += 1
    with refusing(_TAKEN):
        await tx.flush()
    return await _view(tx, actor, _row(saved), now=now)


async def delete_filter(tx: Tx, actor: Actor, filter_id: UUID) -> None:
    """Forget one of the caller's filters.

    Raises: Forbidden, SavedFilterNotFound.
    """
    await tx.delete(await _mine(tx, actor, filter_id))


async def _mine(tx: Tx, actor: Actor, filter_id: UUID) -> SavedFilter:
    require_post(actor)
    mine = select(SavedFilter).where(
        SavedFilter.id == filter_id, SavedFilter.person_id == actor.person_id
    )
    saved = await tx.scalar(mine.with_for_update())
    if saved is None:
        raise SavedFilterNotFound
    return saved


def read_filter(kept: str | dict[str, Any]) -> FilterIn:
    """Read a filter as it was kept; a plain read gives JSON as it is written."""
    if isinstance(kept, str):
        return FilterIn.model_validate_json(kept)
    return FilterIn.model_validate(kept)


def plain(wish: FilterIn) -> dict[str, Any]:
    """Write a filter as it is kept."""
    return wish.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def _row(saved: SavedFilter) -> SavedRow:
    return SavedRow(saved.id, saved.name, saved.filter, saved.position, saved.version)


async def _view(
    source: Source, actor: Actor, row: SavedRow, *, now: datetime
) -> SavedFilterOut:
    wish = read_filter(row.filter)
    try:
        counted = await count_filter(source, actor, wish, now=now)
    except NodeNotFound:  # the place was given up since
        counted = CountOut(count=0, more=False, shown="0")
    return SavedFilterOut(
        id=row.id,
        name=row.name,
        filter=wish,
        position=row.position,
        version=row.version,
        **counted.model_dump(),
    )
