"""Tables of the working calendar."""

from datetime import date, datetime
from secrets import randbits
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


def _unrepeatable() -> int:
    return randbits(62)


class WorkingYear(Model):
    """A year whose special days are known: the country's, or a district's in its place."""

    __tablename__ = "working_year"
    __table_args__ = (
        CheckConstraint("year BETWEEN 2000 AND 2199", name="year_plausible"),
        UniqueConstraint(
            "district_id",
            "year",
            name="uq_working_year_district_id_year",
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    year: Mapped[int]
    published_at: Mapped[datetime]
    """When it became known here."""
    source: Mapped[str]
    """The notice that says so."""
    district_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), default=None)
    """Without one it holds in every district that has no year of its own."""
    version: Mapped[int] = mapped_column(default=1)


class SpecialDay(Model):
    """A day that a notice names: a holiday, or a make-up workday (调休上班)."""

    __tablename__ = "special_day"

    working_year_id: Mapped[UUID] = mapped_column(
        ForeignKey("working_year.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    is_workday: Mapped[bool]
    name: Mapped[str]
    """The festival."""


class OfficeWeek(Model):
    """A district's office hours from a day on; before the first the usual ones hold."""

    __tablename__ = "office_week"
    __table_args__ = (
        UniqueConstraint(
            "district_id", "valid_from", name="uq_office_week_district_id_valid_from"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    valid_from: Mapped[date]
    week: Mapped[list[Any]] = mapped_column(JSONB)
    """Seven lists of [opens, closes], minutes after midnight, Monday first."""
    version: Mapped[int] = mapped_column(default=1)


class CalendarChange(Model):
    """Every change of the above, with who made it; the newest gives the calendar's version."""

    __tablename__ = "calendar_change"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, init=False)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[UUID | None]
    """None for what came with the program."""
    district_id: Mapped[UUID | None]
    since_on: Mapped[date]
    """The first day that may be another than before."""
    version: Mapped[int] = mapped_column(BigInteger, init=False, default_factory=_unrepeatable)
    """Random, because processes cache by it: a number that was rolled back, or that another
    database uses, never comes again."""


ONE_CHANGE_AT_A_TIME = text("LOCK TABLE calendar_change IN SHARE ROW EXCLUSIVE MODE")
"""Changes commit in the order of their ids, so that the newest id is the newest change."""


audited(WorkingYear, "source")
audited(SpecialDay, "name")
audited(OfficeWeek)
