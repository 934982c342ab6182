"""Where the bytes lie: a private local folder, or a bucket of an S3-compatible service.

Keys are random under the day they were made on, so nobody guesses one, nothing is ever
overwritten by something else, and what a failed commit left behind can be found by day.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from neighborhood_api.kit.problems import Problem
from neighborhood_api.settings import Settings

Store: TypeAlias = LocalStore | S3Store

THUMBNAIL = ".thumbnail"
"""Added to an image's key for the key of its thumbnail."""
_CHUNK = 256 * 1024


class FileStoreUnavailable(Problem):
    """The folder or service that keeps images does not answer; nothing was changed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "The image store cannot be reached just now"
    message = "图片暂时无法保存或读取，请稍后再试"


class FileStoreError(Exception):
    """The store cannot be used as configured; the text says what to do."""


def store_from(settings: Settings) -> Store:
    """Return the store that the settings name.

    Credentials, region and endpoint of a bucket are read by obstore from the usual
    environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT
    (and AWS_ALLOW_HTTP=true for one without TLS).

    Raises: FileStoreError.
    """
    if settings.files_url is None:
        return _local(settings.data_dir / "files")
    if not settings.files_url.startswith("s3://"):
        raise FileStoreError("NEIGHBORHOOD_FILES_URL must look like s3://bucket/prefix")
    try:
        return S3Store.from_url(
            settings.files_url,
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
        )
    except (BaseError, ValueError) as exc:
        raise FileStoreError(
            f"NEIGHBORHOOD_FILES_URL cannot be used ({exc}): "
            "check it and the AWS_* variables beside it"
        ) from exc


def _local(folder: Path) -> LocalStore:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(folder.resolve(), automatic_cleanup=True)
    except (OSError, BaseError) as exc:
        raise FileStoreError(
            f"cannot keep uploads in {folder} ({exc}): "
            "make it writable, or set NEIGHBORHOOD_DATA_DIR or NEIGHBORHOOD_FILES_URL"
        ) from exc


def new_key(now: datetime) -> str:
    """Return a key that nobody can guess, under its day."""
    return f"{folder_of(now.date())}/{uuid4().hex}"


def folder_of(day: date) -> str:
    """Return where the keys of a day lie."""
    return f"{day:%Y/%m/%d}"


async def put(store: Store, key: str, content: bytes) -> None:
    """Keep `content` under `key`, whole or not at all, and on disk when this returns.

    Raises: FileStoreUnavailable.
    """
    with _reaching():
        await store.put_async(key, content, use_multipart=False)
        if isinstance(store, LocalStore) and store.prefix is not None:
            await asyncio.to_thread(_sync, store.prefix / key)


async def put_stream(store: Store, key: str, blocks: AsyncIterator[bytes]) -> None:
    """Keep what comes in blocks under `key` like `put`, without holding all of it in memory.

    Raises: FileStoreUnavailable.
    """
    with _reaching():
        await store.put_async(key, blocks, use_multipart=True)
        if isinstance(store, LocalStore) and store.prefix is not None:
            await asyncio.to_thread(_sync, store.prefix / key)


async def fetch(store: Store, key: str) -> bytes | None:
    """Return what lies under `key`, if anything does.

    Raises: FileStoreUnavailable.
    """
    with _reaching():
        try:
            got = await store.get_async(key)
            return bytes(await got.bytes_async())
        except FileNotFoundError:
            return None


async def stream(store: Store, key: str) -> tuple[int, AsyncIterator[bytes]] | None:
    """Return the size and the bytes under `key`, if anything lies there.

    Raises: FileStoreUnavailable.
    """
    with _reaching():
        try:
            got = await store.get_async(key)
        except FileNotFoundError:
            return None
        return got.meta["size"], aiter(got.stream(_CHUNK))


async def delete(store: Store, *keys: str) -> None:
    """Delete what lies under `keys`; what is gone already is no error.

    Raises: FileStoreUnavailable.
    """
    for key in keys:  # one by one: in a bulk, one missing file would hide what became of others
        with _reaching():
            try:
                await store.delete_async(key)
            except FileNotFoundError:
                continue


async def keys_of(store: Store, day: date) -> AsyncIterator[list[tuple[str, datetime]]]:
    """Give the keys of a day and when each was written, some at a time."""
    with _reaching():
        async for batch in store.list(folder_of(day), chunk_size=500):
            yield [(found["path"], found["last_modified"]) for found in batch]


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as exc:
        raise FileStoreUnavailable(retry_after_seconds=5) from exc


def _sync(path: Path) -> None:
    """Force a file and its name to disk, as PostgreSQL does with the row that names it."""
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
