"""Tables of the grid domain."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Placed
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
        CheckConstraint("valid_from < valid_until", name="valid_forward"),
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
    """district, street, town, community, village, grid, compound, lane or building."""
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


class Boundary(Model):
    """Where a node ends; most have none, and are found by their points alone."""

    __tablename__ = "boundary"
    __table_args__ = (
        Index("ix_boundary_ring", text("CAST(ring AS polygon)"), postgresql_using="gist"),
    )

    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    ring: Mapped[str | None]
    """One ring of WGS-84 degrees, as PostgreSQL writes a polygon; None once it was removed."""
    version: Mapped[int] = mapped_column(default=1)


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


class Household(Placed, Model):
    """A dwelling at a lane (户)."""

    __tablename__ = "household"
    __table_args__ = (
        CheckConstraint("lane_id IS NOT NULL", name="lives_at_a_lane"),
        sealed_only("address"),
        Index("uq_household_lane_address", "lane_id", "address", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(Sealed("address"))
    """Door within the lane, e.g. 12号 or 3栋2单元501."""


class Residence(Placed, Model):
    """Where a person lives: at most one place."""

    __tablename__ = "residence"
    __table_args__ = (
        CheckConstraint("lane_id IS NOT NULL", name="lives_at_a_lane"),
        sealed_only("address"),
        Index("ix_residence_lane", "lane_id"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    address: Mapped[str] = mapped_column(Sealed("address"))
    stated_at: Mapped[datetime]
    household_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("household.id"), default=None, index=True
    )
    """Set when the address is one of the register's."""
    version: Mapped[int] = mapped_column(default=1)
