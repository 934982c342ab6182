"""The hot reads of files, each compiled once."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

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
