"""Two phones, one photo."""

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from uuid import UUID

from PIL import Image
from sqlalchemy import func, select

from neighborhood_api.files.models import File
from neighborhood_api.files.service import FilesNotUsable, claim_files
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from tests.support.people import Caller, Callers


def photo() -> bytes:
    target = BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(target, "JPEG")
    return target.getvalue()


async def upload(caller: Caller, *, key: str) -> dict[str, str]:
    answer = await caller.post(
        "/files", files={"file": ("a.jpg", photo())}, headers={"idempotency-key": key}
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, str] = answer.json()
    return body


async def test_of_many_requests_that_use_the_same_photos_one_gets_them(
    live_database: Database, live_callers: Callers
) -> None:
    resident = await live_callers.resident()
    ids = [UUID((await upload(resident, key=f"{n}"))["id"]) for n in range(4)]

    async def use(turn: int) -> object:
        order = ids if turn % 2 else ids[::-1]
        try:
            async with live_database.transaction() as tx:
                await claim_files(tx, resident.person_id, order, now=datetime.now(UTC))
                await asyncio.sleep(0.05)  # the rest of the request
        except FilesNotUsable as refusal:
            return refusal.members["file_ids"]
        return "used"

    outcomes = await asyncio.gather(*map(use, range(8)))
    refused = [outcome for outcome in outcomes if outcome != "used"]
    assert refused == [sorted(map(str, ids))] * 7
    async with live_database.transaction() as tx:
        moments = set(await tx.scalars(select(File.claimed_at).where(File.id.in_(ids))))
    assert len(moments) == 1, "all by the same request"
    assert None not in moments


async def test_a_request_that_fails_gives_the_photo_back(
    live_database: Database, live_callers: Callers
) -> None:
    resident = await live_callers.resident()
    mine = UUID((await upload(resident, key="mine"))["id"])
    now = datetime.now(UTC)
    async with live_database.sessions() as failing:
        await claim_files(failing, resident.person_id, [mine], now=now)  # type: ignore[arg-type]
        await failing.rollback()
    async with live_database.transaction() as tx:
        await claim_files(tx, resident.person_id, [mine], now=now)
    async with live_database.transaction() as tx:
        assert await tx.scalar(select(File.claimed_at).where(File.id == mine)) == now


async def test_an_upload_sent_ten_times_at_once_is_kept_once(
    live_database: Database, live_callers: Callers
) -> None:
    resident = await live_callers.resident()
    key = new_id().hex
    answers = await asyncio.gather(*(upload(resident, key=key) for _ in range(10)))
    assert len({answer["id"] for answer in answers}) == 1
    async with live_database.transaction() as tx:
        mine = select(func.count()).where(File.uploaded_by == resident.person_id)
        assert await tx.scalar(mine) == 1
