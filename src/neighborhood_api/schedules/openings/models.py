"""Tables of what is open when."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class Opening(Model):
    """When something is open; what lies inside something else has that one's for a parent."""

    __tablename__ = "opening"
    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_inside_itself"),
        CheckConstraint(
            "on_holidays IN ('open', 'closed', 'as_sunday')", name="on_holidays_known"
        ),
        CheckConstraint(
            "parent_id IS NOT NULL OR on_holidays IS NOT NULL", name="root_knows_holidays"
        ),
        Index("ix_opening_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    """Whose working calendar says which days are public holidays."""
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("opening.id"), default=None)
    """Never one that has a parent itself."""
    on_holidays: Mapped[str | None] = mapped_column(default=None)
    """As `OnHolidays`; None as the parent has it."""
    version: Mapped[int] = mapped_column(default=1)


class OpeningRule(Model):
    """Hours of one weekday, in the district's civil time."""

    __tablename__ = "opening_rule"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_is_iso"),
        CheckConstraint(
            "0 <= opens_minute AND opens_minute < closes_minute AND closes_minute <= 1440",
            name="forward_within_a_day",
        ),
        CheckConstraint("valid_from < valid_until", name="valid_forward"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), index=True)
    weekday: Mapped[int]
    opens_minute: Mapped[int]
    closes_minute: Mapped[int]
    """Both in minutes after midnight; 1440 is the end of the day."""
    valid_from: Mapped[date | None] = mapped_column(default=None)
    valid_until: Mapped[date | None] = mapped_column(default=None)
    """First day on which the rule no longer holds."""


class OpeningException(Model):
    """Other hours than the weekly ones on some days, or none; the one made last counts."""

    __tablename__ = "opening_exception"
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="forward"),
        CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawn_by_somebody"
        ),
        Index(
            "ix_opening_exception_live",
            "opening_id",
            "last_on",
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"))
    first_on: Mapped[date]
    last_on: Mapped[date]
    hours: Mapped[list[list[int]]] = mapped_column(JSONB)
    """Lists of [opens, closes] in minutes after midnight; none when it is closed."""
    reason: Mapped[str]
    """Why; shown to everybody."""
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID]
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_by_id: Mapped[UUID | None] = mapped_column(default=None)


class Closure(Model):
    """A stretch of time in which it is out of use, whatever its hours are (停用)."""

    __tablename__ = "closure"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="forward"),
        CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by_id IS NULL)", name="lifted_by_somebody"
        ),
        Index(
            "ix_closure_live",
            "opening_id",
            "ends_at",
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    """Why; shown to everybody."""
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID]
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)
    lifted_by_id: Mapped[UUID | None] = mapped_column(default=None)


audited(Opening, "on_holidays")
audited(OpeningRule)
audited(OpeningException, "reason")
audited(Closure, "reason")
