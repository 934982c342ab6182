"""What holders of bookings are told: what others or time did, once, with where and when."""

import pytest
from sqlalchemy import select

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.notifications.models import Delivery, Notification, Subscription
from neighborhood_api.registrations.sweeps import end_due, remind_due
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.notices.texts import moment
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.reactions import Reactions
from tests.venues.arranging import TODAY, at, book, new_room, wish
from tests.venues.notices.conftest import Told

WHERE = "乒乓球室（党群服务站）11月24日周二"
CANCEL = "如不能到场，请提前取消。"


@pytest.fixture
async def approved_room(tx: Tx, venue: Venue) -> RoomRow:
    room = await new_room(tx, venue, approval=True)
    await tx.commit()
    return room


@pytest.fixture
async def wanted_room(tx: Tx, venue: Venue) -> RoomRow:
    """With a waitlist, whose offers stand for half an hour."""
    room = await new_room(tx, venue, waitlist={"longest": 5, "offer_minutes": 30})
    await tx.commit()
    return room


async def booked(caller: Caller, room: RoomRow, start: float = 14, **changes: object) -> str:
    answer = await book(caller, room, start, start + 1, **changes)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def done(caller: Caller, booking_id: str, move: str, **body: object) -> None:
    answer = await caller.post(f"/bookings/{booking_id}/{move}", json=body)
    assert answer.status_code == 200, answer.text


def test_moments_are_written_as_people_say_them() -> None:
    assert moment(at(9.5)) == "11月24日周二09:30"
    assert moment(at(24 * 5)) == "11月29日周日00:00"


async def test_nobody_is_told_what_she_did_herself(
    resident: Caller, room: RoomRow, told: Told
) -> None:
    booking_id = await booked(resident, room)
    await done(resident, booking_id, "cancel", reason="下雨")
    assert await told(resident) == []


async def test_a_wish_waits_and_is_approved(
    resident: Caller, worker: Caller, approved_room: RoomRow, told: Told
) -> None:
    booking_id = await booked(resident, approved_room)
    waits = (
        "bookings.registered",
        "预约已提交，待审批",
        f"{WHERE}14:00–15:00，审批后会通知您。",
    )
    assert await told(resident) == [waits]
    await done(worker, booking_id, "approve")
    yes = ("bookings.approved", "预约审批通过", f"{WHERE}14:00–15:00。{CANCEL}")
    assert await told(resident) == [waits, yes]
    assert await told(worker) == []


async def test_a_rejection_says_why(
    resident: Caller, worker: Caller, approved_room: RoomRow, told: Told
) -> None:
    booking_id = await booked(resident, approved_room)
    await done(worker, booking_id, "reject", reason="当天开居民会议")
    assert (await told(resident))[-1] == (
        "bookings.rejected",
        "预约未通过审批",
        f"{WHERE}14:00–15:00。原因：当天开居民会议。可另选时间。",
    )


async def test_what_staff_take_back_is_told_with_the_reason(
    resident: Caller, worker: Caller, callers: Callers, town: Town, room: RoomRow, told: Told
) -> None:
    booking_id = await booked(resident, room)
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    await done(worker, booking_id, "cancel", reason="停电")
    assert await told(resident) == [
        ("bookings.cancelled", "您的预约已被取消", f"{WHERE}14:00–15:00。原因：停电。")
    ]
    (shown,) = (await resident.get("/me/notifications")).json()["items"]
    assert shown["subject"] == {"type": "booking", "id": booking_id}
    assert await told(neighbour) == []


async def test_two_moves_in_a_row_are_told_once_as_they_ended(
    resident: Caller, worker: Caller, room: RoomRow, told: Told
) -> None:
    booking_id = await booked(resident, room)
    for start in (15.0, 16.0):
        times = {key: wish(start, start + 1)[key] for key in ("starts_at", "ends_at")}
        await done(worker, booking_id, "move", **times, reason="设备检修")
    ((kind, title, body),) = await told(resident)
    assert (kind, title) == ("bookings.moved", "时间或地点有调整")
    assert body.startswith(f"现为{WHERE}16:00–17:00。")
    assert body.endswith(CANCEL)
    times = {key: wish(17, 18)[key] for key in ("starts_at", "ends_at")}
    await done(worker, booking_id, "move", **times, reason="再次检修")
    assert [kind for kind, _, _ in await told(resident)] == ["bookings.moved"] * 2


