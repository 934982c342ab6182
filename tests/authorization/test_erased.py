"""Who is erased has nothing left that answers for her, and is told nothing more."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.idempotency import IdempotencyRow
from neighborhood_api.kit.ids import new_id
from neighborhood_api.notifications.models import Notification
from neighborhood_api.notifications.service import notify
from neighborhood_api.privacy.forgetting import erase_due
from tests.support.clock import Clock, clock_of
from tests.support.issues import LANE
from tests.support.people import Caller, Callers
from tests.support.places import Town


@pytest.fixture
def clock(app: FastAPI) -> Iterator[Clock]:
    with clock_of(app) as clock:
        yield clock


async def kept(tx: Tx, caller: Caller) -> tuple[int, int]:
    """Count the answers to repeat and the notifications of somebody."""
    hers = (
        select(func.count()).where(IdempotencyRow.caller == str(caller.person_id)),
        select(func.count()).where(Notification.person_id == caller.person_id),
    )
    first, second = [await tx.scalar(one) or 0 for one in hers]
    return first, second


async def test_the_erased_have_no_answers_to_repeat_and_are_told_nothing(
    callers: Callers, town: Town, rolled_back: Database, tx: Tx, clock: Clock
) -> None:
    resident = await callers.resident(town.place(*LANE))

    async def tell(key: str) -> None:
        await notify(
            tx,
            resident.person_id,
            "test.told",
            None,
            title="说明",
            body="正文",
            at_most_once_key=key,
            now=clock.now,
        )
        await tx.commit()

    await tell("before")
    again = {"idempotency-key": new_id().hex}
    asked = await resident.post("/me/erasure", headers=again)
    assert asked.status_code == 200, asked.text
    before = await kept(tx, resident)
    assert before[0] == 1
    assert before[1] >= 1
    assert await erase_due(rolled_back, now=clock.forward(days=8)) == (1, 0)
    await tell("after")
    assert await kept(tx, resident) == (0, 0)
    assert (await resident.post("/me/erasure", headers=again)).status_code == 401
