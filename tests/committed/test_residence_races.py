"""Several at one residence, one household, one entry: one wins, and nothing hangs."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import func, select

from neighborhood_api.grid.models import Household, PastResidence, Residence
from neighborhood_api.grid.residences.stays import join_residences
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registers.claims.matching import match_person
from neighborhood_api.registers.models import Resident
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number

pytestmark = pytest.mark.slow

LANE = (2, 2, 2, 2)


async def new_household(database: Database, town: Town) -> Household:
    household = Household(
        id=new_id(),
        address=f"{new_id().hex[-8:]}号",
        **columns_of(town.place(*LANE)),  # type: ignore[arg-type]
    )
    async with database.transaction() as tx:
        tx.add(household)
    return household


def door(household: Household, version: int | None = None) -> dict[str, Any]:
    return {
        "lane_id": str(household.lane_id),
        "address": household.address,
        "version": version,
    }


def codes(answers: list[Response]) -> Counter[str]:
    return Counter(answer.json().get("code", "done") for answer in answers)


async def deciders(callers: Callers, town: Town) -> list[Caller]:
    return [
        await callers.staff(town, role, *LANE[:depth])
        for role, depth in (
            (Role.LANE_CHIEF, 4),
            (Role.GRID_WORKER, 3),
            (Role.GRID_LEADER, 3),
            (Role.COMMUNITY_SECRETARY, 2),
        )
    ]


async def home_of(database: Database, caller: Caller) -> Residence:
    async with database.transaction() as tx:
        return await tx.get_one(Residence, caller.person_id)


async def test_of_many_who_decide_one_claim_one_does(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    staff = await deciders(live_callers, live_town)
    household = await new_household(live_database, live_town)
    for _ in range(3):
        caller = await live_callers.resident()
        await caller.put("/me/residence", json=door(household))
        url = f"/residence-claims/{caller.person_id}"
        answers = await asyncio.gather(
            *(one.post(f"{url}/confirm", json={"version": 1}) for one in staff[:2]),
            *(
                one.post(f"{url}/refuse", json={"version": 1, "reason": "查无此人"})
                for one in staff[2:]
            ),
        )
        found = codes(list(answers))
        assert found["done"] == 1
        assert found.keys() <= {"done", "stale_version", "claim_already_decided"}
        home = await home_of(live_database, caller)
        assert home.version == 2
        assert (home.confirmed_at is None) != (home.refused_at is None)


async def test_a_claim_that_moves_while_it_is_decided_is_decided_where_it_was_or_not_at_all(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    chief = (await deciders(live_callers, live_town))[0]
    first = await new_household(live_database, live_town)
    second = await new_household(live_database, live_town)
    for _ in range(5):
        caller = await live_callers.resident()
        await caller.put("/me/residence", json=door(first))
        url = f"/residence-claims/{caller.person_id}/confirm"
        moved, confirmed = await asyncio.gather(
            caller.put("/me/residence", json=door(second, 1)),
            chief.post(url, json={"version": 1}),
        )
        assert codes([moved, confirmed]) == {"done": 1, "stale_version": 1}
        home = await home_of(live_database, caller)
        at_first = moved.status_code != 200
        assert home.household_id == (first.id if at_first else second.id)
        assert (home.confirmed_at is not None) == at_first


async def test_nobody_is_registered_or_confirmed_in_a_house_that_ends(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    worker = (await deciders(live_callers, live_town))[1]
    for _ in range(5):
        household = await new_household(live_database, live_town)
        caller = await live_callers.resident()
        await caller.put("/me/residence", json=door(household))
        wish = {
            "household_id": str(household.id),
            "name": "王小明",
            "phone": phone_number(),
        }
        ended, added, confirmed = await asyncio.gather(
            worker.post(f"/registers/households/{household.id}/end", json={"version": 1}),
            worker.post("/registers/residents", json=wish),
            worker.post(f"/residence-claims/{caller.person_id}/confirm", json={"version": 1}),
        )
        async with live_database.transaction() as tx:
            there = select(func.count()).where(Resident.household_id == household.id)
            lives = select(func.count()).where(
                Residence.household_id == household.id, Residence.confirmed_at.is_not(None)
            )
            inside = (await tx.scalar(there) or 0) + (await tx.scalar(lives) or 0)
        gone = ended.status_code == 200
        assert (inside == 0) == gone, (ended.text, added.text, confirmed.text)
        assert {one.status_code for one in (ended, added, confirmed)} <= {200, 409}


async def test_members_who_choose_at_once_have_one_representative(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    chief = (await deciders(live_callers, live_town))[0]
    household = await new_household(live_database, live_town)
    members = [await live_callers.resident() for _ in range(5)]
    for one in members:
        await one.put("/me/residence", json=door(household))
        url = f"/residence-claims/{one.person_id}/confirm"
        assert (await chief.post(url, json={"version": 1})).status_code == 200
    chosen = {"person_id": str(members[0].person_id)}
    answers = await asyncio.gather(
        *(one.put("/me/household/representative", json=chosen) for one in members[:4]),
        members[4].post("/me/residence/leave", json={"version": 2}),
    )
    assert {answer.status_code for answer in answers} == {200}
    async with live_database.transaction() as tx:
        kept = await tx.get_one(Household, household.id)
        assert kept.representative_id == members[0].person_id
        assert kept.version == 2


async def test_whoever_changes_one_household_at_once_never_hangs(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    """Locks are taken in one order everywhere, so that nobody is told to try again."""
    staff = await deciders(live_callers, live_town)
    worker = staff[1]
    household = await new_household(live_database, live_town)
    number = phone_number()
    caller = await live_callers.resident()
    async with live_database.transaction() as tx:
        (await tx.get_one(Person, caller.person_id)).phone = number
        entry = Resident(
            household_id=household.id,
            name="王小明",
            moved_in_on=date(2020, 1, 1),
            **columns_of(household.place),  # type: ignore[arg-type]
        )
        tx.add(entry)
    person_id, url = caller.person_id, f"/registers/households/{household.id}"

    async def match() -> None:
        async with live_database.transaction() as tx:
            await match_person(tx, person_id, now=datetime.now(UTC))

    for round_ in range(6):
        home = await caller.get("/me/residence")
        version = home.json().get("version")
        one = (await worker.get(f"/registers/residents/{entry.id}")).json()["version"]
        two = (await worker.get(url)).json()["version"]
        phone = {"phone": number if round_ % 2 == 0 else phone_number(), "version": one}
        renamed = {
            "address": f"{new_id().hex[-8:]}号",
            "occupancy": "owned",
            "note": "",
            "version": two,
        }
        answers = await asyncio.gather(
            caller.put("/me/residence", json=door(household, version)),
            worker.post(f"/registers/residents/{entry.id}/change", json=phone),
            worker.put(url, json=renamed),
            worker.post(f"{url}/verify", json={"with_residents": True}),
            staff[0].post(
                f"/residence-claims/{person_id}/refuse",
                json={"version": version or 1, "reason": "查无此人"},
            ),
            caller.post("/me/residence/leave", json={"version": version or 1}),
        )
        await asyncio.gather(match(), match())
        assert max(one.status_code for one in answers) < 500, [a.text for a in answers]


async def test_who_said_the_door_of_a_new_household_is_locked_in_the_usual_order(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    worker = (await deciders(live_callers, live_town))[1]
    first, second = sorted(
        [await live_callers.resident() for _ in range(2)], key=lambda one: one.person_id
    )
    wish = {"lane_id": str(live_town.at(*LANE).id), "address": f"{new_id().hex[-8:]}号"}
    for caller in (second, first):  # so that they do not lie in the order of their ids
        assert (await caller.put("/me/residence", json=wish)).status_code == 200
    mine = select(Residence.person_id).with_for_update(nowait=True)
    async with live_database.transaction() as tx:
        await tx.execute(mine.where(Residence.person_id == first.person_id))
        adding = asyncio.create_task(worker.post("/registers/households", json=wish))
        await asyncio.sleep(0.5)  # it waits for the first one
        assert not adding.done()
        await tx.execute(mine.where(Residence.person_id == second.person_id))
    answer = await adding
    assert answer.status_code == 200, answer.text
    for caller in (first, second):
        home = await home_of(live_database, caller)
        assert str(home.household_id) == answer.json()["id"]


async def test_who_moves_out_while_her_household_is_verified_is_ended_once(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    staff = await deciders(live_callers, live_town)
    household = await new_household(live_database, live_town)
    for _ in range(6):
        caller = await live_callers.resident()
        await caller.put("/me/residence", json=door(household))
        async with live_database.transaction() as tx:
            place: dict[str, Any] = {**columns_of(household.place)}
            entry = Resident(
                household_id=household.id,
                name="王小明",
                person_id=caller.person_id,
                verified_on=date(2020, 1, 1),
                **place,
            )
            tx.add(entry)
            kept = await tx.get_one(Household, household.id)
            kept.verified_on = None
        url = f"/residence-claims/{caller.person_id}/confirm"
        body: dict[str, Any] = {"version": 1, "resident_id": str(entry.id)}
        assert (await staff[0].post(url, json=body)).status_code == 200
        end = f"/registers/residents/{entry.id}/end"
        answers = await asyncio.gather(
            staff[1].post(end, json={"version": 1}),
            staff[2].post(end, json={"version": 1}),
            *(
                one.post(
                    f"/registers/households/{household.id}/verify",
                    json={"with_residents": True},
                )
                for one in staff[1:]
            ),
        )
        assert codes(list(answers[:2])) == {"done": 1, "entry_already_ended": 1}
        assert {one.status_code for one in answers[2:]} == {200}
        home = await home_of(live_database, caller)
        assert (home.confirmed_at, home.refused_at is None) == (None, False)


async def test_who_is_known_as_somebody_that_moves_out_is_confirmed_no_more(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    worker = (await deciders(live_callers, live_town))[1]
    household = await new_household(live_database, live_town)
    caller, number = await live_callers.resident(), phone_number()
    await caller.put("/me/residence", json=door(household))
    async with live_database.transaction() as tx:
        (await tx.get_one(Person, caller.person_id)).phone = number
        where: dict[str, Any] = {**columns_of(household.place)}
        entry = Resident(household_id=household.id, name="王小明", phone=number, **where)
        tx.add(entry)
    url = f"/registers/residents/{entry.id}/end"
    async with live_database.transaction() as tx:
        await match_person(tx, caller.person_id, now=datetime.now(UTC))
        ending = asyncio.create_task(worker.post(url, json={"version": 1}))
        await asyncio.sleep(0.5)  # it has seen the entry without an account, and waits for it
        assert not ending.done()
    assert codes([await ending]) == {"stale_version": 1}
    assert (await home_of(live_database, caller)).confirmed_at is not None
    assert (await worker.post(url, json={"version": 1})).status_code == 200
    assert (await home_of(live_database, caller)).confirmed_at is None


async def test_accounts_that_are_joined_while_the_claim_is_decided_keep_one_residence(
    live_database: Database, live_town: Town, live_callers: Callers
) -> None:
    chief = (await deciders(live_callers, live_town))[0]
    household = await new_household(live_database, live_town)
    for _ in range(5):
        old, new = await live_callers.resident(), await live_callers.resident()
        await old.put("/me/residence", json=door(household))

        async def join(from_: Caller, into: Caller) -> None:
            async with live_database.transaction() as tx:
                now = datetime.now(UTC)
                await join_residences(tx, from_.person_id, into.person_id, now=now)

        url = f"/residence-claims/{old.person_id}/confirm"
        answer, *_ = await asyncio.gather(
            chief.post(url, json={"version": 1}), join(old, new), join(old, new)
        )
        assert answer.json().get("code", "done") in {"done", "claim_not_found"}
        home = await home_of(live_database, new)
        assert home.household_id == household.id
        assert (home.confirmed_at is not None) == (answer.status_code == 200)
        async with live_database.transaction() as tx:
            assert await tx.get(Residence, old.person_id) is None
            past = select(func.count()).where(
                PastResidence.person_id.in_([old.person_id, new.person_id])
            )
            assert await tx.scalar(past) == 0