async def test_who_waits_is_told_of_the_offer_and_of_its_end(
    resident: Caller,
    callers: Callers,
    town: Town,
    wanted_room: RoomRow,
    clock: Clock,
    rolled_back: Database,
    told: Told,
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    taken = await booked(resident, wanted_room)
    await booked(neighbour, wanted_room, wait=True)
    assert await told(neighbour) == []
    await done(resident, taken, "cancel")
    (offer,) = await told(neighbour)
    assert offer == (
        "bookings.place_offered",
        "候补有名额，请确认",
        f"{WHERE}14:00–15:00有名额，请在11月23日周一08:30前确认，逾期让给下一位。",
    )
    clock.now = at(8.5, TODAY)
    await end_due(rolled_back, now=clock.now)
    assert (await told(neighbour))[1:] == [
        (
            "bookings.expired",
            "名额确认已过期",
            f"{WHERE}14:00–15:00未按时确认，名额已让给下一位。",
        )
    ]
    assert await told(resident) == []


async def test_an_offer_that_was_answered_before_it_could_be_told_is_not_told(
    resident: Caller, callers: Callers, town: Town, wanted_room: RoomRow, told: Told
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    taken = await booked(resident, wanted_room)
    waiting = await booked(neighbour, wanted_room, wait=True)
    await done(resident, taken, "cancel")
    await done(neighbour, waiting, "accept-offer")
    assert await told(neighbour) == []


async def test_who_waits_gets_a_place_at_once_where_no_answer_is_asked_for(
    resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx, told: Told
) -> None:
    room = await new_room(tx, venue, waitlist={"longest": 5})
    await tx.commit()
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    taken = await booked(resident, room)
    await booked(neighbour, room, wait=True)
    await done(resident, taken, "cancel")
    assert await told(neighbour) == [
        ("bookings.place_given", "候补成功，名额已保留", f"{WHERE}14:00–15:00。{CANCEL}")
    ]


async def test_what_was_not_approved_in_time_is_told(
    resident: Caller,
    venue: Venue,
    tx: Tx,
    clock: Clock,
    rolled_back: Database,
    told: Told,
) -> None:
    room = await new_room(tx, venue, approval=True, pending_minutes=60)
    await tx.commit()
    await booked(resident, room)
    await end_due(rolled_back, now=clock.forward(minutes=60))
    assert [kind for kind, _, _ in await told(resident)] == ["bookings.expired"]


async def test_staff_book_for_somebody_who_is_told_and_for_a_guest_who_is_not(
    resident: Caller, worker: Caller, room: RoomRow, tx: Tx, react: Reactions, told: Told
) -> None:
    (await tx.get_one(Person, resident.person_id)).phone = "13900005678"
    await tx.commit()
    known = {"name": "黄荔红", "phone": "13900005678"}
    await booked(worker, room, 14, on_behalf_of=known)
    guest = {"name": "来电者", "phone": "13900009999"}
    for_guest = await booked(worker, room, 16, on_behalf_of=guest)
    await done(worker, for_guest, "cancel", reason="停电")
    assert await told(resident) == [
        ("bookings.registered", "工作人员已为您登记", f"{WHERE}14:00–15:00。{CANCEL}")
    ]
    assert await react() == []
    told_of = select(Notification.subject_id)
    assert for_guest not in {str(one) for one in await tx.scalars(told_of)}


async def test_a_reminder_goes_to_the_phone_until_it_begins(
    resident: Caller,
    room: RoomRow,
    clock: Clock,
    rolled_back: Database,
    tx: Tx,
    told: Told,
) -> None:
    tx.add(
        Subscription(
            person_id=resident.person_id,
            template="reminders",
            template_id="t",
            remaining=1,
            agreed_at=clock.now,
        )
    )
    await tx.commit()
    await booked(resident, room)
    clock.now = at(12)
    assert await remind_due(rolled_back, now=clock.now) == 1
    assert await remind_due(rolled_back, now=clock.now) == 0
    assert await told(resident) == [
        (
            "bookings.reminder",
            "即将开始，请准时到场",
            f"{WHERE}14:00–15:00。不能来请尽快取消。",
        )
    ]
    (message,) = await tx.scalars(select(Delivery))
    assert (message.template, message.about) == ("reminders", "乒乓球室")
    assert message.at == message.expires_at == at(14)


async def test_a_reminder_that_comes_too_late_is_not_told(
    resident: Caller, room: RoomRow, clock: Clock, rolled_back: Database, told: Told
) -> None:
    await booked(resident, room)
    clock.now = at(12)
    await remind_due(rolled_back, now=clock.now)
    clock.now = at(14)
    assert await told(resident) == []


async def test_what_is_over_is_no_news(
    resident: Caller, worker: Caller, approved_room: RoomRow, clock: Clock, told: Told
) -> None:
    booking_id = await booked(resident, approved_room)
    await done(worker, booking_id, "approve")
    clock.now = at(15)
    assert await told(resident) == []
