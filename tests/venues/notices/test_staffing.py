"""What teachers are told, and what waits for the staff of a venue."""

from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.schedules.openings.models import Opening
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.openings.holidays import look_at_holidays
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.sessions.events import TeacherAssigned
from neighborhood_api.venues.sessions.models import Teacher
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import TODAY, TUESDAY, at, book, new_room
from tests.venues.notices.conftest import Told
from tests.venues.openings.arranging import made_a_holiday
from tests.venues.sessions.arranging import TEACHER, added, changed, helper, hired, lead

LESSON = "四点半课堂·三年级数学（党群服务站）11月24日周二16:30–18:00"


async def with_account(tx: Tx, caller: Caller, teacher_id: str) -> None:
    row = (await tx.scalars(select(Teacher).where(Teacher.id == teacher_id))).one()
    row.person_id = caller.person_id
    await tx.commit()


async def test_a_teacher_is_told_each_time_she_is_needed_and_when_no_more(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx, told: Told
) -> None:
    herself, other = await hired(worker, venue), await hired(worker, venue, name="林老师")
    await with_account(tx, resident, herself["id"])
    session = await added(worker, venue, teachers=[lead(herself)])
    body = f"{LESSON}。如不能到场，请尽早告知场地工作人员。"
    needed = ("venues.teacher_assigned", "为您安排了授课", body)
    not_needed = ("venues.teacher_released", "您的授课安排已取消", f"{LESSON}无需到场。")
    assert await told(resident) == [needed]
    session = await changed(worker, session, teachers=[lead(other)])
    assert await told(resident) == [needed, not_needed]
    await changed(worker, session, teachers=[lead(herself)])
    assert await told(resident) == [needed, not_needed, needed]
    assert await told(worker) == []


async def test_a_teacher_of_something_that_has_begun_is_not_told(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx, clock: Clock, told: Told
) -> None:
    teacher = await hired(worker, venue)
    session = await added(worker, venue)
    ids = {"session_id": session["id"], "teacher_id": teacher["id"]}
    emit(tx, TeacherAssigned(**ids, person_id=resident.person_id))
    await tx.commit()
    clock.now = at(16.5)
    assert await told(resident) == []


async def test_staff_are_told_that_a_teacher_cannot_come(
    worker: Caller,
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    tx: Tx,
    told: Told,
) -> None:
    main, second = await hired(worker, venue), await hired(worker, venue, name="林老师")
    await with_account(tx, resident, second["id"])
    session = await added(worker, venue, teachers=[lead(main), helper(second)])
    url = f"/sessions/{session['id']}/drop-out"
    answer = await resident.post(url, json={"teacher_id": second["id"]})
    assert answer.status_code == 200, answer.text
    assert await told(worker) == []  # who leads is there, and nothing lacks
    answer = await worker.post(url, json={"teacher_id": main["id"]})
    assert answer.status_code == 200, answer.text
    assert await told(worker) == [
        (
            "venues.teacher_released",
            "老师不能到场，请安排替补",
            f"{LESSON}有老师不能参加，请另行安排。",
        )
    ]
    elsewhere = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    street = await callers.staff(town, Role.STREET_DISPATCHER, 1)
    assert await told(elsewhere) == await told(street) == []
    assert [kind for kind, _, _ in await told(resident)] == ["venues.teacher_assigned"]


async def test_who_is_replaced_by_staff_is_told_and_staff_need_nobody_then(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx, told: Told
) -> None:
    herself, other = await hired(worker, venue), await hired(worker, venue, name="林老师")
    await with_account(tx, resident, herself["id"])
    session = await added(worker, venue, teachers=[lead(herself)])
    body = {"teacher_id": herself["id"], "substitute_id": other["id"]}
    answer = await worker.post(f"/sessions/{session['id']}/drop-out", json=body)
    assert answer.status_code == 200, answer.text
    assert await told(worker) == []
    assert (await told(resident))[1:] == [
        ("venues.teacher_released", "您的授课安排已取消", f"{LESSON}无需到场。")
    ]


async def test_when_a_teacher_is_put_out_of_use_she_is_told_and_so_are_staff(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx, told: Told
) -> None:
    herself = await hired(worker, venue)
    await with_account(tx, resident, herself["id"])
    await added(worker, venue, teachers=[lead(herself)])
    body = TEACHER | {"active": False, "keep_phone": True, "version": 1}
    assert (await worker.put(f"/teachers/{herself['id']}", json=body)).status_code == 200
    titles = [title for _, title, _ in await told(resident)]
    assert titles == ["为您安排了授课", "您的授课安排已取消"]
    assert [title for _, title, _ in await told(worker)] == ["老师不能到场，请安排替补"]


async def test_staff_are_told_of_an_appeal(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx, clock: Clock, told: Told
) -> None:
    room = await new_room(tx, venue, strikes={"limit": 2, "window_days": 30})
    await tx.commit()
    booking = (await book(resident, room, 14, 15)).json()["id"]
    clock.now = at(13.5)
    await resident.post(f"/bookings/{booking}/cancel", json={})
    (strike,) = (await resident.get("/me/strikes")).json()["items"]
    await resident.post(f"/me/strikes/{strike['id']}/appeal", json={"text": "发烧就医"})
    ((kind, title, body),) = await told(worker)
    assert (kind, title) == ("registrations.strike_appealed", "有爽约申诉待答复")
    assert "发烧" not in body
    (shown,) = (await worker.get("/me/notifications")).json()["items"]
    assert shown["subject"] == {"type": "strike", "id": strike["id"]}


async def test_staff_are_told_of_bookings_on_a_new_holiday(
    worker: Caller,
    resident: Caller,
    callers: Callers,
    town: Town,
    venue: Venue,
    room: RoomRow,
    tx: Tx,
    told: Told,
) -> None:
    (await tx.get_one(Opening, venue.opening_id)).on_holidays = "closed"
    await tx.commit()
    await book(resident, room, 9, 10)
    await made_a_holiday(callers, town, TUESDAY)
    await look_at_holidays(tx, town.at().id, TODAY, now=at(9, TODAY))
    await tx.commit()
    assert await told(worker) == [
        (
            "venues.booked_on_holidays",
            "放假安排有变，请处理预约",
            "党群服务站放假日已有1个预约、0个课程或活动，请核对并处理。",
        )
    ]
    assert await told(resident) == []
