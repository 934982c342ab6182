"""Whose issues are counted: what the caller may read, at the place that she asks about."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, union_all

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import readable, readable_parts
from neighborhood_api.cases.sight import Sight, sight_of
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import node_or_successors
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission, Post
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.statistics.facts import Wanted
from neighborhood_api.statistics.models import Fact
from neighborhood_api.statistics.periods import Period

READ = Permission.STATISTICS_READ


@dataclass(frozen=True)
class Scope:
    """The caller with the posts that count here, and the place if there is one."""

    actor: Actor
    node: Node | None
    district_id: UUID
    heirs: tuple[Node, ...] = ()
    """What the place has become, where it is no more: it answers for all of them."""

    @property
    def persons(self) -> ColumnElement[bool]:
        """Hold for the nodes whose people the caller may see numbers of.

        Raises: Forbidden for departments, which have no place.
        """
        if all(post.organization_id is not None for post in self.actor.posts):
            raise Forbidden(permission=READ.value)
        return self.actor.reach(READ, Node)

    def wanted(self, period: Period) -> Wanted:
        """Return the issues of a period that are counted.

        Without a place each part of what the caller reads comes from its own index.
        """
        then = period.holds(Case.opened_at)
        if self.node is None:
            parts = readable_parts(ISSUE, self.actor)
            ids = union_all(*(select(Case.id).where(part, then) for part in parts))
            return Wanted(Case.id.in_(ids))
        column = COLUMNS[self.node.level]
        nodes = self.heirs or (self.node,)
        here = [node.id for node in nodes]
        cases = and_(getattr(Case, column).in_(here), readable(ISSUE, self.actor), then)
        if not all(
            any(self._reads_all(post, node) for post in self.actor.posts) for node in nodes
        ):
            return Wanted(cases)
        plain = and_(getattr(Fact, column).in_(here), period.holds(Fact.opened_at))
        return Wanted(cases, plain)

    def _reads_all(self, post: Post, node: Node) -> bool:
        """Tell whether a post reads everything at a node that is not about persons."""
        sight = sight_of(ISSUE, post, ISSUE.read)
        return sight in {Sight.ORDINARY, Sight.BOTH} and post.covers(node.place, ())


async def scope_of(tx: ReadTx, actor: Actor, node_id: UUID | None, *, now: datetime) -> Scope:
    """Return whose issues the caller counts: at a place, or all that she may.

    At a place outside her own nodes a department's officer counts what her department has to
    do with; others count nothing there.

    Raises: Forbidden, NodeNotFound.
    """
    posts = [post for post in actor.posts if READ in GRANTED[post.role]]
    if not posts:
        raise Forbidden(permission=READ.value)
    if node_id is None and len(posts) == 1 and posts[0].organization_id is None:
        node_id = posts[0].node_id
    if node_id is None:
        home = await tx.get_one(Node, posts[0].node_id)
        return Scope(replace(actor, posts=tuple(posts)), None, home.district_id)
    node, rows = await node_or_successors(tx, node_id, now=now)
    heirs = [await tx.get_one(Node, row.id) for row in rows]
    nodes = [
        one for one in heirs or [node] if any(post.covers(one.place, ()) for post in posts)
    ]
    covering = [post for post in posts if any(post.covers(one.place, ()) for one in nodes)]
    counting = covering or [post for post in posts if post.organization_id is not None]
    if not counting:
        raise Forbidden(permission=READ.value)
    mine = tuple(nodes) if heirs and covering else tuple(heirs)
    return Scope(replace(actor, posts=tuple(counting)), node, node.district_id, mine)
