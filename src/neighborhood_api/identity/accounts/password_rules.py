"""What a password of staff must be like, and for how long it may be kept.

Source: GB/T 22239-2019 asks of level 2 and above for passwords that are complex and changed
regularly; how often is a setting.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, select

from neighborhood_api.identity import passwords
from neighborhood_api.identity.accounts.models import OldPassword
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query, Reader

KINDS = 3
"""Of capital letters, small letters, digits and signs, so many kinds must be there."""
TELLING_DIGITS = 6
"""So many digits of her number in a row tell of her; fewer come by chance."""
TELLING_LETTERS = 2
MOST_REMEMBERED = 24


class PasswordTooWeak(Problem):
    """The new password has too few kinds of characters."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The password needs three of: capital, small letter, digit, sign"
    message = "密码要包含大写字母、小写字母、数字、符号中的至少三种"


class PasswordTooCommon(Problem):
    """The new password is on the list of those that are guessed first."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The password is one of those that are guessed first"
    message = "这个密码太常见，容易被猜到，请换一个"


class PasswordTellsOfHer(Problem):
    """The new password holds a part of her phone number, or her name."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The password must not hold the phone number or the name"
    message = "密码不能包含本人的手机号或姓名，请换一个"


class PasswordUsedBefore(Problem):
    """The new password is the present one, or one of the last."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The password was used before"
    message = "不能使用现在或最近用过的密码，请换一个"


class InitialPasswordExpired(Problem):
    """The password that an office chose was not changed in time, or who chose it left."""

    status = HTTPStatus.FORBIDDEN
    title = "The initial password was not changed in time; ask for an invitation"
    message = "初始密码已过期，请联系上级或系统管理员发送邀请，由您本人设置密码"


PASSWORD_REFUSALS = (PasswordTooWeak, PasswordTooCommon, PasswordTellsOfHer)
"""How a first password may be refused."""
NEXT_PASSWORD_REFUSALS = (*PASSWORD_REFUSALS, PasswordUsedBefore)
"""How a later one may be refused."""


class PasswordAge(NamedTuple):
    """How long a password is kept, and how many are not taken again."""

    days: int = 0
    """Zero: for ever."""
    remembered: int = 5
    """The present one included."""
    given_for: timedelta = timedelta(hours=72)
    """How long one works that an office chose."""

    def is_over(self, person: Person, now: datetime) -> bool:
        """Tell whether a person has to choose a new password before anything else."""
        if person.password_hash is None:
            return False
        if person.password_given:
            return True
        chosen = person.password_set_at
        return bool(self.days) and chosen is not None and chosen + timedelta(self.days) <= now


FOR_EVER = PasswordAge()


class _Hash(NamedTuple):
    password_hash: str


_OLD_HASHES = Query(
    select(OldPassword.password_hash)
    .where(OldPassword.person_id == bindparam("person_id"))
    .order_by(OldPassword.id.desc())
    .limit(MOST_REMEMBERED),
    _Hash,
)


def require_strong(password: str, *, phone: str | None = None, name: str | None = None) -> None:
    """Refuse a new password that is easily guessed.

    Raises: PasswordTooWeak, PasswordTooCommon, PasswordTellsOfHer.
    """
    kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
    if sum(any(kind(c) for c in password) for kind in kinds) < KINDS:
        raise PasswordTooWeak
    plain = password.casefold()
    if {plain, plain.rstrip("!@#$%^&*.,?~_-+=")} & _common():
        raise PasswordTooCommon
    if _tells_of(plain, phone, name):
        raise PasswordTellsOfHer


async def require_new(
    reader: Reader, person_id: UUID, password: str, present: str | None, *, remembered: int
) -> None:
    """Refuse a password that a person has, or had a short time ago.

    Raises: PasswordUsedBefore.
    """
    hashes = [row.password_hash for row in await _OLD_HASHES.all(reader, person_id=person_id)]
    known: Sequence[str] = [one for one in (present, *hashes) if one is not None]
    for one in known[:remembered]:
        if await passwords.matches(password, one):
            raise PasswordUsedBefore


def given_is_over(person: Person, given_for: timedelta, now: datetime) -> bool:
    """Tell whether a person has a password that an office chose, and that works no more."""
    since = person.password_set_at
    return person.password_given and (since is None or since + given_for <= now)


async def replace_password(
    tx: Tx, person: Person, hashed: str | None, *, now: datetime
) -> None:
    """Give a person, whose row is locked, a password that she chose, or none."""
    if person.password_hash is not None:
        tx.add(
            OldPassword(
                person_id=person.id, password_hash=person.password_hash, replaced_at=now
            )
        )
        await tx.flush()
        kept = select(OldPassword.id).where(OldPassword.person_id == person.id)
        newest = kept.order_by(OldPassword.id.desc()).limit(MOST_REMEMBERED)
        older = delete(OldPassword).where(
            OldPassword.person_id == person.id, OldPassword.id.not_in(newest)
        )
        await tx.execute(older)
    person.password_hash = hashed
    person.password_set_at = now
    person.password_given = False


def _tells_of(plain: str, phone: str | None, name: str | None) -> bool:
    digits = phone or ""
    runs = {digits[n : n + TELLING_DIGITS] for n in range(len(digits) - TELLING_DIGITS + 1)}
    called = "".join((name or "").casefold().split())
    return any(run in plain for run in runs) or (
        len(called) >= TELLING_LETTERS and called in plain
    )


@cache
def _common() -> frozenset[str]:
    listed = files("neighborhood_api.identity.accounts") / "common_passwords.txt"
    return frozenset(listed.read_text(encoding="utf-8").split())
