"""Tables of the grid domain."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import COLUMNS, Placed, place_indexes
from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import Sealed, sealed_only

SINGLE_SEAT = (
    Role.LANE_CHIEF,
    Role.GRID_LEADER,
    Role.COMMUNITY_SECRETARY,
    Role.STREET_SECRETARY,
)
"""Posts that one person holds at a node at a time; the others are teams."""


class Node(Placed, Model):
    """A place of the grid; its own id stands in the column of its level."""

    __tablename__ = "node"
    __table_args__ = (
        CheckConstraint("level BETWEEN 0 AND 4", name="level_known"),
        CheckConstraint("(parent_id IS NULL) = (level = 0)", name="only_districts_are_roots"),
        CheckConstraint("valid_from <= valid_until", name="valid_forward"),
        Index(
            "uq_node_code_now",
            "code",
            unique=True,
            postgresql_where=text("valid_until IS NULL"),
        ),
        Index("ix_node_parent", "parent_id", "code"),
        Index(
            "ix_node_point",
            text("point(longitude, latitude)"),
            postgresql_using="gist",
            postgresql_where=text("level = 4"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[int]
    kind: Mapped[str]
    """district, street, community, grid, lane and others: see `layers.ready`."""
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"))
    code: Mapped[str]
    """National code of 12 digits at levels 0–2, plus 3 digits for each level below."""
    name: Mapped[str]
    code_prefix: Mapped[str] = mapped_column(default="NH")
    """Letters before the numbers of issues reported here; inherited at creation."""
    plate_code: Mapped[str | None] = mapped_column(default=None, unique=True)
    """What the QR code of the lane's plate carries; stays when everything else changes."""
    longitude: Mapped[float | None] = mapped_column(default=None)
    latitude: Mapped[float | None] = mapped_column(default=None)
    """A point of the node for maps, WGS-84 degrees."""
    valid_from: Mapped[date] = mapped_column(default=date(2020, 1, 1))
    valid_until: Mapped[date | None] = mapped_column(default=None)
    """First day on which the node is no more; codes are withdrawn and issued again."""
    version: Mapped[int] = mapped_column(default=1)
    duty_changes: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often somebody else came to act here: who looked before is told to look again."""


class Boundary(Model):
    """Where a node ends; most have none, and are found by their points alone."""

    __tablename__ = "boundary"

    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    parts: Mapped[int]
    """How many pieces it has; 0 once it was removed."""
    version: Mapped[int] = mapped_column(default=1)


class BoundaryRing(Model):
    """One ring of a boundary: the outer one of a piece, or one of its holes."""

    __tablename__ = "boundary_ring"
    __table_args__ = (
        Index(
            "ix_boundary_ring_polygon", text("CAST(ring AS polygon)"), postgresql_using="gist"
        ),
    )

    node_id: Mapped[UUID] = mapped_column(
        ForeignKey("boundary.node_id", ondelete="CASCADE"), primary_key=True
    )
    part: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """0 is the outer ring of its part, the others are holes."""
    ring: Mapped[str]
    """WGS-84 degrees, as PostgreSQL writes a polygon."""


class Organization(Model):
    """A department or other body that handles issues of a street or district."""

    __tablename__ = "organization"

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    name: Mapped[str]


class Appointment(Model):
    """A person in a post at a node for a period; ended ones stay for the record."""

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="term_forward"),
        CheckConstraint(
            "(role = 'department_officer') = (organization_id IS NOT NULL)",
            name="officers_have_an_organization",
        ),
        CheckConstraint("stand_in_id <> person_id", name="not_her_own_stand_in"),
        Index(
            "uq_appointment_one_holder",
            "node_id",
            "role",
            unique=True,
            postgresql_where=text(
                "ended_at IS NULL AND role IN "
                "('lane_chief', 'grid_leader', 'community_secretary', 'street_secretary')"
            ),
        ),
        Index("ix_appointment_person", "person_id", postgresql_where=text("ended_at IS NULL")),
        Index(
            "ix_appointment_stand_in", "stand_in_id", postgresql_where=text("ended_at IS NULL")
        ),
        Index("ix_appointment_node", "node_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_appointment_awaited", "starts_on", postgresql_where=text("awaits_start")),
        CheckConstraint("NOT is_primary OR role = 'grid_worker'", name="workers_are_primary"),
        Index(
            "uq_appointment_primary",
            "node_id",
            unique=True,
            postgresql_where=text("is_primary AND ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    role: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    duty_phone: Mapped[str]
    """Public: residents call it."""
    starts_on: Mapped[date]
    ends_on: Mapped[date | None] = mapped_column(default=None)
    """Last day of the term; without one the term is open."""
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it was ended, or passed its last day and was closed."""
    organization_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organization.id"), default=None
    )
    stand_in_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who stands in (代班) while the holder is away, with all the post's power."""
    stand_in_phone: Mapped[str | None] = mapped_column(default=None)
    stand_in_until: Mapped[date | None] = mapped_column(default=None)
    """Last day of standing in; without one until further notice."""
    awaits_start: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the first day is still to be announced; until then nobody was told."""
    is_primary: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether she is the one worker who is responsible for her grid (一格一员)."""
    version: Mapped[int] = mapped_column(default=1)


