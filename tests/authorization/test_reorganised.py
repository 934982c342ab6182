"""What a change of the grid takes along, and what it leaves where it is."""

from collections.abc import Iterator

import pytest

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.worklists import statements
from neighborhood_api.kit.db import Tx
from tests.reorganisation.arranging import Planner, split_in_two
from tests.support.issues import Street

pytestmark = pytest.mark.slow


@pytest.fixture
def by_words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Search by the index of words; how many are walked through stands in kept statements."""
    for module in ("statements", "service"):
        monkeypatch.setattr(f"neighborhood_api.issues.worklists.{module}.WALKED", 1)
    statements.walked_page_of.cache_clear()
    yield
    statements.walked_page_of.cache_clear()


@pytest.mark.usefixtures("by_words")
async def test_what_goes_to_another_street_is_for_its_posts_and_found_by_them_alone(
    street: Street, tx: Tx
) -> None:
    """What is about persons comes to the post there that is named for it."""
    town = street.town
    about = {"category_code": "staff.conduct", "text": "某工作人员态度恶劣"}
    issue_id, secret = await street.reported(), await street.reported(**about)
    planner = Planner(await street.staff(Role.OPERATOR), town)
    moving = {"do": "move", "node": str(town.at(1, 1).id), "under": str(town.at(2).id)}
    await planner.drafts([moving])
    await planner.decides()
    await planner.done("apply")
    tx.expunge_all()
    named = town.staff[Role.STREET_SECRETARY, town.at(2).id]
    case = await tx.get_one(Case, secret)
    assert (case.hand_node_id, case.hand_role) == (town.at(2).id, "street_secretary")
    assert case.hand_person_id == named.id
    for number, role, words, expected in (
        (2, Role.STREET_SECRETARY, "态度恶劣", [secret]),
        (2, Role.STREET_DISPATCHER, "态度恶劣", []),
        (2, Role.STREET_DISPATCHER, "垃圾桶满", [issue_id]),
        (1, Role.STREET_SECRETARY, "态度恶劣", []),
        (1, Role.STREET_DISPATCHER, "垃圾桶满", []),
    ):
        caller = await street.staff(role, number)
        found = (await caller.get("/staff/issues", params={"text": words})).json()["items"]
        assert [one["id"] for one in found] == expected, (number, role, words)


async def test_undoing_a_plan_takes_nothing_from_whoever_it_was_passed_on_to_since(
    street: Street, tx: Tx
) -> None:
    town = street.town
    kept, passed_on = await street.reported(), await street.reported()
    for issue_id in (kept, passed_on):
        await street.done(street.chief, issue_id, "escalate", text="需协调")
        await street.done(street.leader, issue_id, "escalate", text="需协调")
    planner = Planner(await street.staff(Role.OPERATOR), town)
    await planner.drafts(split_in_two(town))
    await planner.decides()
    await planner.done("apply")
    clerk = town.staff[Role.COMMUNITY_WORKER, town.at(1, 1).id].id
    hers = await street.callers.person(clerk)
    await street.done(hers, passed_on, "escalate", text="请街道协调")
    await planner.done("undo")
    tx.expunge_all()
    found = [await tx.get_one(Case, issue_id) for issue_id in (kept, passed_on)]
    dispatcher = town.staff[Role.STREET_DISPATCHER, town.at(1).id].id
    assert [(case.hand_node_id, case.hand_person_id) for case in found] == [
        (town.at(1, 1).id, clerk),
        (town.at(1).id, dispatcher),
    ]
