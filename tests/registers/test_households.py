"""The register of dwellings: kept, verified, found."""

from datetime import timedelta

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import Household
from tests.registers.arranging import LANE, LONG_AGO, Arranged, named, named_as, ok
from tests.support.people import Caller
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.refusals import refused

URL = "/registers/households"


async def test_a_dwelling_is_added_changed_and_ended(
    arranged: Arranged, worker: Caller, town: Town
) -> None:
    today = local_day(arranged.clock.now).isoformat()
    wish = {"lane_id": str(town.at(*LANE).id), "address": " 12栋 3０1", "occupancy": "rented"}
    added = ok(await worker.post(URL, json=wish))
    assert (added["address"], added["occupancy"]) == ("12栋301", "rented")
    assert added["occupancy_name"] == "出租"
    assert (added["verified_on"], added["residents"], added["version"]) == (today, 0, 1)
    assert named(added) == named_as(town)
    assert [one["code"] for one in added["warnings"]] == ["no_residents"]
    refused(await worker.post(URL, json=wish), 409, "household_exists")
    one = f"{URL}/{added['id']}"
    vacant = {"address": "12栋301", "occupancy": "vacant", "note": ""}
    changed = ok(await worker.put(one, json=vacant | {"version": 1}))
    assert (changed["occupancy"], changed["address"]) == ("vacant", "12栋301")
    assert (changed["warnings"], changed["version"]) == ([], 2)
    refused(await worker.put(one, json=vacant | {"version": 1}), 409, "stale_version")
    taken = vacant | {"address": "1号", "version": 2}
    refused(await worker.put(one, json=taken), 409, "household_exists")
    late = (local_day(arranged.clock.now) + timedelta(days=1)).isoformat()
    body = {"version": 2, "on": late}
    refused(await worker.post(f"{one}/end", json=body), 422, "day_not_yet")
    assert ok(await worker.post(f"{one}/end", json={"version": 2}))["ended_on"] == today
    again = await worker.put(one, json=vacant | {"version": 3})
    refused(again, 409, "entry_already_ended")
    assert ok(await worker.post(URL, json=wish))["id"] != added["id"]
    acts = await arranged.acts(added["id"])
    assert [act.what.split(".")[1] for act in acts] == [
        "household_added",
        "household_changed",
        "household_ended",
    ]
    assert acts[1].detail["before"] == {"occupancy": "rented"}
    assert acts[1].detail["after"] == {"occupancy": "vacant"}
    told = await arranged.events("registers.entry_added", "registers.entry_ended")
    assert [event["entry_id"] for event in told[:2]] == [added["id"]] * 2


