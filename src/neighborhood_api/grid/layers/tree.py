"""Rules of the nodes of a layer, and of who answers for them."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, and_, exists, func, literal, select, update

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.layers.chains import holds
from neighborhood_api.grid.layers.events import (
    LayerHolderEnded,
    LayerHolderNamed,
    LayerNodeChanged,
    LayerNodeEnded,
    LayerNodesAdded,
)
from neighborhood_api.grid.layers.keeping import LayerCodeTaken
from neighborhood_api.grid.layers.models import Layer, LayerCover, LayerNode, LayerPost
from neighborhood_api.grid.layers.rights import (
    LayerNodeNotFound,
    find_layer,
    lock_layer,
    lock_layer_node,
    visible,
)
from neighborhood_api.grid.layers.schemas import (
    LayerHolderIn,
    LayerNodeChangeIn,
    LayerNodeIn,
)
from neighborhood_api.grid.posts.holders import known_or_new
from neighborhood_api.grid.schemas import AppointeeIn
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem


class LayerParentUnknown(Problem):
    """`parent_code` names no node of the level above in this layer."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There is no such node on the level above"
    message = "没有找到上级责任单元，请先建立上级"


class LayerTooDeep(Problem):
    """The layer has no level below that of the parent."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The layer has no level below this one"
    message = "该责任体系没有更下一级，请核对上级编码"


class LayerNodeInUse(Problem):
    """Nodes below it are open, or it still answers for places."""

    title = "The node still has nodes below it, or places that it answers for"
    message = "该责任单元还有下级或负责的住户、地点，请先改归其他单元"


class LayerTermWrong(Problem):
    """A term begins today or earlier, and ends on its first day or later."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The term must have begun, and not end before it begins"
    message = "任期首日不能晚于今天，末日不能早于首日"


class HeldNode(NamedTuple):
    """A node of a layer, with who answers for it today."""

    node: LayerNode
    post: LayerPost | None
    person: Person | None

    @property
    def id(self) -> UUID:
        """The node's id, by which pages are told apart."""
        return self.node.id


def held_nodes(now: datetime) -> Select[LayerNode, LayerPost, Person]:
    """Select nodes of layers with who answers for them today."""
    held = and_(LayerPost.layer_node_id == LayerNode.id, holds(literal(local_day(now))))
    return (
        select(LayerNode, LayerPost, Person)
        .outerjoin(LayerPost, held)
        .outerjoin(Person, Person.id == LayerPost.person_id)
    )


async def layer_nodes(
    tx: ReadTx, actor: Actor, layer_id: UUID, *, parent_id: UUID | None, now: datetime
) -> Select[LayerNode, LayerPost, Person]:
    """Select the nodes of a layer that the caller sees; those below `parent_id`, if given.

    Raises: LayerNotFound.
    """
    layer = await find_layer(tx, actor, layer_id)
    query = held_nodes(now).where(LayerNode.layer_id == layer.id, LayerNode.ended_on.is_(None))
    if parent_id is not None:
        query = query.where(LayerNode.parent_id == parent_id)
    return query.where(visible(actor, layer))


async def add_layer_nodes(
    tx: Tx, actor: Actor, layer_id: UUID, wishes: Sequence[LayerNodeIn], *, now: datetime
) -> list[HeldNode]:
    """Add nodes to a layer, those above before those below; all of them or none.

    Raises: LayerNotFound, Forbidden, LayerParentUnknown, LayerTooDeep, LayerCodeTaken.
    Emits: LayerNodesAdded.
    """
    layer = await lock_layer(tx, actor, layer_id)
    parents = [wish.parent_code for wish in wishes if wish.parent_code is not None]
    known = select(LayerNode).where(
        LayerNode.layer_id == layer.id,
        LayerNode.ended_on.is_(None),
        LayerNode.code.in_(parents),
    )
    by_code = {node.code: node for node in await tx.scalars(known)}
    added = []
    for wish in wishes:
        node = _new_node(layer, wish, by_code)
        by_code[node.code] = node
        added.append(node)
    tx.add_all(added)
    with refusing({"uq_layer_node_code_now": LayerCodeTaken}):
        await tx.flush()
    emit(tx, LayerNodesAdded(layer_id=layer.id, nodes=len(added)))
    record_act(tx, "layer.nodes_added", layer.id, by=actor.person_id, now=now, nodes=len(added))
    return [HeldNode(node, None, None) for node in added]


def _new_node(layer: Layer, wish: LayerNodeIn, by_code: dict[str, LayerNode]) -> LayerNode:
    node_id = new_id()
    above: LayerNode | None = None
    if wish.parent_code is not None:
        above = by_code.get(wish.parent_code)
        if above is None:
            raise LayerParentUnknown(parent_code=wish.parent_code, code=wish.code)
        if above.level >= len(layer.levels):
            raise LayerTooDeep(code=wish.code)
    return LayerNode(
        id=node_id,
        layer_id=layer.id,
        parent_id=None if above is None else above.id,
        level=1 if above is None else above.level + 1,
        way=[node_id] if above is None else [*above.way, node_id],
        code=wish.code,
        name=wish.name,
    )


