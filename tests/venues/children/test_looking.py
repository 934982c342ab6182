"""Staff open a child's record where it comes, for a reason, and the guardian sees that."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.registrations.models import Resource
from neighborhood_api.venues.children.models import ChildLook
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import at
from tests.venues.children.arranging import enrolled, new_resource, registered, taught_by

REASON = {"reason": "孩子发烧，需要联系家长"}


@pytest.fixture
async def child(guardian: Caller, lesson: Resource, tx: Tx) -> dict[str, Any]:
    """A child that is enrolled in the lesson; its guardian has a phone number."""
    made = await registered(guardian)
    (await tx.get_one(Person, guardian.person_id)).phone = "15400000010"
    await enrolled(tx, lesson, guardian.person_id, made["id"])
    await tx.commit()
    return made


async def looks(tx: Tx, child: dict[str, Any]) -> list[ChildLook]:
    mine = select(ChildLook).where(ChildLook.child_id == UUID(child["id"]))
    return list(await tx.scalars(mine.order_by(ChildLook.id)))


async def test_the_staff_of_the_place_open_the_record_and_the_guardian_sees_it(
    child: dict[str, Any], guardian: Caller, worker: Caller, tx: Tx
) -> None:
    url = f"/children/{child['id']}/looks"
    answer = await worker.post(url, json=REASON)
    assert answer.status_code == 200, answer.text
    record = answer.json()
    look_id = record.pop("look_id")
    assert record == {
        "name": "黄小满",
        "grade": 3,
        "note": "对花生过敏",
        "guardian": {"name": "黄荔红", "phone": "15400000010"},
        "pick_ups": [
            {"name": "林秀英", "relation": "外婆", "phone": "15400000011"},
            {"name": "黄建国", "relation": "爷爷", "phone": "15400000012"},
        ],
    }
    worker_name = (await tx.get_one(Person, worker.person_id)).name
    assert (await guardian.get(url)).json() == {
        "items": [
            {
                "id": look_id,
                "looked_at": "2026-11-23T08:00:00+08:00",
                "role": "community_worker",
                "name": worker_name,
                "reason": REASON["reason"],
            }
        ],
        "next": None,
    }
    kept = await tx.scalars(select(Act).where(Act.what == "venues.child_looked_up"))
    assert [(act.subject, act.person_id, act.detail) for act in kept] == [
        (child["id"], worker.person_id, {"look_id": look_id, "role": "community_worker"})
    ]
    told = await tx.scalars(
        select(OutboxRow.payload).where(OutboxRow.name == "venues.child_looked_up")
    )
    assert told.all() == [
        {
            "look_id": look_id,
            "child_id": child["id"],
            "guardian_id": str(guardian.person_id),
            "person_id": str(worker.person_id),
        }
    ]


async def test_looks_are_listed_newest_first_page_by_page(
    child: dict[str, Any], guardian: Caller, worker: Caller, clock: Clock
) -> None:
    url = f"/children/{child['id']}/looks"
    for number in range(3):
        await worker.post(url, json={"reason": f"第{number}次"})
        clock.forward(minutes=1)
    first = (await guardian.get(url, params={"limit": 2})).json()
    assert [item["reason"] for item in first["items"]] == ["第2次", "第1次"]
    rest = (await guardian.get(url, params={"after": first["next"]})).json()
    assert [item["reason"] for item in rest["items"]] == ["第0次"]
    refused(await guardian.get(url, params={"after": "x"}), 400, "bad_cursor")


async def test_staff_elsewhere_neighbours_and_the_operator_get_nothing(
    child: dict[str, Any], guardian: Caller, callers: Callers, town: Town, tx: Tx
) -> None:
    strangers = [
        await callers.resident(town.place(1, 1, 1, 1)),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
        await callers.staff(town, Role.GRID_LEADER, 1, 1, 1),
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.STREET_SECRETARY, 2),
        await callers.staff(town, Role.DEPARTMENT_OFFICER, 1, body=0),
        await callers.staff(town, Role.OPERATOR),
        guardian,
    ]
    for stranger in strangers:
        answer = await stranger.post(f"/children/{child['id']}/looks", json=REASON)
        refused(answer, 404, "child_not_found")
    assert await looks(tx, child) == []


async def test_whoever_teaches_no_more_looks_no_more(
    child: dict[str, Any], callers: Callers, lesson: Resource, tx: Tx
) -> None:
    teacher = await callers.resident(None)
    await taught_by(tx, lesson, teacher.person_id, active=False)
    await tx.commit()
    answer = await teacher.post(f"/children/{child['id']}/looks", json=REASON)
    refused(answer, 404, "child_not_found")


async def test_the_teacher_looks_at_her_own_pupils_only(
    child: dict[str, Any],
    guardian: Caller,
    callers: Callers,
    town: Town,
    lesson: Resource,
    tx: Tx,
) -> None:
    teacher, colleague = await callers.resident(None), await callers.resident(None)
    other = await new_resource(tx, town.place(1, 1), at(18))
    await taught_by(tx, lesson, teacher.person_id)
    await taught_by(tx, other, colleague.person_id)
    await tx.commit()
    url = f"/children/{child['id']}/looks"
    refused(await colleague.post(url, json=REASON), 404, "child_not_found")
    answer = await teacher.post(url, json=REASON)
    assert answer.json()["guardian"]["phone"] == "15400000010"
    assert [look.role for look in await looks(tx, child)] == ["teacher"]
    assert (await guardian.get(url)).json()["items"][0]["role"] == "teacher"
    refused(await teacher.get(url), 404, "child_not_found")
    refused(await teacher.get(f"/children/{child['id']}"), 404, "child_not_found")


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", 200),
        ("confirmed", 200),
        ("checked_in", 200),
        ("completed", 200),
        ("no_show", 200),
        ("waitlisted", 404),
        ("entered", 404),
        ("cancelled", 404),
        ("rejected", 404),
        ("expired", 404),
    ],
)
async def test_only_an_enrolment_with_a_place_opens_the_record(
    guardian: Caller, worker: Caller, lesson: Resource, tx: Tx, state: str, status: int
) -> None:
    child = await registered(guardian)
    await enrolled(tx, lesson, guardian.person_id, child["id"], state)
    await tx.commit()
    answer = await worker.post(f"/children/{child['id']}/looks", json=REASON)
    assert answer.status_code == status, answer.text
    assert len(await looks(tx, child)) == (1 if status == 200 else 0)


async def test_some_time_after_the_session_nobody_opens_the_record_any_more(
    child: dict[str, Any], worker: Caller, lesson: Resource, clock: Clock
) -> None:
    assert lesson.ends_at is not None
    clock.now = lesson.ends_at + timedelta(days=30) - timedelta(seconds=1)
    url = f"/children/{child['id']}/looks"
    assert (await worker.post(url, json=REASON)).status_code == 200
    clock.forward(seconds=1)
    refused(await worker.post(url, json=REASON), 404, "child_not_found")


async def test_a_look_without_a_reason_is_none(
    child: dict[str, Any], worker: Caller, tx: Tx
) -> None:
    bodies: list[Any] = [{}, {"reason": ""}, {"reason": "  "}, {"reason": "长" * 201}]
    bodies += [{"reason": None}, {"reason": "有\0"}, {"reason": "好", "role": "operator"}]
    for body in bodies:
        answer = await worker.post(f"/children/{child['id']}/looks", json=body)
        assert answer.status_code == 422, answer.text
    assert await looks(tx, child) == []


async def test_a_look_sent_twice_is_logged_once(
    child: dict[str, Any], worker: Caller, tx: Tx
) -> None:
    key = {"Idempotency-Key": "one-look"}
    url = f"/children/{child['id']}/looks"
    answers = [await worker.post(url, json=REASON, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(await looks(tx, child)) == 1
