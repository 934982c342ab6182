"""Which rule is in force where, and the lists of categories."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Select,
    SQLColumnExpression,
    Uuid,
    bindparam,
    case,
    exists,
    or_,
    select,
    true,
)
from sqlalchemy.sql.selectable import LateralFromClause

from neighborhood_api.cases.terms import Limit, Terms
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.queries import DAY, exists_on
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.reads import Query
from neighborhood_api.schedules.clocks import Clock

RULED = tuple(COLUMNS[: Level.COMMUNITY + 1])
"""The levels whose nodes may have rules of their own, from the farthest to the nearest."""

KEPT = 1024
"""Rules whose terms a process keeps."""
_kept: dict[UUID, Terms] = {}

RULE_COLUMNS: list[Any] = [
    column for column in HandlingRule.__table__.c if column.name != "category_code"
]


def rules_for(
    category_code: SQLColumnExpression[str] | str,
    district_id: SQLColumnExpression[Any] | UUID | None,
    street_id: SQLColumnExpression[Any] | UUID | None,
    community_id: SQLColumnExpression[Any] | UUID | None,
    *columns: Any,  # noqa: ANN401  (whatever a select takes)
) -> Select[*tuple[Any, ...]]:
    """Select the rule in force for a category at a place: the nearest one wins.

    The order is community, street, district, everywhere. The arguments are binds, columns of
    another table or plain values.
    """
    rule = HandlingRule
    nodes = (community_id, street_id, district_id)
    return (
        select(*columns)
        .where(rule.category_code == category_code, rule.superseded_at.is_(None))
        .where(or_(rule.node_id.is_(None), rule.node_id.in_(nodes)))
        .order_by(case(*[(rule.node_id == node, n) for n, node in enumerate(nodes)], else_=3))
        .limit(1)
    )


def rule_in_force(
    category_code: SQLColumnExpression[str] | str,
    node: Any,  # noqa: ANN401  (any class or alias with the columns of a place)
    name: str = "rule",
) -> LateralFromClause:
    """Return the rule in force for a category at `node`, to be joined: `rule.c.resolve_amount`.

    `node` is anything with the columns of a place: `Node`, `Case` or an alias of one.
    """
    place = (getattr(node, column) for column in RULED)
    return rules_for(category_code, *place, *RULE_COLUMNS).lateral(name)


async def rule_for(tx: ReadTx, category_code: str, place: Place) -> HandlingRule | None:
    """Load the rule in force for a category at `place`; None where it has none at all."""
    chosen: HandlingRule | None = await tx.scalar(
        rules_for(category_code, *place[: len(RULED)], HandlingRule)
    )
    return chosen


RULE_IN_FORCE: Query[dict[str, Any]] = Query(
    rules_for(
        bindparam("category_code"),
        *[bindparam(name, type_=Uuid) for name in RULED],
        *RULE_COLUMNS,
    ),
    dict,
)
"""The rule for `category_code` at `district_id`, `street_id`, `community_id` (each or None)."""


class PlaceRow(NamedTuple):
    """The part of a place that rules depend on."""

    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None


PLACE = Query(
    select(Node.district_id, Node.street_id, Node.community_id).where(
        Node.id == bindparam("node_id"), exists_on(DAY)
    ),
    PlaceRow,
)


class CategoryRow(NamedTuple):
    """A category in use, with what its rule tells residents."""

    code: str
    name: str
    group_code: str
    group_name: str
    aliases: list[str]
    hint: str | None
    urgency: str
    respond_clock: str
    respond_amount: int
    resolve_clock: str
    resolve_amount: int
    evidence: list[str]
    publicity: str
    confidential: bool


_RULE = rules_for(
    Category.code, *[bindparam(name, type_=Uuid) for name in RULED], *RULE_COLUMNS
).lateral("rule")

CATEGORIES = Query(
    select(
        Category.code,
        Category.name,
        Category.group_code,
        Category.group_name,
        Category.aliases,
        Category.hint,
        _RULE.c.urgency,
        _RULE.c.respond_clock,
        _RULE.c.respond_amount,
        _RULE.c.resolve_clock,
        _RULE.c.resolve_amount,
        _RULE.c.evidence,
        _RULE.c.publicity,
        _RULE.c.confidential,
    )
    .join(_RULE, true())
    .where(Category.active)
    .order_by(Category.position, Category.code),
    CategoryRow,
)
"""What may be chosen at a place, with the limits there; a category without a rule may not."""

_MANAGED = select(
    Category.code,
    Category.name,
    Category.group_code,
    Category.group_name,
    Category.aliases,
    Category.hint,
    Category.position,
    Category.active,
    Category.standard_code,
    exists()
    .where(
        HandlingRule.category_code == Category.code,
        HandlingRule.node_id.is_(None),
        HandlingRule.superseded_at.is_(None),
    )
    .label("ready"),
    Category.version,
)
MANAGED_CATEGORIES: Query[dict[str, Any]] = Query(
    _MANAGED.order_by(Category.position, Category.code), dict
)
MANAGED_CATEGORY: Query[dict[str, Any]] = Query(
    _MANAGED.where(Category.code == bindparam("code")), dict
)


def rules_of(code: str, actor: Actor) -> Select[HandlingRule, str | None, str | None]:
    """Select every version of a category's rules: of everywhere, and of the caller's places."""
    return (
        select(HandlingRule, Node.name, Person.name)
        .outerjoin(Node, Node.id == HandlingRule.node_id)
        .outerjoin(Person, Person.id == HandlingRule.created_by)
        .where(HandlingRule.category_code == code)
        .where(
            or_(HandlingRule.node_id.is_(None), actor.reach(Permission.CATEGORY_MANAGE, Node))
        )
    )


def kept_terms(rule_id: UUID, rule: Any) -> Terms:  # noqa: ANN401  (as `terms_of`)
    """Return the terms of a rule; a version never changes, so the process keeps them."""
    terms = _kept.get(rule_id)
    if terms is None:
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        terms = _kept[rule_id] = terms_of(rule)
    return terms


def terms_of(rule: Any) -> Terms:  # noqa: ANN401  (a HandlingRule, or a row of its columns)
    """Return the part of a rule that a case keeps."""
    return Terms(
        first_level=Level(rule.first_level),
        accept_minutes=rule.accept_minutes,
        respond=Limit(Clock(rule.respond_clock), rule.respond_amount),
        resolve=Limit(Clock(rule.resolve_clock), rule.resolve_amount),
        verify=Limit(Clock(rule.verify_clock), rule.verify_amount),
        check_in_minutes=rule.check_in_minutes,
        extension_amount=rule.extension_amount,
        returns_allowed=rule.returns_allowed,
        silence_days=rule.silence_days,
        reopen_days=rule.reopen_days,
        reopen_by=tuple(rule.reopen_by),
        evidence=tuple(rule.evidence),
        verification=rule.verification,
        confidential=rule.confidential,
        urgency=rule.urgency,
        department_ids=tuple(rule.department_ids),
    )
