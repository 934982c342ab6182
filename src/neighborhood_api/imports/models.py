"""Tables of the imports domain: what was brought, and what was taken out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import Sealed, sealed_only


class DataImport(Model):
    """Files that somebody brought for a place, and what became of them.

    The row stays when the files are gone; it never holds what stood in them.
    """

    __tablename__ = "data_import"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'checking', 'checked', 'applying', 'applied', 'failed',"
            " 'cancelled')",
            name="state_known",
        ),
        CheckConstraint("(state = 'failed') = (problem IS NOT NULL)", name="failed_for_reason"),
        CheckConstraint("state <> 'checked' OR plan IS NOT NULL", name="checked_has_a_plan"),
        sealed_only("secret"),
        Index(
            "uq_data_import_under_way",
            "person_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'checking', 'applying')"),
        ),
        Index("ix_data_import_listed", "person_id", "id"),
        Index(
            "ix_data_import_stored", "requested_at", postgresql_where=text("secret IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    """The place for which it was brought; rows of other places are faults."""
    requested_at: Mapped[datetime]
    begun_at: Mapped[datetime]
    """When the caller last asked for a step; one that takes too long is given up."""
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Key, name and size of each file; the keys are random."""
    secret: Mapped[str | None] = mapped_column(Sealed("file_key"))
    """What the files are encrypted with; without it they are worth nothing."""
    state: Mapped[str] = mapped_column(default="queued")
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_total: Mapped[int | None] = mapped_column(default=None)
    """Known once all files were read."""
    totals: Mapped[dict[str, Any] | None] = mapped_column(JSONB, default=None)
    """By kind of row and by what becomes of it."""
    plan: Mapped[str | None] = mapped_column(default=None)
    """A digest of everything that would happen; another one means that the ground changed."""
    report_key: Mapped[str | None] = mapped_column(default=None)
    applied_at: Mapped[datetime | None] = mapped_column(default=None)
    problem: Mapped[str | None] = mapped_column(default=None)
    """The code of why it failed."""
    told: Mapped[str | None] = mapped_column(default=None)
    """What exactly is wrong with a file, where one cannot be read; never what stands in it."""


class GridExport(Model):
    """The grid and its people, taken out as a file; the row stays when the file is gone."""

    __tablename__ = "grid_export"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state_known"),
        CheckConstraint("(state = 'failed') = (problem IS NOT NULL)", name="failed_for_reason"),
        sealed_only("secret"),
        Index(
            "uq_grid_export_under_way",
            "person_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index(
            "ix_grid_export_stored", "requested_at", postgresql_where=text("secret IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    requested_at: Mapped[datetime]
    storage_key: Mapped[str]
    secret: Mapped[str | None] = mapped_column(Sealed("file_key"))
    state: Mapped[str] = mapped_column(default="queued")
    rows_done: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)
    problem: Mapped[str | None] = mapped_column(default=None)
