"""Special care: known to who gives it; whoever looks at somebody leaves a trace."""

import pytest
from sqlalchemy import select, text

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.registers.models import RegisterLook
from tests.registers.arranging import LANE, Arranged, named, named_as, ok
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused

FLAGS = "/registers/care-flags"
WHY = {"reason": "寒潮走访"}


async def test_a_flag_is_set_changed_and_ended(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    entry = await arranged.resident(household)
    url = f"/registers/residents/{entry.id}/care-flags"
    wish = {"kind": "disabled", "since_on": "2025-01-01", "note": "行动不便"}
    added = ok(await worker.post(url, json=wish))
    assert (added["kind"], added["name"]) == ("disabled", "王*")
    assert (added["kind_name"], bool(added["lane_name"])) == ("残疾人", True)
    assert "note" not in added
    refused(await worker.post(url, json=wish), 409, "care_flag_exists")
    late = wish | {"kind": "other", "since_on": "2999-01-01"}
    refused(await worker.post(url, json=late), 422, "day_not_yet")
    one = f"{FLAGS}/{added['id']}"
    assert (
        ok(await worker.post(f"{one}/change", json={"note": "新说明", "version": 1}))["version"]
        == 2
    )
    refused(
        await worker.post(f"{one}/change", json={"note": None, "version": 1}),
        409,
        "stale_version",
    )
    ok(await worker.post(f"{one}/end", json={"version": 2}))
    refused(await worker.post(f"{one}/end", json={"version": 3}), 409, "entry_already_ended")
    ok(await worker.post(url, json=wish))
    details = str([act.detail for act in await arranged.acts(added["id"])])
    assert "说明" not in details
    assert "行动" not in details


async def test_the_note_is_sealed(arranged: Arranged, household: Household) -> None:
    flag = await arranged.flag(await arranged.resident(household))
    raw = text("SELECT note FROM care_flag WHERE id = :id")
    stored = await arranged.tx.scalar(raw, {"id": flag.id})
    assert isinstance(stored, str)
    assert stored.startswith("s1.")
    assert "走访" not in stored


@pytest.mark.parametrize("by", ["flag", "resident"])
async def test_every_look_at_somebody_is_kept(
    by: str, arranged: Arranged, household: Household, worker: Caller, town: Town
) -> None:
    entry = await arranged.resident(household, "王小明")
    flag = await arranged.flag(entry)
    page = await worker.get(f"{FLAGS}?node_id={household.lane_id}&limit=100")
    (listed,) = [one for one in ok(page)["items"] if one["id"] == str(flag.id)]
    for secret in ("王小明", "88号", "走访", str(entry.id)):
        assert secret not in str(listed)
    assert named(listed) == named_as(town)
    url = f"{FLAGS}/{flag.id}/look"
    if by == "resident":
        url = f"/registers/residents/{entry.id}/care-look"
    assert (await worker.post(url, json={"reason": ""})).status_code == 422
    shown = ok(await worker.post(url, json=WHY))
    assert shown["resident"]["name"] == "王小明"
    assert named(shown["resident"]) == named_as(town)
    assert [(one["kind"], one["note"]) for one in shown["flags"]] == [
        ("living_alone", "每周二走访")
    ]
    kept = select(RegisterLook).where(RegisterLook.subject_id == entry.id)
    (look,) = await arranged.tx.scalars(kept)
    assert (look.what, look.reason) == ("care", "寒潮走访")
    assert (look.person_id, str(look.id)) == (
        worker.person_id,
        shown["resident"]["look_id"],
    )
    (event,) = await arranged.events("registers.entry_shown")
    assert event["what"] == "care"


async def test_kinds_are_listed_apart_and_ended_ones_not_at_all(
    arranged: Arranged, household: Household, worker: Caller
) -> None:
    entry = await arranged.resident(household)
    alone = await arranged.flag(entry)
    poor = await arranged.flag(entry, "low_income")
    ill = await arranged.flag(entry, "serious_illness")
    ok(await worker.post(f"{FLAGS}/{ill.id}/end", json={"version": 1}))
    url = f"{FLAGS}?node_id={household.lane_id}&limit=100"
    mine = {str(alone.id), str(poor.id), str(ill.id)}
    listed = {one["id"] for one in ok(await worker.get(url))["items"]} & mine
    assert listed == {str(alone.id), str(poor.id)}
    only = ok(await worker.get(f"{url}&kind=low_income"))["items"]
    assert {one["id"] for one in only} & mine == {str(poor.id)}


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.LANE_CHIEF, LANE),
        (Role.STREET_SECRETARY, LANE[:1]),
        (Role.OPERATOR, ()),
        (Role.GRID_WORKER, (1, 1, 2)),
    ],
)
async def test_who_gives_no_care_does_not_learn_that_there_is_any(
    role: Role,
    path: tuple[int, ...],
    arranged: Arranged,
    household: Household,
    callers: Callers,
    town: Town,
) -> None:
    entry = await arranged.resident(household)
    flag = await arranged.flag(entry)
    caller = await callers.staff(town, role, *path)
    url = f"{FLAGS}?node_id={town.at(*LANE).id}"
    refused(await caller.get(url), 403, "forbidden")
    for verb, body in (("look", WHY), ("end", {"version": 1})):
        answer = await caller.post(f"{FLAGS}/{flag.id}/{verb}", json=body)
        refused(answer, 404, "entry_not_found")
    care = await caller.post(f"/registers/residents/{entry.id}/care-look", json=WHY)
    assert care.status_code in {403, 404}
    shown = await caller.get(f"/registers/households/{household.id}")
    assert "living_alone" not in shown.text
    assert "care" not in shown.text