async def change_layer_node(
    tx: Tx, actor: Actor, layer_node_id: UUID, wish: LayerNodeChangeIn, *, now: datetime
) -> HeldNode:
    """Rename a node of a layer, or put it with everything below it under another one.

    Raises: LayerNodeNotFound, Forbidden, StaleVersion, LayerParentUnknown, LayerCodeTaken.
    Emits: LayerNodeChanged.
    """
    layer, node = await lock_layer_node(tx, actor, layer_node_id)
    if node.version != wish.version:
        raise StaleVersion(version=node.version)
    above = await _parent(tx, layer, node, wish.parent_code)
    node.code, node.name = wish.code, wish.name
    node.version += 1
    with refusing({"uq_layer_node_code_now": LayerCodeTaken}):
        await tx.flush()
    if above is not None and above.id != node.parent_id:
        node.parent_id = above.id
        await tx.flush()
        below = LayerNode.way[node.level : 4]
        await tx.execute(
            update(LayerNode)
            .where(LayerNode.layer_id == layer.id, LayerNode.way[node.level] == node.id)
            .values(way=func.array_cat(literal(above.way, ARRAY(Uuid)), below))
            .execution_options(synchronize_session=False)
        )
        await tx.refresh(node)
    emit(tx, LayerNodeChanged(layer_id=layer.id, layer_node_id=node.id))
    record_act(tx, "layer.node_changed", node.id, by=actor.person_id, now=now)
    return await held(tx, node.id, now=now)


async def _parent(
    tx: ReadTx, layer: Layer, node: LayerNode, code: str | None
) -> LayerNode | None:
    """Return the node of the level above that a code names; None at the top."""
    if (code is None) != (node.level == 1):
        raise LayerParentUnknown(parent_code=code)
    if code is None:
        return None
    found: LayerNode | None = await tx.scalar(
        select(LayerNode).where(
            LayerNode.layer_id == layer.id,
            LayerNode.code == code,
            LayerNode.level == node.level - 1,
            LayerNode.ended_on.is_(None),
        )
    )
    if found is None:
        raise LayerParentUnknown(parent_code=code)
    return found


async def end_layer_node(
    tx: Tx, actor: Actor, layer_node_id: UUID, *, now: datetime
) -> HeldNode:
    """End a node of a layer, and with it the term of who answers for it.

    Raises: LayerNodeNotFound, Forbidden, LayerNodeInUse.
    Emits: LayerNodeEnded, LayerHolderEnded.
    """
    layer, node = await lock_layer_node(tx, actor, layer_node_id)
    below = exists().where(LayerNode.parent_id == node.id, LayerNode.ended_on.is_(None))
    covers = exists().where(LayerCover.layer_node_id == node.id)
    if await tx.scalar(select(below | covers)):
        raise LayerNodeInUse
    post = await _open_post(tx, node)
    if post is not None:
        _end_post(tx, layer, post, now)
    node.ended_on = local_day(now)
    node.version += 1
    emit(tx, LayerNodeEnded(layer_id=layer.id, layer_node_id=node.id))
    record_act(tx, "layer.node_ended", node.id, by=actor.person_id, now=now, code=node.code)
    await tx.flush()
    return HeldNode(node, None, None)


async def name_layer_holder(
    tx: Tx, actor: Actor, layer_node_id: UUID, wish: LayerHolderIn, *, now: datetime
) -> HeldNode:
    """Say who answers for a node of a layer from now on, in place of whoever did.

    She is found by her number, or created; it gives her no power anywhere.

    Raises: LayerNodeNotFound, Forbidden, LayerTermWrong.
    Emits: LayerHolderNamed.
    """
    layer, node = await lock_layer_node(tx, actor, layer_node_id)
    today = local_day(now)
    starts_on = wish.starts_on or today
    if starts_on > today or (wish.ends_on is not None and wish.ends_on < starts_on):
        raise LayerTermWrong
    person = await known_or_new(tx, AppointeeIn(name=wish.name, phone=wish.phone), now=now)
    before = await _open_post(tx, node)
    if before is not None:
        before.ended_at = now
        before.version += 1
        await tx.flush()
    post = LayerPost(
        layer_node_id=node.id,
        person_id=person.id,
        duty_phone=wish.duty_phone,
        starts_on=starts_on,
        ends_on=wish.ends_on,
    )
    tx.add(post)
    emit(
        tx,
        LayerHolderNamed(layer_id=layer.id, layer_node_id=node.id, person_id=person.id),
    )
    record_act(tx, "layer.holder_named", node.id, by=actor.person_id, now=now)
    await tx.flush()
    return await held(tx, node.id, now=now)


async def end_layer_holder(
    tx: Tx, actor: Actor, layer_node_id: UUID, *, now: datetime
) -> HeldNode:
    """Leave a node of a layer to nobody.

    Raises: LayerNodeNotFound, Forbidden.
    Emits: LayerHolderEnded.
    """
    layer, node = await lock_layer_node(tx, actor, layer_node_id)
    post = await _open_post(tx, node)
    if post is not None:
        _end_post(tx, layer, post, now)
        record_act(tx, "layer.holder_ended", node.id, by=actor.person_id, now=now)
        await tx.flush()
    return HeldNode(node, None, None)


async def held(tx: ReadTx, layer_node_id: UUID, *, now: datetime) -> HeldNode:
    """Return a node of a layer with who answers for it today.

    Raises: LayerNodeNotFound.
    """
    rows = await tx.execute(held_nodes(now).where(LayerNode.id == layer_node_id))
    found = rows.one_or_none()
    if found is None:
        raise LayerNodeNotFound
    return HeldNode(*found)


def _end_post(tx: Tx, layer: Layer, post: LayerPost, now: datetime) -> None:
    post.ended_at = now
    post.version += 1
    ended = LayerHolderEnded(
        layer_id=layer.id, layer_node_id=post.layer_node_id, person_id=post.person_id
    )
    emit(tx, ended)


async def _open_post(tx: Tx, node: LayerNode) -> LayerPost | None:
    mine = select(LayerPost).where(
        LayerPost.layer_node_id == node.id, LayerPost.ended_at.is_(None)
    )
    found: LayerPost | None = await tx.scalar(mine)
    return found
