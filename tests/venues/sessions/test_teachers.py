"""Volunteers: who keeps them, their accounts, and that nobody is in two places."""

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.sessions.teachers.service import move_teachers
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import somebody
from tests.support.refusals import refused
from tests.venues.arranging import at, book, new_venue
from tests.venues.sessions.arranging import (
    added,
    busy_at,
    changed,
    helper,
    hired,
    lead,
    plan,
    told,
)


async def test_staff_keep_the_volunteers_of_their_place_and_nobody_else_does(
    worker: Caller, resident: Caller, venue: Venue, callers: Callers, town: Town
) -> None:
    teacher = await hired(worker, venue, subjects="数学")
    listed = (await worker.get(f"/venues/{venue.id}/teachers")).json()["items"]
    assert [(one["name"], one["subjects"], one["phone"]) for one in listed] == [
        ("陈敏华", "数学", None)
    ]
    other = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    change = {"name": "别人", "version": 1}
    for stranger in (resident, other):
        refused(await stranger.get(f"/venues/{venue.id}/teachers"), 403, "forbidden")
        answer = await stranger.post(f"/venues/{venue.id}/teachers", json={"name": "甲"})
        refused(answer, 403, "forbidden")
        answer = await stranger.put(f"/teachers/{teacher['id']}", json=change)
        refused(answer, 403, "forbidden")
    answer = await worker.put(f"/teachers/{teacher['id']}", json=change | {"version": 7})
    refused(answer, 409, "stale_version")
    answer = await worker.put(f"/teachers/{teacher['id']}", json=change)
    assert (answer.json()["name"], answer.json()["version"]) == ("别人", 2)


async def test_an_account_is_linked_by_its_number_once(
    worker: Caller, venue: Venue, phone: tuple[str, Caller]
) -> None:
    number, _ = phone
    teacher = await hired(worker, venue, phone=number)
    assert teacher["phone"] == f"{number[:3]}****{number[-4:]}"
    body = {"name": "又一位", "phone": number}
    answer = await worker.post(f"/venues/{venue.id}/teachers", json=body)
    refused(answer, 409, "already_teacher")
    other = await hired(worker, venue, "又一位")
    answer = await worker.put(f"/teachers/{other['id']}", json=body | {"version": 1})
    refused(answer, 409, "already_teacher")
    body["phone"] = "13000000000"
    answer = await worker.post(f"/venues/{venue.id}/teachers", json=body)
    refused(answer, 422, "account_not_found")


