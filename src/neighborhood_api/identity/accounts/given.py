"""Passwords that an office chose for somebody whom it registered."""

from collections.abc import Collection
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select, update

from neighborhood_api.identity.accounts.password_rules import PASSWORD_REFUSALS
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.sessions.history import end_other_sign_ins
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem


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
