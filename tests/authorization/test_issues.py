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
