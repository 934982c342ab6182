"""Tables of watching: orders, warnings, and who was warned."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class Order(Model):
    """What a superior orders for an issue (督办): to be answered in time, until she is content.

    Asking again keeps the order and begins a new limit; the timeline has every answer.
    """

    __tablename__ = "issue_order"
    __table_args__ = (
        Index(
            "uq_issue_order_open",
            "case_id",
            unique=True,
            postgresql_where=text("settled_at IS NULL"),
        ),
        Index("ix_issue_order_given", "given_by_id", "id"),
        Index(
            "ix_issue_order_unanswered",
            "id",
            postgresql_where=text("answered_at IS NULL AND settled_at IS NULL"),
        ),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_whole"),
        CheckConstraint("times_asked > 0", name="asked_for_something"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), index=True)
    given_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    from_node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    from_level: Mapped[int]
    """Who has a post at this node, or above it, says whether the answer will do."""
    role: Mapped[str]
    given_at: Mapped[datetime]
    text: Mapped[str]
    clock: Mapped[str]
    amount: Mapped[int]
    """Within what it must be answered."""
    times_asked: Mapped[int] = mapped_column(default=1)
    answer: Mapped[str | None] = mapped_column(default=None)
    """The last one."""
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    missed_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it was noted that the limit had passed without an answer."""
    settled_at: Mapped[datetime | None] = mapped_column(default=None)
    settled_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)


class IssueWarning(Model):
    """A clock of an issue gave its yellow or red warning; once for each deadline it had."""

    __tablename__ = "issue_warning"
    __table_args__ = (
        UniqueConstraint("timer_id", "colour", "due_at", name="uq_issue_warning_once"),
        CheckConstraint("colour IN ('yellow', 'red')", name="colour_known"),
        Index("ix_issue_warning_case", "case_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    timer_id: Mapped[UUID] = mapped_column(ForeignKey("case_timer.id"))
    purpose: Mapped[str]
    colour: Mapped[str]
    due_at: Mapped[datetime]
    raised_at: Mapped[datetime]


class WarningRecipient(Model):
    """Somebody who was warned."""

    __tablename__ = "issue_warning_recipient"
    __table_args__ = (
        Index(
            "ix_issue_warning_recipient_unread",
            "person_id",
            "warning_id",
            postgresql_where=text("read_at IS NULL"),
        ),
        Index("ix_issue_warning_recipient_warning", "warning_id"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    warning_id: Mapped[UUID] = mapped_column(ForeignKey("issue_warning.id"), primary_key=True)
    read_at: Mapped[datetime | None] = mapped_column(default=None)
