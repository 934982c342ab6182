"""Rules of keeping categories, and the rules by which issues of each are handled."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from neighborhood_api.grid.models import Node, Organization
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.issues.categories.breaches import require_sound
from neighborhood_api.issues.categories.events import CategoryChanged, RuleChanged
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.categories.queries import RULED
from neighborhood_api.issues.categories.schemas import (
    CategoryIn,
    RuleBody,
    RuleIn,
    WithdrawRuleIn,
)
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.trail import trail_of

MANAGE = Permission.CATEGORY_MANAGE
DEEPEST = Level(len(RULED) - 1)


class CategoryUnknown(Problem):
    """The code in the address names no category."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no category with this code"
    message = "没有这个诉求类别，请先新建"


class NotAPlaceOfRules(Problem):
    """Rules are made for a district, a street or a community; grids and lanes follow them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Rules are made for districts, streets and communities"
    message = "办理规则只能按区县、街道或社区设置"


class NoRuleHere(Problem):
    """The place has no rule of its own in force."""

    status = HTTPStatus.NOT_FOUND
    title = "This place has no rule of its own for the category"
    message = "这里没有单独设置的规则，沿用上级规则"


def require_manager(actor: Actor) -> None:
    """Refuse callers who manage categories nowhere.

    Raises: Forbidden.
    """
    if not any(MANAGE in GRANTED[post.role] for post in actor.posts):
        raise Forbidden(permission=MANAGE.value)


async def save_category(
    tx: Tx, actor: Actor, code: str, wish: CategoryIn, *, now: datetime
) -> Category:
    """Create a category or change what it is called; without a rule it cannot be chosen yet.

    Saved once more as it is, it changes nothing.

    Raises: Forbidden, StaleVersion.
    Emits: CategoryChanged.
    """
    actor.require_for_all(MANAGE)
    given = wish.model_dump(exclude={"version"})
    group_code = code.split(".", maxsplit=1)[0]
    category = await tx.get(Category, code, with_for_update={"key_share": True})
    if category is None:
        if wish.version is not None:
            raise StaleVersion
        category = Category(code=code, group_code=group_code, **given)
        tx.add(category)
    elif all(getattr(category, name) == value for name, value in given.items()):
        return category
    elif wish.version != category.version:
        raise StaleVersion(version=category.version)
    else:
        for name, value in given.items():
            setattr(category, name, value)
        category.version += 1
    with refusing({"pk_issue_category": StaleVersion}):
        await tx.flush()
    await _name_group(tx, group_code, wish.group_name)
    emit(tx, CategoryChanged(category_code=code))
    changed = {"version": category.version, "active": category.active}
    record_act(tx, CategoryChanged.name, code, by=actor.person_id, now=now, **changed)
    return category


async def save_rule(
    tx: Tx, actor: Actor, code: str, wish: RuleIn, *, now: datetime
) -> HandlingRule:
    """Put a rule in force at a place, or everywhere, as a new version of the one before.

    Issues that were taken in keep the version of their time. Saved once more as it is, it
    changes nothing and makes no version.

    Raises: CategoryUnknown, NodeNotFound, Forbidden, NotAPlaceOfRules, RuleBroken,
        StaleVersion.
    Emits: RuleChanged.
    """
    await _lock_category(tx, code)
    node = None if wish.node_id is None else await _node_of_rules(tx, actor, wish.node_id, now)
    if node is None:
        actor.require_for_all(MANAGE)
    require_sound(
        wish.rule,
        None if node is None else Level(node.level),
        await _homes(tx, wish.rule.department_ids),
        None if node is None else node.district_id,
    )
    before = await _open_rule(tx, code, wish.node_id)
    columns = columns_of_rule(wish.rule)
    if before is not None and all(getattr(before, k) == v for k, v in columns.items()):
        return before
    version = None if before is None else before.version
    if wish.version != version:
        raise StaleVersion(version=version)
    if before is not None:
        now = max(now, before.created_at)
        _close(before, actor, now=now)
        await tx.flush()  # the old version makes room before the new one comes in
    rule = HandlingRule(
        category_code=code,
        node_id=wish.node_id,
        version=await _next_version(tx, code, wish.node_id),
        created_at=now,
        created_by=actor.person_id,
        reason=wish.reason,
        **columns,
    )
    tx.add_all((rule, trail_of(rule)))
    await tx.flush()
    _announce(tx, rule, actor, wish.rule, now=now)
    return rule


async def withdraw_rule(
    tx: Tx, actor: Actor, code: str, wish: WithdrawRuleIn, *, now: datetime
) -> HandlingRule:
    """Take back the rule of a place, so that the one above applies there again.

    Raises: CategoryUnknown, NodeNotFound, Forbidden, NotAPlaceOfRules, NoRuleHere,
        StaleVersion.
    Emits: RuleChanged.
    """
    await _lock_category(tx, code)
    await _node_of_rules(tx, actor, wish.node_id, now)
    rule = await _open_rule(tx, code, wish.node_id)
    if rule is None:
        raise NoRuleHere
    if rule.version != wish.version:
        raise StaleVersion(version=rule.version)
    now = max(now, rule.created_at)
    _close(rule, actor, now=now)
    rule.withdrawn_reason = wish.reason
    await tx.flush()
    _announce(tx, rule, actor, None, now=now)
    return rule


def columns_of_rule(rule: RuleBody) -> dict[str, Any]:
    """Return what a rule says as columns of `HandlingRule`."""
    columns = rule.model_dump(exclude={"respond", "resolve", "verify"})
    for name in ("respond", "resolve", "verify"):
        limit = getattr(rule, name)
        columns |= {f"{name}_clock": limit.clock.value, f"{name}_amount": limit.amount}
    columns["first_level"] = rule.first_level.value
    for name in ("urgency", "publicity"):
        columns[name] = columns[name].value
    for name in ("evidence", "reopen_by"):
        columns[name] = [one.value for one in columns[name]]
    return columns


async def _lock_category(tx: Tx, code: str) -> None:
    """Lock a category, so that its rules change one after the other."""
    if await tx.get(Category, code, with_for_update={"key_share": True}) is None:
        raise CategoryUnknown


async def _node_of_rules(tx: ReadTx, actor: Actor, node_id: UUID, now: datetime) -> Node:
    node = await current_node(tx, node_id, now=now)
    actor.require(MANAGE, at=node.place)
    if node.level > DEEPEST:
        raise NotAPlaceOfRules
    return node


async def _name_group(tx: Tx, group_code: str, name: str) -> None:
    """Give a group one name in all its categories."""
    others = update(Category).where(Category.group_code == group_code)
    await tx.execute(
        others.where(Category.group_name != name).values(
            group_name=name, version=Category.version + 1
        )
    )


async def _homes(tx: ReadTx, organization_ids: list[UUID]) -> dict[UUID, UUID]:
    """Return the district of each organization that exists."""
    if not organization_ids:
        return {}
    found = await tx.execute(
        select(Organization.id, Node.district_id)
        .join(Node, Node.id == Organization.node_id)
        .where(Organization.id.in_(organization_ids))
    )
    return dict(iter(found))


async def _open_rule(tx: ReadTx, code: str, node_id: UUID | None) -> HandlingRule | None:
    rule: HandlingRule | None = await tx.scalar(
        select(HandlingRule).where(
            HandlingRule.category_code == code,
            HandlingRule.node_id == node_id,
            HandlingRule.superseded_at.is_(None),
        )
    )
    return rule


async def _next_version(tx: ReadTx, code: str, node_id: UUID | None) -> int:
    newest = select(func.coalesce(func.max(HandlingRule.version), 0)).where(
        HandlingRule.category_code == code,
        HandlingRule.node_id == node_id,
    )
    return (await tx.scalars(newest)).one() + 1


def _close(rule: HandlingRule, actor: Actor, *, now: datetime) -> None:
    rule.superseded_at = now
    rule.superseded_by = actor.person_id


def _announce(
    tx: Tx, rule: HandlingRule, actor: Actor, body: RuleBody | None, *, now: datetime
) -> None:
    """Tell that a rule changed, and keep who changed it and what it says."""
    changed = RuleChanged(
        category_code=rule.category_code,
        node_id=rule.node_id,
        rule_id=rule.id,
        version=rule.version,
        in_force=rule.superseded_at is None,
    )
    emit(tx, changed)
    kept = changed.model_dump(mode="json", exclude={"rule_id"})
    if body is not None:
        kept["rule"] = body.model_dump(mode="json")
    record_act(tx, changed.name, rule.id, by=actor.person_id, now=now, **kept)
