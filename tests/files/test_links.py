"""Links: signed, for about an hour, and for what they were made for."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import update

from neighborhood_api.files import store as blobs
from neighborhood_api.files.links import Links, LinkSecretError, Variant, links_from
from neighborhood_api.files.models import File
from neighborhood_api.files.service import file_views
from neighborhood_api.files.store import Store
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.settings import Settings
from tests.files.conftest import accepted, key_of, names_in, path_of, stored_bytes
from tests.files.pictures import encoded, two_halves
from tests.support.people import Callers

PHOTO = encoded(two_halves(), "JPEG")
TEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def clock(app: FastAPI) -> Iterator[list[datetime]]:
    """What the application takes for now."""
    moment, before = [datetime.now(UTC)], app.state.clock
    app.state.clock = lambda: moment[0]
    yield moment
    app.state.clock = before


async def test_a_link_shows_the_stored_image_to_anyone(
    callers: Callers, http: AsyncClient, tx: Tx, store: Store, clock: list[datetime]
) -> None:
    body = await accepted(await callers.resident(), PHOTO)
    assert body["url"].startswith(f"/api/v1/files/{body['id']}?")
    answer = await http.get(path_of(body["url"]))
    kept = await stored_bytes(tx, store, body["id"])
    assert answer.status_code == 200
    assert answer.content == kept
    ends = datetime.fromisoformat(body["expires_at"])
    left = int((ends - clock[0]).total_seconds())
    assert 3600 <= left <= 4200
    headers = answer.headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-length"] == str(len(kept))
    assert headers["content-disposition"] == "inline"
    assert headers["x-content-type-options"] == "nosniff"
    kind, _, seconds = headers["cache-control"].partition(", max-age=")
    assert kind == "private"
    assert abs(int(seconds) - left) <= 1


async def test_a_phone_that_has_the_image_is_not_sent_it_again(
    callers: Callers, http: AsyncClient
) -> None:
    body = await accepted(await callers.resident(), PHOTO)
    url = path_of(body["url"])
    etag = (await http.get(url)).headers["etag"]
    again = await http.get(url, headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    other = await http.get(url, headers={"if-none-match": '"another"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"variant": "thumbnail"},
        {"expires": "9999999999"},
        {"signature": "A" * 43},
        {"signature": "签名"},
        {"signature": ""},
    ],
    ids=str,
)
async def test_a_changed_link_shows_nothing(
    callers: Callers, http: AsyncClient, change: dict[str, str]
) -> None:
    body = await accepted(await callers.resident(), PHOTO)
    parts = urlsplit(path_of(body["url"]))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    answer = await http.get(parts.path, params=query | change)
    assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")


async def test_the_link_of_one_image_does_not_open_another(
    callers: Callers, http: AsyncClient
) -> None:
    resident = await callers.resident()
    one = await accepted(resident, PHOTO)
    two = await accepted(resident, PHOTO)
    answer = await http.get(path_of(one["url"]).replace(one["id"], two["id"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")


async def test_a_link_ends_when_it_says(
    callers: Callers, http: AsyncClient, clock: list[datetime]
) -> None:
    body = await accepted(await callers.resident(), PHOTO)
    ends = datetime.fromisoformat(body["expires_at"])
    clock[0] = ends - timedelta(seconds=1)
    assert (await http.get(path_of(body["url"]))).status_code == 200
    clock[0] = ends
    over = await http.get(path_of(body["url"]))
    assert (over.status_code, over.json()["code"]) == (410, "link_expired")
    assert over.json()["message"]


async def test_a_good_link_to_a_deleted_file_says_so(
    app: FastAPI, callers: Callers, http: AsyncClient, tx: Tx, store: Store
) -> None:
    unknown = app.state.links.sign(new_id(), Variant.PHOTO, datetime.now(UTC))
    answer = await http.get(path_of(unknown.url))
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")
    body = await accepted(await callers.resident(), PHOTO)
    await blobs.delete(store, await key_of(tx, body["id"]))
    answer = await http.get(path_of(body["url"]))
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


async def test_links_made_within_ten_minutes_are_equal() -> None:
    links = Links(b"s" * 32)
    file_id = new_id()
    signed = [
        links.sign(file_id, Variant.PHOTO, TEN + timedelta(minutes=m)) for m in (1, 10, 11)
    ]
    assert signed[0] == signed[1] != signed[2]
    assert signed[0].expires_at == TEN + timedelta(minutes=70)
    assert links.sign(file_id, Variant.PHOTO, TEN).expires_at == TEN + timedelta(minutes=60)


async def test_another_secret_makes_other_links() -> None:
    file_id = new_id()
    one = Links(b"s" * 32).sign(file_id, Variant.PHOTO, TEN)
    two = Links(b"t" * 32).sign(file_id, Variant.PHOTO, TEN)
    assert one.url != two.url
    assert "sss" not in repr(Links(b"s" * 32))


async def test_other_answers_carry_the_views_in_their_own_order(
    callers: Callers, app: FastAPI, tx: Tx
) -> None:
    resident = await callers.resident()
    ids = [UUID((await accepted(resident, PHOTO))["id"]) for _ in range(3)]
    made = update(File).where(File.id == ids[1]).values(thumbnail_key="x.thumbnail")
    await tx.execute(made)
    wanted = [ids[2], new_id(), ids[1]]
    views = await file_views(tx, app.state.links, wanted, now=TEN)
    assert [view.id for view in views] == [ids[2], ids[1]]
    assert views[0].thumbnail_url is None
    assert views[1].thumbnail_url is not None
    assert "variant=thumbnail" in views[1].thumbnail_url
    assert await file_views(tx, app.state.links, [], now=TEN) == []


def settings_in(folder: Path, **values: Any) -> Settings:  # noqa: ANN401
    return Settings(_env_file=None, data_dir=folder, **values)


async def test_processes_that_start_together_agree_on_one_private_secret(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path / "数据 1")
    with ThreadPoolExecutor(8) as pool:
        loop = asyncio.get_running_loop()
        tries = [loop.run_in_executor(pool, links_from, settings, "/api/v1") for _ in range(16)]
        made = await asyncio.gather(*tries)
    assert len({links.secret for links in made}) == 1
    kept = tmp_path / "数据 1" / "keys"
    assert names_in(kept) == ["link-secret"], "no drafts are left"
    assert (kept / "link-secret").stat().st_mode & 0o777 == 0o600
    assert links_from(settings, "/api/v1").secret == made[0].secret


async def test_the_setting_comes_before_the_kept_secret(tmp_path: Path) -> None:
    given = links_from(settings_in(tmp_path, link_secret="x" * 32), "/api/v1")
    assert given.secret == b"x" * 32
    assert not names_in(tmp_path)
    with pytest.raises(LinkSecretError, match="openssl rand"):
        links_from(settings_in(tmp_path, link_secret="short"), "/api/v1")


async def test_a_damaged_secret_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "link-secret").write_bytes(b"")
    with pytest.raises(LinkSecretError, match="damaged"):
        links_from(settings_in(tmp_path), "/api/v1")
