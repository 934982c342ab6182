"""Passwords that an office chose for somebody whom it registered."""

from collections.abc import Collection
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import or_, select, update

from neighborhood_api.identity.accounts.password_rules import (
    PASSWORD_REFUSALS,
    InitialPasswordExpired,
    given_is_over,
)
from neighborhood_api.identity.accounts.superiors import OfficesOf, is_still_above
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import Issuer, StandingOf
from neighborhood_api.identity.sessions.history import end_other_sign_ins
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import first_id_at
from neighborhood_api.kit.problems import Problem

_TOLD = ("person_id", "stand_in_id")
"""What acts that give somebody a post say of her."""
_CLOCKS = timedelta(days=1)
"""How far an act's id, which tells the moment, may be from the clock of who gave it."""


class InitialPasswordNotYours(Problem):
    """Only who may appoint at a place gives somebody a first password with her post there."""

    status = HTTPStatus.FORBIDDEN
    title = "Only who may appoint here may choose an initial password; send an invitation"
    message = "您不能为他人设置初始密码；请去掉初始密码，由社区书记或系统管理员发送邀请"


class InitialPasswordForKnown(Problem):
    """The number belongs to somebody: whoever chose a password for her could be her."""

    title = "The person is known, so nobody chooses a password for her; send an invitation"
    message = "此人已登记，不能设置初始密码；请去掉初始密码，改为发送邀请，由本人设置密码"


INITIAL_REFUSALS = (InitialPasswordForKnown, *PASSWORD_REFUSALS)
"""How the password that an office chooses may be refused, where only who appoints comes."""


async def require_given_works(
    tx: ReadTx, issuer: Issuer, person: Person, *, offices_of: OfficesOf, now: datetime
) -> None:
    """Refuse a password that an office chose, once it lets nobody in any more.

    Raises: InitialPasswordExpired.
    """
    if not await given_works(
        tx,
        person,
        standing_of=issuer.standing_of,
        offices_of=offices_of,
        given_for=issuer.passwords.given_for,
        now=now,
    ):
        raise InitialPasswordExpired


async def given_works(
    tx: ReadTx,
    person: Person,
    *,
    standing_of: StandingOf,
    offices_of: OfficesOf,
    given_for: timedelta,
    now: datetime,
) -> bool:
    """Tell whether a password that an office chose, if it is one, still lets anybody in.

    It is over after some time, and as soon as who chose it could not choose it any more. Of
    one whose giver the trail does not tell, only the time counts.
    """
    if not person.password_given:
        return True
    if given_is_over(person, given_for, now):
        return False
    giver_id = await _giver_of(tx, person)
    return giver_id is None or await is_still_above(
        tx,
        giver_id,
        person.id,
        standing_of=standing_of,
        offices_of=offices_of,
        or_appoints=True,
        now=now,
    )


async def _giver_of(tx: ReadTx, person: Person) -> UUID | None:
    """Return who registered a person with a password: the audit trail has kept it."""
    since = person.password_set_at
    if since is None:
        return None
    told = or_(*(Act.detail[name].astext == str(person.id) for name in _TOLD))
    then = Act.id >= first_id_at(since - _CLOCKS), Act.acted_at == since
    found: UUID | None = await tx.scalar(select(Act.person_id).where(*then, told).limit(1))
    return found


async def void_given_passwords(tx: Tx, person_ids: Collection[UUID], *, now: datetime) -> None:
    """Take away the passwords that offices chose for people who have not changed them.

    For who gets another post: whoever chose the password knows it, and shall not come into
    posts that others give. She is invited instead.
    """
    given = select(Person.id).where(Person.id.in_(person_ids), Person.password_given)
    locked = given.order_by(Person.id).with_for_update(key_share=True)
    found = (await tx.scalars(locked)).all()
    if not found:
        return
    theirs = update(Person).where(Person.id.in_(found))
    await tx.execute(theirs.values(password_hash=None, password_given=False))
    for person_id in found:
        await end_other_sign_ins(tx, person_id, but=None, reason="password_void", now=now)
