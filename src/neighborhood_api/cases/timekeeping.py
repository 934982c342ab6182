"""Tables of time: the clocks that run on a case, when they rested, and what was asked for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class Purpose(StrEnum):
    """What a clock measures."""

    RESPOND = "respond"
    RESOLVE = "resolve"
    VERIFY = "verify"
    CHECK_IN = "check_in"
    ORDER = "order"
    """A superior's order (督办) must be answered."""
    REMEDY = "remedy"
    """A bad rating must be made good."""


class Timer(Model):
    """One clock of a case: what it may use, since when it runs, and when it is used up."""

    __tablename__ = "case_timer"
    __table_args__ = (
        Index(
            "uq_case_timer_running",
            "case_id",
            "purpose",
            "subject_id",
            unique=True,
            postgresql_where=text("stopped_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_case_timer_case", "case_id", "id"),
        Index(
            "ix_case_timer_yellow",
            "yellow_at",
            postgresql_where=text("stopped_at IS NULL AND yellow_shown_at IS NULL"),
        ),
        Index(
            "ix_case_timer_red",
            "due_at",
            postgresql_where=text("stopped_at IS NULL AND red_shown_at IS NULL"),
        ),
        Index(
            "ix_case_timer_provisional",
            "id",
            postgresql_where=text("provisional AND stopped_at IS NULL"),
        ),
        CheckConstraint("amount > 0 AND extra >= 0", name="amounts_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    purpose: Mapped[str]
    clock: Mapped[str]
    amount: Mapped[int]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    """None while it rests."""
    yellow_at: Mapped[datetime | None]
    """When most of it is used up."""
    provisional: Mapped[bool]
    """Whether a year without a published calendar is part of it."""
    extra: Mapped[int] = mapped_column(default=0)
    """What an extension added."""
    subject_id: Mapped[UUID | None] = mapped_column(default=None)
    """The call, order or call-back that it belongs to."""
    rests: Mapped[bool] = mapped_column(default=False)
    """Whether it rests while the case waits or is suspended."""
    stopped_at: Mapped[datetime | None] = mapped_column(default=None)
    yellow_shown_at: Mapped[datetime | None] = mapped_column(default=None)
    red_shown_at: Mapped[datetime | None] = mapped_column(default=None)


class Rest(Model):
    """From when to when a case waited for its reporter, or was suspended."""

    __tablename__ = "case_rest"
    __table_args__ = (
        Index(
            "uq_case_rest_open",
            "case_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_case_rest_case", "case_id", "started_at"),
        CheckConstraint("started_at <= ended_at", name="forward"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    state: Mapped[str]
    """waiting or suspended."""
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class Request(Model):
    """A wish of the hands that hold a case which somebody above must approve."""

    __tablename__ = "case_request"
    __table_args__ = (
        Index(
            "uq_case_request_open",
            "case_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
        ),
        Index(
            "uq_case_request_extended_once",
            "case_id",
            unique=True,
            postgresql_where=text("kind = 'extension' AND approved"),
        ),
        CheckConstraint("kind IN ('suspension', 'extension')", name="kind_known"),
        CheckConstraint("(kind = 'suspension') = (until IS NOT NULL)", name="until_when"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), index=True)
    kind: Mapped[str]
    reason: Mapped[str]
    requested_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[datetime]
    until: Mapped[datetime | None] = mapped_column(default=None)
    """Until when it shall be suspended."""
    amount: Mapped[int | None] = mapped_column(default=None)
    """How much the resolve clock shall be extended, in its unit."""
    approved: Mapped[bool | None] = mapped_column(default=None)
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    answer: Mapped[str | None] = mapped_column(default=None)
