"""Remarks, and notes among staff that no reporter ever meets."""

from datetime import UTC, datetime

from sqlalchemy import select

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.support.issues import Street, act, photos
from tests.support.refusals import refused

SECRET = "内部：此人多次投诉，先上门核实"


async def test_reporter_and_staff_talk_on_the_timeline(street: Street, tx: Tx) -> None:
    issue_id = await street.reported()
    now = datetime.now(UTC)
    picture = await photos(tx, street.reporter.person_id, 1, now=now)
    await street.done(
        street.reporter, issue_id, "comment", text="今天又满了", photo_ids=picture
    )
    await street.done(street.chief, issue_id, "comment", text="收到，马上去看")
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()
    said = [(e["by"], e["text"], e["internal"]) for e in seen["timeline"][1:]]
    assert said == [("reporter", "今天又满了", False), ("staff", "收到，马上去看", False)]
    assert [photo["id"] for photo in seen["timeline"][1]["photos"]] == picture
    assert seen["state"] == "assigned"
    assert (await tx.scalar(select(Case.state))) == "assigned"


async def test_the_reporter_never_meets_an_internal_note(street: Street, tx: Tx) -> None:
    issue_id = await street.reported()
    now = datetime.now(UTC)
    picture = await photos(tx, street.chief.person_id, 1, now=now)
    note = {"text": SECRET, "internal": True, "photo_ids": picture}
    await street.done(street.chief, issue_id, "comment", **note)
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    wish = {"organization_id": str(street.town.organizations[0].id), "text": SECRET}
    await street.done(dispatcher, issue_id, "dispatch", **wish)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    await street.done(officer, issue_id, "take-over")

    answers = [
        await street.reporter.get(f"/issues/{issue_id}"),
        await street.reporter.get("/me/issues"),
        await act(street.reporter, issue_id, "comment", text="有人来吗"),
        await act(street.reporter, issue_id, "withdraw"),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert SECRET not in answer.json().__repr__()
        assert picture[0] not in answer.text
        assert '"internal":true' not in answer.text
    for staff in (street.chief, street.leader, officer):
        seen = (await staff.get(f"/issues/{issue_id}")).json()
        note, dispatch = seen["timeline"][1:3]
        assert (note["text"], note["internal"]) == (SECRET, True)
        assert note["photos"][0]["id"] == picture[0]
        assert (dispatch["note"], dispatch["text"]) == (SECRET, None)


async def test_the_reporter_writes_no_internal_notes(street: Street, tx: Tx) -> None:
    issue_id = await street.reported()
    answer = await act(street.reporter, issue_id, "comment", text="悄悄话", internal=True)
    refused(answer, 403, "internal_for_staff")
    assert len((await tx.scalars(select(Entry))).all()) == 1


async def test_a_closed_issue_takes_no_remarks(street: Street) -> None:
    issue_id = await street.reported()
    await street.done(street.reporter, issue_id, "withdraw")
    for caller in (street.reporter, street.chief):
        answer = await act(caller, issue_id, "comment", text="再说一句")
        refused(answer, 409, "move_not_allowed")


async def test_whoever_reports_and_also_serves_there_is_staff_to_her_own_issue(
    street: Street,
) -> None:
    answer = await street.chief.post("/issues", json=street.wish())
    issue_id = answer.json()["id"]
    await street.done(street.leader, issue_id, "comment", text=SECRET, internal=True)
    seen = (await street.chief.get(f"/issues/{issue_id}")).json()
    assert SECRET in [entry["text"] for entry in seen["timeline"]]
    assert {"accept", "withdraw"} <= set(seen["moves"])
    assert (await street.done(street.chief, issue_id, "withdraw"))["state"] == "withdrawn"
