"""HTTP operations of profiles and of second layers of responsibility."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from neighborhood_api.grid.layers import checks, covers, keeping, profiles, rights, tree
from neighborhood_api.grid.layers.models import LayerCover, LayerNode
from neighborhood_api.grid.layers.profile_schemas import (
    GridProfileIn,
    GridProfileOut,
)
from neighborhood_api.grid.layers.schemas import (
    LayerChangeIn,
    LayerCoverOut,
    LayerCoversIn,
    LayerCoversOut,
    LayerFault,
    LayerFindingOut,
    LayerHolderIn,
    LayerIn,
    LayerList,
    LayerNodeChangeIn,
    LayerNodeList,
    LayerNodeOut,
    LayerNodesIn,
    LayerOut,
    ReadyProfileList,
)
from neighborhood_api.grid.models import Household, Node
from neighborhood_api.grid.service import NodeNotFound
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep, current_actor
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit import paging
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep, TxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import problems

router = new_router(tags=["责任体系 layers"])

SIGNED_IN = (NotSignedIn, TokenExpired, TokenRevoked)
CALLER = [Depends(current_actor)]
KEEPING = (*SIGNED_IN, Forbidden, rights.LayerNotFound)
KEEPING_NODES = (*SIGNED_IN, Forbidden, rights.LayerNodeNotFound)
LayerNodePage = paging.Page[LayerNodeOut]
LayerCoverPage = paging.Page[LayerCoverOut]
LayerFindingPage = paging.Page[LayerFindingOut]


@router.get(
    "/grid/profiles",
    summary="现成的叫法 · Profiles to begin with",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN),
)
async def list_profiles() -> ReadyProfileList:
    """五个地方的层级和岗位叫法，可照搬后修改。

    What five places call their levels and posts, to begin with.
    """
    return profiles.ready_profiles()


@router.get(
    "/grid/nodes/{district_id}/profile",
    summary="本地叫法 · What a district calls its levels and posts",
    dependencies=CALLER,
    responses=problems(*SIGNED_IN, NodeNotFound),
)
async def read_grid_profile(district_id: UUID, tx: ReadTxDep, now: NowDep) -> GridProfileOut:
    """区县的层级和岗位叫法，没有设置的为通名；编码不变。

    Names of the five levels and of each post; the codes underneath stay the same.
    """
    return await profiles.read_grid_profile(tx, district_id, now=now)


@router.put(
    "/grid/nodes/{district_id}/profile",
    summary="设置本地叫法 · Say what a district calls its levels and posts",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, StaleVersion),
)
async def state_grid_profile(
    district_id: UUID, body: GridProfileIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> GridProfileOut:
    """系统管理员设置，立即生效。By the district's operator; shown from the next answer on."""
    return await profiles.state_grid_profile(tx, actor, district_id, body, now=now)


@router.get(
    "/grid/nodes/{district_id}/layers",
    summary="责任体系 · Second layers of responsibility",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound),
)
async def list_layers(
    district_id: UUID, actor: ActorDep, tx: ReadTxDep, now: NowDep
) -> LayerList:
    """区县另设的责任体系，如三长、物业网格（本区县工作人员）。For staff of the district."""
    rows = await keeping.list_layers(tx, actor, district_id, now=now)
    return LayerList(items=[LayerOut.model_validate(row) for row in rows])


