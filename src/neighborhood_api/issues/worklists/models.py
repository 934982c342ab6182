"""Tables of the worklist: saved filters and exports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trailed


class SavedFilter(Model):
    """A filter of the worklist that somebody keeps under a name."""

    __tablename__ = "saved_filter"
    __table_args__ = (
        UniqueConstraint("person_id", "name", name="uq_saved_filter_name"),
        CheckConstraint("position >= 0", name="position_counts"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str]
    filter: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As `FilterIn` reads it."""
    position: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)


class IssueExport(Model):
    """Issues that somebody took out as a file; the row stays when the file is gone."""

    __tablename__ = "issue_export"
    __table_args__ = (
        Index(
            "uq_issue_export_under_way",
            "person_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index(
            "ix_issue_export_stored",
            "requested_at",
            postgresql_where=text("storage_key IS NOT NULL"),
        ),
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state_known"),
        CheckConstraint("(state = 'done') = (expires_at IS NOT NULL)", name="done_expires"),
        CheckConstraint("(state = 'failed') = (problem IS NOT NULL)", name="failed_for_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    filter: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As `FilterIn` reads it."""
    requested_at: Mapped[datetime]
    storage_key: Mapped[str | None]
    """Where the file lies, or will lie; None when it was deleted."""
    rows_total: Mapped[int]
    state: Mapped[str] = mapped_column(default="queued")
    rows_done: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    problem: Mapped[str | None] = mapped_column(default=None)
    """The code of why it failed."""


trailed(
    "issue_export/1",
    IssueExport,
    ("id", "person_id", "filter", "requested_at"),
    texts=("filter",),
)
