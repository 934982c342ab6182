"""What staff have before them: filters, pages, and what a list costs."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.support.clock import Clock
from tests.support.issues import LANE, Street
from tests.support.people import Caller
from tests.support.posts import appoint
from tests.support.reads import count_on
from tests.support.refusals import refused


async def listed(caller: Caller, query: str = "") -> list[str]:
    answer = await caller.get(f"/staff/issues?limit=100&{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


async def test_filters_by_state_one_or_several(street: Street) -> None:
    assigned, accepted = await street.reported(), await street.accepted()
    resolved = await street.resolved()
    assert await listed(street.chief) == [resolved, accepted, assigned]  # newest first
    assert await listed(street.chief, "state=assigned") == [assigned]
    assert await listed(street.chief, "state=assigned,%20resolved") == [resolved, assigned]
    assert await listed(street.chief, "state=") == [resolved, accepted, assigned]


async def test_an_unknown_state_is_refused_by_name(street: Street) -> None:
    for query in ("state=asigned", "state=assigned,lost"):
        answer = await street.chief.get(f"/staff/issues?{query}")
        problem = refused(answer, 422, "invalid_request")
        (error,) = problem["errors"]
        assert error["pointer"] == "#/query/state"
        assert query.split(",")[-1].removeprefix("state=") in error["message"]


async def test_filters_by_category(street: Street) -> None:
    await street.reported()
    light = await street.reported(category_code="road.light")
    assert await listed(street.chief, "category=road.light") == [light]
    assert await listed(street.chief, "category=no.such") == []


async def test_filters_by_place_and_below(street: Street) -> None:
    here = await street.reported()
    beside = await street.reported(lane_id=str(street.town.at(1, 1, 1, 2).id))
    across = await street.reported(lane_id=str(street.town.at(1, 2, 1, 1).id))
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    town = street.town
    for path, expected in (
        (LANE, [here]),
        (LANE[:3], [beside, here]),
        (LANE[:2], [beside, here]),
        ((1, 2), [across]),
        ((1,), [across, beside, here]),
        ((), [across, beside, here]),
        ((2,), []),
    ):
        assert await listed(dispatcher, f"node_id={town.at(*path).id}") == expected, path
    # A place above or beside the caller's post adds nothing to what she may see.
    assert await listed(street.chief, f"node_id={town.at(1).id}") == [here]
    assert await listed(street.chief, f"node_id={town.at(1, 1, 1, 2).id}") == []
    unknown = await dispatcher.get(f"/staff/issues?node_id={here}")
    refused(unknown, 404, "node_not_found")


async def test_filters_by_lateness_as_the_rows_themselves_say(
    street: Street, clock: Clock
) -> None:
    unanswered = await street.reported()
    answered = await street.accepted()
    await street.done(street.chief, answered, "respond", text="今天处理")
    settled = await street.resolved()
    for minutes, late in ((0, set()), (61, {unanswered}), (600, {unanswered, answered})):
        clock.forward(minutes=minutes)
        everything = (await street.chief.get("/staff/issues")).json()["items"]
        assert {row["id"] for row in everything if row["overdue"]} == late
        assert set(await listed(street.chief, "overdue=true")) == late
        assert (
            set(await listed(street.chief, "overdue=false"))
            == {row["id"] for row in everything} - late
        )
        assert settled not in late


async def test_assigned_to_me_is_what_my_posts_hold(street: Street) -> None:
    held = await street.reported()
    passed_up = await street.reported()
    await street.done(street.chief, passed_up, "escalate", text="办不了")
    done = await street.resolved()
    given = await street.dispatched(0)
    officer = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)
    other = await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)
    worker = await street.staff(Role.GRID_WORKER, *LANE[:3])
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    operator = await street.staff(Role.OPERATOR)
    assert await listed(street.chief, "assigned_to_me=true") == [held]
    assert await listed(street.leader, "assigned_to_me=true") == [passed_up]
    assert await listed(worker, "assigned_to_me=true") == [passed_up]
    assert await listed(officer, "assigned_to_me=true") == [given]
    assert await listed(other, "assigned_to_me=true") == []
    assert await listed(dispatcher, "assigned_to_me=true") == []  # the department holds it
    assert await listed(operator, "assigned_to_me=true") == []
    assert set(await listed(street.chief)) == {held, passed_up, done, given}


async def test_filters_narrow_one_another(street: Street, clock: Clock) -> None:
    late = await street.reported()
    await street.reported(category_code="road.light")
    clock.forward(minutes=61)
    await street.reported()
    query = f"category=env.garbage&overdue=true&state=assigned&node_id={street.town.at(1).id}"
    assert await listed(street.chief, f"{query}&assigned_to_me=true") == [late]


async def test_pages_join_without_gap_or_overlap_while_new_issues_arrive(
    street: Street,
) -> None:
    issues = [await street.reported() for _ in range(7)]
    found: list[str] = []
    page: dict[str, Any] = {"next": ""}
    after = ""
    for size in (3, 3, 1):
        answer = await street.chief.get(f"/staff/issues?limit=3{after}")
        page = answer.json()
        assert len(page["items"]) == size
        found += [row["id"] for row in page["items"]]
        after = f"&after={page['next']}"
        await street.reported()  # newer than every page that is still to come
    assert page["next"] is None
    assert found == issues[::-1]
    for bad in ("x", "%F0%9F%98%80", "AAAA"):
        refused(await street.chief.get(f"/staff/issues?after={bad}"), 400, "bad_cursor")
    for limit in (0, 101):
        answer = await street.chief.get(f"/staff/issues?limit={limit}")
        refused(answer, 422, "invalid_request")


async def test_pages_of_my_issues_join(street: Street) -> None:
    issues = [await street.reported() for _ in range(5)]
    first = (await street.reporter.get("/me/issues?limit=2")).json()
    second = (await street.reporter.get(f"/me/issues?limit=3&after={first['next']}")).json()
    assert [row["id"] for row in first["items"] + second["items"]] == issues[::-1]
    assert second["next"] is None


async def test_somebody_with_two_posts_sees_both_places_once(street: Street, tx: Tx) -> None:
    here = await street.reported()
    across = await street.reported(lane_id=str(street.town.at(2, 1, 1, 1).id))
    chief = street.chief.person_id
    await appoint(tx, street.town.at(2, 1), Role.COMMUNITY_WORKER, chief)
    await appoint(tx, street.town.at(*LANE[:3]), Role.GRID_WORKER, chief)
    both = await street.callers.person(chief)
    assert await listed(both) == [across, here]


async def test_a_resident_has_no_worklist(street: Street) -> None:
    refused(await street.reporter.get("/staff/issues"), 403, "forbidden")


async def test_the_cost_of_a_list_does_not_grow_with_its_rows(
    street: Street, connection: AsyncConnection
) -> None:
    async def cost(caller: Caller, path: str) -> tuple[int, int]:
        raw, statements = await count_on(connection)
        answer = await caller.get(path)
        raw.remove_query_logger(statements.hear)
        return len(answer.json()["items"]), len(statements)

    paths = ((street.chief, "/staff/issues?overdue=false"), (street.reporter, "/me/issues"))
    await street.reported()
    few = [await cost(caller, path) for caller, path in paths]
    for _ in range(6):
        await street.accepted()
    many = [await cost(caller, path) for caller, path in paths]
    assert [rows for rows, _ in few] == [1, 1]
    assert [rows for rows, _ in many] == [7, 7]
    assert [count for _, count in few] == [count for _, count in many]
    # One read, and one look at the revocations while no listening connection is up.
    assert all(1 <= count <= 2 for _, count in many)
