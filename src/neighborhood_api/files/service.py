"""Rules of files: what is taken, who may use it, what is shown."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import select, update

from neighborhood_api.files import store as blobs
from neighborhood_api.files.images import clean_picture, in_workshop, thumbnail_of
from neighborhood_api.files.links import Links, Variant
from neighborhood_api.files.models import File
from neighborhood_api.files.queries import CLAIM, SHOWN, Shown
from neighborhood_api.files.schemas import FileOut
from neighborhood_api.files.store import Store
from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import Database, Handle, Source, Tx
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.problems import Problem

LARGEST_BYTES = 10 * 1024 * 1024
"""What `wx.uploadFile` sends at most."""


class FileTooLarge(Problem):
    """The image has more than 10 MiB."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The image is larger than 10 MiB"
    message = "图片不能超过 10 MB,请压缩后再上传"


class FileEmpty(Problem):
    """The file has no content."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The file is empty"
    message = "图片是空的，请重新选择后再上传"


class FilesNotUsable(Problem):
    """Some files are unknown, somebody else's or in use; `file_ids` says which."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Some files are unknown, not yours, expired or already used"
    message = "有图片已失效或已经用过，请重新上传"


async def store_upload(
    tx: Tx,
    store: Store,
    actor: Actor,
    upload: BinaryIO,
    size: int,
    *,
    now: datetime,
) -> File:
    """Check, strip and keep an upload, and ask for its thumbnail.

    The bytes are stored before the row: a commit that fails leaves bytes that no row names,
    which `upkeep.delete_orphans` removes, and never a row without its bytes.

    Raises: FileTooLarge, FileEmpty, FileNotAnImage, ImageUnreadable, ImageTooLarge,
        FileStoreUnavailable.
    """
    if size > LARGEST_BYTES:
        raise FileTooLarge
    if size == 0:
        raise FileEmpty
    picture = await in_workshop(clean_picture, upload)
    key = blobs.new_key(now)
    await blobs.put(store, key, picture.content)
    file = File(
        uploaded_by=actor.person_id,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size_bytes=len(picture.content),
        sha256=sha256(picture.content).digest(),
        storage_key=key,
        created_at=now,
    )
    tx.add(file)
    await enqueue(tx, "files.make_thumbnail", file_id=str(file.id))
    return file


async def claim_files(
    handle: Handle, person_id: UUID, file_ids: Sequence[UUID], *, now: datetime
) -> None:
    """Mark the files as used by something that `person_id` makes; each is used once.

    Of two requests that want the same file, the second waits for the first and is refused.

    Raises: FilesNotUsable.
    """
    wanted = set(file_ids)
    if not wanted:
        return
    claimed = await CLAIM.all(handle, ids=[*wanted], person_id=person_id, now=now)
    if refused := wanted - {file.id for file in claimed}:
        raise FilesNotUsable(file_ids=[*sorted(map(str, refused))])


async def file_views(
    source: Source, links: Links, file_ids: Sequence[UUID], *, now: datetime
) -> list[FileOut]:
    """Return the files with links, in the order asked for; what does not exist is left out.

    Whether the caller may see them is for the domain that names them to know.
    """
    if not file_ids:
        return []
    rows = {row.id: row for row in await SHOWN.all(source, ids=list(file_ids))}
    return [file_view(rows[i], links, now=now) for i in file_ids if i in rows]


def file_view(file: File | Shown, links: Links, *, now: datetime) -> FileOut:
    """Return a file with links."""
    photo = links.sign(file.id, Variant.PHOTO, now)
    thumbnail = links.sign(file.id, Variant.THUMBNAIL, now) if file.thumbnail_key else None
    return FileOut(
        id=file.id,
        url=photo.url,
        thumbnail_url=None if thumbnail is None else thumbnail.url,
        width=file.width,
        height=file.height,
        media_type=file.media_type,
        expires_at=photo.expires_at,
    )


async def make_thumbnail(database: Database, store: Store, file_id: UUID) -> None:
    """Make a file's thumbnail; a file deleted meanwhile needs none, a repeat changes nothing.

    Raises: FileStoreUnavailable.
    """
    wanted = select(File.storage_key).where(File.id == file_id, File.thumbnail_key.is_(None))
    async with database.transaction() as tx:
        key = await tx.scalar(wanted)
    content = None if key is None else await blobs.fetch(store, key)
    if key is None or content is None:
        return
    thumbnail = await in_workshop(thumbnail_of, content)
    await blobs.put(store, key + blobs.THUMBNAIL, thumbnail.content)
    async with database.transaction() as tx:
        made = update(File).where(File.id == file_id)
        await tx.execute(made.values(thumbnail_key=key + blobs.THUMBNAIL))
