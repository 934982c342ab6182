"""The roster: for who teaches and the office, with names and no phones; and going home."""

import csv
from base64 import b64decode
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sheets import harmless
from neighborhood_api.registrations.histories import CheckIn
from neighborhood_api.venues.models import Venue
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import at
from tests.venues.children.arranging import registered
from tests.venues.sessions.arranging import added, enrolled, lead, linked


@pytest.fixture
async def lesson(
    worker: Caller, parent: Caller, venue: Venue, phone: tuple[str, Caller]
) -> dict[str, Any]:
    """A lesson of the linked teacher with one child; and the child's booking."""
    teacher = await linked(worker, venue, phone)
    session = await added(worker, venue, for_children=True, teachers=[lead(teacher)])
    child = await registered(parent)
    booking = await enrolled(parent, session["id"], child_id=child["id"])
    return session | {"booking": booking}


def presence(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"id": str(new_id())} | more


async def test_teacher_and_staff_see_names_grade_and_who_fetches_and_no_phone(
    worker: Caller, phone: tuple[str, Caller], lesson: dict[str, Any]
) -> None:
    url = f"/sessions/{lesson['id']}/roster"
    look = await worker.post(f"{url}-looks", json={"reason": "核对接送"})
    for answer in (look, await phone[1].get(url)):
        assert answer.status_code == 200, answer.text
        (line,) = answer.json()["lines"]
        assert (line["name"], line["grade"], line["guardian_name"]) == ("黄小满", 3, "林秀英")
        assert line["pick_ups"] == [
            {"name": "林秀英", "relation": "外婆"},
            {"name": "黄建国", "relation": "爷爷"},
        ]
        assert "154000000" not in answer.text
        assert "花生" not in answer.text
        assert (answer.json()["expected"], answer.json()["present"]) == (1, 0)


async def test_neighbours_guardians_and_teachers_of_other_sessions_get_nothing(
    resident: Caller,
    parent: Caller,
    callers: Callers,
    town: Town,
    lesson: dict[str, Any],
) -> None:
    strangers = [
        resident,
        parent,
        await callers.staff(town, Role.COMMUNITY_WORKER, 1, 2),
        await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1),
    ]
    url = f"/sessions/{lesson['id']}"
    booking = lesson["booking"]["id"]
    for stranger in strangers:
        refused(await stranger.get(f"{url}/roster"), 404, "session_not_found")
        for move in ("export-roster", "roster-looks"):
            answer = await stranger.post(f"{url}/{move}", json={"reason": "看看"})
            refused(answer, 404, "session_not_found")
        answer = await stranger.post(f"/bookings/{booking}/check-in", json=presence())
        refused(answer, 404, "registration_not_found")


async def test_a_teacher_of_another_session_gets_nothing(
    worker: Caller, venue: Venue, phone: tuple[str, Caller]
) -> None:
    teacher = await linked(worker, venue, phone)
    mine = await added(worker, venue, teachers=[lead(teacher)])
    other = await added(worker, venue, 10, 1)
    herself = phone[1]
    assert (await herself.get(f"/sessions/{mine['id']}/roster")).status_code == 200
    answer = await herself.get(f"/sessions/{other['id']}/roster")
    refused(answer, 404, "session_not_found")
    await herself.post(f"/sessions/{mine['id']}/drop-out", json={"teacher_id": teacher["id"]})
    answer = await herself.get(f"/sessions/{mine['id']}/roster")
    refused(answer, 404, "session_not_found")


async def test_teachers_see_the_roster_until_a_week_after_and_staff_for_thirty_days(
    worker: Caller, phone: tuple[str, Caller], lesson: dict[str, Any], clock: Clock
) -> None:
    url = f"/sessions/{lesson['id']}/roster"
    reason = {"reason": "核对接送"}
    clock.now = at(18 + 7 * 24)
    assert (await phone[1].get(url)).status_code == 200
    clock.forward(seconds=1)
    refused(await phone[1].get(url), 409, "roster_closed")
    refused(await phone[1].post(f"{url}-looks", json=reason), 409, "roster_closed")
    clock.now = at(18 + 30 * 24)
    assert (await worker.post(f"{url}-looks", json=reason)).status_code == 200
    export = f"/sessions/{lesson['id']}/export-roster"
    assert (await worker.post(export, json=reason)).status_code == 200
    clock.forward(seconds=1)
    refused(await worker.post(f"{url}-looks", json=reason), 409, "roster_closed")
    refused(await worker.post(export, json=reason), 409, "roster_closed")


async def test_staff_open_a_roster_of_children_for_a_reason_that_their_guardians_read(
    worker: Caller,
    parent: Caller,
    phone: tuple[str, Caller],
    venue: Venue,
    lesson: dict[str, Any],
    tx: Tx,
) -> None:
    url = f"/sessions/{lesson['id']}"
    looks = f"/children/{(await parent.get('/children')).json()['items'][0]['id']}/looks"
    refused(await worker.get(f"{url}/roster"), 403, "roster_reason_needed")
    refused(await worker.post(f"{url}/export-roster", json={}), 403, "roster_reason_needed")
    refused(await worker.post(f"{url}/roster-looks", json={}), 422, "invalid_request")
    assert (await phone[1].get(f"{url}/roster")).status_code == 200
    assert (await parent.get(looks)).json()["items"] == []
    for move, reason in (("roster-looks", "核对接送"), ("export-roster", "消防演练")):
        answer = await worker.post(f"{url}/{move}", json={"reason": reason})
        assert answer.status_code == 200, answer.text
    seen = (await parent.get(looks)).json()["items"]
    assert [(one["reason"], one["role"]) for one in seen] == [
        ("消防演练", "community_worker"),
        ("核对接送", "community_worker"),
    ]
    acts = select(Act.what).where(Act.subject == lesson["id"], Act.what.contains("roster"))
    assert sorted(await tx.scalars(acts)) == ["venues.roster_exported", "venues.roster_read"]
    talk = await added(worker, venue, 9, 1)
    assert (await worker.get(f"/sessions/{talk['id']}/roster")).status_code == 200


