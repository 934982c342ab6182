"""Tables of reorganisations: the plan, and what each place and row was before it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class PlanState(StrEnum):
    """Where a plan stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    """Decided; a job applies it on its day."""
    APPLIED = "applied"
    UNDONE = "undone"
    CANCELLED = "cancelled"


class Reorganisation(Model):
    """A plan (网格重组方案) that turns one grid into another on a day."""

    __tablename__ = "reorganisation"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'scheduled', 'applied', 'undone', 'cancelled')",
            name="state_known",
        ),
        CheckConstraint(
            "(state IN ('applied', 'undone')) = (applied_at IS NOT NULL)", name="applied_whole"
        ),
        Index("ix_reorganisation_district", "district_id", "id"),
        Index("ix_reorganisation_state", "state", "effective_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    name: Mapped[str]
    effective_on: Mapped[date]
    operations: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """As `operations.Operation`."""
    created_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    new_ids: Mapped[dict[str, str]] = mapped_column(JSONB, default_factory=dict)
    """The ids that places will have that the plan creates, by their keys."""
    decisions: Mapped[dict[str, str | None]] = mapped_column(JSONB, default_factory=dict)
    """Where to, by what was asked; None ends it."""
    refusal: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default_factory=list)
    """Why it could not be applied on its day."""
    figures: Mapped[dict[str, dict[str, int]]] = mapped_column(JSONB, default_factory=dict)
    """What lay at each place that it touched, on the eve of it."""
    state: Mapped[str] = mapped_column(default=PlanState.DRAFT.value)
    applied_at: Mapped[datetime | None] = mapped_column(default=None)
    applied_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)


class ReorganisedNode(Model):
    """A place that a plan created or changed, as it was before."""

    __tablename__ = "reorganised_node"

    reorganisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("reorganisation.id"), primary_key=True
    )
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True, index=True)
    made: Mapped[bool]
    """Whether the plan created it."""
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The columns of the node that the plan may change."""


class ReorganisedRow(Model):
    """A row that did not simply move with its place, as it was before."""

    __tablename__ = "reorganised_row"

    reorganisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("reorganisation.id"), primary_key=True
    )
    table_name: Mapped[str] = mapped_column(primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    to_id: Mapped[UUID | None] = mapped_column(default=None)
    """Where it went; None for what ended."""
