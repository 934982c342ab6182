"""Tables of the second step of signing in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.sealing import Sealed, sealed_only


class Authenticator(Model):
    """The secret that somebody's authenticator app shares with us."""

    __tablename__ = "authenticator"
    __table_args__ = (sealed_only("secret"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(Sealed("totp"))
    """In Base32, as apps take it."""
    begun_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    """When she showed that her app has it; until then it does nothing."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """The step of the last code that was taken: neither it nor an earlier one comes again."""


class RecoveryCode(Model):
    """A code for the day on which the phone is lost; used once, known by its digest."""

    __tablename__ = "recovery_code"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    made_at: Mapped[datetime]


class Challenge(Model):
    """A sign-in whose first step was right, waiting for the second."""

    __tablename__ = "sign_in_challenge"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str]
    """How the first step was done: wechat or password."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
