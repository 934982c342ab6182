"""The registers of people and organisations: masked, unless somebody says why."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.registers.models import CareFlag, RegisterLook
from tests.privacy.walking import hits
from tests.registers.arranging import LANE, LONG_AGO, Arranged, named, named_as, ok
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.refusals import refused

URL = "/registers/residents"
SHOPS = "/registers/establishments"


async def test_somebody_is_registered_and_shown_masked(
    arranged: Arranged, household: Household, worker: Caller, town: Town
) -> None:
    number = phone_number()
    wish = {
        "household_id": str(household.id),
        "name": "欧阳小明",
        "phone": number,
        "birth_year": 1958,
        "relation": "户主",
        "is_head": True,
    }
    added = ok(await worker.post(URL, json=wish))
    assert (added["name"], added["phone"]) == ("欧*", f"{number[:3]}****{number[-4:]}")
    assert (added["address"], added["is_head"], added["warnings"]) == ("88号", True, [])
    listed = await worker.get(f"{URL}?node_id={household.lane_id}&limit=100")
    read = await worker.get(f"{URL}/{added['id']}")
    (mine,) = [one for one in ok(listed)["items"] if one["id"] == added["id"]]
    assert {named(one) for one in (added, mine, ok(read))} == {named_as(town)}
    house = await worker.get(f"/registers/households/{household.id}")
    for answer in (listed, read, house):
        ok(answer)
        for secret in (number, "欧阳", "1958"):
            assert secret not in answer.text
    second = wish | {"name": "欧阳大明", "phone": None}
    refused(await worker.post(URL, json=second), 409, "head_already_named")
    await arranged.fresh(household)
    unknown = wish | {"household_id": str(uuid4())}
    refused(await worker.post(URL, json=unknown), 404, "entry_not_found")


async def test_a_whole_entry_is_a_look_that_is_kept(
    arranged: Arranged, household: Household, worker: Caller, callers: Callers, town: Town
) -> None:
    entry = await arranged.resident(household, "王小明", phone="13912345678", birth_year=1950)
    look = f"{URL}/{entry.id}/look"
    for body in ({}, {"reason": " "}, {"reason": "看"}):
        assert (await worker.post(look, json=body)).status_code == 422
    shown = ok(await worker.post(look, json={"reason": "上门核实"}))
    assert (shown["name"], shown["phone"], shown["birth_year"]) == (
        "王小明",
        "13912345678",
        1950,
    )
    assert named(shown) == named_as(town)
    kept = select(RegisterLook).where(RegisterLook.subject_id == entry.id)
    (row,) = await arranged.tx.scalars(kept)
    assert (str(row.id), row.what, row.reason) == (shown["look_id"], "resident", "上门核实")
    assert (row.role, row.node_id) == ("grid_worker", town.at(*LANE[:3]).id)
    for role, path in (
        (Role.LANE_CHIEF, LANE),
        (Role.STREET_SECRETARY, LANE[:1]),
        (Role.OPERATOR, ()),
    ):
        caller = await callers.staff(town, role, *path)
        refused(await caller.post(look, json={"reason": "看看"}), 403, "forbidden")
    assert len(list(await arranged.tx.scalars(kept))) == 1
    row.person_id = entry.id
    with pytest.raises(IntegrityError, match="never changed"):
        await arranged.tx.flush()


async def test_an_entry_is_changed_without_seeing_all_of_it(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    entry = await arranged.resident(household, phone="13912345678", birth_year=1950)
    one = f"{URL}/{entry.id}"
    changed = ok(await worker.post(f"{one}/change", json={"relation": "配偶", "version": 1}))
    assert (changed["relation"], changed["phone"]) == ("配偶", "139****5678")
    refused(
        await worker.post(f"{one}/change", json={"name": "李四", "version": 1}),
        409,
        "stale_version",
    )
    body = {"phone": None, "birth_year": None, "name": None, "version": 2}
    ok(await worker.post(f"{one}/change", json=body))
    row = await arranged.fresh(entry)
    assert (row.phone, row.birth_year, row.name, row.version) == (None, None, "王小明", 3)
    acts = await arranged.acts(entry.id)
    assert acts[1].detail["changed"] == ["birth_year", "phone"]
    assert "13912345678" not in str([act.detail for act in acts])


async def test_who_looks_like_somebody_else_is_told_and_not_refused(
    arranged: Arranged, household: Household, worker: Caller, callers: Callers, town: Town
) -> None:
    number = phone_number()
    near = await arranged.resident(await arranged.household("55号"), "李四", phone=number)
    far = await arranged.resident(
        await arranged.household("56号", 1, 1, 2, 1), "李四", phone=number
    )
    same = await arranged.resident(household, "王小明")
    wish = {"household_id": str(household.id), "name": "王小明", "phone": number}
    added = ok(await worker.post(URL, json=wish))
    found = {(one["code"], one["entry_id"]) for one in added["warnings"]}
    assert found == {("same_name", str(same.id)), ("same_phone", str(near.id))}
    clerk = await callers.staff(town, Role.COMMUNITY_WORKER, *LANE[:2])
    shown = ok(await clerk.get(f"{URL}/{added['id']}"))
    assert str(far.id) in {one["entry_id"] for one in shown["warnings"]}


async def test_who_moved_out_leaves_list_household_and_care(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    entry = await arranged.resident(household, moved_in_on=date(2025, 3, 1), is_head=True)
    flag = await arranged.flag(entry)
    end = f"{URL}/{entry.id}/end"
    body = {"version": 1, "on": "2025-02-28"}
    refused(await worker.post(end, json=body), 422, "day_before_moving_in")
    ok(await worker.post(end, json={"version": 1, "on": "2025-06-01"}))
    again = await worker.post(end, json={"version": 2})
    refused(again, 409, "entry_already_ended")
    items = ok(await worker.get(f"{URL}?node_id={household.lane_id}&limit=100"))["items"]
    assert str(entry.id) not in {one["id"] for one in items}
    assert (await arranged.fresh(flag)).ended_on is not None
    wish = {"household_id": str(household.id), "name": "新户主", "is_head": True}
    ok(await worker.post(URL, json=wish))


async def test_the_office_deletes_an_entry_and_nothing_of_it_is_left(
    arranged: Arranged, household: Household, callers: Callers, town: Town
) -> None:
    number = phone_number()
    entry = await arranged.resident(household, "欧阳慎之", phone=number)
    flag = await arranged.flag(entry)
    clerk = await callers.staff(town, Role.COMMUNITY_WORKER, *LANE[:2])
    url, why = f"{URL}/{entry.id}", {"version": 1, "reason": "本人申请"}
    ok(await clerk.post(f"{url}/look", json={"reason": "核对申请"}))
    refused(await clerk.post(f"{url}/erase", json=why | {"version": 2}), 409, "stale_version")
    ok(await clerk.post(f"{url}/erase", json=why))
    refused(await clerk.get(url), 404, "entry_not_found")
    refused(await clerk.post(f"{url}/erase", json=why), 404, "entry_not_found")
    gone = select(CareFlag.id).where(CareFlag.id == flag.id)
    assert await arranged.tx.scalar(gone) is None
    act = (await arranged.acts(entry.id))[-1]
    assert (act.detail["erased"], act.detail["reason"]) == (True, "本人申请")
    assert await hits(arranged.tx, ["欧阳慎之", number]) == set()


async def test_people_not_verified_for_long_are_listed(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    old = await arranged.resident(household, "旧", verified_on=LONG_AGO)
    stale = f"{URL}?node_id={household.lane_id}&stale=true&limit=100"
    ids = {one["id"] for one in ok(await worker.get(stale))["items"]}
    assert str(old.id) in ids
    ok(await worker.post(f"{URL}/{old.id}/verify"))
    ok(await worker.post(f"{URL}/{old.id}/verify"))
    ids = {one["id"] for one in ok(await worker.get(stale))["items"]}
    assert str(old.id) not in ids
    assert len(await arranged.events("registers.entry_verified")) == 1


async def test_an_organisation_is_kept_like_the_others(
    arranged: Arranged, worker: Caller, town: Town
) -> None:
    wish = {
        "node_id": str(town.at(*LANE).id),
        "name": "老王小吃店",
        "kind": "shop",
        "address": "12号 一楼",
        "contact_name": "王老板",
        "contact_phone": "0752-6012345",
    }
    added = ok(await worker.post(SHOPS, json=wish))
    assert (added["contact_name"], added["contact_phone"]) == ("王*", "07****45")
    at = named_as(town)
    assert (added["node_name"], added["community_name"]) == at
    assert added["warnings"] == []
    twin = ok(await worker.post(SHOPS, json=wish))
    assert [one["entry_id"] for one in twin["warnings"]] == [added["id"]]
    body = wish | {"node_id": str(town.at(*LANE[:2]).id)}
    refused(await worker.post(SHOPS, json=body), 403, "forbidden")
    one = f"{SHOPS}/{added['id']}"
    changed = ok(await worker.post(f"{one}/change", json={"contact_name": None, "version": 1}))
    assert (changed["contact_name"], changed["address"]) == (None, "12号一楼")
    refused(
        await worker.post(f"{one}/change", json={"name": "新", "version": 1}),
        409,
        "stale_version",
    )
    shown = ok(await worker.post(f"{one}/look", json={"reason": "消防检查"}))
    assert shown["contact_phone"] == "0752-6012345"
    assert (shown["node_name"], shown["community_name"]) == at
    search = {"node_id": str(town.at(*LANE[:3]).id), "phone": "0752-6012345"}
    found = ok(await worker.post("/registers/search", json=search))["establishments"]
    assert {one["id"] for one in found} == {added["id"], twin["id"]}
    ok(await worker.post(f"{one}/verify"))
    assert ok(await worker.post(f"{one}/end", json={"version": 2}))["ended_on"]
    refused(await worker.post(f"{one}/verify"), 409, "entry_already_ended")
    listed = ok(await worker.get(f"{SHOPS}?node_id={town.at(*LANE).id}&limit=100"))["items"]
    assert [one["id"] for one in listed if one["name"] == "老王小吃店"] == [twin["id"]]
    assert {(one["node_name"], one["community_name"]) for one in found} == {at}
    assert at in {(one["node_name"], one["community_name"]) for one in listed}
    del arranged


async def test_an_organisation_is_at_a_lane_or_grid(
    callers: Callers, town: Town, arranged: Arranged
) -> None:
    clerk = await callers.staff(town, Role.COMMUNITY_WORKER, *LANE[:2])
    wish = {"name": "社区医院", "kind": "institution", "address": "大门"}
    body = wish | {"node_id": str(town.at(*LANE[:2]).id)}
    refused(await clerk.post(SHOPS, json=body), 422, "not_a_lane_or_grid")
    grid = town.at(*LANE[:3])
    added = ok(await clerk.post(SHOPS, json=wish | {"node_id": str(grid.id)}))
    listed = ok(await clerk.get(f"{SHOPS}?node_id={grid.id}&limit=100"))["items"]
    shown = [one for one in listed if one["id"] == added["id"]]
    names = {(one["node_name"], one["community_name"]) for one in (added, *shown)}
    assert (len(shown), names) == (1, {(grid.name, named_as(town)[1])})
    assert len(await arranged.events("registers.entry_added")) == 1
