"""The first operator, who appoints everybody else."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select

from neighborhood_api.cli.refusals import Refused
from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.posts.appointments import make_appointment
from neighborhood_api.grid.schemas import AppointeeIn, AppointmentIn
from neighborhood_api.identity.access import Actor, Post, Role
from neighborhood_api.identity.accounts.codes import close_invitation
from neighborhood_api.identity.accounts.password_rules import replace_password
from neighborhood_api.identity.events import AccountReset
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.revocations import revoke_person
from neighborhood_api.identity.second_step.challenges import forget_challenges
from neighborhood_api.identity.service import password_hash
from neighborhood_api.identity.sessions.history import end_other_sign_ins
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import new_id

_CODE = re.compile(r"[0-9]{6}([0-9]{6})?")
_LONG = 12
_NOBODY = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Who shall run a district."""

    name: str
    phone: str
    password: SecretStr
    duty_phone: str
    district_code: str
    district_name: str | None = None
    """Wanted when the district is not there yet."""
    everywhere: bool = False
    """Whether she also changes what holds in every district."""

    @property
    def role(self) -> Role:
        """The post that she gets."""
        return Role.CHIEF_OPERATOR if self.everywhere else Role.OPERATOR


def full_code(code: str) -> str:
    """Write a district's national code with twelve digits.

    Raises: Refused.
    """
    if not _CODE.fullmatch(code):
        raise Refused("The district code has 6 or 12 digits, e.g. 441322.")
    return code.ljust(_LONG, "0")


async def find_district(tx: ReadTx, code: str) -> Node | None:
    """Return today's district with this code."""
    now_valid = Node.code == full_code(code), Node.level == Level.DISTRICT.value
    return await tx.scalar(select(Node).where(*now_valid, Node.valid_until.is_(None)))


async def create_operator(tx: Tx, wish: Wish, *, now: datetime) -> str:
    """Appoint an operator, making the district if need be; say what was done.

    An operator who is one already gets the new password, so that a lost one can be replaced.

    Raises: Refused, PasswordTooWeak, pydantic.ValidationError.
    """
    district = await find_district(tx, wish.district_code) or await _new_district(tx, wish)
    asked = AppointmentIn(
        node_id=district.id,
        role=wish.role,
        person=AppointeeIn(name=wish.name, phone=wish.phone, initial_password=wish.password),
        duty_phone=wish.duty_phone,
        starts_on=local_day(now),
    )
    what = f"an operator of {district.name}" + ", and of every district" * wish.everywhere
    secret = wish.password.get_secret_value()
    hashed = await password_hash(secret, phone=wish.phone, name=wish.name)
    known = select(Person).where(Person.phone == wish.phone)
    person = await tx.scalar(known.with_for_update(key_share=True))
    if person is not None:
        await _reset(tx, person, hashed, now=now)
        held = select(Appointment.id).where(
            Appointment.person_id == person.id,
            Appointment.node_id == district.id,
            Appointment.role == wish.role.value,
            Appointment.ended_at.is_(None),
        )
        if await tx.scalar(held) is not None:
            return f"{person.name} is {what} already: password replaced"
        # She has it by now, and nobody gives one to somebody known.
        hers = asked.person.model_copy(update={"initial_password": None})
        asked = asked.model_copy(update={"person": hers})
    top = Post(wish.role, Level.DISTRICT, district.id)
    shell = Actor(person_id=_NOBODY, sign_in_id=_NOBODY, posts=(top,))
    _, appointed = await make_appointment(tx, shell, asked, now=now)
    if person is None:  # she is at the keyboard, or her office is: nothing was sent around
        appointed.password_given, appointed.password_set_at = False, now
    return f"{appointed.name} is {what} now"


async def _reset(tx: Tx, person: Person, hashed: str, *, now: datetime) -> None:
    """Give somebody, whose row is locked, another password; whoever had the old one is out."""
    await replace_password(tx, person, hashed, now=now)
    person.failed_sign_ins = 0
    person.locked_until = None
    await forget_challenges(tx, person.id)
    await close_invitation(tx, person.id, "replaced", now=now)
    await end_other_sign_ins(tx, person.id, but=None, reason="reset", now=now)
    await revoke_person(tx, person.id, now=now)
    record_act(tx, AccountReset.name, person.id, by=_NOBODY, now=now, command_line=True)


async def _new_district(tx: Tx, wish: Wish) -> Node:
    if wish.district_name is None:
        raise Refused(
            f"There is no district {full_code(wish.district_code)} yet. "
            "Give its name with --district-name to make it."
        )
    district_id = new_id()
    district = Node(
        id=district_id,
        level=Level.DISTRICT.value,
        kind="district",
        parent_id=None,
        code=full_code(wish.district_code),
        name=wish.district_name,
        district_id=district_id,
    )
    tx.add(district)
    await tx.flush()
    return district
