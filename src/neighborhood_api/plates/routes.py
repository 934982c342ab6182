"""HTTP operations of plates."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from neighborhood_api.files.handles import StoreDep
from neighborhood_api.files.store import FileStoreUnavailable
from neighborhood_api.grid.service import NodeNotFound, NotALane
from neighborhood_api.identity.access import Forbidden
from neighborhood_api.identity.caller import ActorDep
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReadTxDep
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.problems import Problem, problems
from neighborhood_api.plates import service
from neighborhood_api.plates.service import CodeKind, Press
from neighborhood_api.wechat.client import CODE_REFUSALS

router = new_router(tags=["网格 grid"])

REFUSALS: tuple[type[Problem], ...] = (
    NotSignedIn,
    TokenExpired,
    TokenRevoked,
    Forbidden,
    NodeNotFound,
    service.NoPlates,
    FileStoreUnavailable,
    *CODE_REFUSALS,
)
KEPT = {"cache-control": "private, no-cache"}


async def press_of(request: Request, store: StoreDep) -> Press:
    """Return how plates are made here."""
    settings = request.app.state.settings
    own = f"{str(request.base_url).rstrip('/')}/api/v1/grid/plates/"
    return Press(
        request.app.state.wechat, store, settings.plate_page, settings.plate_url or own
    )


PressDep = Annotated[Press, Depends(press_of)]
NamesParam = Annotated[
    bool, Query(description="是否印姓名和电话 · Whether names and numbers are printed.")
]
CodeParam = Annotated[CodeKind, Query(description="二维码种类 · What there is to scan.")]
_PNG: dict[int | str, dict[str, Any]] = {
    200: {"description": "The plate", "content": {"image/png": {}}}
}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"description": "The plates", "content": {"application/pdf": {}}}
}


@router.get(
    "/grid/nodes/{node_id}/plate.png",
    summary="打印一块公示牌 · The plate of a lane, to print",
    response_class=Response,
    responses=_PNG | problems(*REFUSALS, NotALane),
)
async def print_plate(
    node_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    press: PressDep,
    now: NowDep,
    *,
    names: NamesParam = True,
    code: CodeParam = CodeKind.AUTO,
) -> Response:
    """A5 横向、300 dpi。二维码不变：换人后不必换牌；`names=false` 的牌上没有会过时的内容。

    A5 landscape at 300 dots an inch. Its code never changes, so that a change of chief needs
    no new plate; without names nothing on it grows old.
    """
    drawn = await service.print_plate(tx, actor, press, node_id, code, names=names, now=now)
    return Response(drawn, media_type="image/png", headers=KEPT)


@router.get(
    "/grid/nodes/{node_id}/plates.pdf",
    summary="打印全部公示牌 · The plates of all lanes of a place",
    response_class=Response,
    responses=_PDF | problems(*REFUSALS, service.TooManyPlates),
)
async def print_plates(
    node_id: UUID,
    actor: ActorDep,
    tx: ReadTxDep,
    press: PressDep,
    now: NowDep,
    *,
    names: NamesParam = True,
    code: CodeParam = CodeKind.AUTO,
) -> Response:
    """A4 每页两块，沿中线裁开；一次最多 200 块，超过时按社区或网格打印。

    Two on each page of A4, to be cut in the middle; at most 200 in a file.
    """
    drawn = await service.print_plates(tx, actor, press, node_id, code, names=names, now=now)
    name = {"content-disposition": f'attachment; filename="plates-{node_id}.pdf"'}
    return Response(drawn, media_type="application/pdf", headers=KEPT | name)
