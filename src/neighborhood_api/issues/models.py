"""Tables of the issues domain."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Uuid, false
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.sealing import Sealed, sealed_only


class ReportChannel(StrEnum):
    """How an issue was reported."""

    MINI_PROGRAM = "mini_program"
    TELEPHONE = "telephone"
    COUNTER = "counter"


class Issue(Model):
    """What a resident reported; its way through the hands is the case of the same id."""

    __tablename__ = "issue"
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_one_to_five"),
        CheckConstraint(
            "channel IN ('mini_program', 'telephone', 'counter')", name="channel_known"
        ),
        CheckConstraint(
            "(channel = 'mini_program' OR caller_erased_at IS NOT NULL)"
            " = (caller_phone IS NULL)",
            name="caller_of_intake",
        ),
        sealed_only("caller_phone"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="position_whole"),
        Index("ix_issue_category", "category_code", "case_id"),
        Index("ix_issue_words", "words", postgresql_using="gin"),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("issue_category.code"))
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("handling_rule.id"))
    """The version of the rule under which it was taken in."""
    text: Mapped[str]
    words: Mapped[str] = mapped_column(TSVECTOR, server_default="", default="", deferred=True)
    """What it is found by, see `worklists.words`."""
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
    channel: Mapped[str] = mapped_column(
        default=ReportChannel.MINI_PROGRAM.value,
        server_default=ReportChannel.MINI_PROGRAM.value,
    )
    caller_name: Mapped[str | None] = mapped_column(default=None)
    caller_phone: Mapped[str | None] = mapped_column(Sealed("phone"), default=None, index=True)
    """Of somebody who telephoned or came to the counter."""
    caller_erased_at: Mapped[datetime | None] = mapped_column(default=None)
    """Since when nobody knows the caller's name and number any more."""
    supporters: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many said "me too"."""
    response_missed: Mapped[bool] = mapped_column(default=False, server_default=false())
    resolution_missed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the limit had passed already when it was merged: to merge is no way out of it."""
    rating: Mapped[int | None] = mapped_column(default=None)
    rating_text: Mapped[str | None] = mapped_column(default=None)
    rated_at: Mapped[datetime | None] = mapped_column(default=None)
