"""HTTP operations of categories and handling rules."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import NodeNotFound, node_missing
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.issues.categories import service
from neighborhood_api.issues.categories.breaches import RuleBroken
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.categories.queries import (
    CATEGORIES,
    MANAGED_CATEGORIES,
    MANAGED_CATEGORY,
    PLACE,
    RULED,
    CategoryRow,
    PlaceRow,
    rules_of,
)
from neighborhood_api.issues.categories.schemas import (
    CategoryIn,
    CategoryList,
    ManagedCategoryList,
    ManagedCategoryOut,
    RuleIn,
    RuleOut,
    SuggestionList,
    WithdrawRuleIn,
)
from neighborhood_api.issues.categories.suggestions import suggest
from neighborhood_api.issues.categories.views import category_view, rule_view, suggestion_view
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, ReadTx, ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import TooManyRequests, problems

router = new_router(tags=["诉求类别 categories"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked, TooManyRequests)
MANAGING = (*SIGNED_IN, Forbidden, service.CategoryUnknown)

Code = Annotated[
    str,
    Path(
        max_length=60,
        pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$",
        description="类别代码，如 env.garbage · Category code: group, dot, name.",
        examples=["env.garbage"],
    ),
]


async def categories_here(
    actor: ActorDep,
    reader: ReaderDep,
    now: NowDep,
    node_id: Annotated[
        UUID | None,
        Query(description="地点（任一层级），默认本人住址 · A place; else where I live."),
    ] = None,
) -> list[CategoryRow]:
    """Read what may be chosen at a place, by default where the caller lives.

    Raises: NodeNotFound.
    """
    place: PlaceRow | None = None
    if node_id is not None:
        place = await PLACE.first(reader, node_id=node_id, day=local_day(now))
        if place is None:
            raise await node_missing(reader, node_id, now=now)
    elif actor.residence is not None:
        place = PlaceRow._make(actor.residence[: len(RULED)])
    nodes = (None,) * len(RULED) if place is None else place
    return await CATEGORIES.all(reader, **dict(zip(RULED, nodes, strict=True)))


CategoriesDep = Annotated[list[CategoryRow], Depends(categories_here)]


@router.get(
    "/issue-categories",
    summary="诉求类别 · Categories",
    responses=problems(*SIGNED_IN, NodeNotFound),
)
async def list_categories(rows: CategoriesDep) -> CategoryList:
    """可选的全部类别，以及在该地点的时限、办结材料和是否公开。

    Every category that may be chosen, with the limits, evidence and publicity of the place.
    """
    return CategoryList(items=[category_view(row) for row in rows])


@router.get(
    "/issue-categories/suggest",
    summary="推荐类别 · Categories that a text suggests",
    responses=problems(*SIGNED_IN, NodeNotFound),
)
async def suggest_categories(
    text: Annotated[
        str,
        Query(
            min_length=1,
            max_length=2000,
            description="诉求内容 · What was written.",
            examples=["巷口垃圾桶满了两天没人清"],
        ),
    ],
    rows: CategoriesDep,
) -> SuggestionList:
    """按诉求内容推荐最多 5 个类别，最可能的在前；看不出时为空。

    Up to five categories for a text, the likeliest first; none when nothing points to one.
    """
    return SuggestionList(items=[suggestion_view(one) for one in suggest(text, rows)])


@router.get(
    "/staff/issue-categories",
    summary="管理类别 · All categories, for operators",
    responses=problems(*SIGNED_IN, Forbidden),
)
async def list_managed_categories(actor: ActorDep, reader: ReaderDep) -> ManagedCategoryList:
    """全部类别，含停用的和还没有规则的（运营人员）。

    All categories, also those out of use or still without a rule.
    """
    service.require_manager(actor)
    rows = await MANAGED_CATEGORIES.all(reader)
    return ManagedCategoryList.model_validate({"items": rows})


@router.put(
    "/issue-categories/{code}",
    summary="新建或修改类别 · Create or change a category",
    responses=problems(*SIGNED_IN, Forbidden, StaleVersion),
)
async def save_category(
    code: Code, body: CategoryIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> ManagedCategoryOut:
    """新建或修改类别（总管理员）；新类别有了默认规则才能选用。

    Create or change a category, which holds in every district: for a chief operator. A new one
    can be chosen once it has a rule for everywhere.
    """
    await service.save_category(tx, actor, code, body, now=now)
    return ManagedCategoryOut.model_validate(await MANAGED_CATEGORY.first(tx, code=code))


@router.get(
    "/issue-categories/{code}/rules",
    summary="办理规则及历史 · Handling rules, in force and before",
    responses=problems(*MANAGING, paging.BadCursor),
)
async def list_category_rules(
    code: Code,
    actor: ActorDep,
    tx: ReadTxDep,
    page: paging.PageDep,
    node_id: Annotated[
        UUID | None, Query(description="只看此地点的规则 · Only the rules of this place.")
    ] = None,
    in_force: Annotated[
        bool | None, Query(description="只看现行 / 历史 · Only those in force, or before.")
    ] = None,
) -> paging.Page[RuleOut]:
    """各地默认和本辖区的规则，新的在前（运营人员）。

    The versions for everywhere and for the caller's places, newest first.
    """
    service.require_manager(actor)
    if await tx.get(Category, code) is None:
        raise service.CategoryUnknown
    rule = HandlingRule
    query = rules_of(code, actor).where(rule.id < page.below)
    if node_id is not None:
        query = query.where(rule.node_id == node_id)
    if in_force is not None:
        query = query.where(rule.superseded_at.is_(None) == in_force)
    rows = await tx.execute(query.order_by(rule.id.desc()).limit(page.fetch))
    views = [rule_view(found, node, author) for found, node, author in rows]
    return page.page(views, lambda view: view)


@router.put(
    "/issue-categories/{code}/rule",
    summary="设置办理规则 · Put a handling rule in force",
    responses=problems(
        *MANAGING, NodeNotFound, service.NotAPlaceOfRules, RuleBroken, StaleVersion
    ),
)
async def save_category_rule(
    code: Code, body: RuleIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> RuleOut:
    """设置某地（区县系统管理员）或各地默认（总管理员）的规则；已受理的诉求仍按原版本办理。

    离诉求最近的规则生效：社区 > 街道 > 区县 > 默认。规则有矛盾时不保存，`errors` 逐条说明。
    A new version, for a place or everywhere; issues taken in keep theirs. The nearest rule
    applies. A rule that cannot work is refused, and `errors` names each breach:
    `first_level_unknown`, `first_level_above_node`, `respond_longer_than_resolve`,
    `accept_longer_than_respond`, `check_in_longer_than_resolve`,
    `extension_longer_than_resolve`, `emergency_rests`, `confidential_yet_public`,
    `supporters_of_the_unseen`, `evidence_missing`, `nobody_may_reopen`,
    `departments_need_a_place`, `department_unknown`, `department_elsewhere`.
    """
    rule = await service.save_rule(tx, actor, code, body, now=now)
    return await _shown(tx, rule)


@router.post(
    "/issue-categories/{code}/rule/withdraw",
    summary="撤销当地规则 · Withdraw the rule of a place",
    responses=problems(
        *MANAGING, NodeNotFound, service.NotAPlaceOfRules, service.NoRuleHere, StaleVersion
    ),
)
async def withdraw_category_rule(
    code: Code, body: WithdrawRuleIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> RuleOut:
    """撤销当地单独设置的规则，恢复上级规则；已受理的诉求不受影响。

    Take back the rule of a place; the one above applies again to what comes in from now on.
    """
    rule = await service.withdraw_rule(tx, actor, code, body, now=now)
    return await _shown(tx, rule)


async def _shown(tx: ReadTx, rule: HandlingRule) -> RuleOut:
    node = None if rule.node_id is None else await tx.get_one(Node, rule.node_id)
    author = None if rule.created_by is None else await tx.get_one(Person, rule.created_by)
    return rule_view(
        rule, None if node is None else node.name, None if author is None else author.name
    )
