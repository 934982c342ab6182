"""What one part of a copy is made of."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Node

OWN_NAME = "role_name"
"""What the district calls the post of a row; None as usual."""
Ids: TypeAlias = Collection[UUID]
"""A person's id, and those that she had before she was known by phone."""
Field: TypeAlias = tuple[str, str, InstrumentedAttribute[Any] | ColumnElement[Any]]
"""The name in JSON, the heading in Chinese, and the column."""


@dataclass(frozen=True)
class Section:
    """One part of a copy."""

    name: str
    title: str
    fields: tuple[Field, ...]
    rows: Callable[[Select[Any], Ids], Select[Any]]
    """Adds to the columns where they come from, and whose they are."""
    district: SQLColumnExpression[UUID] | None = None
    """The district of a row with a `role`: it may call the post by a name of its own."""

    @property
    def headings(self) -> Mapping[str, str]:
        """The Chinese heading of each field."""
        return {name: heading for name, heading, _ in self.fields}

    def statement(self, ids: Ids) -> Select[Any]:
        """Select what there is about a person."""
        columns = select(*(column.label(name) for name, _, column in self.fields))
        if self.district is not None:
            (role,) = (column for name, _, column in self.fields if name == "role")
            columns = columns.add_columns(called(role, self.district).label(OWN_NAME))
        return self.rows(columns, ids)


Place = aliased(Node)
"""Where something is, by name."""
