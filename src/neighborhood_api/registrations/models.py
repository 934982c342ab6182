"""Tables of what can be had, and of who has it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import Placed, place_indexes
from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import Sealed, sealed_only
from neighborhood_api.registrations.states import LIVE, Channel, State

LIVE_SQL = ", ".join(sorted(f"'{state.value}'" for state in LIVE))

NUMBERS = Sequence("registration_number", start=100001)
"""Numbers of registrations and places in waitlists: handed out under the resource's lock, so
that whoever came first has the smaller one; never changed.
"""


class Resource(Placed, Model):
    """What people compete for: a room, a session; its domain's row has the same id."""

    __tablename__ = "resource"
    __table_args__ = (
        CheckConstraint(
            "(mode = 'counted') = (capacity IS NOT NULL AND starts_at IS NOT NULL"
            " AND ends_at IS NOT NULL)",
            name="counted_has_seats_and_time",
        ),
        CheckConstraint("mode IN ('exclusive', 'counted')", name="mode_known"),
        CheckConstraint("taken >= 0 AND taken <= coalesce(capacity, 0)", name="seats"),
        CheckConstraint("capacity > 0", name="capacity_positive"),
        CheckConstraint("starts_at < ends_at", name="forward"),
        CheckConstraint("ends_at - starts_at <= interval '1 day'", name="within_a_day"),
        Index("ix_resource_group", "group_id", "kind"),
        Index("ix_resource_draw", "draw_at", postgresql_where=text("draw_at IS NOT NULL")),
        *place_indexes("resource"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    kind: Mapped[str]
    """What its domain calls it, e.g. room."""
    mode: Mapped[str]
    group_id: Mapped[UUID]
    """What it belongs to, e.g. its venue: quotas may count over the whole group."""
    name: Mapped[str]
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    """Under which it is given from now on; a registration keeps the one it was made under."""
    open: Mapped[bool] = mapped_column(default=True)
    """Off while nothing new is taken; what is registered stays."""
    starts_at: Mapped[datetime | None] = mapped_column(default=None)
    ends_at: Mapped[datetime | None] = mapped_column(default=None)
    capacity: Mapped[int | None] = mapped_column(default=None)
    taken: Mapped[int] = mapped_column(default=0)
    """Seats of those who have one; the constraint is the last guard against one too many."""
    draw_at: Mapped[datetime | None] = mapped_column(default=None)
    """When its seats are drawn by lot; until then nobody has one."""
    cancelled_at: Mapped[datetime | None] = mapped_column(default=None)


class Timetable(Model):
    """A line of time in which one thing happens at once: a unit's, a teacher's, a child's."""

    __tablename__ = "timetable"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Whose: the id of the unit, person, child or teacher."""
    number: Mapped[int] = mapped_column(Identity(), unique=True, init=False)
    """Stands for it in the exclusion constraint, which needs a range type."""


class Unit(Model):
    """One bookable part of an exclusive resource: two tables are two units."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("resource_id", "name", name="unit_name"),)

    id: Mapped[UUID] = mapped_column(ForeignKey("timetable.id"), primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"))
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    """Off for a broken table; what is booked stays booked."""


class Occupation(Model):
    """Time that something takes from a timetable, buffers included; half-open."""

    __tablename__ = "occupation"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="forward"),
        # Lets a search for what overlaps begin two days earlier, and not at the first one.
        CheckConstraint("ends_at - starts_at <= interval '2 days'", name="within_two_days"),
        CheckConstraint("registration_id IS NOT NULL OR resource_id IS NOT NULL", name="for"),
        # Nothing is in two places. Ranges have a built-in GiST operator class, so this needs
        # no extension (a one-point range stands for the timetable).
        ExcludeConstraint(
            (text("int4range(timetable_number, timetable_number, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="occupied",
        ),
        Index("ix_occupation_timetable", "timetable_number", "starts_at"),
        Index(
            "ix_occupation_registration",
            "registration_id",
            postgresql_where=text("registration_id IS NOT NULL"),
        ),
        Index(
            "ix_occupation_resource",
            "resource_id",
            postgresql_where=text("resource_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    timetable_number: Mapped[int] = mapped_column(ForeignKey("timetable.number"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    registration_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("registration.id"), default=None
    )
    resource_id: Mapped[UUID | None] = mapped_column(ForeignKey("resource.id"), default=None)
    """The counted resource that takes a room or a teacher."""
    until: Mapped[datetime | None] = mapped_column(default=None)
    """A hold or offer: from then on it counts for nothing, and the next wish removes it."""


class Registration(Model):
    """A booking or an enrolment: somebody's claim to a unit for a time, or to seats."""

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="forward"),
        CheckConstraint("ends_at - starts_at <= interval '1 day'", name="within_a_day"),
        CheckConstraint("seats > 0", name="somebody_comes"),
        CheckConstraint(
            "person_id IS NOT NULL OR guest_phone IS NOT NULL OR guest_erased_at IS NOT NULL",
            name="somebody_holds_it",
        ),
        sealed_only("guest_phone"),
        CheckConstraint("state IN ('waitlisted') <= (queued IS NOT NULL)", name="queued"),
        CheckConstraint("state IN ('held', 'offered') <= (until IS NOT NULL)", name="ends"),
        Index(
            "registered_twice",
            "resource_id",
            "who_id",
            "starts_at",
            unique=True,
            postgresql_where=text(f"state IN ({LIVE_SQL})"),
        ),
        Index("ix_registration_resource", "resource_id", "starts_at"),
        Index("ix_registration_person", "person_id", "id"),
        Index("ix_registration_person_time", "person_id", "ends_at"),
        Index(
            "ix_registration_household_time",
            "household_id",
            "ends_at",
            postgresql_where=text("household_id IS NOT NULL"),
        ),
        Index(
            "ix_registration_queue",
            "resource_id",
            "queued",
            postgresql_where=text("state = 'waitlisted'"),
        ),
        Index(
            "ix_registration_until",
            "resource_id",
            "until",
            postgresql_where=text("state IN ('held', 'offered')"),
        ),
        Index("ix_registration_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "ix_registration_remind",
            "remind_at",
            postgresql_where=text("remind_at IS NOT NULL"),
        ),
        Index(
            "ix_registration_guest",
            "guest_phone",
            postgresql_where=text("guest_phone IS NOT NULL AND person_id IS NULL"),
        ),
        Index(
            "ix_registration_participant",
            "participant_id",
            "ends_at",
            postgresql_where=text("participant_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    """What people say on the phone, after a B."""
    created_at: Mapped[datetime]
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"))
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    state: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    who_id: Mapped[UUID]
    """Who comes: the participant, or the holder, or the registration itself for a guest."""
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who holds it."""
    guest_name: Mapped[str | None] = mapped_column(default=None)
    guest_phone: Mapped[str | None] = mapped_column(Sealed("phone"), default=None)
    """Of a caller without an account, for whom staff registered."""
    guest_erased_at: Mapped[datetime | None] = mapped_column(default=None)
    """Since when nobody knows that caller's name and number any more."""
    participant_id: Mapped[UUID | None] = mapped_column(default=None)
    """Who comes in the holder's stead, e.g. her child."""
    household_id: Mapped[UUID | None] = mapped_column(ForeignKey("household.id"), default=None)
    """The holder's when it was made, or became hers: quotas of households count it."""
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"), default=None)
    seats: Mapped[int] = mapped_column(default=1)
    """How many people come."""
    purpose: Mapped[str] = mapped_column(default="")
    channel: Mapped[str] = mapped_column(default=Channel.SELF.value)
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who made it in the holder's stead."""
    queued: Mapped[int | None] = mapped_column(BigInteger, default=None)
    """Its number in the waitlist; kept when it is promoted."""
    until: Mapped[datetime | None] = mapped_column(default=None)
    """When a hold or an offer ends."""
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    """When time itself does something to it."""
    remind_at: Mapped[datetime | None] = mapped_column(default=None)
    cancelled_at: Mapped[datetime | None] = mapped_column(default=None)
    cancelled_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    cancel_reason: Mapped[str | None] = mapped_column(default=None)
    cancelled_late: Mapped[bool] = mapped_column(default=False)
    checked_in_at: Mapped[datetime | None] = mapped_column(default=None)
    checked_out_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)

    @property
    def standing(self) -> State:
        """Where it stands."""
        return State(self.state)


audited(Resource, "kind", "mode", "name")
audited(Unit, "name")
