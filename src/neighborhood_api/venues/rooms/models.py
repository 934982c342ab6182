"""Tables of rooms."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model


class RoomKind(StrEnum):
    """What a room is for."""

    READING = "reading"
    CHESS = "chess"
    TABLE_TENNIS = "table_tennis"
    ACTIVITY = "activity"
    MEETING = "meeting"
    OTHER = "other"


class Room(Model):
    """A room of a venue; its name, and whether it is open to bookings, are its resource's."""

    __tablename__ = "room"

    id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"), index=True)
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), unique=True)
    """When it is open; the parent of that is the venue's."""
    kind: Mapped[str]
    qr_code: Mapped[str] = mapped_column(unique=True)
    """What the sign at its door says: whoever scans it is there."""
    house_rules: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)


audited(Room, "kind", "house_rules")
