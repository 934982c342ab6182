"""Tables of the identity domain."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, false, func
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sealing import Sealed, sealed_only


class Person(Model):
    """Somebody who can sign in: a resident, or staff, or both."""

    __tablename__ = "person"
    __table_args__ = (sealed_only("phone"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), init=False)
    name: Mapped[str | None] = mapped_column(default=None)
    """What neighbours and staff call the person; nobody is made to give it."""
    phone: Mapped[str | None] = mapped_column(Sealed("phone"), default=None, unique=True)
    """Verified mobile number, eleven digits."""
    openid: Mapped[str | None] = mapped_column(default=None, unique=True)
    """WeChat's name for the person in our mini-program."""
    unionid: Mapped[str | None] = mapped_column(default=None)
    password_hash: Mapped[str | None] = mapped_column(default=None)
    password_set_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it was chosen; one without a day does not grow old."""
    password_given: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether somebody else chose it: then she changes it before anything else."""
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    """Wrong passwords since the last right one."""
    locked_until: Mapped[datetime | None] = mapped_column(default=None)
    epoch: Mapped[int] = mapped_column(default=0)
    """Raised whenever power is taken away; tokens of an earlier epoch are worth nothing."""
    merged_into_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("person.id"), default=None, index=True
    )
    """Set when this turned out to be somebody already known by phone."""
    wechat_by_code: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether her WeChat account was taken away: the next one comes with a code, and not with
    her number alone, which a stolen phone shows as well."""
    erased_at: Mapped[datetime | None] = mapped_column(default=None)
    """Since when nothing is known of her: the row stays for the records that name its id."""
    version: Mapped[int] = mapped_column(default=1)


class SignIn(Model):
    """One device that is signed in: the family of its refresh tokens."""

    __tablename__ = "sign_in"

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(default="password", server_default="password")
    """How she signed in: wechat or password."""
    device: Mapped[str] = mapped_column(default="other", server_default="other")
    """What family of program, on what system; never more."""
    network: Mapped[str | None] = mapped_column(default=None)
    """From which network, not from which address."""
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    """When its tokens were last renewed."""
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    end_reason: Mapped[str | None] = mapped_column(default=None)


class RefreshToken(Model):
    """A refresh token, known only by its digest."""

    __tablename__ = "refresh_token"
    __table_args__ = (Index(None, "expires_at"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sign_in_id: Mapped[UUID] = mapped_column(ForeignKey("sign_in.id"), index=True)
    expires_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None] = mapped_column(default=None)
    """When its successor was given out; used again after the grace, the family ends."""


class Revocation(Model):
    """Access tokens of a person or of a sign-in that are worth nothing before they expire."""

    __tablename__ = "revocation"

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    """A person's or a sign-in's id."""
    least_epoch: Mapped[int]
    revoked_at: Mapped[datetime] = mapped_column(index=True)


class UnknownNumber(Model):
    """A number nobody signs in with by password.

    Guesses at it are counted and locked out as they are for staff, so that neither the answer
    nor its time tells whose number has a password.
    """

    __tablename__ = "unknown_number"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    guessed_at: Mapped[datetime] = mapped_column(index=True)
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(default=None)
