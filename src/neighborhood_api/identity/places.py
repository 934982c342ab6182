"""A position in the grid, as every row that is listed by place carries it."""

from enum import IntEnum
from typing import Self
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column


class Level(IntEnum):
    """The levels of the grid, from the root down."""

    DISTRICT = 0
    STREET = 1
    COMMUNITY = 2
    GRID = 3
    LANE = 4


_UPWARDS = tuple(reversed(Level))

COLUMNS = ("district_id", "street_id", "community_id", "grid_id", "lane_id")
"""One column per level: the only layout whose lists stay flat at a million rows."""


class Place(tuple[UUID | None, UUID | None, UUID | None, UUID | None, UUID | None]):
    """The nodes from the district down to a node; deeper levels are None."""

    __slots__ = ()

    @classmethod
    def of(cls, *nodes: UUID | None) -> Self:
        """Build from the district downwards; missing levels are filled with None."""
        return cls((*nodes, *[None] * (len(COLUMNS) - len(nodes))))

    def at(self, level: Level) -> UUID | None:
        """Return the node of this place at `level`, None when the place lies above it."""
        return self[level]

    @property
    def level(self) -> Level:
        """How deep the place lies."""
        for level in _UPWARDS:
            if self[level] is not None:
                return level
        raise ValueError("a place has at least a district")

    @property
    def node_id(self) -> UUID:
        """The deepest node."""
        node = self[self.level]
        if node is None:
            raise ValueError("a place has at least a district")
        return node

    def up(self) -> "Place":
        """Return the place one level above this one.

        Raises: ValueError for a district.
        """
        return self.up_to(Level(self.level - 1))

    def up_to(self, level: Level) -> "Place":
        """Return the part of this place from the district down to `level`."""
        return Place.of(*self[: level + 1])


class Placed(MappedAsDataclass, kw_only=True, eq=False, repr=False):
    """Columns of a row that is found by place, by `Actor.reach` and in worklists."""

    district_id: Mapped[UUID]
    street_id: Mapped[UUID | None] = mapped_column(default=None)
    community_id: Mapped[UUID | None] = mapped_column(default=None)
    grid_id: Mapped[UUID | None] = mapped_column(default=None)
    lane_id: Mapped[UUID | None] = mapped_column(default=None)

    @property
    def place(self) -> Place:
        """Where the row belongs."""
        return Place.of(
            self.district_id, self.street_id, self.community_id, self.grid_id, self.lane_id
        )


def columns_of(place: Place) -> dict[str, UUID]:
    """Return `place` as constructor arguments of a `Placed` row."""
    return {name: node for name, node in zip(COLUMNS, place, strict=True) if node is not None}


def place_indexes(table: str) -> tuple[Index, ...]:
    """Return the indexes by which `table` is listed newest first at every level."""
    return tuple(Index(f"ix_{table}_{name}_id", name, "id") for name in COLUMNS)
