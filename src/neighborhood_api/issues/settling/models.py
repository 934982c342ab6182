"""Tables of how handling was judged: rating forms, ratings, and call-backs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class Channel(StrEnum):
    """How the resident was served; each has sub-items of its own."""

    ONLINE = "online"
    OFFLINE = "offline"


class CallReason(StrEnum):
    """Why somebody is called back."""

    BAD_RATING = "bad_rating"
    SAMPLE = "sample"


class RatingForm(Model):
    """One version of the sub-items that are rated (好差评); it never changes."""

    __tablename__ = "rating_form"
    __table_args__ = (CheckConstraint("version >= 1", name="version_counts"),)

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    valid_from: Mapped[datetime]
    """It is in force until the next version is."""
    online: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    offline: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    """The sub-items of each channel, as code and name, in the order to show them."""
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """None for what the project brings along."""


class Rating(Model):
    """What the reporter thought of one handling; after a reopening there is another."""

    __tablename__ = "issue_rating"
    __table_args__ = (
        UniqueConstraint("case_id", "handling", name="uq_issue_rating_handling"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_one_to_five"),
        CheckConstraint("channel IN ('online', 'offline')", name="channel_known"),
        CheckConstraint("num_nonnulls(person_id, recorded_by_id) = 1", name="said_by_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("issue.case_id"))
    handling: Mapped[int]
    """How often the issue had been reopened before; 0 for the first handling."""
    rating: Mapped[int]
    rated_at: Mapped[datetime]
    channel: Mapped[str]
    form_version: Mapped[int] = mapped_column(ForeignKey("rating_form.version"))
    items: Mapped[dict[str, int]] = mapped_column(JSONB, default_factory=dict)
    """What was said of single sub-items: 1 to 5 by code."""
    text: Mapped[str | None] = mapped_column(default=None)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """None for a caller without an account."""
    recorded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who wrote down what such a caller said when she was called back."""


class CallBack(Model):
    """The work of asking a reporter how it went (回访), and of making good a bad rating.

    Source: practice of 好差评, see `call_backs.REMEDY_LIMIT`.
    """

    __tablename__ = "issue_call_back"
    __table_args__ = (
        UniqueConstraint("case_id", "handling", "reason", name="uq_issue_call_back_reason"),
        Index(
            "uq_issue_call_back_open",
            "case_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "uq_issue_call_back_remedy",
            "case_id",
            unique=True,
            postgresql_where=text("remedy_wanted AND remedied_at IS NULL"),
        ),
        Index("ix_issue_call_back_to_call", "id", postgresql_where=text("ended_at IS NULL")),
        Index(
            "ix_issue_call_back_to_remedy",
            "id",
            postgresql_where=text("remedy_wanted AND remedied_at IS NULL"),
        ),
        CheckConstraint("reason IN ('bad_rating', 'sample')", name="reason_known"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_one_to_five"),
        CheckConstraint("reached IS NULL OR ended_at IS NOT NULL", name="ended_whole"),
        CheckConstraint(
            "reached IS TRUE OR (solved IS NULL AND satisfied IS NULL)", name="only_who_answers"
        ),
        CheckConstraint("remedied_at IS NULL OR remedy_wanted", name="remedied_if_wanted"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("issue.case_id"))
    handling: Mapped[int]
    reason: Mapped[str]
    opened_at: Mapped[datetime]
    rating: Mapped[int | None] = mapped_column(default=None)
    """The rating that it is about, or that it brought."""
    remedy_wanted: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    """How often the reporter was called."""
    taken_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """Who makes the call, and sees the number for that."""
    taken_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    """When the reporter was reached, or given up, or the next bad rating took its place."""
    called_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    reached: Mapped[bool | None] = mapped_column(default=None)
    """None while nobody called, and where the call about the next handling served for both."""
    solved: Mapped[bool | None] = mapped_column(default=None)
    """Whether it is settled, as she says; None when she did not say."""
    satisfied: Mapped[bool | None] = mapped_column(default=None)
    text: Mapped[str | None] = mapped_column(default=None)
    remedied_at: Mapped[datetime | None] = mapped_column(default=None)
    remedied_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)


audited(RatingForm, "online", "offline")
