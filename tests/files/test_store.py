"""Where the bytes lie: a private folder, or a bucket."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import text

from neighborhood_api.files import store as blobs
from neighborhood_api.files import upkeep
from neighborhood_api.files.store import FileStoreError, FileStoreUnavailable, store_from
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.settings import Settings
from tests.files.bucket import Bucket, open_bucket
from tests.files.conftest import accepted, key_of, names_in, path_of, upload
from tests.files.pictures import encoded, two_halves
from tests.support.people import Callers

PHOTO = encoded(two_halves(), "JPEG")
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def settings_in(folder: Path, **values: Any) -> Settings:  # noqa: ANN401
    return Settings(_env_file=None, data_dir=folder, **values)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with open_bucket() as bucket:
        monkeypatch.setenv("AWS_ENDPOINT", bucket.endpoint)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_REGION", "cn-south-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield bucket


@pytest.fixture
def in_bucket(app: FastAPI, tmp_path: Path, bucket: Bucket) -> Iterator[Bucket]:
    """The application, keeping its files in a bucket."""
    folder = app.state.store
    app.state.store = store_from(settings_in(tmp_path, files_url="s3://street/photos"))
    yield bucket
    app.state.store = folder


async def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    store = store_from(settings_in(tmp_path / "数据 1"))
    key = blobs.new_key(NOW)
    assert key.startswith("2026/11/22/")
    await blobs.put(store, key, b"bytes")
    kept = tmp_path / "数据 1" / "files"
    assert (kept / key).read_bytes() == b"bytes"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert await blobs.fetch(store, key) == b"bytes"
    await blobs.delete(store, key, key)
    assert await blobs.fetch(store, key) is None
    assert names_in(kept) == [], "no empty folders are left"


async def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("in the way")
    with pytest.raises(FileStoreError, match="make it writable"):
        store_from(settings_in(tmp_path))


async def test_only_buckets_can_be_named(tmp_path: Path) -> None:
    with pytest.raises(FileStoreError, match="s3://bucket/prefix"):
        store_from(settings_in(tmp_path, files_url="https://example.org/photos"))


async def test_photos_go_to_a_bucket_and_come_from_it(
    in_bucket: Bucket, callers: Callers, http: AsyncClient, tx: Tx
) -> None:
    body = await accepted(await callers.resident(), PHOTO)
    key = await key_of(tx, body["id"])
    assert list(in_bucket.objects) == [f"/street/photos/{key}"]
    assert in_bucket.signed == {"AWS4-HMAC-SHA256"}
    answer = await http.get(path_of(body["url"]))
    assert answer.content == in_bucket.objects[f"/street/photos/{key}"]


async def test_a_bucket_that_is_away_loses_nothing_and_says_so(
    in_bucket: Bucket, callers: Callers, tx: Tx
) -> None:
    in_bucket.fails = True
    answer = await upload(await callers.resident(), PHOTO)
    assert (answer.status_code, answer.json()["code"]) == (503, "file_store_unavailable")
    assert answer.json()["retry_after_seconds"] > 0
    assert (await tx.execute(text("SELECT count(*) FROM file"))).scalar_one() == 0


async def test_a_bucket_is_cleaned_up_too(
    bucket: Bucket, tmp_path: Path, rolled_back: Database
) -> None:
    store = store_from(settings_in(tmp_path, files_url="s3://street/photos"))
    now = datetime.now(UTC)
    await blobs.put(store, blobs.new_key(now), b"bytes")
    await blobs.delete(store, blobs.new_key(now))
    assert await upkeep.delete_orphans(rolled_back, store, now=now) == 0
    assert len(bucket.objects) == 1
    later = now + timedelta(days=1, minutes=1)
    assert await upkeep.delete_orphans(rolled_back, store, now=later) == 1
    assert bucket.objects == {}


async def test_a_disk_that_refuses_is_a_store_that_is_away(tmp_path: Path) -> None:
    store = store_from(settings_in(tmp_path))
    (tmp_path / "files" / "2026").write_text("in the way")
    with pytest.raises(FileStoreUnavailable):
        await blobs.put(store, blobs.new_key(NOW), b"bytes")
