"""Tables of calendar feeds."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class FeedOf(StrEnum):
    """Whose calendar a feed is."""

    PERSON = "person"
    ROOM = "room"
    TEACHER = "teacher"


class CalendarFeed(Model):
    """A private link to a calendar; only the hash of its token is kept."""

    __tablename__ = "calendar_feed"
    __table_args__ = (
        CheckConstraint("of IN ('person', 'room', 'teacher')", name="of_known"),
        Index(
            "one_calendar_feed",
            "of",
            "owner_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    of: Mapped[str]
    owner_id: Mapped[UUID]
    """The person, room or teacher."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    """SHA-256, hexadecimal."""
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
