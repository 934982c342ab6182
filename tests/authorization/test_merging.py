"""Of two issues that shall be one, the caller must be staff to both."""

from typing import Any

from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.authorization.seats import Path
from tests.support.issues import Street, act
from tests.support.people import Caller
from tests.support.posts import appoint
from tests.support.refusals import refused

NEXT_LANE: Path = (1, 1, 1, 2)
NEXT_STREET: Path = (2, 1, 1, 1)
ABOUT_STAFF = {"category_code": "staff.conduct", "text": "某工作人员态度恶劣"}


async def merged(caller: Caller, issue_id: str, into_id: str) -> Any:  # noqa: ANN401
    return await act(caller, issue_id, "merge", into_id=into_id, text="一处")


async def stays_alone(tx: Tx, issue_id: str) -> bool:
    found = select(Case.state, Case.main_id).where(Case.id == issue_id)
    state, main_id = (await tx.execute(found)).one()
    return (state, main_id) == ("assigned", None)


async def test_an_issue_of_the_next_lane_does_not_exist_for_who_would_merge_into_it(
    street: Street, tx: Tx
) -> None:
    lane = street.town.at(*NEXT_LANE)
    mine = await street.reported()
    theirs = await street.reported(lane_id=str(lane.id))
    # The reporter's own they are both, and a report made her no staff of either.
    refused(await merged(street.reporter, mine, theirs), 403, "forbidden")
    neighbour = await street.callers.resident(lane.place)
    other = await neighbour.post("/issues", json=street.wish(lane_id=str(lane.id)))
    refused(await merged(street.chief, mine, other.json()["id"]), 404, "case_not_found")
    assert await stays_alone(tx, mine)
    answer = await merged(street.leader, mine, other.json()["id"])  # she reads both
    assert answer.status_code == 200, answer.text


async def test_issues_of_two_streets_stay_two_even_for_who_works_in_both(
    street: Street, tx: Tx
) -> None:
    lane = street.town.at(*NEXT_STREET)
    elsewhere = await street.callers.resident(lane.place)
    await appoint(tx, lane, Role.GRID_WORKER, street.chief.person_id)
    await tx.commit()
    both = await street.callers.person(street.chief.person_id)
    mine = await street.reported()
    far = (await elsewhere.post("/issues", json=street.wish(lane_id=str(lane.id)))).json()["id"]
    assert (await both.get(f"/issues/{far}")).status_code == 200
    problem = refused(await merged(both, mine, far), 422, "cannot_merge")
    assert problem["reason"] == "other_street"
    assert await stays_alone(tx, mine)


async def test_what_is_about_persons_is_merged_with_nothing(street: Street, tx: Tx) -> None:
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    about, another = [await street.reported(**ABOUT_STAFF) for _ in range(2)]
    ordinary = await street.reported()
    for issue_id, into_id in ((about, another), (about, ordinary), (ordinary, about)):
        problem = refused(await merged(secretary, issue_id, into_id), 422, "cannot_merge")
        assert problem["reason"] == "confidential"
        assert await stays_alone(tx, issue_id)
    refused(await merged(street.chief, ordinary, about), 404, "case_not_found")
