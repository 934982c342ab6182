"""Children's data end: by the guardian's wish or by time; and they follow their guardian."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from procrastinate import JobContext
from sqlalchemy import func, select, text, update

from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.jobs import relay_outbox
from neighborhood_api.kit.outbox import emit
from neighborhood_api.registrations.models import Resource
from neighborhood_api.settings import Settings
from neighborhood_api.venues.children import upkeep
from neighborhood_api.venues.children.jobs import forget_children, jobs, move_children
from neighborhood_api.venues.children.models import Child, ChildLook
from tests.support.clock import Clock
from tests.support.jobs import job_context
from tests.support.people import Caller, Callers
from tests.support.refusals import refused
from tests.venues.children.arranging import CHILD, enrolled, registered
from tests.venues.children.remains import forgotten, left_of


async def a_year_old(tx: Tx, child: dict[str, Any], now: datetime) -> None:
    old = update(Child).where(Child.id == UUID(child["id"]))
    await tx.execute(old.values(created_at=now - timedelta(days=365)))


@pytest.mark.parametrize(
    ("state", "days", "kept"),
    [
        ("completed", 179, True),
        ("completed", 181, False),
        ("no_show", 179, True),
        ("confirmed", -5, True),
        ("waitlisted", -5, True),
        ("cancelled", -5, False),
        ("expired", 10, False),
    ],
)
async def test_a_child_is_kept_as_long_after_its_last_session_as_was_promised(
    guardian: Caller,
    lesson: Resource,
    tx: Tx,
    rolled_back: Database,
    state: str,
    days: int,
    *,
    kept: bool,
) -> None:
    child = await registered(guardian)
    assert lesson.ends_at is not None
    now = lesson.ends_at + timedelta(days=days)
    await a_year_old(tx, child, now)
    await enrolled(tx, lesson, guardian.person_id, child["id"], state)
    await tx.commit()
    for run in range(2):
        count = await upkeep.forget_children(rolled_back, kept_days=180, now=now)
        assert count == (0 if kept or run else 1)
    assert (await left_of(tx, child["id"]) > 0) is kept
    assert await forgotten(tx) == ([] if kept else [(child["id"], False)])


async def test_a_child_that_never_came_is_kept_from_its_registration_on(
    guardian: Caller, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    child = await registered(guardian)
    early = clock.now + timedelta(days=180)
    assert await upkeep.forget_children(rolled_back, kept_days=180, now=early) == 0
    late = early + timedelta(seconds=1)
    assert await upkeep.forget_children(rolled_back, kept_days=180, now=late) == 1
    assert await left_of(tx, child["id"]) == 0


async def test_the_job_goes_on_until_all_are_gone_and_keeps_the_others(
    guardian: Caller,
    tx: Tx,
    rolled_back: Database,
    settings: Settings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upkeep, "AT_ONCE", 2)
    now = clock.now = datetime.now(UTC)
    children = [await registered(guardian, name=f"孩子{n}") for n in range(7)]
    for child in children[:5]:
        await a_year_old(tx, child, now)
    looks = [
        ChildLook(
            child_id=UUID(children[0]["id"]),
            guardian_id=guardian.person_id,
            person_id=guardian.person_id,
            role="teacher",
            reason="联系家长",
            looked_at=now - timedelta(days=days),
        )
        for days in (2000, 1500, 1200, 1097, 1095, 1)
    ]
    tx.add_all(looks)
    await tx.flush()
    await tx.commit()
    for _ in range(2):  # a job may run again
        context = context_of(rolled_back, settings)
        await forget_children(context, timestamp=0)
        assert (await guardian.get("/children")).json()["items"] == children[5:]
        kept = await tx.scalars(select(ChildLook.id).order_by(ChildLook.id))
        assert set(kept) == {look.id for look in looks[4:]}
    assert len(await forgotten(tx)) == 5


def context_of(database: Database, settings: Settings) -> JobContext:
    context = job_context(database, "venues.forget_children")
    context.additional_context["settings"] = settings
    return context


async def test_looks_outlive_the_child_for_as_long_as_they_are_kept(
    guardian: Caller, worker: Caller, lesson: Resource, tx: Tx, rolled_back: Database
) -> None:
    child = await registered(guardian)
    await enrolled(tx, lesson, guardian.person_id, child["id"], "completed")
    await tx.commit()
    await worker.post(f"/children/{child['id']}/looks", json={"reason": "联系家长"})
    await guardian.post(f"/children/{child['id']}/withdraw-consent")
    look = (await tx.scalars(select(ChildLook))).one()
    assert (look.child_id, look.person_id) == (UUID(child["id"]), worker.person_id)
    later = look.looked_at + timedelta(days=3)
    moment = timedelta(seconds=1)
    assert await upkeep.forget_looks(rolled_back, kept_days=3, now=later) == 0
    assert await upkeep.forget_looks(rolled_back, kept_days=3, now=later + moment) == 1
    assert await tx.scalar(select(func.count(ChildLook.id))) == 0


async def test_children_follow_a_guardian_who_turned_out_to_be_another(
    guardian: Caller, callers: Callers, rolled_back: Database
) -> None:
    known, neighbour = await callers.resident(None), await callers.resident(None)
    child, other = await registered(guardian), await registered(neighbour)
    ids = (str(guardian.person_id), str(known.person_id))
    for _ in range(2):  # a job may run again
        context = job_context(rolled_back, "venues.move_children")
        await move_children(context, from_person_id=ids[0], into_person_id=ids[1])
    assert (await known.get("/children")).json()["items"] == [child]
    assert (await guardian.get("/children")).json()["items"] == []
    assert (await neighbour.get("/children")).json()["items"] == [other]


async def test_a_merge_asks_for_that_job(guardian: Caller, callers: Callers, tx: Tx) -> None:
    known = await callers.resident(None)
    ids = {"from_person_id": guardian.person_id, "into_person_id": known.person_id}
    emit(tx, PersonMerged(**ids))
    await tx.flush()
    await relay_outbox(tx)
    asked = text("SELECT args FROM procrastinate_jobs WHERE task_name = 'venues.move_children'")
    assert (await tx.scalars(asked)).all() == [{k: str(v) for k, v in ids.items()}]
    assert {"venues.move_children", "venues.forget_children"} <= set(jobs.tasks)


async def test_whoever_became_another_registers_no_more(
    guardian: Caller, callers: Callers, tx: Tx
) -> None:
    known = await callers.resident(None)
    await tx.execute(
        text("UPDATE person SET merged_into_id = :into WHERE id = :id"),
        {"into": known.person_id, "id": guardian.person_id},
    )
    await tx.commit()
    refused(await guardian.post("/children", json=CHILD), 401, "token_revoked")