async def test_a_child_goes_home_only_with_whom_its_guardian_named(
    phone: tuple[str, Caller], lesson: dict[str, Any], clock: Clock, tx: Tx
) -> None:
    herself, booking = phone[1], f"/bookings/{lesson['booking']['id']}"
    clock.now = at(16.4)
    answer = await herself.post(f"{booking}/check-in", json=presence())
    assert answer.status_code == 200, answer.text
    assert answer.json()["holder"] is None  # with a number, which a teacher has no use for
    roster = (await herself.get(f"/sessions/{lesson['id']}/roster")).json()
    assert roster["present"] == 1
    clock.now = at(17.9)
    answer = await herself.post(f"{booking}/check-out", json=presence())
    refused(answer, 422, "pick_up_needed")
    stranger = presence(picked_up_by="陌生人")
    problem = refused(
        await herself.post(f"{booking}/check-out", json=stranger), 422, "pick_up_not_allowed"
    )
    assert problem["allowed"] == [
        {"name": "林秀英", "relation": "外婆"},
        {"name": "黄建国", "relation": "爷爷"},
        {"name": "林秀英", "relation": "监护人"},
    ]
    answer = await herself.post(f"{booking}/check-out", json=presence(picked_up_by="黄建国"))
    assert answer.status_code == 200, answer.text
    out = select(CheckIn.picked_up_by).where(CheckIn.direction == "out")
    assert (await tx.scalars(out)).all() == ["黄建国"]
    roster = (await herself.get(f"/sessions/{lesson['id']}/roster")).json()
    assert (roster["present"], roster["lines"][0]["picked_up_by"]) == (0, "黄建国")


async def test_the_guardian_may_fetch_her_child_by_name_or_as_guardian(
    worker: Caller, lesson: dict[str, Any], clock: Clock
) -> None:
    booking = f"/bookings/{lesson['booking']['id']}"
    clock.now = at(16.5)
    came = (await worker.post(f"{booking}/check-in", json=presence())).json()
    assert (came["state"], came["holder"]["name"]) == ("checked_in", "林秀英")
    answer = await worker.post(f"{booking}/check-out", json=presence(picked_up_by="监护人"))
    assert answer.status_code == 200, answer.text


async def test_who_waits_or_cancelled_is_not_on_the_roster(
    worker: Caller, resident: Caller, parent: Caller, venue: Venue
) -> None:
    session = await added(worker, venue, capacity=1, kind="activity")
    gone = await enrolled(resident, session["id"])
    await enrolled(parent, session["id"], wait=True)
    roster = (await worker.get(f"/sessions/{session['id']}/roster")).json()
    assert [one["name"] for one in roster["lines"]] == ["黄荔红"]
    assert roster["waiting"] == 1
    await resident.post(f"/bookings/{gone['id']}/cancel", json={})
    roster = (await worker.get(f"/sessions/{session['id']}/roster")).json()
    assert [one["name"] for one in roster["lines"]] == ["林秀英"]
    assert (roster["expected"], roster["waiting"]) == (1, 0)


async def test_staff_take_the_roster_out_without_formulas_and_that_is_kept(
    worker: Caller, phone: tuple[str, Caller], parent: Caller, venue: Venue, tx: Tx
) -> None:
    teacher = await linked(worker, venue, phone)
    session = await added(worker, venue, for_children=True, teachers=[lead(teacher)])
    child = await registered(parent, name="=HYPERLINK(1)", pick_ups=[])
    await enrolled(parent, session["id"], child_id=child["id"])
    url = f"/sessions/{session['id']}/export-roster"
    refused(await phone[1].post(url, json={}), 403, "forbidden")
    reason = {"reason": "核对接送"}
    sheet = (await worker.post(url, json={"format": "csv"} | reason)).json()
    assert sheet["name"] == "四点半课堂·三年级数学-20261124.csv"
    text = b64decode(sheet["content"]).decode("utf-8-sig")
    head, line = list(csv.reader(StringIO(text)))
    assert head[:4] == ["预约号", "姓名", "年级", "监护人"]
    assert line[1:4] == ["'=HYPERLINK(1)", "3", "林秀英"]
    sheet = (await worker.post(url, json={"format": "xlsx"} | reason)).json()
    with ZipFile(BytesIO(b64decode(sheet["content"]))) as book:
        strings = book.read("xl/sharedStrings.xml").decode()
        cells = book.read("xl/worksheets/sheet1.xml").decode()
    assert "HYPERLINK(1)" in strings
    assert "<f>" not in cells
    acts = select(Act.detail).where(Act.what == "venues.roster_exported")
    assert [one["lines"] for one in await tx.scalars(acts)] == [1, 1]


@pytest.mark.parametrize(
    "first", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n"]
)
def test_whatever_begins_a_formula_is_made_harmless(first: str) -> None:
    assert harmless(f"{first}1") == f"'{first}1"
    assert harmless(f"a{first}1") == f"a{first}1"
