"""What became of places that are no more: ids, links and plates of old ones still lead on."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ForeignKey, Index, bindparam, select, text
from sqlalchemy.orm import Mapped, aliased, mapped_column

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.queries import DAY, NODE_COLUMNS, NodeRow, exists_on
from neighborhood_api.kit.db import Model, Source
from neighborhood_api.kit.reads import Query


class Succession(Model):
    """One place that another one became, wholly or in part; taken back by deleting it."""

    __tablename__ = "node_succession"
    __table_args__ = (
        Index(
            "uq_node_succession_main",
            "from_id",
            unique=True,
            postgresql_where=text("main"),
        ),
    )

    from_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    to_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True, index=True)
    reorganisation_id: Mapped[UUID] = mapped_column(index=True)
    """The plan that said so."""
    main: Mapped[bool]
    """Whether whatever can only lead to one place, such as a plate, leads here."""


_chain = (
    select(Succession.from_id, Succession.to_id, Succession.main)
    .where(Succession.from_id == bindparam("node_id"))
    .cte("chain", recursive=True)
)
_next = aliased(Succession)
_further = select(_next.from_id, _next.to_id, _next.main & _chain.c.main).where(
    _next.from_id == _chain.c.to_id
)
_all = _chain.union(_further)
SUCCESSORS = Query(
    select(*NODE_COLUMNS)
    .where(Node.id.in_(select(_all.c.to_id)), exists_on(DAY))
    .order_by(Node.code),
    NodeRow,
)
"""The places of a day that an old one has become, through all that came between."""


class _Id(NamedTuple):
    id: UUID


IS_OF_TODAY = Query(
    select(Node.id).where(Node.id == bindparam("node_id"), exists_on(DAY)),
    _Id,
)


_Old = aliased(Node)
_plates = (
    select(_Old.id.label("lane_id"))
    .where(_Old.plate_code == bindparam("plate_code"))
    .cte("plates", recursive=True)
)
_lanes = _plates.union(
    select(Succession.to_id).where(Succession.from_id == _plates.c.lane_id, Succession.main)
)


class _Plate(NamedTuple):
    plate_code: str


SUCCESSOR_PLATE = Query(
    select(Node.plate_code)
    .join(_lanes, _lanes.c.lane_id == Node.id)
    .where(exists_on(DAY), Node.plate_code.is_not(None))
    .limit(1),
    _Plate,
)
"""The plate of the lane that the lane of an old plate has become."""


async def successors_of(source: Source, node_id: UUID, *, now: datetime) -> list[NodeRow]:
    """Return what a place has become, by code; empty for one that is still there."""
    return await SUCCESSORS.all(source, node_id=node_id, day=local_day(now))


async def successor_plate(source: Source, plate_code: str, *, now: datetime) -> str | None:
    """Return the plate of the lane that stands for the lane of an old plate."""
    found = await SUCCESSOR_PLATE.first(source, plate_code=plate_code, day=local_day(now))
    return None if found is None else found.plate_code


async def is_of_today(source: Source, node_id: UUID, *, now: datetime) -> bool:
    """Tell whether an id names a place of today's grid."""
    return await IS_OF_TODAY.first(source, node_id=node_id, day=local_day(now)) is not None
