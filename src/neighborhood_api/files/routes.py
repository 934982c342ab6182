"""HTTP operations of files."""

import asyncio
from hashlib import file_digest, sha256
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, File, Query, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from typing_extensions import override

from neighborhood_api.files import images, service
from neighborhood_api.files import links as signed
from neighborhood_api.files import store as blobs
from neighborhood_api.files.handles import LinksDep, StoreDep
from neighborhood_api.files.links import Variant
from neighborhood_api.files.queries import STORED
from neighborhood_api.files.schemas import FileOut
from neighborhood_api.identity.caller import ActorDep, gate_of
from neighborhood_api.identity.tokens import NotSignedIn, TokenExpired, TokenRevoked
from neighborhood_api.kit.clock import NowDep
from neighborhood_api.kit.db import ReaderDep, TxDep
from neighborhood_api.kit.http import Handler, Route
from neighborhood_api.kit.problems import (
    BadRequest,
    BodyTooLarge,
    InvalidRequest,
    Problem,
    TooManyRequests,
    problems,
)


class UploadRoute(Route):
    """Asks for a token before it takes the body: strangers cannot fill our disk."""

    @override
    def get_route_handler(self) -> Handler:
        """Look at the token first; who it belongs to is settled as for every operation."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.method == "POST":
                scheme, _, token = request.headers.get("authorization", "").partition(" ")
                if scheme.lower() != "bearer":
                    raise NotSignedIn
                gate_of(request).tokens.read(token)
            return await handler(request)

        return handle


router = APIRouter(tags=["图片 files"], route_class=UploadRoute)

LARGEST_BODY = 2 * service.LARGEST_BYTES
"""Bytes: more than the largest image, so that a photo somewhat over it is refused as one."""
_NOTHING = sha256().digest()
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The image", "content": {"image/jpeg": {}, "image/png": {}}},
    304: {"description": "The caller has it already"},
}


NOT_MADE_SECONDS = 30
"""How long a phone may keep the whole image that stands in for a thumbnail on its way."""


class FileNotFound(Problem):
    """The file was deleted."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such file"
    message = "图片不存在或已删除，请刷新页面"


async def expect_upload(request: Request) -> None:
    """Tell a repeated upload by its content, as its multipart boundary differs.

    Runs before anything can refuse: the body is spent by then, and the idempotency of a
    refusal could no longer read it.
    """
    request.state.fingerprint = _NOTHING


async def uploaded(
    request: Request,
    file: Annotated[
        UploadFile, File(description="JPEG、PNG、WebP 或 HEIC,最大 10 MiB · One image.")
    ],
) -> UploadFile:
    """Return the upload, after noting what it contains."""
    digest = await asyncio.to_thread(file_digest, file.file, "sha256")  # type: ignore[arg-type]
    request.state.fingerprint = digest.digest()
    return file


UploadDep = Annotated[UploadFile, Depends(uploaded)]


@router.post(
    "/files",
    summary="上传图片 · Upload an image",
    max_body_size=LARGEST_BODY,
    form_limits={"max_files": 1},
    dependencies=[Depends(expect_upload)],
    responses=problems(
        BadRequest,
        InvalidRequest,
        NotSignedIn,
        TokenExpired,
        TokenRevoked,
        BodyTooLarge,
        service.FileTooLarge,
        service.FileEmpty,
        images.FileNotAnImage,
        images.ImageUnreadable,
        images.ImageTooLarge,
        TooManyRequests,
        blobs.FileStoreUnavailable,
    ),
)
async def store_upload(
    file: UploadDep, actor: ActorDep, tx: TxDep, store: StoreDep, links: LinksDep, now: NowDep
) -> FileOut:
    """上传一张图片，提交诉求等时用返回的 id;拍摄位置等附带信息会被去除,24 小时内未使用即删除。

    Upload one image; name its `id` in other calls within 24 hours, or it is deleted. It is
    encoded anew without position or other metadata, upright, at most 2560 pixels a side.
    """
    size = file.size or 0
    kept = await service.store_upload(tx, store, actor, file.file, size, now=now)
    return service.file_view(kept, links, now=now)


@router.get(
    "/files/{file_id}",
    summary="查看图片 · Show an image",
    response_class=StreamingResponse,
    responses=_SHOWN
    | problems(
        signed.LinkInvalid, FileNotFound, signed.LinkExpired, blobs.FileStoreUnavailable
    ),
)
async def show_file(
    request: Request,
    file_id: UUID,
    variant: Annotated[Variant, Query(description="原图或缩略图 · Which form.")],
    expires: Annotated[int, Query(ge=0, description="失效时间 · Seconds since 1970.")],
    signature: Annotated[str, Query(max_length=100, description="签名 · From the link.")],
    reader: ReaderDep,
    store: StoreDep,
    links: LinksDep,
    now: NowDep,
) -> Response:
    """打开 `url` 或 `thumbnail_url` 即可，无需登录；请勿自行拼接。缩略图生成前显示原图。

    What `url` and `thumbnail_url` lead to; needs no sign-in. Links are taken as they are given.
    Until a thumbnail has been made, its link shows the image itself.
    """
    links.check(file_id, variant, expires, signature, now=now)
    stored = await STORED.first(reader, file_id=file_id)
    if stored is None:
        raise FileNotFound
    small = variant is Variant.THUMBNAIL and stored.thumbnail_key is not None
    until = expires - int(now.timestamp())
    if variant is Variant.THUMBNAIL and not small:
        until = min(until, NOT_MADE_SECONDS)
    etag = f'"{stored.sha256.hex()[:32]}-{"small" if small else "whole"}"'
    headers = {"cache-control": f"private, max-age={until}", "etag": etag}
    known = request.headers.get("if-none-match", "").split(",")
    if etag in (tag.strip().removeprefix("W/") for tag in known):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    found = await blobs.stream(store, (small and stored.thumbnail_key) or stored.storage_key)
    if found is None:
        raise FileNotFound
    size, content = found
    headers |= {"content-length": str(size), "content-disposition": "inline"}
    media_type = "image/jpeg" if small else stored.media_type
    return StreamingResponse(content, headers=headers, media_type=media_type)
