"""Tables of what people are told."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model


class DeliveryState(StrEnum):
    """What became of a WeChat message."""

    WAITING = "waiting"
    SENDING = "sending"
    """Given to WeChat, whose answer is not written down yet."""
    SENT = "sent"
    REFUSED = "refused"
    """The person does not take it (any more)."""
    FAILED = "failed"
    """WeChat does not take it, whoever it is for."""
    UNCERTAIN = "uncertain"
    """Given to WeChat, and no answer came: perhaps it arrived, so it is not sent again."""
    NEEDLESS = "needless"
    """Read in the inbox meanwhile, or about something that is over."""


class Notification(Model):
    """Something that a person is told, in her inbox."""

    __tablename__ = "notification"
    __table_args__ = (
        CheckConstraint("(subject_type IS NULL) = (subject_id IS NULL)", name="subject_whole"),
        Index("told_once", "person_id", "once_key", unique=True),
        Index("ix_notification_person", "person_id", "id"),
        Index(
            "ix_notification_unread",
            "person_id",
            "id",
            postgresql_where=text("read_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str]
    """What happened, e.g. bookings.approved; never a text."""
    title: Mapped[str]
    body: Mapped[str]
    once_key: Mapped[str]
    """What it is about, so that a job that runs twice tells once."""
    created_at: Mapped[datetime]
    subject_type: Mapped[str | None] = mapped_column(default=None)
    subject_id: Mapped[UUID | None] = mapped_column(default=None)
    """What to open when it is tapped."""
    read_at: Mapped[datetime | None] = mapped_column(default=None)


class Subscription(Model):
    """How many WeChat messages of a template a person has agreed to and not yet got."""

    __tablename__ = "notification_subscription"
    __table_args__ = (CheckConstraint("remaining >= 0", name="remaining_counted"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    template: Mapped[str] = mapped_column(primary_key=True)
    """The code under which the settings have it."""
    template_id: Mapped[str]
    """WeChat's id when she agreed; agreement to another one is worth nothing."""
    remaining: Mapped[int]
    agreed_at: Mapped[datetime]


class Delivery(Model):
    """A WeChat message that tells of a notification; sent at most once."""

    __tablename__ = "notification_delivery"
    __table_args__ = (
        Index(
            "ix_notification_delivery_due",
            "due_at",
            postgresql_where=text("state IN ('waiting', 'sending')"),
        ),
    )

    notification_id: Mapped[UUID] = mapped_column(
        ForeignKey("notification.id"), primary_key=True
    )
    template: Mapped[str]
    about: Mapped[str]
    """The name of the thing, e.g. of a room."""
    due_at: Mapped[datetime]
    """When it is tried; while it is being sent, since when."""
    at: Mapped[datetime | None] = mapped_column(default=None)
    """When the thing is."""
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    """From then on the message is worth nothing."""
    state: Mapped[str] = mapped_column(default=DeliveryState.WAITING.value)
    tries: Mapped[int] = mapped_column(default=0)
    errcode: Mapped[int | None] = mapped_column(default=None)
    """What WeChat answered last; 0 for sent."""
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