async def test_a_new_door_is_the_door_of_who_lives_there(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    caller = await arranged.member(household)
    body = {"address": "88号甲", "occupancy": "unknown", "note": "", "version": 1}
    ok(await worker.put(f"{URL}/{household.id}", json=body))
    shown = ok(await caller.get("/me/residence"))
    assert (shown["address"], shown["state"]) == ("88号甲", "confirmed")
    (act,) = await arranged.acts(household.id)
    assert act.detail["changed"] == ["address"]
    assert "88号" not in str(act.detail)


async def test_nobody_is_registered_out_of_a_house_that_is_lived_in(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    end = f"{URL}/{household.id}/end"
    entry = await arranged.resident(household)
    refused(await worker.post(end, json={"version": 1}), 409, "household_not_empty")
    ok(await worker.post(f"/registers/residents/{entry.id}/end", json={"version": 1}))
    member = await arranged.member(household)
    refused(await worker.post(end, json={"version": 1}), 409, "household_not_empty")
    ok(await member.post("/me/residence/leave", json={"version": 1}))
    waiting = await arranged.claimant(household)
    ok(await worker.post(end, json={"version": 1}))
    assert ok(await waiting.get("/me/residence"))["household_id"] is None
    wish = {"household_id": str(household.id), "name": "李四"}
    refused(await worker.post("/registers/residents", json=wish), 409, "entry_already_ended")


async def test_a_visit_verifies_the_dwelling_and_who_was_seen(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    first = await arranged.resident(household, "王小明", is_head=True, verified_on=LONG_AGO)
    gone = await arranged.resident(
        household, "王大明", moved_out_on=LONG_AGO, verified_on=LONG_AGO
    )
    today = local_day(arranged.clock.now)
    verify = f"{URL}/{household.id}/verify"
    assert ok(await worker.post(verify))["verified_on"] == today.isoformat()
    assert (await arranged.fresh(first)).verified_on == LONG_AGO
    ok(await worker.post(verify, json={"with_residents": True}))
    ok(await worker.post(verify, json={"with_residents": True}))
    assert (await arranged.fresh(first)).verified_on == today
    assert (await arranged.fresh(gone)).verified_on == LONG_AGO
    seen = await arranged.events("registers.entry_verified")
    assert [one["kind"] for one in seen] == ["household", "resident"]


async def test_stale_and_deserted_dwellings_are_listed(
    arranged: Arranged, worker: Caller, town: Town
) -> None:
    day = local_day(arranged.clock.now)
    fresh = await arranged.household("201号", verified_on=day)
    older = await arranged.household("202号", verified_on=day - timedelta(days=40))
    never = await arranged.household("203号")
    vacant = await arranged.household("204号", occupancy="vacant", verified_on=day)
    ended = await arranged.household("205号", ended_on=day)
    mine = {one.address: one for one in (fresh, older, never, vacant, ended)}
    await arranged.resident(fresh)
    url = f"{URL}?node_id={town.at(*LANE).id}&limit=100"

    async def listed(query: str) -> set[str]:
        items = ok(await worker.get(url + query))["items"]
        return {one["address"] for one in items} & mine.keys()

    assert await listed("") == {"201号", "202号", "203号", "204号"}
    assert await listed("&stale=true") == {"203号"}
    assert await listed("&stale=true&stale_days=40") == {"203号"}
    assert await listed("&stale=true&stale_days=39") == {"202号", "203号"}
    assert await listed("&deserted=true") == {"202号", "203号"}
    items = ok(await worker.get(url))["items"]
    assert {named(one) for one in items} == {named_as(town)}
    counts = {one["address"]: one["residents"] for one in items}
    assert (counts["201号"], counts["202号"]) == (1, 0)


async def test_what_looks_wrong_is_told(
    arranged: Arranged, household: Household, worker: Caller, town: Town
) -> None:
    await arranged.resident(household, "王小明")
    twin = await arranged.resident(household, "王小明")
    shown = ok(await worker.get(f"{URL}/{household.id}"))
    codes = {(one["code"], one["entry_id"]) for one in shown["warnings"]}
    assert codes == {("no_head", None), ("same_name", str(twin.id))}
    assert {one["name"] for one in shown["people"]} == {"王*"}
    assert {named(one) for one in [shown, *shown["people"]]} == {named_as(town)}


async def test_entries_are_found_by_a_whole_number_or_door(
    arranged: Arranged, household: Household, worker: Caller, town: Town
) -> None:
    number = phone_number()
    entry = await arranged.resident(household, phone=number)
    await arranged.resident(await arranged.household("9号", 1, 1, 2, 1), phone=number)
    here = {"node_id": str(town.at(*LANE[:3]).id)}
    found = ok(await worker.post("/registers/search", json=here | {"phone": number}))
    assert [one["id"] for one in found["residents"]] == [str(entry.id)]
    assert named(found["residents"][0]) == named_as(town)
    assert found["residents"][0]["phone"] == f"{number[:3]}****{number[-4:]}"
    found = ok(await worker.post("/registers/search", json=here | {"address": " 88 号"}))
    assert [one["id"] for one in found["households"]] == [str(household.id)]
    assert named(found["households"][0]) == named_as(town)
    for body in ({"phone": number[:-1]}, {"address": "88"}):
        found = ok(await worker.post("/registers/search", json=here | body))
        assert [*found["residents"], *found["households"]] == []
    for body in ({}, {"phone": number, "address": "88号"}):
        answer = await worker.post("/registers/search", json=here | body)
        refused(answer, 422, "one_thing_to_find")
