"""Tables of what happened to registrations: their history, strikes and check-ins."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class Entry(Model):
    """One line of a registration's history; never changed, but when two persons become one."""

    __tablename__ = "registration_entry"
    __table_args__ = (Index("ix_registration_entry_registration", "registration_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"))
    acted_at: Mapped[datetime]
    act: Mapped[str]
    state: Mapped[str]
    """Where the registration stood afterwards."""
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """None for what the system did."""
    text: Mapped[str | None] = mapped_column(default=None)
    """What the holder is told."""
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default_factory=dict)


class Strike(Model):
    """A mark for cancelling late or not coming; it expires, and may be appealed and lifted."""

    __tablename__ = "strike"
    __table_args__ = (
        CheckConstraint("reason IN ('late_cancel', 'no_show')", name="reason_known"),
        Index("one_strike", "registration_id", "reason", unique=True),
        Index("ix_strike_person", "person_id", "expires_at"),
        Index(
            "ix_strike_appeal",
            "district_id",
            "id",
            postgresql_where=text("appealed_at IS NOT NULL AND answered_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"))
    district_id: Mapped[UUID]
    reason: Mapped[str]
    struck_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    appeal: Mapped[str | None] = mapped_column(default=None)
    appealed_at: Mapped[datetime | None] = mapped_column(default=None)
    answer: Mapped[str | None] = mapped_column(default=None)
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)
    lifted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """None when an excuse of the system lifted it."""


class CheckIn(Model):
    """Somebody came, or left; strange ones are flagged and never refused."""

    __tablename__ = "check_in"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out')", name="direction_known"),
        CheckConstraint("method IN ('qr', 'staff')", name="method_known"),
        Index("ix_check_in_registration", "registration_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Made by the device, so that a repeated sending is one."""
    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"))
    direction: Mapped[str]
    method: Mapped[str]
    server_at: Mapped[datetime]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    device_at: Mapped[datetime | None] = mapped_column(default=None)
    longitude: Mapped[float | None] = mapped_column(default=None)
    latitude: Mapped[float | None] = mapped_column(default=None)
    """WGS-84 degrees."""
    accuracy_metres: Mapped[float | None] = mapped_column(default=None)
    distance_metres: Mapped[float | None] = mapped_column(default=None)
    """From where the resource is."""
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    """What is strange about it, e.g. far_away."""
    picked_up_by: Mapped[str | None] = mapped_column(default=None)
    """Who took a child home."""
