"""The inbox: mine alone, newest first, read once."""

from datetime import timedelta
from uuid import UUID

import pytest
from httpx import AsyncClient

from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.notifications.service import Subject, notify
from tests.notifications.world import BOOKINGS, NOON, REMINDERS
from tests.support.people import Caller, Callers


@pytest.fixture
async def me(callers: Callers) -> Caller:
    return await callers.resident()


@pytest.fixture
async def neighbour(callers: Callers) -> Caller:
    return await callers.resident(name="隔壁")


async def told(tx: Tx, caller: Caller, *titles: str) -> list[UUID]:
    ids = []
    for number, title in enumerate(titles):
        its_id = await notify(
            tx,
            caller.person_id,
            "bookings.approved",
            Subject("booking", caller.person_id),
            title=title,
            body="周二19:00",
            at_most_once_key=title,
            now=NOON + timedelta(minutes=number),
        )
        assert its_id is not None
        ids.append(its_id)
    await tx.commit()
    return ids


async def unread(caller: Caller) -> int:
    return int((await caller.get("/me/notifications/count")).json()["unread"])


async def titles(caller: Caller, **query: str | int | bool) -> list[str]:
    answer = await caller.get("/me/notifications", params=query)
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()["items"]]


async def test_the_newest_comes_first_and_pages_follow(tx: Tx, me: Caller) -> None:
    ids = await told(tx, me, "一", "二", "三")
    first = (await me.get("/me/notifications", params={"limit": 2})).json()
    assert [one["title"] for one in first["items"]] == ["三", "二"]
    assert await titles(me, limit=2, after=first["next"]) == ["一"]
    assert first["items"][0] == {
        "id": str(ids[2]),
        "kind": "bookings.approved",
        "title": "三",
        "body": "周二19:00",
        "subject": {"type": "booking", "id": str(me.person_id)},
        "created_at": "2026-11-24T12:02:00+08:00",
        "read_at": None,
    }


async def test_a_neighbour_sees_nothing_and_can_mark_nothing(
    tx: Tx, me: Caller, neighbour: Caller
) -> None:
    (mine,) = await told(tx, me, "我的")
    assert await titles(neighbour) == []
    assert await unread(neighbour) == 0
    answer = await neighbour.post(f"/me/notifications/{mine}/read")
    assert (answer.status_code, answer.json()["code"]) == (404, "notification_not_found")
    await neighbour.post("/me/notifications/read-all")
    assert await unread(me) == 1


async def test_reading_counts_the_first_time(tx: Tx, me: Caller) -> None:
    ids = await told(tx, me, "一", "二")
    first = await me.post(f"/me/notifications/{ids[0]}/read")
    again = await me.post(f"/me/notifications/{ids[0]}/read")
    assert first.json()["read_at"] is not None
    assert again.json() == first.json()
    assert await unread(me) == 1
    assert await titles(me, unread=True) == ["二"]
    assert await titles(me) == ["二", "一"]


async def test_what_came_after_the_screen_was_filled_stays_unread(tx: Tx, me: Caller) -> None:
    ids = await told(tx, me, "一", "二", "三")
    answer = await me.post("/me/notifications/read-all", json={"newest_id": str(ids[1])})
    assert answer.json() == {"unread": 1}
    assert await titles(me, unread=True) == ["三"]
    assert (await me.post("/me/notifications/read-all")).json() == {"unread": 0}
    assert await titles(me, unread=True) == []


async def test_the_badge_counts_to_a_hundred(tx: Tx, me: Caller) -> None:
    await told(tx, me, *(str(number) for number in range(101)))
    assert await unread(me) == 100


async def test_what_is_not_there_cannot_be_read(me: Caller) -> None:
    answer = await me.post(f"/me/notifications/{new_id()}/read")
    assert answer.status_code == 404


async def test_without_templates_there_is_nothing_to_agree_to(me: Caller) -> None:
    assert (await me.get("/me/notification-templates")).json() == {"items": []}
    body = {"accepted": ["reminders"]}
    refused = await me.post("/me/notification-consents", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "template_unknown")


@pytest.mark.usefixtures("with_templates")
async def test_each_tap_counts_once_even_when_it_is_told_twice(
    me: Caller, neighbour: Caller
) -> None:
    key = {"Idempotency-Key": str(new_id())}
    body = {"accepted": ["reminders", "reminders"]}
    await me.post("/me/notification-consents", json=body, headers=key)
    repeated = await me.post("/me/notification-consents", json=body, headers=key)
    assert repeated.json()["items"] == [
        {"code": "reminders", "template_id": REMINDERS, "name": "活动提醒", "remaining": 1},
        {"code": "bookings", "template_id": BOOKINGS, "name": "预约变化", "remaining": 0},
    ]
    again = {"accepted": ["reminders", "bookings"]}
    await me.post("/me/notification-consents", json=again)
    items = (await me.get("/me/notification-templates")).json()["items"]
    assert [one["remaining"] for one in items] == [2, 1]
    theirs = (await neighbour.get("/me/notification-templates")).json()["items"]
    assert [one["remaining"] for one in theirs] == [0, 0]


@pytest.mark.usefixtures("with_templates")
async def test_one_unknown_template_refuses_all(me: Caller) -> None:
    body = {"accepted": ["bookings", "unknown"]}
    refused = await me.post("/me/notification-consents", json=body)
    assert refused.status_code == 422
    items = (await me.get("/me/notification-templates")).json()["items"]
    assert [one["remaining"] for one in items] == [0, 0]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/me/notifications"),
        ("GET", "/me/notifications/count"),
        ("GET", "/me/notification-templates"),
        ("POST", "/me/notifications/read-all"),
        ("POST", "/me/notification-consents"),
    ],
)
async def test_strangers_have_no_inbox(http: AsyncClient, method: str, path: str) -> None:
    answer = await http.request(method, path, json={"accepted": ["reminders"]})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
