"""The hot statements of files, each compiled once."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, select, update

from neighborhood_api.files.models import File
from neighborhood_api.kit.reads import Query


class Shown(NamedTuple):
    """What an answer says of a file."""

    id: UUID
    media_type: str
    width: int
    height: int
    thumbnail_key: str | None


class Stored(NamedTuple):
    """What serving a file takes."""

    media_type: str
    sha256: bytes
    storage_key: str
    thumbnail_key: str | None


SHOWN = Query(
    select(File.id, File.media_type, File.width, File.height, File.thumbnail_key).where(
        File.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    ),
    Shown,
)
STORED = Query(
    select(File.media_type, File.sha256, File.storage_key, File.thumbnail_key).where(
        File.id == bindparam("file_id", type_=Uuid)
    ),
    Stored,
)


class Claimed(NamedTuple):
    """A file that was free."""

    id: UUID


_FREE = (
    select(File.id)
    .where(
        File.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        File.uploaded_by == bindparam("person_id", type_=Uuid),
        File.claimed_at.is_(None),
    )
    .order_by(File.id)
    .with_for_update(key_share=True)
    .cte("free")
)
CLAIM = Query(
    update(File)
    .where(File.id == _FREE.c.id)
    .values(claimed_at=bindparam("now", type_=DateTime(timezone=True)))
    .returning(File.id),
    Claimed,
)
"""Takes the files that nothing uses yet; locked in one order, so that nobody deadlocks."""
