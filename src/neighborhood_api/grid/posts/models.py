"""Tables of who is on call when, and of how somebody came into her post."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class Shift(Model):
    """Hours in which somebody is on call for a place (值班); at one place they never overlap.

    They are written under the lock of the node.
    """

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="time_forward"),
        Index(
            "ix_shift_node", "node_id", "ends_at", postgresql_where=text("cancelled_at IS NULL")
        ),
        Index(
            "ix_shift_person",
            "person_id",
            "ends_at",
            postgresql_where=text("cancelled_at IS NULL"),
        ),
        Index("ix_shift_series", "series_id", postgresql_where=text("series_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    """The post by which she is on call, here or on the way up or down from here."""
    duty_phone: Mapped[str]
    """Public: residents call it."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    made_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    series_id: Mapped[UUID | None] = mapped_column(default=None)
    """Set for those that were made together, by a weekly pattern."""
    cancelled_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)


class RosterAlarm(Model):
    """A roster in which hours of the coming days are nobody's, until all of them are."""

    __tablename__ = "roster_alarm"
    __table_args__ = (
        CheckConstraint("gap_from < gap_until", name="time_forward"),
        Index(
            "uq_roster_alarm_open",
            "node_id",
            unique=True,
            postgresql_where=text("over_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    gap_from: Mapped[datetime]
    gap_until: Mapped[datetime]
    """The first hours that are nobody's."""
    raised_at: Mapped[datetime]
    over_at: Mapped[datetime | None] = mapped_column(default=None)


class Selection(Model):
    """How the holder of a post was chosen (推选、任命)."""

    __tablename__ = "appointment_selection"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('elected', 'nominated', 'recruited', 'appointed')", name="kind_known"
        ),
        CheckConstraint("votes_for >= 0 AND votes_for <= votes_cast", name="votes_for_of_cast"),
        CheckConstraint("votes_cast <= votes_eligible", name="votes_cast_of_eligible"),
    )

    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"), primary_key=True)
    kind: Mapped[str]
    decided_on: Mapped[date]
    recorded_at: Mapped[datetime]
    """When it was first written down; some time after that it stands."""
    votes_for: Mapped[int | None] = mapped_column(default=None)
    votes_cast: Mapped[int | None] = mapped_column(default=None)
    votes_eligible: Mapped[int | None] = mapped_column(default=None)
    nominated_by: Mapped[str | None] = mapped_column(default=None)
    """The body that named her."""
    document_number: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)


audited(Shift, "role")
audited(Selection, "kind", "document_number")
