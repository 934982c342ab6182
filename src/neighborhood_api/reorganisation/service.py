"""Rules of drafting, deciding, scheduling, applying and undoing a reorganisation."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.reorganisation.applying import apply_plan, require_possible
from neighborhood_api.reorganisation.deciding import survey
from neighborhood_api.reorganisation.models import PlanState, Reorganisation
from neighborhood_api.reorganisation.operations import CreatePlaceIn, Operation
from neighborhood_api.reorganisation.problems import (
    DayIsPast,
    NotADistrict,
    NotADraft,
    NotAnOption,
    NotApplied,
    ReorganisationNotFound,
)
from neighborhood_api.reorganisation.schemas import (
    PlaceDecisionsIn,
    ReorganisationChangeIn,
    ReorganisationIn,
)
from neighborhood_api.reorganisation.undoing import undo_plan

MANAGE = Permission.GRID_MANAGE


async def draft_reorganisation(
    tx: Tx, actor: Actor, wish: ReorganisationIn, *, now: datetime
) -> Reorganisation:
    """Begin a plan for a district.

    Raises: NodeNotFound, Forbidden, NotADistrict, DayIsPast.
    """
    district = await current_node(tx, wish.district_id, now=now)
    actor.require(MANAGE, at=district.place.up_to(Level.DISTRICT))
    if district.level != Level.DISTRICT:
        raise NotADistrict
    _require_future(wish.effective_on, now)
    plan = Reorganisation(
        district_id=district.id,
        name=wish.name,
        effective_on=wish.effective_on,
        operations=_plain(wish.operations),
        new_ids=_ids_for(wish.operations, {}),
        created_by_id=actor.person_id,
        created_at=now,
    )
    tx.add(plan)
    await tx.flush()
    _keep(tx, "grid.reorganisation_drafted", actor, plan, now)
    return plan


async def change_reorganisation(
    tx: Tx, actor: Actor, plan_id: UUID, wish: ReorganisationChangeIn, *, now: datetime
) -> Reorganisation:
    """Write a draft anew; decisions stay as far as they are still asked for.

    Raises: ReorganisationNotFound, NotADraft, StaleVersion, DayIsPast.
    """
    plan = await _draft(tx, actor, plan_id, wish.version)
    _require_future(wish.effective_on, now)
    plan.name, plan.effective_on = wish.name, wish.effective_on
    plan.operations = _plain(wish.operations)
    plan.new_ids = _ids_for(wish.operations, plan.new_ids)
    plan.refusal = []
    plan.version += 1
    _keep(tx, "grid.reorganisation_changed", actor, plan, now)
    return plan


async def decide_places(
    tx: Tx, actor: Actor, plan_id: UUID, wish: PlaceDecisionsIn, *, now: datetime
) -> Reorganisation:
    """Note where things go that were asked about; each decision is kept in the audit trail.

    Raises: ReorganisationNotFound, NotADraft, StaleVersion, NotAnOption.
    """
    plan = await _draft(tx, actor, plan_id, wish.version)
    found = await survey(tx, plan, now=now)
    asked = {question.key: question for question in found.questions}
    decisions = dict(plan.decisions)
    for one in wish.decisions:
        question = asked.get(one.key)
        if question is None:
            raise NotAnOption(key=one.key)
        if one.to not in question.options and not (one.to is None and question.may_end):
            raise NotAnOption(key=one.key)
        decisions[one.key] = None if one.to is None else str(one.to)
        what = "grid.reorganisation_decided"
        detail = {"key": one.key, "to": decisions[one.key]}
        record_act(tx, what, plan.id, by=actor.person_id, now=now, **detail)
    plan.decisions = decisions
    plan.version += 1
    return plan


async def apply_reorganisation(
    tx: Tx, actor: Actor, plan_id: UUID, version: int, *, now: datetime
) -> Reorganisation:
    """Apply a plan whose day has come at once, or have a job apply it on its day.

    Raises: ReorganisationNotFound, NotADraft, StaleVersion, GridIsBusy,
        ReorganisationImpossible, DecisionsMissing.
    Emits: GridReorganised, DutyChanged.
    """
    plan = await _draft(tx, actor, plan_id, version)
    if plan.effective_on <= local_day(now):
        await apply_plan(tx, plan, actor.person_id, now=now)
        return plan
    require_possible(await survey(tx, plan, now=now))
    plan.state = PlanState.SCHEDULED.value
    plan.applied_by_id = actor.person_id
    plan.version += 1
    _keep(tx, "grid.reorganisation_scheduled", actor, plan, now)
    return plan


async def cancel_reorganisation(
    tx: Tx, actor: Actor, plan_id: UUID, version: int, *, now: datetime
) -> Reorganisation:
    """Give up a draft, or take a scheduled plan back to being one.

    Raises: ReorganisationNotFound, NotADraft, StaleVersion.
    """
    plan = await managed(tx, actor, plan_id, lock=True)
    if plan.state not in {PlanState.DRAFT.value, PlanState.SCHEDULED.value}:
        raise NotADraft(state=plan.state)
    _require_version(plan, version)
    scheduled = plan.state == PlanState.SCHEDULED.value
    plan.state = PlanState.DRAFT.value if scheduled else PlanState.CANCELLED.value
    plan.applied_by_id = None
    plan.version += 1
    _keep(tx, "grid.reorganisation_cancelled", actor, plan, now)
    return plan


async def undo_reorganisation(
    tx: Tx, actor: Actor, plan_id: UUID, version: int, *, now: datetime
) -> Reorganisation:
    """Put everything back, while nothing new depends on the plan.

    Raises: ReorganisationNotFound, NotApplied, StaleVersion, GridIsBusy, NewThingsDepend.
    Emits: ReorganisationUndone, DutyChanged.
    """
    plan = await managed(tx, actor, plan_id, lock=True)
    if plan.state != PlanState.APPLIED.value:
        raise NotApplied
    _require_version(plan, version)
    await undo_plan(tx, plan, actor.person_id, now=now)
    return plan


async def managed(
    tx: ReadTx, actor: Actor, plan_id: UUID, *, lock: bool = False
) -> Reorganisation:
    """Load a plan of a district that the caller manages; others do not exist for her.

    Raises: ReorganisationNotFound.
    """
    query = select(Reorganisation).where(Reorganisation.id == plan_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    plan = await tx.scalar(query)
    if plan is None or not actor.may(MANAGE, at=Place.of(plan.district_id)):
        raise ReorganisationNotFound
    return plan


def plans_of(actor: Actor, below: UUID) -> Select[Reorganisation]:
    """Select the plans of the districts that the caller manages, newest first."""
    mine: ColumnElement[bool] = Reorganisation.district_id.in_(
        [
            post.node_id
            for post in actor.posts
            if post.level is Level.DISTRICT and actor.may(MANAGE, at=Place.of(post.node_id))
        ]
    )
    query = select(Reorganisation).where(mine, Reorganisation.id < below)
    return query.order_by(Reorganisation.id.desc())


async def _draft(tx: Tx, actor: Actor, plan_id: UUID, version: int) -> Reorganisation:
    plan = await managed(tx, actor, plan_id, lock=True)
    if plan.state != PlanState.DRAFT.value:
        raise NotADraft(state=plan.state)
    _require_version(plan, version)
    return plan


def _require_version(plan: Reorganisation, version: int) -> None:
    if plan.version != version:
        raise StaleVersion(version=plan.version)


def _require_future(day: date, now: datetime) -> None:
    if day < local_day(now):
        raise DayIsPast


def _plain(operations: Iterable[Operation]) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in operations]


def _ids_for(operations: Iterable[Operation], known: dict[str, str]) -> dict[str, str]:
    """Give every new place an id, the one that it had before if it had one."""
    keys = [one.key for one in operations if isinstance(one, CreatePlaceIn)]
    return {key: known.get(key) or str(new_id()) for key in keys}


def _keep(tx: Tx, what: str, actor: Actor, plan: Reorganisation, now: datetime) -> None:
    record_act(
        tx,
        what,
        plan.id,
        by=actor.person_id,
        now=now,
        district_id=plan.district_id,
        effective_on=plan.effective_on.isoformat(),
        operations=len(plan.operations),
        version=plan.version,
    )
