"""Tables of the registers: people, organisations, special care, and who looked at them."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import Placed, place_indexes
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import Sealed, sealed_only
from neighborhood_api.kit.trail import trailed


class Resident(Placed, Model):
    """Somebody whom the register knows to live in a household (人口); not an account."""

    __tablename__ = "resident"
    __table_args__ = (
        CheckConstraint("lane_id IS NOT NULL", name="lives_at_a_lane"),
        CheckConstraint("name <> ''", name="has_a_name"),
        CheckConstraint("birth_year BETWEEN 1880 AND 2200", name="birth_year_sane"),
        CheckConstraint("moved_in_on <= moved_out_on", name="days_forward"),
        sealed_only("phone"),
        Index(
            "uq_resident_one_head",
            "household_id",
            unique=True,
            postgresql_where=text("is_head AND moved_out_on IS NULL"),
        ),
        Index("ix_resident_household", "household_id"),
        Index("ix_resident_phone", "phone", postgresql_where=text("phone IS NOT NULL")),
        Index(
            "ix_resident_person", "person_id", postgresql_where=text("person_id IS NOT NULL")
        ),
        *place_indexes("resident"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    household_id: Mapped[UUID] = mapped_column(ForeignKey("household.id"))
    name: Mapped[str]
    phone: Mapped[str | None] = mapped_column(Sealed("phone"), default=None)
    """Mobile number, eleven digits; the account with the same verified number is hers."""
    birth_year: Mapped[int | None] = mapped_column(default=None)
    """Enough to tell children and old people."""
    relation: Mapped[str] = mapped_column(default="")
    """To the head of the household, as the office writes it: 户主, 配偶, 子, 租客 …"""
    is_head: Mapped[bool] = mapped_column(default=False)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Her account, once her residence in this household was confirmed."""
    moved_in_on: Mapped[date | None] = mapped_column(default=None)
    verified_on: Mapped[date | None] = mapped_column(default=None)
    """The day on which somebody of the staff last found that this is right (核实)."""
    moved_out_on: Mapped[date | None] = mapped_column(default=None)
    """First day on which she did not live here any more; the entry is ended."""
    version: Mapped[int] = mapped_column(default=1)


class EstablishmentKind(StrEnum):
    """What kind of organisation is found at a place."""

    SHOP = "shop"
    """商户"""
    COMPANY = "company"
    """企业"""
    INSTITUTION = "institution"
    """机关、事业单位"""
    SCHOOL = "school"
    """学校、幼儿园"""
    SOCIAL_ORGANIZATION = "social_organization"
    """社会组织"""
    PROPERTY = "property"
    """物业公司"""
    OTHER = "other"


class Establishment(Placed, Model):
    """An organisation at a place (单位、商户); not a department that handles issues."""

    __tablename__ = "establishment"
    __table_args__ = (
        CheckConstraint("name <> ''", name="has_a_name"),
        CheckConstraint(
            "kind IN ('shop', 'company', 'institution', 'school', 'social_organization',"
            " 'property', 'other')",
            name="kind_known",
        ),
        sealed_only("address"),
        sealed_only("contact_phone"),
        Index("ix_establishment_address", "address"),
        Index(
            "ix_establishment_phone",
            "contact_phone",
            postgresql_where=text("contact_phone IS NOT NULL"),
        ),
        *place_indexes("establishment"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    name: Mapped[str]
    kind: Mapped[str]
    address: Mapped[str] = mapped_column(Sealed("address"))
    """Door within its lane, or whatever finds it in its grid."""
    contact_name: Mapped[str | None] = mapped_column(default=None)
    contact_phone: Mapped[str | None] = mapped_column(Sealed("phone"), default=None)
    verified_on: Mapped[date | None] = mapped_column(default=None)
    ended_on: Mapped[date | None] = mapped_column(default=None)
    """First day on which it was not here any more."""
    version: Mapped[int] = mapped_column(default=1)


class CareKind(StrEnum):
    """Why somebody needs special care."""

    EMPTY_NEST = "empty_nest"
    """空巢老人"""
    LIVING_ALONE = "living_alone"
    """独居老人"""
    DISABLED = "disabled"
    """残疾人"""
    CHILD_IN_NEED = "child_in_need"
    """困境儿童"""
    LEFT_BEHIND_CHILD = "left_behind_child"
    """留守儿童"""
    LOW_INCOME = "low_income"
    """低保"""
    EXTREME_POVERTY = "extreme_poverty"
    """特困"""
    ONLY_CHILD_LOST = "only_child_lost"
    """失独"""
    SERIOUS_ILLNESS = "serious_illness"
    """重病"""
    OTHER = "other"


class CareFlag(Placed, Model):
    """A resident needs special care; shown only to posts that give it, and every look is kept.

    It lies where its resident does.
    """

    __tablename__ = "care_flag"
    __table_args__ = (
        CheckConstraint("lane_id IS NOT NULL", name="lives_at_a_lane"),
        CheckConstraint(
            "kind IN ('empty_nest', 'living_alone', 'disabled', 'child_in_need',"
            " 'left_behind_child', 'low_income', 'extreme_poverty', 'only_child_lost',"
            " 'serious_illness', 'other')",
            name="kind_known",
        ),
        CheckConstraint("since_on <= ended_on", name="days_forward"),
        sealed_only("note"),
        Index(
            "uq_care_flag_once",
            "resident_id",
            "kind",
            unique=True,
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_care_flag_resident", "resident_id"),
        *place_indexes("care_flag"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("resident.id"))
    kind: Mapped[str]
    since_on: Mapped[date]
    note: Mapped[str | None] = mapped_column(Sealed("note"), default=None)
    """Often about health, so it is sealed."""
    ended_on: Mapped[date | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)


class LookedAt(StrEnum):
    """What of the registers somebody was shown in full."""

    RESIDENT = "resident"
    CARE = "care"
    ESTABLISHMENT = "establishment"
    REGISTER = "register"
    """Everybody in the register of a place, taken out as a file."""


class RegisterLook(Model):
    """Somebody of the staff was shown a whole entry, or somebody's special care, and why."""

    __tablename__ = "register_look"
    __table_args__ = (
        CheckConstraint(
            "what IN ('resident', 'care', 'establishment', 'register')", name="what_known"
        ),
        CheckConstraint("reason <> ''", name="with_a_reason"),
        Index("ix_register_look_subject", "subject_id", "id"),
        Index("ix_register_look_person", "person_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    what: Mapped[str]
    subject_id: Mapped[UUID]
    """The resident, establishment or export; no foreign key: the log outlives the entry."""
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    """Who looked."""
    role: Mapped[str]
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    """With `role`, the post in which she looked."""
    reason: Mapped[str]
    looked_at: Mapped[datetime]


trailed(
    "register_look/1",
    RegisterLook,
    ("id", "what", "subject_id", "person_id", "role", "node_id", "reason", "looked_at"),
    texts=("reason",),
)
