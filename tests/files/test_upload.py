"""A photo goes in with everything a phone puts into it, and only its pixels are kept."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from PIL import Image
from sqlalchemy import text
from starlette.types import Message

from neighborhood_api.files.store import Store
from neighborhood_api.kit.db import Tx
from tests.files import pictures
from tests.files.conftest import accepted, stored_bytes, upload
from tests.files.pictures import encoded, is_blue, is_red, opened, two_halves
from tests.support.people import Callers

MIB = 1024 * 1024


async def count(tx: Tx, table: str) -> int:
    number: int = (await tx.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()  # noqa: S608
    return number


async def test_a_phone_photo_is_kept_upright_and_without_position_or_maker(
    callers: Callers, tx: Tx, store: Store
) -> None:
    sent = pictures.phone_photo(orientation=6)
    assert all(word in sent for word in (b"HUAWEI", b"at my door", b"ICC_PROFILE"))
    assert opened(sent).getexif().get_ifd(0x8825), "the test's photo must carry a position"

    body = await accepted(await callers.resident(), sent)

    kept = await stored_bytes(tx, store, body["id"])
    image = opened(kept)
    assert (body["width"], body["height"]) == image.size == (240, 320), "turned upright"
    assert is_red(image, 120, 40), "what was left is now above"
    assert is_blue(image, 120, 280)
    assert body["media_type"] == "image/jpeg"
    assert body["thumbnail_url"] is None
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not [word for word in pictures.SECRETS if word in kept]


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_every_way_of_holding_the_phone_ends_upright(
    callers: Callers, tx: Tx, store: Store, orientation: int
) -> None:
    upright = two_halves((64, 48))
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    upright.paste((20, 160, 20), (0, 0, 16, 16))  # a green corner tells left from right
    held = upright if undo is None else upright.transpose(undo)
    exif = pictures.phone_exif(orientation)
    body = await accepted(
        await callers.resident(), encoded(held, "JPEG", exif=exif, quality=95, subsampling=0)
    )
    image = opened(await stored_bytes(tx, store, body["id"]))
    assert image.size == (64, 48)
    assert image.getpixel((6, 6))[1] > 120  # type: ignore[index]
    assert is_red(image, 8, 40)
    assert is_blue(image, 56, 8)


async def test_a_heic_photo_of_an_iphone_becomes_a_jpeg(
    callers: Callers, tx: Tx, store: Store
) -> None:
    sent = encoded(two_halves(), "HEIF", exif=pictures.phone_exif(6).tobytes(), quality=90)
    assert sent[4:8] == b"ftyp"
    assert b"irot" in sent, "it says twice that it must be turned: in its own way, and in EXIF"
    body = await accepted(await callers.resident(), sent, name="IMG_0001.HEIC")
    kept = await stored_bytes(tx, store, body["id"])
    image = opened(kept)
    assert image.format == "JPEG"
    assert (body["width"], body["height"]) == image.size == (240, 320), "turned once, not twice"
    assert is_red(image, 120, 40)
    assert not [word for word in pictures.SECRETS if word in kept]


async def test_transparent_parts_are_kept_in_a_png(
    callers: Callers, tx: Tx, store: Store
) -> None:
    image = two_halves(mode="RGBA")
    image.putpixel((0, 0), (1, 2, 3, 0))
    sent = encoded(image, "PNG", exif=pictures.phone_exif(), icc_profile=b"iCCP of nothing")
    body = await accepted(await callers.resident(), sent)
    kept = opened(await stored_bytes(tx, store, body["id"]))
    assert body["media_type"] == "image/png"
    assert kept.format == "PNG"
    assert kept.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert not kept.getexif()
    assert "icc_profile" not in kept.info


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("RGBA", "PNG"),
        ("P", "PNG"),
        ("L", "PNG"),
        ("1", "PNG"),
        ("CMYK", "JPEG"),
        ("L", "JPEG"),
    ],
)
async def test_opaque_images_of_any_mode_become_rgb_jpegs(
    callers: Callers, tx: Tx, store: Store, mode: str, form: str
) -> None:
    body = await accepted(await callers.resident(), encoded(two_halves(mode=mode), form))
    kept = opened(await stored_bytes(tx, store, body["id"]))
    assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (320, 240))
    if mode not in {"L", "1"}:
        assert is_red(kept, 40, 100)
        assert is_blue(kept, 280, 100)


async def test_a_scan_of_sixteen_bits_keeps_its_shades(
    callers: Callers, tx: Tx, store: Store
) -> None:
    scan = Image.new("I;16", (64, 64), 0x4000)
    body = await accepted(await callers.resident(), encoded(scan, "PNG"))
    kept = opened(await stored_bytes(tx, store, body["id"]))
    assert abs(kept.getpixel((30, 30))[0] - 0x40) <= 2  # type: ignore[index]


async def test_of_an_animation_the_first_picture_is_kept(
    callers: Callers, tx: Tx, store: Store
) -> None:
    frames = [
        Image.new("RGB", (60, 40), pictures.RED),
        Image.new("RGB", (60, 40), pictures.BLUE),
    ]
    for form in ("WEBP", "PNG"):
        sent = encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=100)
        body = await accepted(await callers.resident(), sent)
        kept = opened(await stored_bytes(tx, store, body["id"]))
        assert kept.format == "JPEG"
        assert is_red(kept, 30, 20)


async def test_a_large_photo_is_made_smaller(callers: Callers, tx: Tx, store: Store) -> None:
    sent = encoded(two_halves((6000, 3000)), "JPEG")
    body = await accepted(await callers.resident(), sent)
    assert (body["width"], body["height"]) == (2560, 1280)
    assert opened(await stored_bytes(tx, store, body["id"])).size == (2560, 1280)


async def test_what_is_hidden_behind_the_image_is_gone(
    callers: Callers, tx: Tx, store: Store
) -> None:
    sent = encoded(two_halves(), "JPEG") + b"<script>alert(1)</script>PK\x03\x04"
    body = await accepted(await callers.resident(), sent)
    kept = await stored_bytes(tx, store, body["id"])
    assert b"<script>" not in kept
    assert b"PK\x03\x04" not in kept


async def test_a_broken_profile_or_exif_does_not_lose_the_photo(callers: Callers) -> None:
    sent = encoded(
        two_halves(), "JPEG", exif=b"Exif\0\0not TIFF at all", icc_profile=b"?" * 200
    )
    body = await accepted(await callers.resident(), sent)
    assert (body["width"], body["height"]) == (320, 240)


GIF = encoded(two_halves(), "GIF", save_all=True, append_images=[two_halves()], duration=100)
PHOTO = encoded(two_halves(), "JPEG")


REFUSED = {
    "nothing": (b"", "file_empty"),
    "text": ("这是一段文字，不是图片".encode() * 20, "file_not_an_image"),
    "animated gif": (GIF, "file_not_an_image"),
    "tiff": (encoded(two_halves(), "TIFF"), "file_not_an_image"),
    "avif": (encoded(two_halves(), "AVIF"), "file_not_an_image"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "file_not_an_image"),
    "pdf": (b"%PDF-1.7\n" + bytes(500), "file_not_an_image"),
    "half a jpeg": (PHOTO[: len(PHOTO) // 2], "image_unreadable"),
    "start of a jpeg": (PHOTO[:12], "image_unreadable"),
    "png cut off": (encoded(two_halves(), "PNG")[:-40], "image_unreadable"),
    "webp cut off": (encoded(two_halves(), "WEBP")[:100], "image_unreadable"),
    "heic cut off": (encoded(two_halves(), "HEIF")[:-100], "image_unreadable"),
    "bomb": (pictures.png_header_of(60_000, 60_000), "image_too_large"),
}


@pytest.mark.parametrize(("content", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_not_a_whole_image_is_refused_and_leaves_nothing(
    callers: Callers, tx: Tx, content: bytes, code: str
) -> None:
    before = await count(tx, "file"), await count(tx, "procrastinate_jobs")
    answer = await upload(await callers.resident(), content, name="photo.jpg")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["message"]
    assert (await count(tx, "file"), await count(tx, "procrastinate_jobs")) == before


async def test_ten_mebibytes_are_taken_and_one_byte_more_is_not(callers: Callers) -> None:
    resident = await callers.resident()
    photo = encoded(two_halves(), "JPEG")
    full = photo + bytes(10 * MIB - len(photo))
    assert (await upload(resident, full)).status_code == 200
    over = await upload(resident, full + b"\0")
    assert (over.status_code, over.json()["code"]) == (413, "file_too_large")
    much = await upload(resident, full + bytes(9 * MIB))
    assert (much.status_code, much.json()["code"]) == (413, "file_too_large")


async def test_a_body_that_does_not_end_is_cut_off(callers: Callers) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        while True:
            yield bytes(MIB)

    resident = await callers.resident()
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = await resident.post("/files", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["message"]


async def test_the_form_must_have_one_file(callers: Callers) -> None:
    resident = await callers.resident()
    none = await resident.post("/files", files={"photo": ("a.jpg", PHOTO)})
    assert none.status_code == 422
    assert none.json()["errors"][0]["pointer"] == "#/body/file"
    text = await resident.post("/files", data={"file": "a photo"})
    assert text.json()["errors"][0]["message"] == "内容不符合要求"
    two = await resident.post("/files", files=[("file", ("a", PHOTO)), ("file", ("b", PHOTO))])
    assert (two.status_code, two.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize("field", ["file", "photo"])
async def test_nobody_uploads_without_signing_in(http: AsyncClient, tx: Tx, field: str) -> None:
    for headers in ({}, {"idempotency-key": "k-1"}):
        answer = await http.post("/files", files={field: ("a.jpg", PHOTO)}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert await count(tx, "file") == 0


async def test_a_repeated_upload_is_answered_the_same_and_kept_once(
    callers: Callers, tx: Tx
) -> None:
    resident = await callers.resident()
    first = await upload(resident, PHOTO, key="once", name="a.jpg")
    again = await upload(resident, PHOTO, key="once", name="b.jpg")
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert await count(tx, "file") == 1
    assert await count(tx, "procrastinate_jobs") == 1


async def test_another_photo_under_the_same_key_is_refused(callers: Callers, tx: Tx) -> None:
    resident = await callers.resident()
    await accepted(resident, PHOTO, key="once")
    other = await upload(resident, encoded(two_halves((50, 50)), "JPEG"), key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    empty = await upload(resident, b"", key="once")
    assert (empty.status_code, empty.json()["code"]) == (422, "idempotency_key_reused")
    assert await count(tx, "file") == 1


async def test_a_stranger_is_refused_before_the_body_is_taken(app: FastAPI) -> None:
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    answers: list[Message] = []

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/files",
        "raw_path": b"/api/v1/files",
        "query_string": b"",
        "headers": [(b"content-type", b"multipart/form-data; boundary=b")],
        "app": app,
    }
    await app(scope, receive, send)
    assert (answers[0]["status"], taken) == (401, 0)


async def test_a_body_declared_too_large_is_a_problem_document(callers: Callers) -> None:
    resident = await callers.resident()
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    answer = await resident.post("/issues", content=b"x" * (2 * 1024 * 1024), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "x-request-id" in answer.headers
