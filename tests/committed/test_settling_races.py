"""Many phones at once: one rating for a handling, one call for a bad one, one remedy."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from httpx import Response
from sqlalchemy import func, select

from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import CallBack, Rating, RatingForm
from neighborhood_api.kit.db import Database
from tests.issues.settling.arranging import confirmed, settled_again
from tests.support.issues import LANE, Street, act, ensure_categories, street_of
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import appoint, somebody

SAID = {"reached": True, "solved": False, "text": "说没清"}


@pytest.fixture
async def street(live_database: Database, live_town: Town, live_callers: Callers) -> Street:
    await ensure_categories(live_database)
    return await street_of(live_town, live_callers)


async def at_once(*requests: Callable[[], Awaitable[Response]]) -> list[Response]:
    return await asyncio.gather(*(request() for request in requests))


def codes(answers: list[Response]) -> Counter[str]:
    return Counter(
        "ok" if answer.status_code == 200 else answer.json()["code"] for answer in answers
    )


async def test_of_many_ratings_at_once_each_handling_keeps_one(
    street: Street, live_database: Database
) -> None:
    issue_id = await confirmed(street)
    for handling in (0, 1):
        answers = await at_once(
            *(
                lambda stars=stars: act(street.reporter, issue_id, "rate", rating=stars)
                for stars in (1, 2, 3, 4, 5) * 3
            )
        )
        assert codes(answers) == {"ok": 1, "already_rated": 14}
        won = next(answer.json()["rating"] for answer in answers if answer.status_code == 200)
        async with live_database.transaction() as tx:
            mine = select(Rating.rating).where(
                Rating.case_id == issue_id, Rating.handling == handling
            )
            assert list(await tx.scalars(mine)) == [won]
            newest = select(Issue.rating).where(Issue.case_id == issue_id)
            assert await tx.scalar(newest) == won
            bad = select(func.count()).where(
                CallBack.case_id == issue_id, CallBack.handling == handling
            )
            assert await tx.scalar(bad) == (won <= 2)
        if handling == 0:
            await settled_again(street, issue_id)


async def test_of_many_calls_at_once_one_is_written_down(
    street: Street, live_database: Database
) -> None:
    issue_id = await confirmed(street)
    await street.done(street.reporter, issue_id, "rate", rating=1)
    staff = [
        street.leader,
        await street.staff(Role.COMMUNITY_WORKER, *LANE[:2]),
        await street.staff(Role.STREET_DISPATCHER, 1),
        await street.staff(Role.STREET_SECRETARY, 1),
    ]
    answers = await at_once(
        *(
            lambda caller=caller: act(caller, issue_id, "call-back", **SAID)
            for caller in staff * 4
        )
    )
    assert codes(answers) == {"ok": 1, "called_back_already": 15}
    remedies = await at_once(
        *[lambda: act(street.chief, issue_id, "remedy", text="已重新清运")] * 8
    )
    assert codes(remedies) == {"ok": 1, "nothing_to_remedy": 7}
    async with live_database.transaction() as tx:
        mine = select(CallBack).where(CallBack.case_id == issue_id)
        task = (await tx.scalars(mine)).one()
        assert (task.attempts, task.remedied_by_id) == (1, street.chief.person_id)
        running = select(func.count()).where(
            Timer.case_id == issue_id,
            Timer.purpose == Purpose.REMEDY.value,
            Timer.stopped_at.is_(None),
        )
        assert await tx.scalar(running) == 0


async def test_of_two_operators_who_change_the_form_at_once_one_does(
    street: Street, live_database: Database
) -> None:
    async with live_database.transaction() as tx:
        chief = await somebody(tx, "总管理员")
        await appoint(tx, street.town.at(), Role.CHIEF_OPERATOR, chief.id)
    operator = await street.callers.person(chief.id)
    version = (await operator.get("/rating-form")).json()["version"]
    offline = [{"code": "attitude", "name": "服务态度"}]

    async def save(name: str) -> Response:
        wish = {
            "version": version,
            "online": [{"code": "overall", "name": name}],
            "offline": offline,
        }
        return await operator.put("/rating-form", json=wish)

    answers = await at_once(*(lambda name=name: save(name) for name in "甲乙丙丁"))
    assert codes(answers) == {"ok": 1, "stale_version": 3}
    async with live_database.transaction() as tx:
        newest = await tx.scalar(select(func.max(RatingForm.version)))
    assert newest == version + 1
