"""What a resident may do before her residence is confirmed, as her district sets it."""

from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, Uuid, bindparam, false, func, select
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.models import Node, Residence
from neighborhood_api.grid.residences.models import ResidenceRules
from neighborhood_api.grid.residences.schemas import ResidenceRulesIn
from neighborhood_api.grid.service import NodeNotFound, current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Source, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query


class Deed(StrEnum):
    """What a district may keep for residents whose residence is confirmed."""

    REPORT = "report"
    BOOK = "book"
    ENROL = "enrol"


class ResidenceNotConfirmed(Problem):
    """The district asks for a confirmed residence, and the caller has none there."""

    status = HTTPStatus.FORBIDDEN
    title = "This needs a residence in this district that is confirmed"
    message = "此事需住址确认后办理；请先填写住址，等巷长、网格员或社区确认"


class _Confirmed(NamedTuple):
    person_id: UUID


_CONFIRMED = Query(
    select(Residence.person_id).where(
        Residence.person_id == bindparam("person_id", type_=Uuid),
        Residence.district_id == bindparam("district_id", type_=Uuid),
        Residence.confirmed_at.is_not(None),
    ),
    _Confirmed,
)


def confirmed_only(deed: Deed, district_id: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """Return, for a statement that asks anyway, whether a district keeps `deed` for some."""
    rule = getattr(ResidenceRules, f"{deed.value}_confirmed_only")
    here = select(rule).where(ResidenceRules.district_id == district_id).scalar_subquery()
    return func.coalesce(here, false())


async def lacks_confirmation(
    source: Source, actor: Actor, place: Place, *, asked: bool
) -> bool:
    """Tell who is no confirmed resident of the district, where that is `asked` for.

    Staff who answer for the place are let through, wherever they live.
    """
    if not asked or any(post.covers(place, ()) for post in actor.posts):
        return False
    whose = {"person_id": actor.person_id, "district_id": place.at(Level.DISTRICT)}
    return await _CONFIRMED.first(source, **whose) is None


async def require_confirmed(source: Source, actor: Actor, place: Place, *, asked: bool) -> None:
    """Refuse who lacks a confirmed residence of the district, where that is `asked` for.

    Raises: ResidenceNotConfirmed.
    """
    if await lacks_confirmation(source, actor, place, asked=asked):
        raise ResidenceNotConfirmed


async def read_residence_rules(
    tx: ReadTx, district_id: UUID, *, now: datetime
) -> ResidenceRules:
    """Return what a district asks of its residents; without a row that is nothing.

    Raises: NodeNotFound.
    """
    await _district(tx, district_id, now=now)
    return await rules_of(tx, district_id)


async def rules_of(tx: ReadTx, district_id: UUID) -> ResidenceRules:
    """Return the rules in force in a district; those of nobody have version 0."""
    rules = await tx.get(ResidenceRules, district_id)
    if rules is not None:
        return rules
    usual = {"report_confirmed_only": False, "book_confirmed_only": False}
    return ResidenceRules(
        district_id=district_id,
        enrol_confirmed_only=False,
        stale_after_days=365,
        version=0,
        **usual,
    )


async def state_residence_rules(
    tx: Tx, actor: Actor, district_id: UUID, wish: ResidenceRulesIn, *, now: datetime
) -> ResidenceRules:
    """Set what a district asks of its residents.

    Raises: NodeNotFound, Forbidden, StaleVersion.
    """
    district = await _district(tx, district_id, now=now)
    actor.require(Permission.GRID_MANAGE, at=district.place)
    first = insert(ResidenceRules).values(district_id=district_id, version=0)
    await tx.execute(first.on_conflict_do_nothing())
    query = select(ResidenceRules).where(ResidenceRules.district_id == district_id)
    fresh = query.with_for_update().execution_options(populate_existing=True)
    rules = (await tx.scalars(fresh)).one()
    if rules.version != wish.version:
        raise StaleVersion(version=rules.version)
    names = wish.model_dump(exclude={"version"})
    before = {name: getattr(rules, name) for name in names}
    for name, value in names.items():
        setattr(rules, name, value)
    rules.version += 1
    record_act(
        tx,
        "grid.residence_rules_stated",
        district_id,
        by=actor.person_id,
        now=now,
        before=before,
        after=names,
    )
    await tx.flush()
    return rules


async def _district(tx: ReadTx, district_id: UUID, *, now: datetime) -> Node:
    node = await current_node(tx, district_id, now=now)
    if node.level != Level.DISTRICT:
        raise NodeNotFound
    return node