@router.post(
    "/grid/nodes/{district_id}/layers",
    summary="新建责任体系 · Draw a second layer of responsibility",
    responses=problems(*SIGNED_IN, Forbidden, NodeNotFound, keeping.LayerCodeTaken),
)
async def create_layer(
    district_id: UUID, body: LayerIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> LayerOut:
    """在同一批地点之上另设一套责任体系，不影响网格本身。

    Another tree over the same places; the grid itself is not touched.
    """
    layer = await keeping.create_layer(tx, actor, district_id, body, now=now)
    return LayerOut.model_validate(layer)


@router.get(
    "/layers/{layer_id}",
    summary="一套责任体系 · One layer",
    responses=problems(*SIGNED_IN, rights.LayerNotFound),
)
async def read_layer(layer_id: UUID, actor: ActorDep, tx: ReadTxDep) -> LayerOut:
    """层级、岗位名称和户数要求。Its levels, what its posts are called, and wanted sizes."""
    return LayerOut.model_validate(await rights.find_layer(tx, actor, layer_id))


@router.put(
    "/layers/{layer_id}",
    summary="修改责任体系 · Change a layer",
    responses=problems(
        *KEEPING, StaleVersion, keeping.LayerLevelsStand, keeping.LayerCodeTaken
    ),
)
async def change_layer(
    layer_id: UUID, body: LayerChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> LayerOut:
    """修改名称、户数要求或停用日。Change names, wanted sizes, or the day on which it ends."""
    layer = await keeping.change_layer(tx, actor, layer_id, body, now=now)
    return LayerOut.model_validate(layer)


@router.get(
    "/layers/{layer_id}/nodes",
    summary="责任单元 · Nodes of a layer",
    responses=problems(*SIGNED_IN, rights.LayerNotFound, paging.BadCursor),
)
async def list_layer_nodes(
    layer_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    parent_id: Annotated[UUID | None, Query(description="上级 · Only those below it.")] = None,
) -> LayerNodePage:
    """片、组、邻等责任单元和负责人，新建的在前；工作人员只看到与本辖区有关的。

    Newest first, with who answers for each. Staff see what concerns their own places.
    """
    query = await tree.layer_nodes(tx, actor, layer_id, parent_id=parent_id, now=now)
    rows = await tx.execute(
        query.where(LayerNode.id < page.below).order_by(LayerNode.id.desc()).limit(page.fetch)
    )
    return page.page([tree.HeldNode(*row) for row in rows], _node)


@router.post(
    "/layers/{layer_id}/nodes",
    summary="新建责任单元 · Add nodes to a layer",
    responses=problems(
        *KEEPING, keeping.LayerCodeTaken, tree.LayerParentUnknown, tree.LayerTooDeep
    ),
)
async def add_layer_nodes(
    layer_id: UUID, body: LayerNodesIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> LayerNodeList:
    """一次建多个，上级在前；有一个不行则都不建。Several at once, all of them or none."""
    added = await tree.add_layer_nodes(tx, actor, layer_id, body.nodes, now=now)
    return LayerNodeList(items=[_node(one) for one in added])


@router.put(
    "/layer-nodes/{layer_node_id}",
    summary="修改责任单元 · Change a node of a layer",
    responses=problems(
        *KEEPING_NODES, StaleVersion, keeping.LayerCodeTaken, tree.LayerParentUnknown
    ),
)
async def change_layer_node(
    layer_node_id: UUID, body: LayerNodeChangeIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> LayerNodeOut:
    """改名、改编码，或连同下级改到同级的另一个上级。

    Rename it, or put it with everything below under another node of the same level.
    """
    return _node(await tree.change_layer_node(tx, actor, layer_node_id, body, now=now))


@router.post(
    "/layer-nodes/{layer_node_id}/end",
    summary="撤销责任单元 · End a node of a layer",
    responses=problems(*KEEPING_NODES, tree.LayerNodeInUse),
)
async def end_layer_node(
    layer_node_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> LayerNodeOut:
    """先把下级和负责的地点、住户改归他处。Only when nothing is left below or with it."""
    return _node(await tree.end_layer_node(tx, actor, layer_node_id, now=now))


@router.put(
    "/layer-nodes/{layer_node_id}/holder",
    summary="指定负责人 · Say who answers for a node of a layer",
    responses=problems(*KEEPING_NODES, tree.LayerTermWrong),
)
async def name_layer_holder(
    layer_node_id: UUID, body: LayerHolderIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> LayerNodeOut:
    """接替原负责人；只公开姓名和值班电话，不给任何办理权限。

    In place of whoever did. A public name and number; it gives no power in the grid.
    """
    return _node(await tree.name_layer_holder(tx, actor, layer_node_id, body, now=now))


@router.post(
    "/layer-nodes/{layer_node_id}/end-holder",
    summary="负责人离任 · Leave a node of a layer to nobody",
    responses=problems(*KEEPING_NODES),
)
async def end_layer_holder(
    layer_node_id: UUID, actor: ActorDep, tx: TxDep, now: NowDep
) -> LayerNodeOut:
    """离任后为空缺。It is vacant afterwards."""
    return _node(await tree.end_layer_holder(tx, actor, layer_node_id, now=now))


@router.get(
    "/layer-nodes/{layer_node_id}/covers",
    summary="负责的地点和住户 · What a node of a layer answers for",
    responses=problems(*SIGNED_IN, rights.LayerNodeNotFound, paging.BadCursor),
)
async def list_layer_covers(
    layer_node_id: UUID, actor: ActorDep, tx: ReadTxDep, page: paging.PageDep
) -> LayerCoverPage:
    """本辖区内由其负责的地点和住户，后归入的在前（工作人员）。

    Its places and households, last assigned first; staff see those of their own places.
    """
    query = await covers.layer_covers(tx, actor, layer_node_id)
    rows = await tx.execute(
        query.where(LayerCover.id < page.below).order_by(LayerCover.id.desc()).limit(page.fetch)
    )
    return page.page([_cover(*row) for row in rows], lambda view: view)


@router.post(
    "/layers/{layer_id}/covers",
    summary="划分责任 · Assign places and households",
    responses=problems(*KEEPING, covers.LayerCoversFaulty),
)
async def assign_layer_covers(
    layer_id: UUID, body: LayerCoversIn, actor: ActorDep, tx: TxDep, now: NowDep
) -> LayerCoversOut:
    """批量划归最下一级责任单元；同一住户或地点在一套体系内只归一个。

    All lines or none. In one layer a place or household belongs to one node; naming another
    moves it.
    """
    return await covers.assign_layer_covers(tx, actor, layer_id, body.items, now=now)


@router.get(
    "/layers/{layer_id}/checks",
    summary="责任核查 · What is wrong with a layer",
    responses=problems(*SIGNED_IN, rights.LayerNotFound, paging.BadCursor),
)
async def check_layer(
    layer_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    now: NowDep,
    page: paging.PageDep,
    fault: Annotated[
        LayerFault | None, Query(description="只看一种 · Only faults of this kind.")
    ] = None,
) -> LayerFindingPage:
    """无人负责的住户和街巷、户数过多过少和空缺的责任单元，限本辖区。

    Households and lanes that nobody answers for, nodes of the wrong size, and vacant ones, as
    far as they concern the caller's places.
    """
    return await checks.check_layer(tx, actor, layer_id, page, only=fault, now=now)


def _node(one: tree.HeldNode) -> LayerNodeOut:
    node, post, person = one
    return LayerNodeOut(
        id=node.id,
        layer_id=node.layer_id,
        parent_id=node.parent_id,
        level=node.level,
        code=node.code,
        name=node.name,
        holder=None if person is None else person.name,
        duty_phone=None if post is None else post.duty_phone,
        since=None if post is None else post.starts_on,
        until=None if post is None else post.ends_on,
        ended_on=node.ended_on,
        version=node.version,
    )


def _cover(cover: LayerCover, node: Node | None, household: Household | None) -> LayerCoverOut:
    return LayerCoverOut(
        id=cover.id,
        node_id=cover.node_id,
        household_id=cover.household_id,
        name=household.address if node is None and household is not None else _name(node),
    )


def _name(node: Node | None) -> str:
    return "" if node is None else node.name
