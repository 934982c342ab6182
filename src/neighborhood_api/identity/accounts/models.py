"""Tables of how staff come to their accounts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.identity.places import Placed, place_indexes
from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class InvitationKind(StrEnum):
    """What a one-time code is for."""

    INVITE = "invite"
    """The first way in, for somebody who has none."""
    RESET = "reset"
    """A new way in, for somebody who lost hers."""


class Invitation(Placed, Model):
    """A one-time code with which somebody comes to her account; known by its digest."""

    __tablename__ = "account_invitation"
    __table_args__ = (
        *place_indexes("account_invitation"),
        Index(
            "one_open_invitation",
            "person_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_account_invitation_made_by", "made_by_id", "made_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    made_by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    """How often the code came with a number that is not hers."""
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_how: Mapped[str | None] = mapped_column(default=None)
    """password, wechat, revoked, replaced or guessed."""


class OldPassword(Model):
    """The hash of a password that somebody had; she does not take it again."""

    __tablename__ = "old_password"
    __table_args__ = (Index("ix_old_password_person", "person_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    password_hash: Mapped[str]
    replaced_at: Mapped[datetime]
