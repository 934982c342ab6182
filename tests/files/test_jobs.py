"""What happens to files by itself: small images are made, unused ones go."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI
from httpx import AsyncClient
from procrastinate import JobContext
from sqlalchemy import select, text, update

from neighborhood_api.files import jobs, upkeep
from neighborhood_api.files import store as blobs
from neighborhood_api.files.links import Variant
from neighborhood_api.files.models import File
from neighborhood_api.files.service import claim_files, file_views
from neighborhood_api.files.store import Store, store_from
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.settings import Settings
from tests.files import pictures
from tests.files.conftest import accepted, key_of, path_of, stored_bytes
from tests.files.pictures import encoded, is_blue, is_red, opened, two_halves
from tests.support.people import Callers

PHOTO = encoded(two_halves((1200, 900)), "JPEG")
DAY = timedelta(days=1)


async def test_an_upload_asks_for_its_thumbnail_in_the_same_transaction(
    callers: Callers, tx: Tx
) -> None:
    body = await accepted(await callers.resident(), PHOTO)
    jobs_of_it = text("SELECT task_name FROM procrastinate_jobs WHERE args = CAST(:a AS jsonb)")
    asked = {"a": f'{{"file_id": "{body["id"]}"}}'}
    assert list(await tx.scalars(jobs_of_it, asked)) == ["files.make_thumbnail"]


async def test_the_thumbnail_is_small_upright_and_shown_by_a_link_of_its_own(
    app: FastAPI, callers: Callers, http: AsyncClient, tx: Tx, context: JobContext
) -> None:
    body = await accepted(
        await callers.resident(),
        encoded(two_halves((1200, 900)), "JPEG", exif=pictures.phone_exif(6)),
    )
    await jobs.make_thumbnail(context, file_id=body["id"])
    await jobs.make_thumbnail(context, file_id=body["id"])  # jobs run at least once
    now = datetime.now(UTC)
    (view,) = await file_views(tx, app.state.links, [UUID(body["id"])], now=now)
    assert view.thumbnail_url is not None
    answer = await http.get(path_of(view.thumbnail_url))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    image = opened(answer.content)
    assert image.size == (360, 480)
    assert is_red(image, 180, 50)
    assert is_blue(image, 180, 430)
    photo = await http.get(path_of(view.url))
    assert photo.headers["etag"] != answer.headers["etag"]


async def test_until_the_thumbnail_is_made_its_link_shows_the_image_for_a_short_while(
    app: FastAPI, callers: Callers, http: AsyncClient
) -> None:
    body = await accepted(await callers.resident(), PHOTO)
    links = app.state.links
    link = links.sign(UUID(body["id"]), Variant.THUMBNAIL, datetime.now(UTC))
    small = await http.get(path_of(link.url))
    whole = await http.get(path_of(body["url"]))
    assert (small.status_code, small.content) == (200, whole.content)
    assert small.headers["cache-control"] == "private, max-age=30"


async def test_a_transparent_image_gets_a_white_thumbnail(
    callers: Callers, tx: Tx, store: Store, context: JobContext
) -> None:
    clear = two_halves((600, 600), "RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 300, 600))
    body = await accepted(await callers.resident(), encoded(clear, "PNG"))
    await jobs.make_thumbnail(context, file_id=body["id"])
    small = await blobs.fetch(store, await key_of(tx, body["id"]) + blobs.THUMBNAIL)
    assert small is not None
    image = opened(small)
    assert (image.format, image.size) == ("JPEG", (480, 480))
    assert min(image.getpixel((100, 240))) > 240  # type: ignore[arg-type]
    assert is_blue(image, 400, 240)


async def test_a_thumbnail_of_a_deleted_file_is_not_missed(
    callers: Callers, tx: Tx, store: Store, context: JobContext
) -> None:
    await jobs.make_thumbnail(context, file_id=str(new_id()))
    body = await accepted(await callers.resident(), PHOTO)
    await blobs.delete(store, await key_of(tx, body["id"]))
    await jobs.make_thumbnail(context, file_id=body["id"])
    keys = (await tx.scalars(select(File.thumbnail_key))).all()
    assert keys == [None]


async def age(tx: Tx, file_id: str, by: timedelta) -> None:
    old = update(File).where(File.id == UUID(file_id))
    await tx.execute(old.values(created_at=datetime.now(UTC) - by))
    await tx.commit()


async def test_after_a_day_only_what_nothing_uses_is_deleted(
    callers: Callers, tx: Tx, store: Store, context: JobContext
) -> None:
    resident = await callers.resident()
    used, unused, fresh = [await accepted(resident, PHOTO) for _ in range(3)]
    keys = {b["id"]: await key_of(tx, b["id"]) for b in (used, unused, fresh)}
    await jobs.make_thumbnail(context, file_id=unused["id"])
    await claim_files(tx, resident.person_id, [UUID(used["id"])], now=datetime.now(UTC))
    await age(tx, used["id"], 2 * DAY)
    await age(tx, unused["id"], DAY + timedelta(minutes=1))
    await age(tx, fresh["id"], DAY - timedelta(minutes=5))

    await jobs.delete_unclaimed(context, timestamp=0)
    await jobs.delete_unclaimed(context, timestamp=0)

    left = set((await tx.scalars(select(File.id))).all())
    assert left == {UUID(used["id"]), UUID(fresh["id"])}
    assert await blobs.fetch(store, keys[unused["id"]]) is None
    assert await blobs.fetch(store, keys[unused["id"]] + blobs.THUMBNAIL) is None
    assert await stored_bytes(tx, store, used["id"])
    assert await stored_bytes(tx, store, fresh["id"])


async def test_bytes_that_no_row_names_are_found_a_day_later_and_no_sooner(
    callers: Callers, tx: Tx, rolled_back: Database, tmp_path: Path
) -> None:
    own = store_from(Settings(_env_file=None, data_dir=tmp_path))  # no other test's bytes
    kept = await key_of(tx, (await accepted(await callers.resident(), PHOTO))["id"])
    now = datetime.now(UTC)
    lost = blobs.new_key(now)
    named = [kept, kept + blobs.THUMBNAIL]
    for key in (*named, lost, lost + blobs.THUMBNAIL):
        await blobs.put(own, key, b"bytes")

    assert await upkeep.delete_orphans(rolled_back, own, now=now) == 0, "perhaps still to come"
    assert await blobs.fetch(own, lost) is not None

    later = now + DAY + timedelta(minutes=1)
    assert await upkeep.delete_orphans(rolled_back, own, now=later) == 2
    assert await blobs.fetch(own, lost) is None
    assert await blobs.fetch(own, lost + blobs.THUMBNAIL) is None
    assert [await blobs.fetch(own, key) for key in named] == [b"bytes", b"bytes"]
