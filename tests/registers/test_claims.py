"""Saying where one lives, and what comes of it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from neighborhood_api.grid.models import Household, PastResidence
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.events import PersonMerged, PhoneBound
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.outbox import emit
from neighborhood_api.notifications.models import Delivery, Subscription
from neighborhood_api.registers.claims import jobs, matching
from tests.registers.arranging import LANE, Arranged, claim, decide, named, named_as, ok
from tests.support.clock import Clock
from tests.support.jobs import job_context
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.reactions import Reactions
from tests.support.refusals import refused

CONFIRMED = "grid.residence_confirmed"


async def test_a_wrong_claim_is_answered_like_a_right_one(
    arranged: Arranged, household: Household
) -> None:
    """Whoever is registered there: with a number or without, of that name or another."""
    empty = await arranged.household("89号")
    await arranged.resident(household, "王小明", phone=phone_number())
    answers = []
    for wanted in (household, empty):
        for name in ("王小明", "路人甲"):
            caller = await arranged.account(phone_number(), name=name)
            body = ok(await claim(caller, wanted))
            assert body.pop("household_id") == str(wanted.id)
            assert body.pop("address") == wanted.address
            answers.append(body)
            refused(await caller.get("/me/household"), 403, "residence_not_confirmed")
            assert await arranged.told(caller) == []
    assert answers == [answers[0]] * 4
    assert (answers[0]["state"], answers[0]["confirmed_at"]) == ("waiting", None)


async def test_her_verified_number_in_the_register_confirms_at_once(
    arranged: Arranged, household: Household
) -> None:
    number = phone_number()
    entry = await arranged.resident(household, phone=number)
    caller = await arranged.account(number)
    body = ok(await claim(caller, household))
    assert (body["state"], body["state_name"]) == ("confirmed", "已确认")
    home = await arranged.home(caller)
    assert home is not None
    assert (home.confirmed_how, home.confirmed_by_id) == ("phone", None)
    assert (await arranged.fresh(entry)).person_id == caller.person_id
    (event,) = await arranged.events(CONFIRMED)
    assert event["household_id"] == str(household.id)
    assert [title for title, _ in await arranged.told(caller)] == ["住址已确认"]
    assert ok(await claim(caller, household)) == body
    assert len(await arranged.events(CONFIRMED)) == 1


async def test_the_number_counts_in_that_household_only_and_not_of_who_moved_out(
    arranged: Arranged, household: Household
) -> None:
    number = phone_number()
    gone_on = arranged.clock.now.date()
    await arranged.resident(household, phone=number, moved_out_on=gone_on)
    await arranged.resident(await arranged.household("90号"), phone=number)
    caller = await arranged.account(number)
    assert ok(await claim(caller, household))["state"] == "waiting"


async def test_a_number_that_is_verified_later_confirms_then(
    arranged: Arranged, household: Household, react: Reactions
) -> None:
    number = phone_number()
    await arranged.resident(household, phone=number)
    caller = await arranged.claimant(household)
    await react()
    home = await arranged.home(caller)
    assert home is not None
    assert home.confirmed_at is None
    (await arranged.tx.get_one(Person, caller.person_id)).phone = number
    emit(arranged.tx, PhoneBound(person_id=caller.person_id))
    await arranged.tx.commit()
    assert "registers.match_residence" in await react()
    body = ok(await caller.get("/me/residence"))
    assert body["state"] == "confirmed"
    assert len(await arranged.events(CONFIRMED)) == 1
    assert len(await arranged.told(caller)) == 1


@pytest.mark.parametrize("way", ["registered", "corrected", "the door too"])
async def test_a_number_that_staff_register_later_confirms_then(
    way: str, arranged: Arranged, household: Household, worker: Caller
) -> None:
    number = phone_number()
    if way == "the door too":
        caller = await arranged.account(number)
        wish = {"lane_id": str(household.lane_id), "address": "91号"}
        assert ok(await caller.put("/me/residence", json=wish))["household_id"] is None
        added = ok(await worker.post("/registers/households", json=wish))
        assert ok(await caller.get("/me/residence"))["household_id"] == added["id"]
        household_id = added["id"]
    else:
        caller = await arranged.claimant(household, phone=number)
        household_id = str(household.id)
    if way == "corrected":
        entry = await arranged.resident(household)
        change = {"phone": number, "version": 1}
        ok(await worker.post(f"/registers/residents/{entry.id}/change", json=change))
    else:
        wish = {"household_id": household_id, "name": "王小明", "phone": number}
        assert ok(await worker.post("/registers/residents", json=wish))["has_account"]
    assert ok(await caller.get("/me/residence"))["state"] == "confirmed"


async def test_numbers_that_an_import_brings_confirm_whoever_waits(
    arranged: Arranged,
    household: Household,
    rolled_back: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matching, "MATCHED_AT_ONCE", 2)
    numbers = [phone_number() for _ in range(5)]
    callers = [await arranged.claimant(household, phone=number) for number in numbers]
    stranger = await arranged.claimant(household, phone=phone_number())
    for number in numbers:
        await arranged.resident(household, phone=number)
    context = job_context(rolled_back, "registers.match_district")
    for _ in range(2):
        await jobs.match_district.func(context, str(household.district_id))
    for caller in callers:
        assert ok(await caller.get("/me/residence"))["state"] == "confirmed"
    assert ok(await stranger.get("/me/residence"))["state"] == "waiting"
    assert len(await arranged.events(CONFIRMED)) == len(callers)


async def test_staff_see_who_waits_and_confirm_her(
    arranged: Arranged, household: Household, chief: Caller
) -> None:
    entry = await arranged.resident(household, "王小明")
    caller = await arranged.claimant(household, phone="13912345678")
    now = arranged.clock.now
    may_tell: dict[str, Any] = {"template": "residence", "template_id": "t", "agreed_at": now}
    arranged.tx.add(Subscription(person_id=caller.person_id, remaining=1, **may_tell))
    await arranged.tx.commit()
    list_url = f"/residence-claims?node_id={household.lane_id}"
    waiting = {one["id"]: one for one in ok(await chief.get(list_url))["items"]}
    mine = waiting[str(caller.person_id)]
    assert (mine["name"], mine["phone"]) == ("王小明", "139****5678")
    assert (mine["address"], mine["name_is_registered"]) == ("88号", True)
    assert named(mine) == named_as(arranged.town)
    body = ok(await decide(chief, caller.person_id, "confirm", resident_id=str(entry.id)))
    assert (body["state"], body["how"]) == ("confirmed", "staff")
    assert (body["state_name"], body["how_name"]) == ("已确认", "工作人员确认")
    assert ok(await caller.get("/me/residence"))["state"] == "confirmed"
    assert (await arranged.fresh(entry)).person_id == caller.person_id
    assert [title for title, _ in await arranged.told(caller)] == ["住址已确认"]
    message = (await arranged.tx.scalars(select(Delivery))).one()
    assert (message.template, message.about) == ("residence", "居住地址")
    (act,) = await arranged.acts(caller.person_id)
    assert (act.what, act.person_id) == ("registers.residence_confirmed", chief.person_id)
    assert "王小明" not in str(act.detail)
    waiting = {one["id"]: one for one in ok(await chief.get(list_url))["items"]}
    assert str(caller.person_id) not in waiting
    again = await decide(chief, caller.person_id, "confirm", 2)
    refused(again, 409, "claim_already_decided")


async def test_staff_of_the_place_are_told_that_somebody_waits_but_not_of_themselves(
    arranged: Arranged,
    household: Household,
    chief: Caller,
    worker: Caller,
    react: Reactions,
) -> None:
    caller = await arranged.claimant(household)
    for version, door in ((1, "96号"), (2, "97号")):
        await react()
        ok(await claim(caller, await arranged.household(door), version))
    await react()
    assert [title for title, _ in await arranged.told(chief)] == ["有居民等待住址确认"]
    assert await arranged.told(worker) == []
    ok(await claim(chief, household))
    await react()
    assert len(await arranged.told(chief)) == len(await arranged.told(worker)) == 1


async def test_nobody_decides_about_her_own_residence(
    arranged: Arranged, household: Household, chief: Caller, callers: Callers, town: Town
) -> None:
    ok(await claim(chief, household))
    for decision in ("confirm", "refuse"):
        answer = await decide(chief, chief.person_id, decision)
        refused(answer, 403, "own_residence")
    head = await callers.staff(town, Role.COMMUNITY_SECRETARY, *LANE[:2])
    assert ok(await decide(head, chief.person_id, "confirm"))["state"] == "confirmed"
    worker, number = await callers.staff(town, Role.GRID_WORKER, *LANE[:3]), phone_number()
    (await arranged.tx.get_one(Person, worker.person_id)).phone = number
    await arranged.tx.commit()
    hers = {"household_id": str(household.id), "name": "网格员", "phone": number}
    ok(await worker.post("/registers/residents", json=hers))
    assert ok(await claim(worker, household))["state"] == "waiting"
    assert ok(await decide(head, worker.person_id, "confirm"))["state"] == "confirmed"


async def test_staff_put_a_claim_into_a_household_of_the_lane_and_no_other(
    arranged: Arranged, household: Household, chief: Caller
) -> None:
    other_lane = await arranged.household("5号", 1, 1, 1, 2)
    ended = await arranged.household("6号", ended_on=arranged.clock.now.date())
    stranger = await arranged.resident(other_lane)
    caller = await arranged.account()
    wish = {"lane_id": str(household.lane_id), "address": "老王家"}
    ok(await caller.put("/me/residence", json=wish))
    for body, status, code in (
        ({"household_id": str(other_lane.id)}, 404, "entry_not_found"),
        ({"household_id": str(ended.id)}, 409, "entry_already_ended"),
        (
            {"household_id": str(household.id), "resident_id": str(stranger.id)},
            404,
            "entry_not_found",
        ),
    ):
        refused(await decide(chief, caller.person_id, "confirm", 1, **body), status, code)
    body = {"household_id": str(household.id)}
    ok(await decide(chief, caller.person_id, "confirm", 1, **body))
    shown = ok(await caller.get("/me/residence"))
    assert (shown["household_id"], shown["address"]) == (str(household.id), "88号")
    assert named(shown) == named_as(arranged.town)


@pytest.mark.parametrize("way", ["elsewhere", "away", "struck off", "taken back"])
async def test_a_move_ends_the_confirmation_and_stays_in_the_history(
    way: str, arranged: Arranged, household: Household, worker: Caller, clock: Clock
) -> None:
    caller = await arranged.member(household)
    entry = await arranged.resident(household, person_id=caller.person_id)
    household.representative_id = caller.person_id
    await arranged.tx.commit()
    began = clock.now
    clock.forward(days=3)
    match way:
        case "elsewhere":
            elsewhere = await arranged.household("3号", 2, 1, 1, 1)
            assert ok(await claim(caller, elsewhere, 1))["state"] == "waiting"
        case "away":
            refused(
                await caller.post("/me/residence/leave", json={"version": 9}),
                409,
                "stale_version",
            )
            ok(await caller.post("/me/residence/leave", json={"version": 1}))
            refused(await caller.get("/me/residence"), 404, "no_residence")
        case "struck off":
            end = f"/registers/residents/{entry.id}/end"
            ok(await worker.post(end, json={"version": 1}))
            shown = ok(await caller.get("/me/residence"))
            assert (shown["state"], bool(shown["refusal"])) == ("refused", True)
        case _:
            ok(await decide(worker, caller.person_id, "refuse", reason="已搬走"))
            assert [title for title, _ in await arranged.told(caller)] == ["住址确认已撤销"]
    (past,) = await arranged.tx.scalars(
        select(PastResidence).where(PastResidence.person_id == caller.person_id)
    )
    assert (past.began_at, past.ended_at) == (began, began + timedelta(days=3))
    assert (past.household_id, past.address) == (household.id, "88号")
    assert (await arranged.fresh(household)).representative_id is None
    left = await arranged.events("grid.residence_left")
    assert [one["household_id"] for one in left] == [str(household.id)]
    moves = ok(await worker.get(f"/residence-moves?node_id={household.lane_id}"))["items"]
    seen = {one["id"]: one for one in moves}[str(past.id)]
    assert (seen["name"], seen["address"]) == ("王*", "88号")
    assert named(seen) == named_as(arranged.town)
    # Whom staff refused is perhaps somebody else: the entry is not hers to be ended with her.
    still = str(entry.id) if way in {"elsewhere", "away"} else None
    assert seen["resident_id"] == still
    whose = (await arranged.fresh(entry)).person_id
    assert whose == (None if way == "taken back" else caller.person_id)
    assert "3号" not in str(seen)


async def test_what_was_never_confirmed_leaves_no_history(
    arranged: Arranged, household: Household
) -> None:
    caller = await arranged.claimant(household)
    ok(await claim(caller, await arranged.household("93号"), 1))
    ok(await caller.post("/me/residence/leave", json={"version": 2}))
    kept = select(func.count()).select_from(PastResidence)
    assert await arranged.tx.scalar(kept) == 0
    assert await arranged.events("grid.residence_left") == []


async def test_somebody_else_moves_in(
    arranged: Arranged, household: Household, chief: Caller
) -> None:
    first = await arranged.member(household, name="王小明")
    second = await arranged.claimant(household, name="李四")
    ok(await decide(chief, second.person_id, "confirm"))
    shown = ok(await second.get("/me/household"))
    assert {one["name"] for one in shown["members"]} == {"王*", "李*"}
    ok(await first.post("/me/residence/leave", json={"version": 1}))
    shown = ok(await second.get("/me/household"))
    assert [one["id"] for one in shown["members"]] == [str(second.person_id)]
    refused(await first.get("/me/household"), 403, "residence_not_confirmed")


@pytest.mark.parametrize("confirmed", ["both", "the old one", "none"])
async def test_two_accounts_of_one_person_have_one_residence(
    confirmed: str,
    arranged: Arranged,
    household: Household,
    town: Town,
    react: Reactions,
) -> None:
    old = await arranged.member(household)
    entry = await arranged.resident(household, person_id=old.person_id)
    household.representative_id = old.person_id
    elsewhere = await arranged.household("7号", 1, 1, 1, 2)
    if confirmed == "none":
        new = await arranged.account()
    elif confirmed == "both":
        new = await arranged.member(elsewhere)
    else:
        new = await arranged.claimant(elsewhere)
    emit(
        arranged.tx,
        PersonMerged(from_person_id=old.person_id, into_person_id=new.person_id),
    )
    await arranged.tx.commit()
    await react()
    assert await arranged.home(old) is None
    home = await arranged.home(new)
    assert home is not None
    stays_new = confirmed == "both"
    assert home.household_id == (elsewhere.id if stays_new else household.id)
    assert home.confirmed_at is not None
    assert (await arranged.fresh(entry)).person_id == new.person_id
    speaker = (await arranged.fresh(household)).representative_id
    assert speaker == (None if stays_new else new.person_id)
    kept = select(PastResidence.person_id, PastResidence.household_id)
    past = [tuple(row) for row in await arranged.tx.execute(kept)]
    assert past == ([(new.person_id, household.id)] if stays_new else [])
    del town


async def test_who_speaks_for_a_household_still_does_when_two_members_are_one(
    arranged: Arranged, household: Household, react: Reactions
) -> None:
    old, new, other = [await arranged.member(household, name=n) for n in "甲甲乙"]
    chosen = {"person_id": str(old.person_id)}
    for member in (old, other):
        ok(await member.put("/me/household/representative", json=chosen))
    emit(
        arranged.tx,
        PersonMerged(from_person_id=old.person_id, into_person_id=new.person_id),
    )
    await arranged.tx.commit()
    await react()
    assert (await arranged.fresh(household)).representative_id == new.person_id
    shown = ok(await other.get("/me/household"))
    assert (shown["chosen_id"], len(shown["members"])) == (str(new.person_id), 2)


async def test_a_merged_claim_is_matched_with_the_number_of_who_stays(
    arranged: Arranged, household: Household, react: Reactions
) -> None:
    number = phone_number()
    await arranged.resident(household, phone=number)
    old = await arranged.claimant(household)
    new = await arranged.account(number)
    await react()
    emit(
        arranged.tx,
        PersonMerged(from_person_id=old.person_id, into_person_id=new.person_id),
    )
    await arranged.tx.commit()
    assert await react() == ["registers.join_residents"]
    home = await arranged.home(new)
    assert home is not None
    assert home.confirmed_how == "phone"


async def test_the_claims_of_a_place_are_read_page_by_page(
    arranged: Arranged, household: Household, worker: Caller, town: Town
) -> None:
    mine = {str((await arranged.claimant(household)).person_id) for _ in range(5)}
    elsewhere = await arranged.household("8号", 1, 1, 2, 1)
    await arranged.claimant(elsewhere)
    seen: list[str] = []
    after = ""
    while True:
        page = ok(
            await worker.get(f"/residence-claims?node_id={town.at(*LANE).id}&limit=2{after}")
        )
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == sorted(mine, reverse=True)
