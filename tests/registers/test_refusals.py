"""What a refusal leaves behind, and what was seen before something was changed."""

from typing import Any

import pytest

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.events import PhoneBound
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.outbox import emit
from tests.registers.arranging import Arranged, claim, decide, ok
from tests.support.people import Caller
from tests.support.posts import phone_number
from tests.support.reactions import Reactions
from tests.support.refusals import refused


async def test_an_entry_whose_number_was_wrong_is_not_of_the_account_any_more(
    arranged: Arranged, household: Household, worker: Caller, react: Reactions
) -> None:
    wrong, right = phone_number(), phone_number()
    entry = await arranged.resident(household, phone=wrong)
    stranger = await arranged.account(wrong)
    ok(await claim(stranger, household))
    change = f"/registers/residents/{entry.id}/change"
    assert ok(await worker.post(change, json={"relation": "子", "version": 1}))["has_account"]
    kept = ok(await worker.post(change, json={"phone": right, "version": 2}))
    assert kept["has_account"] is False
    await react()
    # Whose number changes, and not who she is, is found again by the new one.
    (await arranged.tx.get_one(Person, stranger.person_id)).phone = right
    emit(arranged.tx, PhoneBound(person_id=stranger.person_id))
    await arranged.tx.commit()
    await react()
    assert (await arranged.fresh(entry)).person_id == stranger.person_id


async def test_a_refusal_tells_why_and_the_same_door_is_staffs_to_decide_from_then_on(
    arranged: Arranged, household: Household, chief: Caller
) -> None:
    number = phone_number()
    caller = await arranged.claimant(household)
    ok(await decide(chief, caller.person_id, "refuse", reason="该户为出租房"))
    body = ok(await caller.get("/me/residence"))
    assert (body["state"], body["refusal"]) == ("refused", "该户为出租房")
    ((title, text),) = await arranged.told(caller)
    assert title == "住址未通过确认"
    assert "该户为出租房" in text
    again = await decide(chief, caller.person_id, "refuse", 2)
    refused(again, 409, "claim_already_decided")
    homes = ok(await chief.get(f"/grid/nodes/{household.lane_id}/households"))["items"]
    assert {one["residents"] for one in homes if one["id"] == str(household.id)} == {0}
    await arranged.resident(household, phone=number)
    (await arranged.tx.get_one(Person, caller.person_id)).phone = number
    await arranged.tx.commit()
    refused(await claim(caller, household, 1), 409, "stale_version")
    assert ok(await claim(caller, household, 2))["state"] == "waiting"
    listed = ok(await chief.get(f"/residence-claims?node_id={household.lane_id}"))["items"]
    assert [one["refused_before"] for one in listed if one["id"] == str(caller.person_id)]
    assert ok(await decide(chief, caller.person_id, "confirm", 3))["state"] == "confirmed"


@pytest.mark.parametrize("way", ["by leaving", "by way of another door", "once more"])
async def test_a_refusal_is_not_forgotten(
    way: str, arranged: Arranged, household: Household, chief: Caller
) -> None:
    number = phone_number()
    caller = await arranged.claimant(household, phone=number)
    ok(await decide(chief, caller.person_id, "refuse"))
    await arranged.resident(household, phone=number)
    version = 2
    if way == "once more":
        ok(await claim(caller, household, version))
        version += 1
    if way == "by way of another door":
        ok(await claim(caller, await arranged.household("94号"), version))
        version += 1
    else:
        ok(await caller.post("/me/residence/leave", json={"version": version}))
    back = ok(await claim(caller, household, version))
    assert (back["state"], back["version"]) == ("waiting", version + 1)
    listed = ok(await chief.get(f"/residence-claims?node_id={household.lane_id}"))["items"]
    assert [one["refused_before"] for one in listed if one["id"] == str(caller.person_id)]
    assert ok(await chief.get(f"/residence-moves?node_id={household.lane_id}"))["items"] == []
    ok(await decide(chief, caller.person_id, "confirm", back["version"]))
    ok(await caller.post("/me/residence/leave", json={"version": back["version"] + 1}))
    assert ok(await claim(caller, household))["state"] == "confirmed"


async def test_who_leaves_and_comes_to_another_door_is_not_confirmed_by_what_staff_saw(
    arranged: Arranged, household: Household, chief: Caller
) -> None:
    caller = await arranged.claimant(household)
    ok(await caller.post("/me/residence/leave", json={"version": 1}))
    assert ok(await claim(caller, await arranged.household("95号")))["version"] == 2
    for decision in ("confirm", "refuse"):
        refused(await decide(chief, caller.person_id, decision), 409, "stale_version")
    for version in (2, 4):
        ok(await decide(chief, caller.person_id, "confirm", version))
        ok(await caller.post("/me/residence/leave", json={"version": version + 1}))
        ok(await claim(caller, household))
    assert [title for title, _ in await arranged.told(caller)] == ["住址已确认"] * 2


async def test_no_entry_is_of_two_who_live_there(
    arranged: Arranged, household: Household, chief: Caller
) -> None:
    first = await arranged.member(household)
    entry = await arranged.resident(household, person_id=first.person_id)
    second = await arranged.claimant(household)
    hers: dict[str, Any] = {"resident_id": str(entry.id)}
    answer = await decide(chief, second.person_id, "confirm", **hers)
    refused(answer, 409, "entry_is_anothers")
    assert (await arranged.fresh(entry)).person_id == first.person_id
    ok(await decide(chief, first.person_id, "refuse"))
    assert (await arranged.fresh(entry)).person_id is None
    ok(await decide(chief, second.person_id, "confirm", **hers))
    assert (await arranged.fresh(entry)).person_id == second.person_id


async def test_a_claim_that_was_changed_is_not_decided_as_it_was(
    arranged: Arranged, household: Household, chief: Caller, worker: Caller
) -> None:
    caller = await arranged.claimant(household)
    ok(await claim(caller, await arranged.household("92号"), 1))
    for decision in ("confirm", "refuse"):
        answer = await decide(chief, caller.person_id, decision)
        assert refused(answer, 409, "stale_version")["version"] == 2
    next_lane = await arranged.household("1巷", 1, 1, 1, 2)
    ok(await claim(caller, next_lane, 2))
    refused(await decide(chief, caller.person_id, "confirm", 3), 404, "claim_not_found")
    assert ok(await decide(worker, caller.person_id, "confirm", 3))["state"] == "confirmed"
