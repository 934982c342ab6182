"""What a district keeps for residents whose residence is confirmed."""

from typing import Any

import pytest
from httpx import Response

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.queries import RoomRow
from tests.registers.arranging import LANE, Arranged, decide, ok
from tests.support.clock import Clock
from tests.support.issues import ensure_categories
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.refusals import refused
from tests.venues.arranging import TODAY, at, book, new_room, new_session, new_venue, wish

NOTHING = {
    "report_confirmed_only": False,
    "book_confirmed_only": False,
    "enrol_confirmed_only": False,
    "stale_after_days": 365,
}


@pytest.fixture
async def operator(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.OPERATOR)


@pytest.fixture
async def venue(arranged: Arranged, clock: Clock, town: Town) -> Venue:
    clock.now = at(8, TODAY)
    venue = await new_venue(arranged.tx, town.place(*LANE[:2]))
    await arranged.tx.commit()
    return venue


@pytest.fixture
async def room(arranged: Arranged, venue: Venue) -> RoomRow:
    room = await new_room(arranged.tx, venue)
    await arranged.tx.commit()
    return room


async def state(operator: Caller, town: Town, **changes: Any) -> Response:  # noqa: ANN401
    url = f"/grid/districts/{town.at().id}/residence-rules"
    return await operator.put(url, json=NOTHING | {"version": 0} | changes)


async def test_a_district_asks_nothing_until_its_operator_says_so(
    callers: Callers, town: Town, operator: Caller, arranged: Arranged
) -> None:
    url = f"/grid/districts/{town.at().id}/residence-rules"
    resident = await callers.resident()
    assert ok(await resident.get(url)) == NOTHING | {
        "district_id": str(town.at().id),
        "version": 0,
    }
    stated = ok(await state(operator, town, book_confirmed_only=True, stale_after_days=90))
    assert ok(await resident.get(url)) == stated
    assert (stated["version"], stated["stale_after_days"]) == (1, 90)
    refused(await state(operator, town), 409, "stale_version")
    (act,) = await arranged.acts(town.at().id)
    assert act.detail["before"]["book_confirmed_only"] is False
    assert act.detail["after"]["book_confirmed_only"] is True
    head = await callers.staff(town, Role.COMMUNITY_SECRETARY, *LANE[:2])
    refused(await state(head, town, version=1), 403, "forbidden")
    street = f"/grid/districts/{town.at(1).id}/residence-rules"
    refused(await resident.get(street), 404, "node_not_found")
    body = NOTHING | {"version": 0}
    refused(await operator.put(street, json=body), 404, "node_not_found")


async def test_the_days_of_the_district_say_what_is_stale(
    arranged: Arranged, household: Household, worker: Caller, operator: Caller, town: Town
) -> None:
    ok(await worker.post(f"/registers/households/{household.id}/verify"))
    ok(await state(operator, town, stale_after_days=1))
    url = f"/registers/households?node_id={household.lane_id}&stale=true&limit=100"

    async def doors() -> set[str]:
        return {one["address"] for one in ok(await worker.get(url))["items"]}

    assert "88号" not in await doors()
    arranged.clock.forward(days=2)
    assert "88号" in await doors()


async def test_reporting_is_kept_for_confirmed_residents_and_staff(
    arranged: Arranged,
    household: Household,
    operator: Caller,
    worker: Caller,
    town: Town,
    database: Database,
) -> None:
    await ensure_categories(database)
    issue = {
        "category_code": "env.garbage",
        "text": "巷口垃圾桶满了两天没人清",
        "lane_id": str(household.lane_id),
    }
    caller = await arranged.claimant(household)
    ok(await caller.post("/issues", json=issue))
    ok(await state(operator, town, report_confirmed_only=True))
    refused(await caller.post("/issues", json=issue), 403, "residence_not_confirmed")
    person = {"category_code": "staff.conduct", "text": "某工作人员态度恶劣"}
    ok(await caller.post("/issues", json=issue | person))
    ok(await worker.post("/issues", json=issue))
    clerk = await arranged.callers.staff(town, Role.COMMUNITY_WORKER, *LANE[:2])
    by_phone = {"on_behalf_of": {"name": "王女士", "phone": phone_number()}}
    ok(await clerk.post("/issues", json=issue | by_phone))
    ok(await decide(worker, caller.person_id, "confirm"))
    ok(await caller.post("/issues", json=issue))
    ok(await decide(worker, caller.person_id, "refuse", 2))
    refused(await caller.post("/issues", json=issue), 403, "residence_not_confirmed")


async def test_rooms_are_kept_for_confirmed_residents(
    arranged: Arranged,
    household: Household,
    operator: Caller,
    worker: Caller,
    room: RoomRow,
    town: Town,
) -> None:
    caller = await arranged.claimant(household)
    shown = [f"/rooms/{room.id}", f"/rooms/{room.id}/availability"]
    assert [ok(await caller.get(url))["confirmed_only"] for url in shown] == [False] * 2
    ok(await state(operator, town, book_confirmed_only=True, report_confirmed_only=True))
    assert [ok(await caller.get(url))["confirmed_only"] for url in shown] == [True] * 2
    refused(await book(caller, room, 14, 15), 403, "residence_not_confirmed")
    hold = {k: v for k, v in wish(14, 15).items() if k.endswith("_at")}
    answer = await caller.post(f"/rooms/{room.id}/holds", json=hold)
    refused(answer, 403, "residence_not_confirmed")
    clerk = await arranged.callers.staff(town, Role.COMMUNITY_WORKER, *LANE[:2])
    guest = {"name": "王女士", "phone": phone_number()}
    ok(await book(clerk, room, 16, 17, on_behalf_of=guest))
    ok(await decide(worker, caller.person_id, "confirm"))
    ok(await book(caller, room, 14, 15))


async def test_sessions_are_kept_for_confirmed_residents(
    arranged: Arranged,
    household: Household,
    operator: Caller,
    worker: Caller,
    venue: Venue,
    town: Town,
) -> None:
    session = await new_session(arranged.tx, venue, 14, kind="activity")
    await arranged.tx.commit()
    caller = await arranged.claimant(household)
    enrol = f"/sessions/{session.id}/bookings"
    url = f"/sessions/{session.id}"
    assert ok(await caller.get(url))["reasons"] == []
    ok(await state(operator, town, enrol_confirmed_only=True))
    (why,) = ok(await caller.get(url))["reasons"]
    assert (why["code"], "先填写住址" in why["message"]) == ("residence_not_confirmed", True)
    refused(await caller.post(enrol), 403, "residence_not_confirmed")
    ok(await decide(worker, caller.person_id, "confirm"))
    assert ok(await caller.get(url))["reasons"] == []
    ok(await caller.post(enrol))


async def test_a_residence_in_another_district_does_not_count(
    arranged: Arranged, household: Household, operator: Caller, room: RoomRow, town: Town
) -> None:
    caller = await arranged.member(household)
    home = await arranged.home(caller)
    assert home is not None
    home.district_id = town.at(1).id
    await arranged.tx.commit()
    ok(await state(operator, town, book_confirmed_only=True))
    refused(await book(caller, room, 14, 15), 403, "residence_not_confirmed")
