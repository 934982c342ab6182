"""The shift of the moment at a place, for queries that also ask who is in office there."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, and_, bindparam, case
from sqlalchemy.orm import InstrumentedAttribute, aliased

from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.models import Person

NOW = bindparam("now", type_=DateTime(timezone=True))
ROSTERED = aliased(Person)
"""Whose shift it is."""


def shift_now(node_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Join a place to the shift of the moment, of which there is at most one."""
    return and_(
        Shift.node_id == node_id,
        Shift.cancelled_at.is_(None),
        Shift.starts_at <= NOW,
        Shift.ends_at > NOW,
    )


ON_CALL_COLUMNS: list[Any] = [
    ROSTERED.name.label("on_call_name"),
    Shift.role.label("on_call_role"),
    Shift.duty_phone.label("on_call_phone"),
    Shift.ends_at.label("on_call_until"),
    case((Shift.id.is_not(None), called(Shift.role, Node.district_id)), else_=None).label(
        "on_call_role_name"
    ),
]
