"""Finding entries by a whole number or a whole door; what is sealed is found by no less."""

from datetime import datetime
from http import HTTPStatus

from sqlalchemy import ColumnElement

from neighborhood_api.grid.models import Household
from neighborhood_api.grid.service import normal_address
from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registers.establishments.service import placed
from neighborhood_api.registers.households.service import counted
from neighborhood_api.registers.keeping import listed_at
from neighborhood_api.registers.models import Establishment, Resident
from neighborhood_api.registers.residents.service import housed
from neighborhood_api.registers.schemas import (
    EstablishmentOut,
    RegisterFoundOut,
    RegisterSearchIn,
)
from neighborhood_api.registers.views import (
    establishment_view,
    household_view,
    resident_view,
)

MOST_FOUND = 50


class OneThingToFind(Problem):
    """A search is for a number or for a door, not both and not neither."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Search by a phone number or by a door"
    message = "请填写手机号或门牌其中一项"


async def search_registers(
    tx: ReadTx, actor: Actor, wish: RegisterSearchIn, *, now: datetime
) -> RegisterFoundOut:
    """Find what is registered under a number or a door at a place and below, masked.

    Raises: OneThingToFind, NodeNotFound, Forbidden.
    """
    if (wish.phone is None) == (wish.address is None):
        raise OneThingToFind
    there = await listed_at(tx, actor, Establishment, wish.node_id, now=now)
    there &= Establishment.ended_on.is_(None)
    if wish.phone is not None:
        here = await listed_at(tx, actor, Resident, wish.node_id, now=now)
        people = housed().where(
            here, Resident.phone == wish.phone, Resident.moved_out_on.is_(None)
        )
        rows = await tx.execute(people.order_by(Resident.id.desc()).limit(MOST_FOUND))
        return RegisterFoundOut(
            households=[],
            residents=[resident_view(*row) for row in rows],
            establishments=await _establishments(
                tx, there & (Establishment.contact_phone == wish.phone)
            ),
        )
    door = normal_address(wish.address or "")
    at_home = await listed_at(tx, actor, Household, wish.node_id, now=now)
    households = counted().where(
        at_home, Household.address == door, Household.ended_on.is_(None)
    )
    found = await tx.execute(households.order_by(Household.id.desc()).limit(MOST_FOUND))
    return RegisterFoundOut(
        households=[household_view(*row) for row in found],
        residents=[],
        establishments=await _establishments(tx, there & (Establishment.address == door)),
    )


async def _establishments(tx: ReadTx, wanted: ColumnElement[bool]) -> list[EstablishmentOut]:
    query = placed().where(wanted).order_by(Establishment.id.desc())
    return [establishment_view(*row) for row in await tx.execute(query.limit(MOST_FOUND))]
