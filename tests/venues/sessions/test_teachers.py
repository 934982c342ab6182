"""Volunteers: who keeps them, their accounts, and that nobody is in two places."""

from typing import Any

from httpx import Response
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.sessions.models import Session
from neighborhood_api.venues.sessions.teachers.service import move_teachers
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import somebody
from tests.support.refusals import refused
from tests.venues.arranging import at, book, new_venue
from tests.venues.sessions.arranging import (
    SERIES,
    TEACHER,
    accepted,
    added,
    busy_at,
    changed,
    enrolled,
    helper,
    hired,
    lead,
    linked,
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
    change = TEACHER | {"name": "别人", "version": 1}
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


async def test_staff_learn_nothing_of_a_number_and_only_its_holder_links_her_account(
    worker: Caller, venue: Venue, phone: tuple[str, Caller], resident: Caller, tx: Tx
) -> None:
    number, herself = phone
    shown = []
    for one in (number, "13000000000"):
        answer = await worker.post(
            f"/venues/{venue.id}/teachers", json={"name": "甲", "phone": one}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["phone"] == f"{one[:3]}****{one[-4:]}"
        shown.append({k: v for k, v in answer.json().items() if k not in ("id", "phone")})
    assert shown[0] == shown[1]
    assert not shown[0]["linked"]
    (offer,) = (await herself.get("/me/teaching/offers")).json()["items"]
    assert offer["name"] == "甲"
    url = f"/me/teaching/offers/{offer['teacher_id']}"
    assert (await resident.get("/me/teaching/offers")).json()["items"] == []
    for move in ("accept", "decline"):
        refused(await resident.post(f"{url}/{move}"), 404, "offer_not_found")
    assert (await herself.post(f"{url}/accept")).json()["items"] == []
    refused(await herself.post(f"{url}/accept"), 404, "offer_not_found")
    listed = (await worker.get(f"/venues/{venue.id}/teachers")).json()["items"]
    assert sorted(one["linked"] for one in listed) == [False, True]
    acts = await tx.scalars(select(Act.person_id).where(Act.what == "venues.teacher_linked"))
    assert list(acts) == [herself.person_id]


async def test_who_says_that_it_is_not_she_is_not_asked_again_and_staff_see_no_difference(
    worker: Caller, venue: Venue, phone: tuple[str, Caller]
) -> None:
    number, herself = phone
    teacher = await hired(worker, venue, phone=number)
    url = f"/me/teaching/offers/{teacher['id']}"
    assert (await herself.post(f"{url}/decline")).json()["items"] == []
    assert (await herself.get("/me/teaching/offers")).json()["items"] == []
    refused(await herself.post(f"{url}/accept"), 404, "offer_not_found")
    (listed,) = (await worker.get(f"/venues/{venue.id}/teachers")).json()["items"]
    assert listed == teacher
    body = TEACHER | {"phone": number, "version": 1}
    await worker.put(f"/teachers/{teacher['id']}", json=body)
    assert (await herself.get("/me/teaching/offers")).json()["items"] == []


async def test_nobody_is_two_teachers_of_a_place_of_one_above_or_of_one_below(
    worker: Caller,
    venue: Venue,
    phone: tuple[str, Caller],
    tx: Tx,
    town: Town,
    callers: Callers,
) -> None:
    number, herself = phone
    dispatcher = await callers.staff(town, Role.STREET_DISPATCHER, 1)
    above = await new_venue(tx, town.place(1), "街道中心")
    elsewhere = await new_venue(tx, town.place(1, 2), "别的社区")
    await tx.commit()
    here = await hired(worker, venue, phone=number)
    street = await hired(dispatcher, above, phone=number)
    next_door = await hired(dispatcher, elsewhere, phone=number)
    await accepted(herself, here)
    answer = await herself.post(f"/me/teaching/offers/{street['id']}/accept")
    refused(answer, 409, "already_teacher")
    await accepted(herself, next_door)
    body = TEACHER | {"version": 2}
    for one in (here, next_door):
        answer = await dispatcher.put(f"/teachers/{one['id']}", json=body)
        assert not answer.json()["linked"]
    await accepted(herself, street)
    again = await hired(worker, venue, phone=number)
    answer = await herself.post(f"/me/teaching/offers/{again['id']}/accept")
    refused(answer, 409, "already_teacher")


async def test_only_who_may_read_childrens_records_asks_for_an_account(
    callers: Callers, town: Town, worker: Caller, venue: Venue, phone: tuple[str, Caller]
) -> None:
    operator = await callers.staff(town, Role.OPERATOR)
    body = {"name": "麦秋禾", "phone": phone[0]}
    answer = await operator.post(f"/venues/{venue.id}/teachers", json=body)
    assert refused(answer, 403, "forbidden")["permission"] == "child:look"
    teacher = await hired(operator, venue)
    answer = await operator.put(
        f"/teachers/{teacher['id']}", json=TEACHER | body | {"version": 1}
    )
    refused(answer, 403, "forbidden")
    linked = await worker.put(
        f"/teachers/{teacher['id']}", json=TEACHER | body | {"version": 1}
    )
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
    teacher = await linked(worker, venue, ("15499990001", resident))
    await added(worker, venue, 15, 1, teachers=[lead(teacher)])
    problem = refused(await book(resident, room, 15, 16), 409, "overlaps_own_booking")
    assert [one["code"] for one in problem["reasons"]] == ["overlaps_own_booking"]
    assert (await book(resident, room, 17, 18)).status_code == 200
    body = {"kind": "tutoring"} | plan(17, 1, teachers=[lead(teacher)])
    answer = await worker.post(f"/venues/{venue.id}/sessions", json=body)
    problem = refused(answer, 409, "place_or_teacher_taken")
    assert [one["message"] for one in problem["clashes"]] == ["陈敏华本人在这个时段另有安排"]


async def test_of_what_somebody_does_herself_staff_learn_that_there_is_something_and_not_when(
    worker: Caller, venue: Venue, phone: tuple[str, Caller]
) -> None:
    teacher = await linked(worker, venue, phone)
    open_to_all = await added(worker, venue, 17, 0.5, title="合唱")
    await enrolled(phone[1], open_to_all["id"])
    await added(worker, venue, 17.5, 0.5, teachers=[lead(teacher)], title="数学")
    url, by = f"/venues/{venue.id}/sessions", {"teachers": [lead(teacher)]}
    answer = await worker.post(url, json={"kind": "tutoring"} | plan(17.5, 1, **by))
    (taught,) = refused(answer, 409, "place_or_teacher_taken")["clashes"]
    assert "数学" in taught["message"]
    body = {"kind": "tutoring"} | plan(16, 3, **by)
    answer = await worker.post(f"/venues/{venue.id}/sessions", json=body)
    problem = refused(answer, 409, "place_or_teacher_taken")
    taught, private = problem["clashes"]
    assert "数学" in taught["message"]
    assert (private["message"], private["starts_at"], private["ends_at"]) == (
        "陈敏华本人在这个时段另有安排",
        at(16).isoformat(),
        at(19).isoformat(),
    )
    assert "合唱" not in answer.text


async def ways_to_teach(
    worker: Caller, venue: Venue, teacher: dict[str, Any]
) -> dict[str, Response]:
    """What staff get who let somebody teach, in each way that there is."""
    ours = await hired(worker, venue, "周志远")
    session = await added(worker, venue, 10, 1, teachers=[lead(ours)])
    answer = await worker.post(f"/venues/{venue.id}/series", json=SERIES)
    series, url = answer.json(), f"/sessions/{session['id']}"
    by = {"teachers": [lead(teacher)]}
    fixed = {"version": 1, "outside_hours": True}
    return {
        "add_session": await worker.post(
            f"/venues/{venue.id}/sessions", json={"kind": "tutoring"} | plan(20, 1, **by)
        ),
        "change_session": await worker.put(url, json=plan(10, 1, version=1) | by),
        "add_series": await worker.post(f"/venues/{venue.id}/series", json=SERIES | by),
        "change_series": await worker.put(
            f"/series/{series['id']}", json=series["plan"] | fixed | by
        ),
        "drop_out": await worker.post(
            f"{url}/drop-out",
            json={"teacher_id": ours["id"], "substitute_id": teacher["id"]},
        ),
    }


async def test_teachers_of_another_community_teach_nothing_here_and_read_no_roster(
    worker: Caller,
    venue: Venue,
    tx: Tx,
    town: Town,
    callers: Callers,
    phone: tuple[str, Caller],
) -> None:
    foreign = await new_venue(tx, town.place(1, 2), "别的社区")
    await tx.commit()
    other = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2)
    theirs = await linked(other, foreign, phone)
    answers = await ways_to_teach(worker, venue, theirs)
    for way, answer in answers.items():
        problem = refused(answer, 404, "teacher_not_found")
        assert problem["teacher_ids"] == [theirs["id"]], way
    for session in await tx.scalars(select(Session.id)):
        answer = await phone[1].get(f"/sessions/{session}/roster")
        refused(answer, 404, "session_not_found")


async def test_teachers_out_of_use_teach_nothing(worker: Caller, venue: Venue) -> None:
    ours = await hired(worker, venue)
    body = TEACHER | {"active": False, "version": 1}
    assert (await worker.put(f"/teachers/{ours['id']}", json=body)).status_code == 200
    for way, answer in (await ways_to_teach(worker, venue, ours)).items():
        problem = refused(answer, 404, "teacher_not_found")
        assert problem["teacher_ids"] == [ours["id"]], way


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
    herself = phone[1]
    one = await hired(worker, venue, "周志远")
    two = await linked(worker, venue, phone)
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
    body = TEACHER | {"active": False, "version": 1}
    shown = (await worker.put(f"/teachers/{teacher['id']}", json=body)).json()
    assert (shown["active"], shown["upcoming"]) == (False, 0)
    for session in (early, late):
        assert (await worker.get(f"/sessions/{session['id']}")).json()["teachers"] == []
    assert len(await told(tx, "venues.teacher_released")) == 2
    assert await busy_at(tx, teacher["id"]) == []


async def test_what_is_taught_takes_the_time_of_a_linked_account_until_the_number_changes(
    worker: Caller, venue: Venue, tx: Tx, phone: tuple[str, Caller]
) -> None:
    number, herself = phone
    teacher = await hired(worker, venue, phone=number)
    await added(worker, venue, teachers=[lead(teacher)])
    assert await busy_at(tx, herself.person_id) == []
    lesson = await added(worker, venue, 17, 1)
    booking = await enrolled(herself, lesson["id"])
    answer = await herself.post(f"/me/teaching/offers/{teacher['id']}/accept")
    (clash,) = refused(answer, 409, "place_or_teacher_taken")["clashes"]
    assert clash["starts_at"] == at(16.5).isoformat()
    await herself.post(f"/bookings/{booking['id']}/cancel", json={})
    await accepted(herself, teacher)
    taught = [(at(16.5), at(18))]
    assert await busy_at(tx, herself.person_id) == taught
    url = f"/teachers/{teacher['id']}"
    for kept in ({"keep_phone": True, "version": 2}, {"phone": number, "version": 3}):
        assert (await worker.put(url, json=TEACHER | kept)).json()["linked"]
        assert await busy_at(tx, herself.person_id) == taught
    shown = (await worker.put(url, json=TEACHER | {"version": 4})).json()
    assert (shown["phone"], shown["linked"]) == (None, False)
    assert await busy_at(tx, herself.person_id) == []
    assert await busy_at(tx, teacher["id"]) == taught


async def test_who_turned_out_to_be_another_goes_on_teaching(
    worker: Caller, venue: Venue, tx: Tx, phone: tuple[str, Caller], callers: Callers
) -> None:
    herself = phone[1]
    teacher = await linked(worker, venue, phone)
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
    herself = phone[1]
    teacher = await linked(worker, venue, phone)
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
