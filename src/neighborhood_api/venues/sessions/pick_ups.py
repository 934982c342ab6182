"""Rules of who takes a child home: whom its guardian named, or the guardian."""

from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Uuid, bindparam, func, select

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Source
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.venues.children.models import PickUpPerson

GUARDIAN = "监护人"
"""What the guardian may be called, who need not have said a name."""


class PickUpNotAllowed(Problem):
    """The guardian did not name this person; `allowed` lists who may fetch the child."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This person may not fetch the child"
    message = "这个人不在登记的接送人中，请核对，或联系监护人补充登记"


class PickUpRow(NamedTuple):
    """Somebody who may fetch a child."""

    name: str
    relation: str


PICK_UPS = Query(
    select(PickUpPerson.name, PickUpPerson.relation)
    .where(PickUpPerson.child_id == bindparam("child_id", type_=Uuid))
    .order_by(PickUpPerson.position),
    PickUpRow,
)


class _Name(NamedTuple):
    name: str


_GUARDIAN = Query(
    select(func.coalesce(Person.name, GUARDIAN).label("name")).where(
        Person.id == bindparam("id", type_=Uuid)
    ),
    _Name,
)


async def require_pick_up(
    source: Source, child_id: UUID, guardian_id: UUID | None, name: str
) -> None:
    """Refuse to hand a child to somebody whom its guardian did not name.

    Raises: PickUpNotAllowed.
    """
    people = await PICK_UPS.all(source, child_id=child_id)
    guardian = None
    if guardian_id is not None:
        guardian = await _GUARDIAN.first(source, id=guardian_id)
    people.append(PickUpRow(GUARDIAN if guardian is None else guardian.name, GUARDIAN))
    if name == GUARDIAN or any(name == one.name for one in people):
        return
    allowed: list[JsonValue] = [{"name": one.name, "relation": one.relation} for one in people]
    raise PickUpNotAllowed(allowed=allowed)
