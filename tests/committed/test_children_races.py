"""A consent that is withdrawn while others enrol or look: one comes first, none half-way."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import chain, count
from uuid import UUID

import pytest
from sqlalchemy import false, func, select, update

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.venues.children import upkeep, withdrawing
from neighborhood_api.venues.children.enrolments import enrolled_after
from neighborhood_api.venues.children.models import Child, ChildLook
from neighborhood_api.venues.children.service import ChildNotFound, enrolled_child
from tests.support.people import Caller, Callers, actor_of
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.children.arranging import CHILD, enrolled, new_resource, registered, seated

pytestmark = pytest.mark.slow

CANCEL = {"cancel_enrolments": True}


@pytest.fixture
async def guardian(live_callers: Callers, live_town: Town) -> Caller:
    return await live_callers.resident(live_town.place(1, 1, 1, 1))


@pytest.fixture
async def lesson(live_database: Database, live_town: Town) -> Resource:
    """A session tomorrow."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with live_database.transaction() as tx:
        return await new_resource(tx, live_town.place(1, 1), tomorrow)


async def enrol(tx: Tx, guardian: Caller, lesson: Resource, child_id: str) -> None:
    """Enrol a child as a session does."""
    await enrolled_child(tx, guardian.person_id, UUID(child_id), now=datetime.now(UTC))
    await enrolled(tx, lesson, guardian.person_id, child_id)


async def exists(database: Database, child_id: str) -> bool:
    async with database.transaction() as tx:
        return await tx.get(Child, UUID(child_id)) is not None


async def test_a_withdrawal_waits_for_an_enrolment_under_way_and_then_sees_it(
    guardian: Caller, lesson: Resource, live_database: Database
) -> None:
    child = await registered(guardian)
    async with live_database.transaction() as tx:
        await enrol(tx, guardian, lesson, child["id"])
        url = f"/children/{child['id']}/withdraw-consent"
        withdrawal = asyncio.create_task(guardian.post(url))
        done, _ = await asyncio.wait([withdrawal], timeout=0.5)
        assert not done
    refused(await withdrawal, 409, "child_still_enrolled")
    assert await exists(live_database, child["id"])


async def test_an_enrolment_waits_for_a_withdrawal_under_way_and_finds_no_child(
    guardian: Caller, lesson: Resource, live_database: Database
) -> None:
    child = await registered(guardian)

    async def try_to() -> None:
        async with live_database.transaction() as tx:
            await enrol(tx, guardian, lesson, child["id"])

    async with live_database.transaction() as tx:
        actor = await actor_of(tx, guardian.person_id)
        its, now = UUID(child["id"]), datetime.now(UTC)
        await withdrawing.withdraw_consent(tx, actor, its, cancel_enrolments=False, now=now)
        enrolment = asyncio.create_task(try_to())
        done, _ = await asyncio.wait([enrolment], timeout=0.5)
        assert not done
    with pytest.raises(ChildNotFound):
        await enrolment
    assert not await exists(live_database, child["id"])


async def test_a_withdrawal_never_waits_for_the_child_while_others_wait_for_it(
    guardian: Caller, lesson: Resource, live_database: Database, live_town: Town
) -> None:
    """It holds the lesson that it cancels; who enrols may hold the child and want that."""
    child = await registered(guardian)
    now = datetime.now(UTC)
    async with live_database.transaction() as tx:
        await seated(tx, lesson, guardian.person_id, UUID(child["id"]), now=now)
        later = await new_resource(tx, live_town.place(1, 1), now + timedelta(days=2))
    url = f"/children/{child['id']}/withdraw-consent"
    async with live_database.transaction() as tx:
        await enrolled_child(tx, guardian.person_id, UUID(child["id"]), now=now)
        withdrawal = await asyncio.wait_for(guardian.post(url, json=CANCEL), timeout=5)
        refused(withdrawal, 503, "try_again")
        await enrolled(tx, later, guardian.person_id, child["id"], "waitlisted")
    async with live_database.transaction() as tx:
        mine = select(Registration.state).where(
            Registration.participant_id == UUID(child["id"])
        )
        assert sorted(await tx.scalars(mine)) == ["confirmed", "waitlisted"]
    assert (await guardian.post(url, json=CANCEL)).json() == {"done": True}
    assert not await exists(live_database, child["id"])


async def test_many_who_withdraw_at_once_hand_on_their_seats_and_never_lock_each_other_out(
    live_database: Database, live_callers: Callers, live_town: Town
) -> None:
    home, now = live_town.place(1, 1, 1, 1), datetime.now(UTC)
    async with live_database.transaction() as tx:
        lessons = [
            await new_resource(tx, live_town.place(1, 1), now + timedelta(days=day), 3)
            for day in (1, 2, 3)
        ]
    guardians = [await live_callers.resident(home) for _ in range(8)]
    children = [(await registered(one))["id"] for one in guardians]
    pairs = list(zip(guardians, children, strict=True))
    for number, lesson in enumerate(lessons):
        for guardian, child_id in pairs[number:] + pairs[:number]:
            async with live_database.transaction() as tx:
                await seated(tx, lesson, guardian.person_id, UUID(child_id), now=now)
    last, last_child = pairs.pop()
    answers = await asyncio.gather(
        *(one.post(f"/children/{its}/withdraw-consent", json=CANCEL) for one, its in pairs)
    )
    assert [answer.status_code for answer in answers] == [200] * 7
    async with live_database.transaction() as tx:
        for lesson in lessons:
            standing = select(Registration.participant_id, Registration.state).where(
                Registration.resource_id == lesson.id, Registration.state != "cancelled"
            )
            rows = [tuple(row) for row in await tx.execute(standing)]
            assert rows == [(UUID(last_child), "confirmed")]
            assert (await tx.get_one(Resource, lesson.id)).taken == 1
    answer = await last.post(f"/children/{last_child}/withdraw-consent", json=CANCEL)
    assert answer.status_code == 200


