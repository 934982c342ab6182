"""What the place of a row is called, so that staff of a larger place know which one is meant.

Two communities may each have a lane of the same name, so both names are shown together.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, func, select
from sqlalchemy.orm import aliased

from neighborhood_api.grid.models import Node
from neighborhood_api.identity.places import Placed
from neighborhood_api.kit.db import ReadTx


class PlaceNames(NamedTuple):
    """What the lane of a row is called, or the grid if it is in no lane, and its community."""

    own: str
    community: str


def own_name(table: type[Placed]) -> ColumnElement[str]:
    """Return, for a statement that asks for rows anyway, the name of their lane or grid."""
    return _name(table, func.coalesce(table.lane_id, table.grid_id))


def community_name(table: type[Placed]) -> ColumnElement[str]:
    """Return, for a statement that asks for rows anyway, the name of their community."""
    return _name(table, table.community_id)


async def place_names(tx: ReadTx, row: Placed) -> PlaceNames:
    """Return what the lane or grid of one row is called, and its community."""
    own_id = row.place.node_id
    wanted = select(Node.id, Node.name).where(Node.id.in_([own_id, row.community_id]))
    names = {node.id: node.name for node in await tx.execute(wanted)}
    return PlaceNames(names[own_id], names[row.community_id or own_id])


def _name(table: type[Placed], node_id: SQLColumnExpression[UUID | None]) -> ColumnElement[str]:
    place = aliased(Node)
    name = select(place.name).where(place.id == node_id)
    return name.correlate(table).scalar_subquery()
