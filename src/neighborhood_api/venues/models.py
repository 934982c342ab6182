"""Tables of the venues domain."""

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import Placed, place_indexes
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class VenueKind(StrEnum):
    """What a venue is called."""

    SERVICE_CENTRE = "service_centre"
    SERVICE_STATION = "service_station"


class RoomKind(StrEnum):
    """What a room is for."""

    READING = "reading"
    CHESS = "chess"
    TABLE_TENNIS = "table_tennis"
    ACTIVITY = "activity"
    MEETING = "meeting"
    OTHER = "other"


class SessionKind(StrEnum):
    """What happens in a session."""

    TUTORING = "tutoring"
    ACTIVITY = "activity"


class Venue(Placed, Model):
    """A service centre or station; it serves everyone who lives at its place or below."""

    __tablename__ = "venue"
    __table_args__ = place_indexes("venue")

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    kind: Mapped[str]
    name: Mapped[str]
    address: Mapped[str]
    phone: Mapped[str]
    """Public number of its desk."""
    services: Mapped[str] = mapped_column(default="")
    """What one finds there, in a sentence."""
    longitude: Mapped[float | None] = mapped_column(default=None)
    latitude: Mapped[float | None] = mapped_column(default=None)
    """WGS-84 degrees."""
    version: Mapped[int] = mapped_column(default=1)


class Room(Model):
    """A room that is booked as a whole by those its venue serves."""

    __tablename__ = "room"
    __table_args__ = (
        CheckConstraint("capacity > 0", name="capacity_positive"),
        CheckConstraint("slot_minutes > 0", name="slot_positive"),
        CheckConstraint("shortest_minutes <= longest_minutes", name="lengths_ordered"),
        CheckConstraint("longest_minutes <= 1440", name="longest_within_a_day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    number: Mapped[int] = mapped_column(Identity(), unique=True, init=False)
    """Stands for the room in the exclusion constraint, which needs a range type."""
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"), index=True)
    name: Mapped[str]
    kind: Mapped[str]
    capacity: Mapped[int]
    """How many people at most."""
    slot_minutes: Mapped[int]
    shortest_minutes: Mapped[int]
    longest_minutes: Mapped[int]
    notice_minutes: Mapped[int]
    horizon_days: Mapped[int]
    house_rules: Mapped[str] = mapped_column(default="")
    accepts_bookings: Mapped[bool] = mapped_column(default=True)
    """Off while the room is closed to bookings; what is booked stays booked."""
    version: Mapped[int] = mapped_column(default=1)


class OpeningRule(Model):
    """Hours in which a room is open on one weekday, in the district's civil time."""

    __tablename__ = "opening_rule"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_is_iso"),
        CheckConstraint("opens_at < closes_at", name="forward"),
        CheckConstraint("valid_from < valid_until", name="valid_forward"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("room.id"), index=True)
    weekday: Mapped[int]
    opens_at: Mapped[time]
    closes_at: Mapped[time]
    valid_from: Mapped[date | None] = mapped_column(default=None)
    valid_until: Mapped[date | None] = mapped_column(default=None)
    """First day on which the rule no longer holds."""


class Booking(Model):
    """One reservation, half-open: another may start the moment this one ends."""

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="forward"),
        # Lets a search for what overlaps begin a day earlier, and not at the first booking.
        CheckConstraint("ends_at - starts_at <= interval '1 day'", name="within_a_day"),
        CheckConstraint("party_size > 0", name="somebody_comes"),
        # Two live bookings of a room never share a moment. Ranges have a built-in GiST
        # operator class, so this needs no extension (a one-point range stands for the room).
        ExcludeConstraint(
            (text("int4range(room_number, room_number, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            where=text("cancelled_at IS NULL"),
            name="room_taken",
        ),
        Index(
            "ix_booking_room_live",
            "room_id",
            "starts_at",
            postgresql_where=text("cancelled_at IS NULL"),
        ),
        Index("ix_booking_person", "person_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    number: Mapped[int] = mapped_column(Identity(start=100001), unique=True, init=False)
    """What people say on the phone, after a B."""
    created_at: Mapped[datetime]
    room_id: Mapped[UUID] = mapped_column(ForeignKey("room.id"))
    room_number: Mapped[int]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    """Who holds it."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    party_size: Mapped[int]
    purpose: Mapped[str]
    cancelled_at: Mapped[datetime | None] = mapped_column(default=None)
    cancelled_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    cancel_reason: Mapped[str | None] = mapped_column(default=None)


class TutoringSession(Model):
    """A class or activity at a venue, on one day."""

    __tablename__ = "tutoring_session"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="forward"),
        CheckConstraint("ends_at - starts_at <= interval '1 day'", name="within_a_day"),
        CheckConstraint("capacity > 0", name="capacity_positive"),
        CheckConstraint("kind IN ('tutoring', 'activity')", name="kind_known"),
        Index("ix_tutoring_session_room", "room_id", "starts_at"),
        Index("ix_tutoring_session_next", "starts_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"), index=True)
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("room.id"))
    """The room it takes, where it takes one."""
    kind: Mapped[str]
    title: Mapped[str]
    subject: Mapped[str]
    grade: Mapped[str]
    """For whom, e.g. 三年级 or 长者."""
    teacher_name: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    about: Mapped[str] = mapped_column(default="")
