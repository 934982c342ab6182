"""Tables of the issues domain."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model


class Category(Model):
    """What an issue is about, and how long it may take."""

    __tablename__ = "issue_category"
    __table_args__ = (
        CheckConstraint("respond_minutes > 0 AND resolve_minutes > 0", name="limits_positive"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    """Stable name of two levels, e.g. `env.garbage`."""
    name: Mapped[str]
    group_code: Mapped[str]
    group_name: Mapped[str]
    respond_minutes: Mapped[int]
    resolve_minutes: Mapped[int]
    position: Mapped[int]
    hint: Mapped[str | None] = mapped_column(default=None)
    """Helps residents to choose."""
    photo_required: Mapped[bool] = mapped_column(default=False)
    """Whether resolving needs a photo as evidence."""
    standard_code: Mapped[str | None] = mapped_column(default=None)
    """Nearest leaf of the Guangdong hotline taxonomy. Source: DB44/T 2479-2024, appendix A."""
    active: Mapped[bool] = mapped_column(default=True)


class Issue(Model):
    """What a resident reported; its way through the hands is the case of the same id."""

    __tablename__ = "issue"
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_one_to_five"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="position_whole"),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("issue_category.code"), index=True)
    text: Mapped[str]
    location: Mapped[str | None] = mapped_column(default=None)
    """Where exactly, in the reporter's words."""
    longitude: Mapped[float | None] = mapped_column(default=None)
    latitude: Mapped[float | None] = mapped_column(default=None)
    """WGS-84 degrees."""
    given_longitude: Mapped[float | None] = mapped_column(default=None)
    given_latitude: Mapped[float | None] = mapped_column(default=None)
    coordinate_system: Mapped[str | None] = mapped_column(default=None)
    """The position as the phone gave it."""
    photo_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default_factory=list)
    anonymous: Mapped[bool] = mapped_column(default=False)
    """Whether the public never learns who reported; staff who handle it do."""
    caller_name: Mapped[str | None] = mapped_column(default=None)
    caller_phone: Mapped[str | None] = mapped_column(default=None, index=True)
    """Of somebody who telephoned or came to the counter."""
    rating: Mapped[int | None] = mapped_column(default=None)
    rating_text: Mapped[str | None] = mapped_column(default=None)
    rated_at: Mapped[datetime | None] = mapped_column(default=None)
