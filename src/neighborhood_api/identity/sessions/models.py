"""Table of the history of sign-ins."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id


class SignInKind(StrEnum):
    """By what somebody tried to sign in."""

    WECHAT = "wechat"
    PASSWORD = "password"  # noqa: S105  (a kind, not a password)
    REFRESH = "refresh"
    """By a copied refresh token; ordinary renewals are no sign-ins."""
    SECOND_STEP = "second_step"


class Outcome(StrEnum):
    """What became of it."""

    SUCCEEDED = "succeeded"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  (an outcome)
    WRONG_CODE = "wrong_code"
    LOCKED = "locked"
    """Wrong once more, and locked by that."""
    REUSED = "reused"
    """A refresh token came back: somebody copied it, and the device was signed out."""


class SignInAttempt(Model):
    """One attempt to sign in as somebody who exists."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_person", "person_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str]
    outcome: Mapped[str]
    device: Mapped[str]
    network: Mapped[str | None] = mapped_column(default=None)