async def test_a_change_of_the_child_does_not_wait_for_an_enrolment(
    guardian: Caller, lesson: Resource, live_database: Database
) -> None:
    child = await registered(guardian)
    change = {k: v for k, v in CHILD.items() if k != "consent_version"} | {"version": 1}
    async with live_database.transaction() as tx:
        await enrol(tx, guardian, lesson, child["id"])
        answer = await asyncio.wait_for(
            guardian.put(f"/children/{child['id']}", json=change), timeout=5
        )
    assert answer.status_code == 200


async def test_every_look_is_logged_or_refused_while_the_consent_is_withdrawn(
    guardian: Caller,
    lesson: Resource,
    live_database: Database,
    live_callers: Callers,
    live_town: Town,
) -> None:
    worker = await live_callers.staff(live_town, Role.COMMUNITY_WORKER, 1, 1)
    total: Counter[int] = Counter()
    for number in range(6):
        child = await registered(guardian, name=f"孩子{number}")
        async with live_database.transaction() as tx:
            await enrolled(tx, lesson, guardian.person_id, child["id"], "completed")
        url = f"/children/{child['id']}"
        withdrawn, *looks = await asyncio.gather(
            guardian.post(f"{url}/withdraw-consent"),
            *(worker.post(f"{url}/looks", json={"reason": f"第{n}次"}) for n in range(12)),
        )
        assert withdrawn.json() == {"done": True}
        counted = Counter(look.status_code for look in looks)
        assert set(counted) <= {200, 404}
        async with live_database.transaction() as tx:
            mine = select(func.count(ChildLook.id)).where(
                ChildLook.child_id == UUID(child["id"])
            )
            assert await tx.scalar(mine) == counted[200]
        refused(
            await worker.post(f"{url}/looks", json={"reason": "后"}), 404, "child_not_found"
        )
        total += counted
    assert sum(total.values()) == 72


async def test_the_nightly_job_spares_a_child_that_is_just_being_enrolled(
    guardian: Caller, lesson: Resource, live_database: Database
) -> None:
    child = await registered(guardian)
    now = datetime.now(UTC)
    async with live_database.transaction() as tx:
        old = update(Child).where(Child.id == UUID(child["id"]))
        await tx.execute(old.values(created_at=now - timedelta(days=365)))
    async with live_database.transaction() as tx:
        await enrol(tx, guardian, lesson, child["id"])
        await upkeep.forget_children(live_database, kept_days=180, now=now)
    assert await exists(live_database, child["id"])
    await upkeep.forget_children(live_database, kept_days=180, now=now)
    assert await exists(live_database, child["id"])
    over = now + timedelta(days=182)
    runs = (upkeep.forget_children(live_database, kept_days=180, now=over) for _ in range(3))
    assert sum(await asyncio.gather(*runs)) >= 1
    assert not await exists(live_database, child["id"])


async def test_the_nightly_job_looks_again_at_what_it_has_locked(
    guardian: Caller,
    lesson: Resource,
    live_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An enrolment may be committed between what it saw and its lock; here, it sees none."""
    child = await registered(guardian)
    now = datetime.now(UTC) + timedelta(days=180, minutes=1)
    async with live_database.transaction() as tx:
        later = await new_resource(tx, lesson.place, now + timedelta(days=1))
        await enrol(tx, guardian, later, child["id"])
    before = now - timedelta(days=180)
    conditions = chain([false()], (enrolled_after(before) for _ in count()))
    monkeypatch.setattr(upkeep, "enrolled_after", lambda _: next(conditions))
    await upkeep.forget_children(live_database, kept_days=180, now=now)
    assert await exists(live_database, child["id"])


async def test_an_enrolment_may_ask_on_the_faster_connection_too(
    guardian: Caller, live_database: Database
) -> None:
    child = await registered(guardian)
    its, now = UUID(child["id"]), datetime.now(UTC)
    writer = live_database.writers.writer()
    try:
        facts = await enrolled_child(writer, guardian.person_id, its, now=now)
        assert (facts.id, facts.birth_month) == (its, date(2018, 5, 1))
        url = f"/children/{child['id']}/withdraw-consent"
        withdrawal = asyncio.create_task(guardian.post(url))
        done, _ = await asyncio.wait([withdrawal], timeout=0.5)
        assert not done
        await writer.commit()
    finally:
        await writer.close()
    assert (await withdrawal).json() == {"done": True}


async def test_a_child_sent_five_times_at_once_is_registered_once(guardian: Caller) -> None:
    answers = await asyncio.gather(*(guardian.post("/children", json=CHILD) for _ in range(5)))
    codes = Counter(answer.json().get("code", "registered") for answer in answers)
    assert codes == {"registered": 1, "child_already_registered": 4}


async def test_the_most_children_are_the_most_however_fast_they_are_sent(
    guardian: Caller,
) -> None:
    answers = await asyncio.gather(
        *(guardian.post("/children", json=CHILD | {"name": f"孩子{n}"}) for n in range(14))
    )
    codes = Counter(answer.json().get("code", "registered") for answer in answers)
    assert codes == {"registered": 10, "too_many_children": 4}