async def test_only_who_may_read_childrens_records_links_an_account(
    callers: Callers, town: Town, worker: Caller, venue: Venue, phone: tuple[str, Caller]
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    body = {"name": "麦秋禾", "phone": phone[0]}
    answer = await operator.post(f"/venues/{venue.id}/teachers", json=body)
    assert refused(answer, 403, "forbidden")["permission"] == "child:look"
    teacher = await hired(operator, venue)
    answer = await operator.put(f"/teachers/{teacher['id']}", json=body | {"version": 1})
    refused(answer, 403, "forbidden")
    linked = await worker.put(f"/teachers/{teacher['id']}", json=body | {"version": 1})
    assert linked.status_code == 200, linked.text


async def test_a_teacher_is_never_in_two_places_and_the_refusal_says_where_she_is(
    worker: Caller, venue: Venue, tx: Tx, town: Town
) -> None:
    teacher = await hired(worker, venue)
    first = await added(worker, venue, teachers=[lead(teacher)], title="数学")
    elsewhere = await new_venue(tx, town.place(1, 1), "另一个站")
    await tx.commit()
    body = {"kind": "tutoring"} | plan(17, 1, teachers=[helper(teacher)])
    problem = refused(
        await worker.post(f"/venues/{elsewhere.id}/sessions", json=body),
        409,
        "place_or_teacher_taken",
    )
    (clash,) = problem["clashes"]
    assert clash["code"] == "teacher_taken"
    assert "陈敏华" in clash["message"]
    assert "数学" in clash["message"]
    assert clash["starts_at"] == first["starts_at"]
    await added(worker, elsewhere, 18, 1, teachers=[lead(teacher)])
    assert await busy_at(tx, teacher["id"]) == [(at(16.5), at(18)), (at(18), at(19))]


async def test_whoever_teaches_cannot_book_a_room_then_nor_teach_while_she_has_one(
    worker: Caller,
    venue: Venue,
    room: RoomRow,
    tx: Tx,
    callers: Callers,
    town: Town,
) -> None:
    resident = await callers.resident(town.place(1, 1, 1, 1))
    person = await tx.get_one(type(await somebody(tx)), resident.person_id)
    person.phone = "15499990001"
    await tx.commit()
    teacher = await hired(worker, venue, phone="15499990001")
    await added(worker, venue, 15, 1, teachers=[lead(teacher)])
    problem = refused(await book(resident, room, 15, 16), 409, "overlaps_own_booking")
    assert [one["code"] for one in problem["reasons"]] == ["overlaps_own_booking"]
    assert (await book(resident, room, 17, 18)).status_code == 200
    body = {"kind": "tutoring"} | plan(17, 1, teachers=[lead(teacher)])
    answer = await worker.post(f"/venues/{venue.id}/sessions", json=body)
    problem = refused(answer, 409, "place_or_teacher_taken")
    assert "本人" in problem["clashes"][0]["message"]
    assert "乒乓球" not in problem["clashes"][0]["message"]


async def test_teachers_of_another_community_and_inactive_ones_are_not_found(
    worker: Caller, venue: Venue, tx: Tx, town: Town, callers: Callers
) -> None:
    foreign = await new_venue(tx, town.place(1, 2), "别的社区")
    await tx.commit()
    other = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    theirs = await hired(other, foreign)
    ours = await hired(worker, venue)
    body = {"name": "陈敏华", "active": False, "version": 1}
    assert (await worker.put(f"/teachers/{ours['id']}", json=body)).status_code == 200
    for teacher in (theirs, ours):
        wish = {"kind": "tutoring"} | plan(teachers=[lead(teacher)])
        answer = await worker.post(f"/venues/{venue.id}/sessions", json=wish)
        problem = refused(answer, 404, "teacher_not_found")
        assert problem["teacher_ids"] == [teacher["id"]]


async def test_more_seats_than_the_helpers_may_mind_are_refused_with_the_numbers(
    worker: Caller, venue: Venue
) -> None:
    one, two = await hired(worker, venue), await hired(worker, venue, "周志远")
    body = {"kind": "tutoring"} | plan(
        capacity=9, children_per_helper=4, teachers=[lead(one), helper(two)]
    )
    problem = refused(
        await worker.post(f"/venues/{venue.id}/sessions", json=body), 422, "too_few_helpers"
    )
    numbers = {name: problem[name] for name in ("capacity", "teachers", "most")}
    assert numbers == {"capacity": 9, "teachers": 2, "most": 8}
    body["capacity"] = 8
    answer = await worker.post(f"/venues/{venue.id}/sessions", json=body)
    assert answer.json()["faults"] == []
    body["teachers"] = [lead(one), lead(two)]
    answer = await worker.post(f"/venues/{venue.id}/sessions", json=body)
    refused(answer, 422, "two_leads")


async def test_a_helper_who_drops_out_is_a_fault_that_only_staff_see(
    worker: Caller, resident: Caller, venue: Venue, tx: Tx, phone: tuple[str, Caller]
) -> None:
    number, herself = phone
    one = await hired(worker, venue, "周志远")
    two = await hired(worker, venue, phone=number)
    session = await added(
        worker,
        venue,
        capacity=8,
        children_per_helper=4,
        teachers=[lead(one), helper(two)],
    )
    url = f"/sessions/{session['id']}"
    for body in (
        {"teacher_id": one["id"]},
        {"teacher_id": two["id"], "substitute_id": one["id"]},
    ):
        refused(await herself.post(f"{url}/drop-out", json=body), 403, "forbidden")
    refused(
        await resident.post(f"{url}/drop-out", json={"teacher_id": two["id"]}), 403, "forbidden"
    )
    answer = await herself.post(f"{url}/drop-out", json={"teacher_id": two["id"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["faults"] is None
    shown = (await worker.get(url)).json()
    assert [(f["code"], f["teachers"], f["most"]) for f in shown["faults"]] == [
        ("too_few_helpers", 1, 4)
    ]
    assert [one["name"] for one in shown["teachers"]] == ["周志远"]
    assert await busy_at(tx, two["id"]) == await busy_at(tx, herself.person_id) == []
    (released,) = await told(tx, "venues.teacher_released")
    assert (released["teacher_id"], released["dropped_out"]) == (two["id"], True)
    assert released["person_id"] == str(herself.person_id)
    refused(
        await worker.post(f"{url}/drop-out", json={"teacher_id": two["id"]}),
        404,
        "teacher_not_found",
    )


async def test_a_substitute_takes_the_role_and_the_time_of_whom_she_replaces(
    worker: Caller, venue: Venue, tx: Tx
) -> None:
    one, two = await hired(worker, venue), await hired(worker, venue, "周志远")
    session = await added(worker, venue, teachers=[lead(one)])
    busy = await added(worker, venue, 17, 2, teachers=[lead(two)])
    url = f"/sessions/{session['id']}/drop-out"
    wish = {"teacher_id": one["id"], "substitute_id": two["id"]}
    refused(await worker.post(url, json=wish), 409, "place_or_teacher_taken")
    answer = await worker.post(f"/sessions/{busy['id']}/cancel", json={"reason": "停课"})
    assert answer.status_code == 200
    (shown,) = (await worker.post(url, json=wish)).json()["teachers"]
    assert (shown["name"], shown["role"]) == ("周志远", "lead")
    assert shown["stands_in_for_id"] == one["id"]
    assert await busy_at(tx, two["id"]) == [(at(16.5), at(18))]
    assert await busy_at(tx, one["id"]) == []


async def test_a_teacher_put_out_of_use_drops_out_of_all_that_has_not_begun(
    worker: Caller, venue: Venue, tx: Tx
) -> None:
    teacher = await hired(worker, venue)
    early = await added(worker, venue, 9, 1, teachers=[lead(teacher)])
    late = await added(worker, venue, 12, 1, teachers=[lead(teacher)])
    body = {"name": "陈敏华", "active": False, "version": 1}
    shown = (await worker.put(f"/teachers/{teacher['id']}", json=body)).json()
    assert (shown["active"], shown["upcoming"]) == (False, 0)
    for session in (early, late):
        assert (await worker.get(f"/sessions/{session['id']}")).json()["teachers"] == []
    assert len(await told(tx, "venues.teacher_released")) == 2
    assert await busy_at(tx, teacher["id"]) == []


async def test_another_account_takes_over_the_time_of_what_is_taught(
    worker: Caller, venue: Venue, tx: Tx, phone: tuple[str, Caller]
) -> None:
    number, herself = phone
    teacher = await hired(worker, venue)
    await added(worker, venue, teachers=[lead(teacher)])
    assert await busy_at(tx, herself.person_id) == []
    body = {"name": "陈敏华", "phone": number, "version": 1}
    assert (await worker.put(f"/teachers/{teacher['id']}", json=body)).status_code == 200
    assert await busy_at(tx, herself.person_id) == [(at(16.5), at(18))]
    body = {"name": "陈敏华", "keep_account": True, "version": 2}
    shown = (await worker.put(f"/teachers/{teacher['id']}", json=body)).json()
    assert shown["phone"] is not None
    body = {"name": "陈敏华", "version": 3}
    shown = (await worker.put(f"/teachers/{teacher['id']}", json=body)).json()
    assert shown["phone"] is None
    assert await busy_at(tx, herself.person_id) == []
    assert await busy_at(tx, teacher["id"]) == [(at(16.5), at(18))]


async def test_who_turned_out_to_be_another_goes_on_teaching(
    worker: Caller, venue: Venue, tx: Tx, phone: tuple[str, Caller], callers: Callers
) -> None:
    number, herself = phone
    teacher = await hired(worker, venue, phone=number)
    session = await added(worker, venue, teachers=[lead(teacher)])
    other = await somebody(tx)
    await move_teachers(tx, herself.person_id, other.id)
    await tx.commit()
    now_she = await callers.person(other.id)
    taught = (await now_she.get("/me/teaching")).json()["items"]
    assert [one["id"] for one in taught] == [session["id"]]
    assert (await herself.get("/me/teaching")).json()["items"] == []


async def test_what_one_teaches_is_shown_soonest_first_page_by_page(
    worker: Caller, resident: Caller, venue: Venue, phone: tuple[str, Caller]
) -> None:
    number, herself = phone
    teacher = await hired(worker, venue, phone=number)
    other = await hired(worker, venue, "周志远")
    hours = (18, 9, 14)
    for hour in hours:
        await added(
            worker,
            venue,
            hour,
            1,
            title=f"{hour}点",
            teachers=[lead(other), helper(teacher)] if hour == 9 else [lead(teacher)],
        )
    await added(worker, venue, 20, 1, teachers=[lead(other)])
    first = (await herself.get("/me/teaching?limit=2")).json()
    assert [(one["title"], one["role"]) for one in first["items"]] == [
        ("9点", "helper"),
        ("14点", "lead"),
    ]
    rest = (await herself.get(f"/me/teaching?limit=2&after={first['next']}")).json()
    assert [one["title"] for one in rest["items"]] == ["18点"]
    assert rest["next"] is None
    assert (await resident.get("/me/teaching")).json()["items"] == []


async def test_a_change_of_teachers_tells_those_who_come_and_those_who_go(
    worker: Caller, venue: Venue, tx: Tx
) -> None:
    one, two = await hired(worker, venue), await hired(worker, venue, "周志远")
    session = await added(worker, venue, teachers=[lead(one)])
    again = await changed(worker, session, teachers=[lead(two), helper(one)])
    assert await told(tx, "venues.teacher_released") == []
    await changed(worker, again, teachers=[lead(two)])
    gone = [row["teacher_id"] for row in await told(tx, "venues.teacher_released")]
    come = [row["teacher_id"] for row in await told(tx, "venues.teacher_assigned")]
    assert (gone, come) == ([one["id"]], [one["id"], two["id"]])
    assert await busy_at(tx, one["id"]) == []
