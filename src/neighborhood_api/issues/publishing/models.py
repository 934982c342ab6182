"""Tables of what the public sees, of who looked at a number, and of canned replies."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import COLUMNS, Level, Placed
from neighborhood_api.kit.auditing import audited
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trailed


class PublicState(StrEnum):
    """Whether the public sees an issue."""

    HIDDEN = "hidden"
    """Never: its rule says so, or the reporter does."""
    PENDING = "pending"
    """Not before a moderator has looked at it."""
    SHOWN = "shown"
    REFUSED = "refused"
    """A moderator decided against it, or took it down (撤下)."""


class Publication(Placed, Model):
    """How the public sees an issue; one row beside every issue.

    While it is shown the case has `published_at`, by which lists find it.
    """

    __tablename__ = "issue_publication"
    __table_args__ = (
        CheckConstraint(
            "state IN ('hidden', 'pending', 'shown', 'refused')", name="state_known"
        ),
        CheckConstraint("(decided_by_id IS NULL) = (decided_at IS NULL)", name="decided_whole"),
        *(
            Index(
                f"ix_issue_publication_pending_{name}",
                name,
                "case_id",
                postgresql_where=text("state = 'pending'"),
            )
            for name in COLUMNS[Level.STREET : Level.GRID]
        ),
        *(
            Index(
                "_".join(("ix_issue_publication_shown", *level)),
                *level,
                "category_code",
                "case_id",
                postgresql_where=text("state = 'shown'"),
            )
            for level in ((), *((name,) for name in COLUMNS))
        ),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("issue_category.code"))
    state: Mapped[str]
    public_text: Mapped[str | None] = mapped_column(default=None)
    """A moderator's wording; without one the reporter's own, with numbers masked."""
    photos_shown: Mapped[bool] = mapped_column(default=False)
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), default=None)
    """The moderator or the reporter; None while only the rule has spoken."""
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)


class Look(Model):
    """Somebody was shown the reporter's whole number; never changed, never deleted."""

    __tablename__ = "issue_look"
    __table_args__ = (Index("ix_issue_look_case", "case_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_file.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    """With `role`, the post in which she looked."""
    looked_at: Mapped[datetime]
    organization_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organization.id"), default=None
    )


trailed(
    "issue_look/1",
    Look,
    ("id", "case_id", "person_id", "role", "node_id", "looked_at", "organization_id"),
)


class CannedReply(Model):
    """Words at hand for a move, at a place or everywhere, for a category or for all."""

    __tablename__ = "canned_reply"
    __table_args__ = (
        Index("ix_canned_reply_node", "node_id", postgresql_where=text("active")),
        CheckConstraint("version >= 1", name="version_counts"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    move: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]
    """May contain `{code}`, `{category}` and `{lane}`."""
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), default=None)
    """None for everywhere."""
    category_code: Mapped[str | None] = mapped_column(
        ForeignKey("issue_category.code"), default=None
    )
    """None for all."""
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)


audited(CannedReply, "move", "title", "text", "category_code")
