"""Tables of sessions."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import Placed, place_indexes
from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import Sealed, sealed_only


class SessionKind(StrEnum):
    """What happens in a session."""

    TUTORING = "tutoring"
    ACTIVITY = "activity"


class TeacherRole(StrEnum):
    """What somebody does in a session."""

    LEAD = "lead"
    HELPER = "helper"


class Teacher(Placed, Model):
    """A volunteer teacher; the timetable of the same id says that nobody is in two places."""

    __tablename__ = "teacher"
    __table_args__ = (sealed_only("phone"), *place_indexes("teacher"))

    id: Mapped[UUID] = mapped_column(ForeignKey("timetable.id"), primary_key=True)
    name: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("person.id"), default=None, index=True
    )
    """The account with which the teacher reads the roster, once she accepted it."""
    phone: Mapped[str | None] = mapped_column(Sealed("phone"), default=None, index=True)
    """What staff typed; whoever proved to have that number is asked whether it is she."""
    declined_at: Mapped[datetime | None] = mapped_column(default=None)
    """When whoever has that number said that it is not she; staff are not told."""
    subjects: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)


class Series(Model):
    """Sessions of every week; an edit of a part of it makes that part a series of its own."""

    __tablename__ = "series"
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="forward"),
        CheckConstraint("kind IN ('tutoring', 'activity')", name="kind_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"), index=True)
    kind: Mapped[str]
    for_children: Mapped[bool]
    first_on: Mapped[date]
    last_on: Mapped[date]
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What its sessions are like, as `series.schemas.SeriesPlan`; each may differ by now."""
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    draw_minutes_before: Mapped[int | None] = mapped_column(default=None)
    split_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("series.id"), default=None)
    """The series of the dates before."""
    version: Mapped[int] = mapped_column(default=1)


class Session(Model):
    """A class or activity at a venue; title, time and seats are its resource's."""

    __tablename__ = "session"
    __table_args__ = (
        CheckConstraint("kind IN ('tutoring', 'activity')", name="kind_known"),
        CheckConstraint("fewest > 0", name="fewest_positive"),
        CheckConstraint("(fewest IS NULL) = (decide_at IS NULL)", name="fewest_decided"),
        CheckConstraint("(series_id IS NULL) = (series_on IS NULL)", name="series_dated"),
        UniqueConstraint("series_id", "series_on", name="series_date"),
        Index("ix_session_venue", "venue_id"),
        Index(
            "ix_session_decide",
            "decide_at",
            postgresql_where=text("decide_at IS NOT NULL AND decided_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"))
    kind: Mapped[str]
    subject: Mapped[str]
    grade: Mapped[str]
    """For whom, e.g. 三年级 or 长者."""
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("room.id"), default=None)
    """The room it takes, where it takes one."""
    about: Mapped[str] = mapped_column(default="")
    for_children: Mapped[bool] = mapped_column(default=False)
    """Whether guardians enrol children, rather than come themselves."""
    fewest: Mapped[int | None] = mapped_column(default=None)
    """With fewer it does not take place."""
    decide_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it is seen whether enough have enrolled."""
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it was seen."""
    children_per_helper: Mapped[int | None] = mapped_column(default=None)
    """How many children one teacher or helper minds at most."""
    enrol_from: Mapped[datetime | None] = mapped_column(default=None)
    enrol_until: Mapped[datetime | None] = mapped_column(default=None)
    """When one may enrol; until the start, unless said otherwise."""
    cancel_reason: Mapped[str | None] = mapped_column(default=None)
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("series.id"), default=None)
    series_on: Mapped[date | None] = mapped_column(default=None)
    """For which date of the series it stands, wherever it was moved to."""
    version: Mapped[int] = mapped_column(default=1)


class SessionTeacher(Model):
    """Who teaches or helps in a session."""

    __tablename__ = "session_teacher"
    __table_args__ = (
        CheckConstraint("role IN ('lead', 'helper')", name="role_known"),
        Index("ix_session_teacher_teacher", "teacher_id"),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("session.id"), primary_key=True)
    teacher_id: Mapped[UUID] = mapped_column(ForeignKey("teacher.id"), primary_key=True)
    role: Mapped[str]
    stands_in_for_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("teacher.id"), default=None
    )
    """Whom a substitute teacher replaces."""


audited(Teacher, "subjects")
audited(Series, "kind", "plan")
audited(Session, "kind", "subject", "grade", "about", "cancel_reason")
audited(SessionTeacher, "role")
