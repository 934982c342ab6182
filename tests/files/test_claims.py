"""A file is used once, and by the person who uploaded it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from procrastinate import JobContext
from sqlalchemy import select

from neighborhood_api.files import jobs
from neighborhood_api.files.models import File
from neighborhood_api.files.service import FilesNotUsable, claim_files
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from tests.files.conftest import accepted
from tests.files.pictures import encoded, two_halves
from tests.support.people import Caller, Callers

PHOTO = encoded(two_halves(), "JPEG")
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


async def uploads(caller: Caller, number: int) -> list[UUID]:
    return [UUID((await accepted(caller, PHOTO))["id"]) for _ in range(number)]


async def claimed(tx: Tx) -> set[UUID]:
    return set(await tx.scalars(select(File.id).where(File.claimed_at == NOW)))


async def test_own_files_are_claimed_in_any_order_and_named_twice_is_once(
    callers: Callers, tx: Tx
) -> None:
    resident = await callers.resident()
    one, two, three = await uploads(resident, 3)
    await claim_files(tx, resident.person_id, [two, one, two], now=NOW)
    assert await claimed(tx) == {one, two}
    await claim_files(tx, resident.person_id, [], now=NOW)
    await claim_files(tx, resident.person_id, [three], now=NOW)
    assert await claimed(tx) == {one, two, three}


async def test_files_of_others_used_ones_and_unknown_ones_are_named_in_the_refusal(
    callers: Callers, tx: Tx
) -> None:
    resident, neighbour = await callers.resident(), await callers.resident()
    mine, used = await uploads(resident, 2)
    (hers,) = await uploads(neighbour, 1)
    unknown = new_id()
    await claim_files(tx, resident.person_id, [used], now=NOW)
    await tx.commit()
    with pytest.raises(FilesNotUsable) as refusal:
        await claim_files(tx, resident.person_id, [mine, hers, unknown, used], now=NOW)
    assert refusal.value.body().status == 422
    assert set(refusal.value.members["file_ids"]) == {  # type: ignore[arg-type]
        str(hers),
        str(unknown),
        str(used),
    }
    await tx.rollback()
    assert await claimed(tx) == {used}


async def test_somebody_who_turns_out_to_be_another_keeps_her_photos(
    callers: Callers, tx: Tx, context: JobContext
) -> None:
    wechat, known = await callers.resident(), await callers.resident()
    (photo,) = await uploads(wechat, 1)
    await jobs.move_uploads(
        context, from_person_id=str(wechat.person_id), into_person_id=str(known.person_id)
    )
    await claim_files(tx, known.person_id, [photo], now=NOW)
    assert await claimed(tx) == {photo}
