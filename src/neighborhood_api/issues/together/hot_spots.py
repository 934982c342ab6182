"""Where many report the same kind of thing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import Query
from sqlalchemy import ARRAY, Select, String, Uuid, case, cast, distinct, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import readable
from neighborhood_api.cases.workflow import IN_HAND
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.ids import first_id_at

SHOWN = 50
NEWEST = 5


@dataclass(frozen=True)
class HotSpotFilter:
    """Where and since when to look."""

    days: Annotated[
        int, Query(ge=1, le=365, description="最近多少天 · How many days back.")
    ] = 30
    at_least: Annotated[
        int, Query(ge=2, le=1000, description="至少多少件 · At least so many reports.")
    ] = 3
    level: Annotated[
        Level, Query(description="按哪一级汇总（4 街巷 3 网格 2 社区）· Level to group by.")
    ] = Level.LANE
    node_id: Annotated[
        UUID | None, Query(description="只看此地点及以下 · Only at this place and below.")
    ] = None
    category: Annotated[
        str | None, Query(max_length=60, description="类别代码 · Category code.")
    ] = None


class HotSpotRow(NamedTuple):
    """Many reports of one kind in one place."""

    node_id: UUID
    node_name: str
    level: int
    category_code: str
    category_name: str
    issues: int
    reporters: int
    supporters: int
    open: int
    newest_at: datetime
    newest_ids: list[UUID]


async def list_hot_spots(
    tx: ReadTx, actor: Actor, wish: HotSpotFilter, *, now: datetime
) -> list[HotSpotRow]:
    """Return the hot spots within the caller's reach, the hottest first.

    Withdrawn reports do not count; merged ones do, for each is a person who complains.

    Raises: Forbidden for callers without a post, NodeNotFound.
    """
    if not any(ISSUE.read in GRANTED[post.role] for post in actor.posts):
        raise Forbidden
    spots = _spots(actor, wish, now)
    if wish.node_id is not None:
        node = await current_node(tx, wish.node_id, now=now)
        spots = spots.where(getattr(Case, COLUMNS[node.level]) == node.id)
    if wish.category is not None:
        spots = spots.where(Issue.category_code == wish.category)
    return [HotSpotRow(*row) for row in await tx.execute(spots)]


def _spots(actor: Actor, wish: HotSpotFilter, now: datetime) -> Select[*tuple[Any, ...]]:
    since = first_id_at(now - timedelta(days=wish.days))
    place = getattr(Case, COLUMNS[wish.level])
    count = func.count(Case.id)
    who = func.coalesce(cast(Case.reporter_id, String), Issue.caller_phone)
    is_open = case((Case.state.in_([state.value for state in IN_HAND]), 1))
    newest = func.array_agg(aggregate_order_by(Case.id, Case.id.desc()), type_=ARRAY(Uuid))
    return (
        select(
            Node.id,
            Node.name,
            Node.level,
            Category.code,
            Category.name,
            count,
            func.count(distinct(who)),
            func.sum(Issue.supporters),
            func.count(is_open),
            func.max(Case.opened_at),
            newest[1:NEWEST],
        )
        .select_from(Case)
        .join(Issue, Issue.case_id == Case.id)
        .join(Category, Category.code == Issue.category_code)
        .join(Node, Node.id == place)
        .where(readable(ISSUE, actor), Case.id >= since, Case.state != "withdrawn")
        .group_by(Node.id, Category.code)
        .having(count >= wish.at_least)
        .order_by(count.desc(), func.max(Case.opened_at).desc())
        .limit(SHOWN)
    )
