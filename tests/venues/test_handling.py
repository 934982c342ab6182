"""Staff approve, reject and move; a hold is kept while the form is filled."""

from datetime import datetime

from sqlalchemy import select, update

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.registrations.linking import link_guest
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.refusals import refused
from tests.venues.arranging import TODAY, at, book, new_room, wish


async def booked(caller: Caller, room: RoomRow, start: float, end: float) -> str:
    answer = await book(caller, room, start, end)
    assert answer.status_code == 200, answer.text
    booking_id: str = answer.json()["id"]
    return booking_id


async def test_what_needs_approval_waits_and_blocks_and_is_approved_once(
    resident: Caller, worker: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    hall = await new_room(tx, venue, approval=True)
    await tx.commit()
    answer = await book(resident, hall, 14, 15)
    assert answer.json()["state"] == "pending"
    url = f"/bookings/{answer.json()['id']}"
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    refused(await book(neighbour, hall, 14, 15), 409, "room_taken")
    refused(await resident.post(f"{url}/approve"), 404, "registration_not_found")
    approved = await worker.post(f"{url}/approve")
    assert approved.json()["state"] == "confirmed"
    refused(await worker.post(f"{url}/approve"), 409, "not_in_that_state")


async def test_a_rejection_says_why_and_frees_the_time(
    resident: Caller, worker: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    hall = await new_room(tx, venue, approval=True)
    await tx.commit()
    url = f"/bookings/{await booked(resident, hall, 14, 15)}"
    rejected = await worker.post(f"{url}/reject", json={"reason": "当天有街道活动"})
    assert rejected.json()["state"] == "rejected"
    mine = (await resident.get(url)).json()
    assert (mine["state"], mine["cancel_reason"]) == ("rejected", "当天有街道活动")
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    assert (await book(neighbour, hall, 14, 15)).status_code == 200


async def test_of_pendings_that_do_not_block_one_is_approved(
    resident: Caller, worker: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    hall = await new_room(tx, venue, approval=True, pending_blocks=False)
    await tx.commit()
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    first = await booked(resident, hall, 14, 15)
    second = await booked(neighbour, hall, 14.5, 15.5)
    assert (await worker.post(f"/bookings/{second}/approve")).status_code == 200
    problem = refused(
        await worker.post(f"/bookings/{first}/approve"), 409, "nothing_to_approve"
    )
    assert problem["message"] == "这个时段已没有空位，请为对方改期，或不予通过"


async def test_staff_move_a_booking_and_the_holder_reads_why(
    resident: Caller, worker: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    other = await new_room(tx, venue)
    await tx.commit()
    booking_id = await booked(resident, room, 14, 15)
    body = {
        "room_id": str(other.id),
        "starts_at": at(16).isoformat(),
        "ends_at": at(17).isoformat(),
        "reason": "设备检修",
    }
    refused(
        await resident.post(f"/bookings/{booking_id}/move", json=body),
        404,
        "registration_not_found",
    )
    moved = await worker.post(f"/bookings/{booking_id}/move", json=body)
    assert moved.status_code == 200, moved.text
    assert (moved.json()["room_id"], moved.json()["starts_at"]) == (
        str(other.id),
        at(16).isoformat(),
    )
    stored = await tx.get_one(Registration, booking_id, populate_existing=True)
    assert (stored.resource_id, stored.starts_at) == (other.id, at(16))
    history = (await resident.get(f"/bookings/{booking_id}/history")).json()["items"]
    assert [(line["act"], line["text"], line["by_staff"]) for line in history] == [
        ("register", None, False),
        ("move", "设备检修", True),
    ]
    told = select(OutboxRow.payload).where(OutboxRow.name == "registrations.moved")
    assert (await tx.scalars(told)).one()["registration_id"] == booking_id
    assert (await book(worker, room, 14, 15)).json()["code"] == "not_for_your_place"


async def test_a_move_onto_somebody_or_outside_the_hours_changes_nothing(
    resident: Caller, worker: Caller, callers: Callers, town: Town, room: RoomRow, tx: Tx
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    await booked(neighbour, room, 16, 17)
    booking_id = await booked(resident, room, 14, 15)
    url = f"/bookings/{booking_id}/move"
    onto = {"starts_at": at(16).isoformat(), "ends_at": at(17).isoformat(), "reason": "x"}
    refused(await worker.post(url, json=onto), 409, "room_taken")
    closed = {"starts_at": at(12).isoformat(), "ends_at": at(13).isoformat(), "reason": "x"}
    refused(await worker.post(url, json=closed), 422, "wish_not_possible")
    stored = await tx.get_one(Registration, booking_id, populate_existing=True)
    assert stored.starts_at == at(14)


async def test_a_move_to_a_room_that_takes_nothing_new_is_too_small_or_unknown_is_refused(
    resident: Caller, worker: Caller, venue: Venue, room: RoomRow, tx: Tx
) -> None:
    paused, small = await new_room(tx, venue), await new_room(tx, venue, largest_party=1)
    await tx.execute(update(Resource).where(Resource.id == paused.id).values(open=False))
    await tx.commit()
    booking_id = await booked(resident, room, 14, 15)
    url = f"/bookings/{booking_id}/move"
    body = {"starts_at": at(16).isoformat(), "ends_at": at(17).isoformat(), "reason": "x"}
    closed = await worker.post(url, json=body | {"room_id": str(paused.id)})
    refused(closed, 409, "room_closed")
    problem = refused(
        await worker.post(url, json=body | {"room_id": str(small.id)}), 422, "wish_not_possible"
    )
    assert [one["code"] for one in problem["reasons"]] == ["party_too_large"]
    unknown = await worker.post(url, json=body | {"room_id": str(new_id())})
    refused(unknown, 404, "room_not_found")
    stored = await tx.get_one(Registration, booking_id, populate_existing=True)
    assert (stored.resource_id, stored.starts_at) == (room.id, at(14))


async def test_a_hold_keeps_the_slot_for_some_minutes_and_the_form_confirms_it(
    resident: Caller, callers: Callers, town: Town, room: RoomRow, clock: Clock
) -> None:
    times = {name: value for name, value in wish(14, 15).items() if name.endswith("_at")}
    held = (await resident.post(f"/rooms/{room.id}/holds", json=times)).json()
    assert held["state"] == "held"
    assert datetime.fromisoformat(held["answer_by"]) == at(8 + 5 / 60, TODAY)
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    refused(await book(neighbour, room, 14, 15), 409, "room_taken")
    url = f"/bookings/{held['id']}/confirm"
    form = {"party_size": 4, "purpose": "练球"}
    refused(await neighbour.post(url, json=form), 404, "registration_not_found")
    refused(await resident.post(url, json=form | {"party_size": 9}), 422, "wish_not_possible")
    clock.forward(minutes=4)
    done = (await resident.post(url, json=form)).json()
    assert (done["state"], done["party_size"], done["answer_by"]) == ("confirmed", 4, None)


async def test_a_hold_that_ran_out_is_gone_and_somebody_else_may_have_it(
    resident: Caller, callers: Callers, town: Town, room: RoomRow, clock: Clock
) -> None:
    times = {name: value for name, value in wish(14, 15).items() if name.endswith("_at")}
    held = (await resident.post(f"/rooms/{room.id}/holds", json=times)).json()
    clock.forward(minutes=5)
    form = {"purpose": "练球"}
    answer = await resident.post(f"/bookings/{held['id']}/confirm", json=form)
    refused(answer, 409, "hold_ran_out")
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    assert (await book(neighbour, room, 14, 15)).status_code == 200


async def test_staff_book_for_a_caller_beyond_her_quota_but_not_over_somebody(
    worker: Caller, resident: Caller, callers: Callers, town: Town, venue: Venue, tx: Tx
) -> None:
    quota = {"owner": "person", "window": "week", "limit": 1}
    room = await new_room(tx, venue, quotas=[quota])
    await tx.commit()
    caller = {"name": "王五", "phone": "13800138000"}
    first = await book(worker, room, 14, 15, on_behalf_of=caller)
    assert first.json()["holder"] == {
        "name": "王五",
        "phone": "138****8000",
        "untold": True,
    }
    refused(await book(worker, room, 14, 15, on_behalf_of=caller), 409, "room_taken")
    refused(await book(resident, room, 16, 17, on_behalf_of=caller), 403, "forbidden")
    elsewhere = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    refused(await book(elsewhere, room, 16, 17, on_behalf_of=caller), 403, "forbidden")
    stored = await tx.get_one(Registration, first.json()["id"])
    assert (stored.person_id, stored.guest_phone) == (None, "13800138000")


async def test_who_opens_an_account_finds_what_was_booked_for_her_number(
    worker: Caller, callers: Callers, town: Town, room: RoomRow, tx: Tx
) -> None:
    phone = phone_number()
    caller = {"name": "王五", "phone": phone}
    booking_id = (await book(worker, room, 14, 15, on_behalf_of=caller)).json()["id"]
    await book(worker, room, 16, 17, on_behalf_of=caller | {"phone": phone_number()})
    newcomer = await callers.resident(town.place(1, 1, 1, 1))
    assert (await newcomer.get("/me/bookings")).json()["items"] == []
    person = await tx.get_one(Person, newcomer.person_id)
    person.phone = phone
    await tx.flush()
    assert await link_guest(tx, newcomer.person_id, now=at(9, TODAY)) == 1
    assert await link_guest(tx, newcomer.person_id, now=at(9, TODAY)) == 0
    await tx.commit()
    (mine,) = (await newcomer.get("/me/bookings")).json()["items"]
    assert mine["id"] == booking_id
    cancelled = await newcomer.post(f"/bookings/{booking_id}/cancel", json={})
    assert cancelled.json()["state"] == "cancelled"


async def test_staff_ring_whom_the_system_cannot_tell_for_a_reason_that_is_kept(
    worker: Caller, resident: Caller, room: RoomRow, tx: Tx
) -> None:
    caller = {"name": "来电群众", "phone": "15400000078"}
    booking_id = (await book(worker, room, 14, 15, on_behalf_of=caller)).json()["id"]
    own = (await book(resident, room, 16, 17)).json()["id"]
    holders = {
        one: (await worker.get(f"/bookings/{one}")).json()["holder"]
        for one in (booking_id, own)
    }
    assert [holders[one]["untold"] for one in (booking_id, own)] == [True, False]
    assert "15400000078" not in str(holders)
    url, why = f"/bookings/{booking_id}/holder-phone", {"reason": "空调检修，改期"}
    refused(await resident.post(url, json=why), 404, "registration_not_found")
    refused(await worker.post(url, json={}), 422, "invalid_request")
    answer = await worker.post(url, json=why)
    assert answer.json() == {"name": "来电群众", "phone": "15400000078"}
    history = (await worker.get(f"/bookings/{booking_id}/history")).json()["items"]
    assert [(one["act"], one["text"]) for one in history[1:]] == [("show_phone", why["reason"])]
    act = (await tx.scalars(select(Act).where(Act.what == "venues.holder_phone_shown"))).one()
    assert (act.subject, act.person_id) == (booking_id, worker.person_id)


async def test_staff_are_told_when_no_number_is_known(
    worker: Caller, resident: Caller, room: RoomRow
) -> None:
    booking_id = (await book(resident, room, 14, 15)).json()["id"]
    url = f"/bookings/{booking_id}/holder-phone"
    answer = await worker.post(url, json={"reason": "改期"})
    refused(answer, 404, "holder_has_no_phone")