class Leave(Model):
    """Days on which the holder of a post is away (请假), and who answers for her then.

    Leaves of one appointment do not overlap: they are granted under the appointment's lock.
    """

    __tablename__ = "leave"
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="days_forward"),
        CheckConstraint("stand_in_id <> person_id", name="not_her_own_stand_in"),
        Index(
            "ix_leave_appointment",
            "appointment_id",
            "first_on",
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_leave_stand_in", "stand_in_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_leave_listed", "appointment_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("appointment.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    """The appointment's holder, who is away."""
    first_on: Mapped[date]
    last_on: Mapped[date]
    granted_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    granted_at: Mapped[datetime]
    stand_in_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who acts meanwhile, with all the post's power; without one the post is vacant."""
    stand_in_phone: Mapped[str | None] = mapped_column(default=None)
    begun_at: Mapped[datetime | None] = mapped_column(default=None)
    """When its first day was announced."""
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it was cancelled, cut short, or passed its last day and was closed."""


class Vacancy(Model):
    """A post that lost whoever acted in it, from the alarm until somebody acts again."""

    __tablename__ = "vacancy"
    __table_args__ = (
        Index(
            "uq_vacancy_open",
            "node_id",
            "role",
            unique=True,
            postgresql_where=text("filled_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    role: Mapped[str]
    since: Mapped[datetime]
    filled_at: Mapped[datetime | None] = mapped_column(default=None)


class Occupancy(StrEnum):
    """How a dwelling is used."""

    UNKNOWN = "unknown"
    OWNED = "owned"
    """自住"""
    RENTED = "rented"
    """出租"""
    VACANT = "vacant"
    """空置"""
    OTHER = "other"


class Household(Placed, Model):
    """A dwelling at a lane (户)."""

    __tablename__ = "household"
    __table_args__ = (
        CheckConstraint("lane_id IS NOT NULL", name="lives_at_a_lane"),
        CheckConstraint(
            "occupancy IN ('unknown', 'owned', 'rented', 'vacant', 'other')",
            name="occupancy_known",
        ),
        sealed_only("address"),
        Index(
            "uq_household_lane_address",
            "lane_id",
            "address",
            unique=True,
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_household_address", "address"),
        Index(
            "ix_household_representative",
            "representative_id",
            postgresql_where=text("representative_id IS NOT NULL"),
        ),
        *place_indexes("household"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(Sealed("address"))
    """Door within the lane, e.g. 12号 or 3栋2单元501."""
    occupancy: Mapped[str] = mapped_column(default=Occupancy.UNKNOWN.value)
    note: Mapped[str] = mapped_column(default="")
    """About the dwelling, never about people."""
    verified_on: Mapped[date | None] = mapped_column(default=None)
    """The day on which somebody of the staff last found that this is right (核实)."""
    ended_on: Mapped[date | None] = mapped_column(default=None)
    """First day on which the dwelling is no more; its door may then be given out again."""
    representative_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("person.id"), default=None
    )
    """Who speaks for the household (户代表): one whose residence here is confirmed."""
    version: Mapped[int] = mapped_column(default=1)


class Confirmation(StrEnum):
    """How it became known that somebody lives where she says."""

    PHONE = "phone"
    """Her verified phone stands in the register of that household."""
    STAFF = "staff"


WAITING = "confirmed_at IS NULL AND refused_at IS NULL"


class Residence(Placed, Model):
    """Where a person says that she lives: at most one place; staff confirm or refuse it."""

    __tablename__ = "residence"
    __table_args__ = (
        CheckConstraint("lane_id IS NOT NULL", name="lives_at_a_lane"),
        CheckConstraint("confirmed_at IS NULL OR refused_at IS NULL", name="decided_one_way"),
        CheckConstraint(
            "(confirmed_at IS NULL) = (confirmed_how IS NULL)", name="confirmed_somehow"
        ),
        CheckConstraint("confirmed_how IN ('phone', 'staff')", name="confirmation_known"),
        CheckConstraint(
            "(confirmed_how = 'staff') = (confirmed_by_id IS NOT NULL)",
            name="confirmed_by_staff",
        ),
        CheckConstraint("(refused_at IS NULL) = (refusal IS NULL)", name="refused_with_reason"),
        sealed_only("address"),
        Index("ix_residence_lane", "lane_id"),
        *(
            Index(
                f"ix_residence_waiting_{name}",
                name,
                "person_id",
                postgresql_where=text(WAITING),
            )
            for name in COLUMNS
        ),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    address: Mapped[str] = mapped_column(Sealed("address"))
    stated_at: Mapped[datetime]
    household_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("household.id"), default=None, index=True
    )
    """Set when the address is one of the register's."""
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    confirmed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who of the staff confirmed it; None when the register's phone did."""
    confirmed_how: Mapped[str | None] = mapped_column(default=None)
    refused_at: Mapped[datetime | None] = mapped_column(default=None)
    refused_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Stays when she claims the same door once more: then no phone confirms it, but staff."""
    refusal: Mapped[str | None] = mapped_column(default=None)
    """Why it was refused, in words for the claimant."""
    chosen_representative_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("person.id"), default=None
    )
    """Whom she, as a confirmed member, wants to speak for the household."""
    version: Mapped[int] = mapped_column(default=1)


class PastResidence(Placed, Model):
    """Where a person lived, from being confirmed there until she left or staff found so.

    Also where staff said that she does not live: there no number confirms her later.
    """

    __tablename__ = "residence_history"
    __table_args__ = (
        CheckConstraint("lane_id IS NOT NULL", name="lived_at_a_lane"),
        CheckConstraint("began_at <= ended_at", name="time_forward"),
        sealed_only("address"),
        Index("ix_residence_history_person", "person_id", "id"),
        Index("ix_residence_history_household", "household_id"),
        *place_indexes("residence_history"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    address: Mapped[str] = mapped_column(Sealed("address"))
    began_at: Mapped[datetime]
    """When it was confirmed; of one that was refused, when it was said."""
    ended_at: Mapped[datetime]
    household_id: Mapped[UUID | None] = mapped_column(ForeignKey("household.id"), default=None)
    refused_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who of the staff refused it; None for one that was confirmed."""


audited(Node, "kind", "code", "name", "code_prefix", "plate_code")
audited(Boundary)
audited(Organization, "name")
audited(Appointment, "role")
audited(Leave)
audited(Household, "occupancy")
