"""Tables of venues."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import Placed, place_indexes
from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class VenueKind(StrEnum):
    """What a venue is."""

    SERVICE_CENTRE = "service_centre"
    """党群服务中心"""
    SERVICE_STATION = "service_station"
    """党群服务站"""
    CARE_STATION = "care_station"
    """驿站：党员爱心驿站、户外劳动者驿站"""
    PRACTICE_STATION = "practice_station"
    """新时代文明实践站"""
    READING_PLACE = "reading_place"
    """阅览室、书屋"""
    CULTURE_CENTRE = "culture_centre"
    """文体活动中心"""
    ELDERS_CENTRE = "elders_centre"
    """长者服务中心、日间照料"""
    CHILDRENS_PLACE = "childrens_place"
    """儿童之家、托管点"""
    COUNCIL_PLACE = "council_place"
    """议事点、协商议事厅"""
    OTHER = "other"


class EquipmentItem(StrEnum):
    """What every station is to have: the eight of 八有 (固定场所 to 应急药箱)."""

    PREMISES = "premises"
    SEATS = "seats"
    DRINKS = "drinks"
    HEATING_AND_COOLING = "heating_and_cooling"
    CHARGING = "charging"
    READING_MATTER = "reading_matter"
    UMBRELLAS = "umbrellas"
    FIRST_AID = "first_aid"


class EquipmentState(StrEnum):
    """What was found of an item."""

    PRESENT = "present"
    MISSING = "missing"
    BROKEN = "broken"


def _one_of(column: str, words: type[StrEnum]) -> str:
    listed = ", ".join(f"'{word.value}'" for word in words)
    return f"{column} IN ({listed})"


class Venue(Placed, Model):
    """A service centre or station; it serves everyone who lives at its place or below."""

    __tablename__ = "venue"
    __table_args__ = (
        CheckConstraint(_one_of("kind", VenueKind), name="kind_known"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="point_whole"),
        CheckConstraint("(closed_at IS NULL) = (close_reason IS NULL)", name="closed_why"),
        Index(
            "ix_venue_point",
            text("point(longitude, latitude)"),
            postgresql_using="gist",
            postgresql_where=text("closed_at IS NULL"),
        ),
        *place_indexes("venue"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    kind: Mapped[str]
    name: Mapped[str]
    address: Mapped[str]
    phone: Mapped[str]
    """Public number of its desk."""
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), unique=True)
    """When it is open."""
    host: Mapped[str] = mapped_column(default="")
    """The organisation that runs it, e.g. the shop that a station is in."""
    services: Mapped[str] = mapped_column(default="")
    """What one finds there, in a sentence."""
    longitude: Mapped[float | None] = mapped_column(default=None)
    latitude: Mapped[float | None] = mapped_column(default=None)
    """WGS-84 degrees."""
    photo_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default_factory=list)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    """Since when it is no more."""
    close_reason: Mapped[str | None] = mapped_column(default=None)
    """Why; shown to everybody."""
    version: Mapped[int] = mapped_column(default=1)


class Equipment(Model):
    """What was last found of one item of a venue's checklist."""

    __tablename__ = "equipment"
    __table_args__ = (
        CheckConstraint(_one_of("item", EquipmentItem), name="item_known"),
        CheckConstraint(_one_of("state", EquipmentState), name="state_known"),
        UniqueConstraint("venue_id", "item", name="uq_equipment_item"),
        Index("ix_equipment_gap", "id", postgresql_where=text("state <> 'present'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"))
    item: Mapped[str]
    state: Mapped[str]
    checked_at: Mapped[datetime]
    checked_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str] = mapped_column(default="")


audited(Venue, "kind", "name", "address", "phone", "host", "services", "close_reason")
audited(Equipment, "item", "state")
