"""Who speaks for a household."""

from uuid import UUID

import pytest
from httpx import Response

from neighborhood_api.grid.models import Household
from neighborhood_api.privacy.forgetting import erase_person
from neighborhood_api.privacy.models import Erasure
from tests.registers.arranging import Arranged, claim, ok
from tests.support.people import Caller
from tests.support.reactions import Reactions
from tests.support.refusals import refused


async def choose(member: Caller, person_id: UUID | None) -> Response:
    body = {"person_id": None if person_id is None else str(person_id)}
    return await member.put("/me/household/representative", json=body)


async def appointed(staff: Caller, household: Household, person_id: UUID | None) -> Response:
    body = {"person_id": None if person_id is None else str(person_id)}
    return await staff.put(f"/registers/households/{household.id}/representative", json=body)


async def test_more_than_half_of_the_members_decide(
    arranged: Arranged, household: Household, react: Reactions
) -> None:
    first, second, third = [await arranged.member(household, name=n) for n in "甲乙丙"]
    assert ok(await choose(first, first.person_id))["representative"] is None
    assert ok(await choose(second, third.person_id))["representative"] is None
    shown = ok(await choose(third, third.person_id))
    assert (shown["representative"], shown["chosen_id"]) == ("丙*", str(third.person_id))
    speaking = {one["name"] for one in shown["members"] if one["is_representative"]}
    assert speaking == {"丙*"}
    await react()
    assert [title for title, _ in await arranged.told(third)] == ["您已成为户代表"]
    assert ok(await choose(second, None))["representative"] == "丙*"
    assert ok(await choose(second, first.person_id))["representative"] == "甲*"
    changes = await arranged.events("grid.representative_changed")
    assert [one["person_id"] for one in changes] == [
        str(third.person_id),
        str(first.person_id),
    ]


async def test_who_lives_alone_decides_alone(arranged: Arranged, household: Household) -> None:
    only = await arranged.member(household)
    assert ok(await choose(only, only.person_id))["representative"] == "王*"


async def test_the_choice_of_who_left_and_of_whoever_left_counts_no_more(
    arranged: Arranged, household: Household
) -> None:
    first, second = [await arranged.member(household, name=n) for n in "甲乙"]
    ok(await choose(first, second.person_id))
    ok(await second.post("/me/residence/leave", json={"version": 1}))
    assert ok(await first.get("/me/household"))["representative"] is None
    third = await arranged.member(household, name="丙")
    shown = ok(await choose(third, third.person_id))
    assert shown["representative"] is None
    ok(await first.post("/me/residence/leave", json={"version": 1}))
    assert ok(await choose(third, third.person_id))["representative"] == "丙*"


@pytest.mark.parametrize("erased", [False, True])
async def test_the_others_are_counted_anew_when_a_member_leaves(
    erased: bool,  # noqa: FBT001
    arranged: Arranged,
    household: Household,
    worker: Caller,
    react: Reactions,
) -> None:
    first, second, third, fourth = [
        await arranged.member(household, name=n) for n in "甲乙丙丁"
    ]
    ok(await appointed(worker, household, fourth.person_id))
    ok(await choose(first, second.person_id))
    assert ok(await choose(second, second.person_id))["representative"] == "丁*"
    if erased:
        asked = arranged.clock.now
        erasure = Erasure(person_id=third.person_id, requested_at=asked, due_at=asked)
        arranged.tx.add(erasure)
        await arranged.tx.flush()
        assert await erase_person(arranged.tx, erasure.id, now=asked)
        await arranged.tx.commit()
    else:
        home = ok(await third.get("/me/residence"))
        ok(await third.post("/me/residence/leave", json={"version": home["version"]}))
    shown = ok(await first.get("/me/household"))
    assert (shown["representative"], len(shown["members"])) == ("乙*", 3)
    await react()
    assert [title for title, _ in await arranged.told(second)] == ["您已成为户代表"]
    # Whom staff name after the members chose goes on when one leaves who changes nothing.
    ok(await appointed(worker, household, first.person_id))
    ok(await claim(fourth, await arranged.household("78号"), 1))
    assert ok(await first.get("/me/household"))["representative"] == "甲*"
    # She leaves herself: those who stay chose somebody.
    home = ok(await first.get("/me/residence"))
    refusal = {"reason": "已搬走", "version": home["version"]}
    ok(await worker.post(f"/residence-claims/{first.person_id}/refuse", json=refusal))
    assert ok(await second.get("/me/household"))["representative"] == "乙*"
    changes = await arranged.events("grid.representative_changed")
    assert [one["person_id"] for one in changes] == [
        str(one.person_id) for one in (fourth, second, first, second)
    ]


async def test_only_members_are_chosen_and_only_members_choose(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    member = await arranged.member(household)
    neighbour = await arranged.member(await arranged.household("77号"))
    waiting = await arranged.claimant(household)
    for other in (neighbour, waiting):
        refused(await choose(member, other.person_id), 422, "not_a_member")
        refused(await appointed(worker, household, other.person_id), 422, "not_a_member")
    refused(await choose(waiting, member.person_id), 403, "residence_not_confirmed")
    unregistered = await arranged.account()
    refused(await choose(unregistered, None), 403, "residence_not_confirmed")
    assert (await arranged.fresh(household)).representative_id is None


async def test_staff_say_who_speaks_until_the_members_choose(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    first, second = [await arranged.member(household, name=n) for n in "甲乙"]
    shown = ok(await appointed(worker, household, first.person_id))
    assert [one["is_representative"] for one in shown["members"]] == [True, False]
    ok(await appointed(worker, household, first.person_id))
    (act,) = await arranged.acts(household.id)
    assert act.what == "registers.representative_set"
    assert act.detail["after"] == {"person_id": str(first.person_id)}
    ok(await choose(first, second.person_id))
    assert ok(await choose(second, second.person_id))["representative"] == "乙*"
    ok(await appointed(worker, household, None))
    assert ok(await first.get("/me/household"))["representative"] is None


@pytest.mark.parametrize("again", [False, True])
async def test_who_moves_away_speaks_no_more_not_even_when_she_returns(
    again: bool,  # noqa: FBT001
    arranged: Arranged,
    household: Household,
) -> None:
    member = await arranged.member(household)
    ok(await choose(member, member.person_id))
    ok(await claim(member, await arranged.household("78号"), 1))
    if again:
        ok(await claim(member, household, 2))
    assert (await arranged.fresh(household)).representative_id is None
