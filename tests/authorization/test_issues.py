"""What lists of issues show to every caller, and whose photos may be used."""

from datetime import UTC, datetime

from neighborhood_api.kit.db import Tx
from tests.authorization.seats import Everybody, Path
from tests.support.issues import LANE, Street, act, photos
from tests.support.refusals import refused


async def test_the_worklist_shows_exactly_what_each_may_read(
    street: Street, everybody: Everybody
) -> None:
    lanes: list[Path] = [LANE, (1, 1, 1, 2), (1, 1, 2, 1), (1, 2, 1, 1), (2, 1, 1, 1)]
    issues = [await street.reported(lane_id=str(street.town.at(*lane).id)) for lane in lanes]
    issues.append(await street.dispatched(0))
    for name in everybody.keys() - {"anonymous", "reporter", "neighbour"}:
        caller = everybody[name]
        listed = await caller.get("/staff/issues?limit=100")
        assert listed.status_code == 200, listed.text
        readable = {
            issue_id
            for issue_id in issues
            if (await caller.get(f"/issues/{issue_id}")).status_code == 200
        }
        assert {row["id"] for row in listed.json()["items"]} == readable, name
    everyone_together = await everybody["operator"].get("/staff/issues")
    assert len(everyone_together.json()["items"]) == len(issues)
    nothing = await everybody["far operator"].get("/staff/issues")
    assert nothing.json()["items"] == []
    for name, status in (("anonymous", 401), ("reporter", 403), ("neighbour", 403)):
        assert (await everybody[name].get("/staff/issues")).status_code == status


async def test_what_is_like_a_report_is_shown_to_whom_it_is_readable_anyway(
    street: Street, everybody: Everybody
) -> None:
    """A department reads what it has to do with; of persons nobody learns in this way."""
    about = {"category_code": "staff.conduct", "text": "某工作人员态度恶劣"}
    issue_id, secret = await street.reported(), await street.reported(**about)
    for name in everybody.keys() - {"anonymous"}:
        caller = everybody[name]
        answer = await caller.post("/issues/similar", json=street.wish())
        readable = (await caller.get(f"/issues/{issue_id}")).status_code == 200
        shown = [row["id"] for row in answer.json()["items"]]
        assert shown == ([issue_id] if readable else []), name
        answer = await caller.post("/issues/similar", json=street.wish(**about))
        assert answer.json()["items"] == [], name
    assert (await street.reporter.get(f"/issues/{secret}")).status_code == 200


async def test_my_issues_are_mine_alone(street: Street, everybody: Everybody) -> None:
    issue_id = await street.reported()
    mine = await street.reporter.get("/me/issues")
    assert [row["id"] for row in mine.json()["items"]] == [issue_id]
    for name in everybody.keys() - {"anonymous", "reporter"}:
        assert (await everybody[name].get("/me/issues")).json()["items"] == [], name


async def test_a_phone_photo_of_somebody_else_is_no_evidence(street: Street, tx: Tx) -> None:
    """An upload belongs to who uploaded it, whatever posts the other holds."""
    issue_id = await street.accepted()
    theirs = await photos(tx, street.leader.person_id, 1, now=datetime.now(UTC))
    answer = await act(street.chief, issue_id, "resolve", text="已清运", photo_ids=theirs)
    refused(answer, 422, "files_not_usable")
    after = await street.chief.get(f"/issues/{issue_id}")
    assert after.json()["state"] == "accepted"
