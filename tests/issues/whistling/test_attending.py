"""A called department checks in, reports, is released and rated."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select

from neighborhood_api.cases.models import Entry
from neighborhood_api.cases.paths import Call
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from tests.support.calls import whistled
from tests.support.clock import Clock
from tests.support.issues import Street, act, photos
from tests.support.people import Caller
from tests.support.refusals import refused

HERE = {"longitude": 114.29, "latitude": 23.17, "coordinate_system": "wgs84"}
"""The town's first lane."""
FAR = {"longitude": 114.30, "latitude": 23.17, "coordinate_system": "wgs84"}
"""About a kilometre to the east."""


async def on_call(
    caller: Caller,
    issue_id: str,
    call: dict[str, Any],
    move: str,
    **body: Any,  # noqa: ANN401
) -> Response:
    return await caller.post(f"/issues/{issue_id}/calls/{call['id']}/{move}", json=body)


async def done(
    caller: Caller,
    issue_id: str,
    call: dict[str, Any],
    move: str,
    **body: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """What became of the call."""
    answer = await on_call(caller, issue_id, call, move, **body)
    assert answer.status_code == 200, answer.text
    return next(one for one in answer.json()["items"] if one["id"] == call["id"])


@pytest.fixture
async def officer(street: Street) -> Caller:
    return await street.staff(Role.DEPARTMENT_OFFICER, 1, body=0)


@pytest.fixture
async def other_officer(street: Street) -> Caller:
    return await street.staff(Role.DEPARTMENT_OFFICER, 1, body=1)


@pytest.fixture
async def issue_id(street: Street) -> str:
    return await street.accepted()


async def test_a_department_goes_its_whole_way_and_is_rated_once(
    street: Street, tx: Tx, issue_id: str, officer: Caller, clock: Clock
) -> None:
    (call,) = await whistled(street, street.leader, issue_id, 0)
    clock.forward(minutes=20)
    after = await done(officer, issue_id, call, "check-in", position=HERE)
    assert (after["late"], after["far"], after["metres_away"]) == (False, False, 0)
    assert after["moves"] == ["report_work"]
    timers = select(Timer.stopped_at).where(
        Timer.case_id == issue_id, Timer.purpose == Purpose.CHECK_IN.value
    )
    assert list(await tx.scalars(timers)) == [clock.now]
    pictures = await photos(tx, officer.person_id, 1, now=clock.now)
    await tx.commit()
    after = await done(officer, issue_id, call, "report", text="已劝离", photo_ids=pictures)
    assert (after["report"], [p["id"] for p in after["report_photos"]]) == ("已劝离", pictures)
    after = await done(street.leader, issue_id, call, "release")
    assert after["released_by"].startswith("grid_leader")
    assert after["moves"] == ["rate_call"]
    refused(await on_call(officer, issue_id, call, "rate", rating=5), 403, "forbidden")
    after = await done(street.leader, issue_id, call, "rate", rating=4, text="到得快")
    assert (after["rating"], after["rating_text"], after["moves"]) == (4, "到得快", [])
    again = await on_call(street.leader, issue_id, call, "rate", rating=1)
    refused(again, 409, "call_rated_already")
    moves = select(Entry.move, Entry.internal).where(Entry.case_id == issue_id)
    rows = (await tx.execute(moves.order_by(Entry.id))).all()
    assert [tuple(row) for row in rows][2:] == [
        ("whistle", False),
        ("check_in", False),
        ("report_work", True),
        ("release", True),
        ("rate_call", True),
    ]
    seen = await officer.get(f"/issues/{issue_id}")
    assert seen.status_code == 200  # what it worked on it may still read
    assert seen.json()["moves"] == ["comment"]


async def test_far_away_is_noted_and_not_refused(
    street: Street, issue_id: str, officer: Caller
) -> None:
    (call,) = await whistled(street, street.leader, issue_id, 0)
    after = await done(officer, issue_id, call, "check-in", position=FAR)
    assert after["far"] is True
    assert 1000 < after["metres_away"] < 1050
    assert after["position"] == FAR


async def test_the_position_of_the_report_goes_before_that_of_the_lane(
    street: Street, officer: Caller
) -> None:
    issue_id = await street.accepted(position=FAR)
    (call,) = await whistled(street, street.leader, issue_id, 0)
    after = await done(officer, issue_id, call, "check-in", position=FAR)
    assert (after["far"], after["metres_away"]) == (False, 0)


async def test_without_a_position_the_distance_is_not_known(
    street: Street, issue_id: str, officer: Caller
) -> None:
    (call,) = await whistled(street, street.leader, issue_id, 0)
    after = await done(officer, issue_id, call, "check-in")
    assert (after["far"], after["metres_away"], after["position"]) == (False, None, None)


async def test_after_the_deadline_it_is_accepted_and_marked_late(
    street: Street, issue_id: str, officer: Caller, clock: Clock
) -> None:
    (call,) = await whistled(street, street.leader, issue_id, 0)
    clock.forward(minutes=120)
    seen = (await officer.get(f"/issues/{issue_id}/calls")).json()["items"][0]
    assert seen["overdue"] is False
    clock.forward(seconds=1)
    seen = (await officer.get(f"/issues/{issue_id}/calls")).json()["items"][0]
    assert seen["overdue"] is True
    after = await done(officer, issue_id, call, "check-in", position=HERE)
    assert (after["late"], after["overdue"]) == (True, False)


async def test_each_step_is_made_once_and_in_order(
    street: Street, issue_id: str, officer: Caller
) -> None:
    (call,) = await whistled(street, street.leader, issue_id, 0)
    refused(await on_call(officer, issue_id, call, "report", text="好"), 409, "check_in_first")
    await done(officer, issue_id, call, "check-in")
    refused(await on_call(officer, issue_id, call, "check-in"), 409, "checked_in_already")
    answer = await on_call(street.leader, issue_id, call, "rate", rating=3)
    refused(answer, 409, "not_released_yet")
    answer = await on_call(street.leader, issue_id, call, "release")
    refused(answer, 422, "report_or_reason")
    after = await done(street.leader, issue_id, call, "release", text="已由居民自行清理")
    assert after["release_reason"] == "已由居民自行清理"
    answer = await on_call(street.leader, issue_id, call, "release", text="再次")
    refused(answer, 409, "call_released")
    answer = await on_call(officer, issue_id, call, "report", text="补充")
    refused(answer, 409, "call_released")


async def test_officers_act_for_their_own_department_only(
    street: Street, issue_id: str, officer: Caller, other_officer: Caller
) -> None:
    first, second = await whistled(street, street.leader, issue_id, 0, 1)
    refused(await on_call(other_officer, issue_id, first, "check-in"), 403, "forbidden")
    refused(await on_call(street.leader, issue_id, first, "check-in"), 403, "forbidden")
    refused(await on_call(street.reporter, issue_id, first, "check-in"), 403, "forbidden")
    nothing = {"id": issue_id}
    refused(await on_call(officer, issue_id, nothing, "check-in"), 404, "call_not_found")
    assert (await done(other_officer, issue_id, second, "check-in"))["checked_in_at"]
    elsewhere = await street.accepted()
    answer = await on_call(street.chief, elsewhere, first, "check-in")
    refused(answer, 404, "call_not_found")
    far = await street.staff(Role.GRID_LEADER, 1, 1, 2)
    refused(await on_call(far, issue_id, first, "release", text="不"), 404, "case_not_found")


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.GRID_LEADER, (1, 1, 1), 403),
        (Role.COMMUNITY_WORKER, (1, 1), 200),
        (Role.COMMUNITY_SECRETARY, (1, 1), 200),
        (Role.COMMUNITY_SECRETARY, (1, 2), 404),
        (Role.STREET_SECRETARY, (1,), 200),
        (Role.LANE_CHIEF, (1, 1, 1, 1), 403),
    ],
)
async def test_who_whistled_or_is_above_releases(
    role: Role, path: tuple[int, ...], status: int, street: Street, issue_id: str
) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    (call,) = await whistled(street, worker, issue_id, 0)
    caller = await street.staff(role, *path)
    answer = await on_call(caller, issue_id, call, "release", text="不需要了")
    assert answer.status_code == status, answer.text


async def test_who_whistled_releases_also_when_it_went_up_meanwhile(
    street: Street, issue_id: str
) -> None:
    (call,) = await whistled(street, street.leader, issue_id, 0)
    for _ in range(2):
        await street.done(street.leader, issue_id, "escalate", text="需上级协调")
    assert (await done(street.leader, issue_id, call, "release", text="已到"))["released_at"]


async def test_an_issue_is_not_resolved_while_its_lead_is_called(
    street: Street, tx: Tx, issue_id: str, clock: Clock
) -> None:
    lead, assistant = await whistled(street, street.leader, issue_id, 0, 1)
    answer = await act(street.chief, issue_id, "resolve", text="已清运")
    refused(answer, 409, "calls_open")
    await done(street.leader, issue_id, lead, "release", text="处置完毕")
    await street.done(street.chief, issue_id, "resolve", text="已清运")
    query = select(Call).where(Call.id == assistant["id"])
    call = (await tx.scalars(query)).one()
    assert (call.released_at, call.released_by_id) == (clock.now, None)
    assert call.release_reason == "诉求已不在办理中，自动解除"
    running = select(Timer.id).where(Timer.subject_id == call.id, Timer.stopped_at.is_(None))
    assert list(await tx.scalars(running)) == []
    rated = await done(street.leader, issue_id, assistant, "rate", rating=2)
    assert rated["rating"] == 2


async def test_a_withdrawn_issue_lets_everybody_go(
    street: Street, tx: Tx, issue_id: str, officer: Caller
) -> None:
    (call,) = await whistled(street, street.leader, issue_id, 0)
    await street.done(street.reporter, issue_id, "withdraw")
    released = select(Call.released_at).where(Call.case_id == issue_id)
    assert None not in list(await tx.scalars(released))
    refused(await on_call(officer, issue_id, call, "check-in"), 409, "call_released")


async def test_a_department_sees_its_calls_open_ones_first_page_by_page(
    street: Street, officer: Caller, clock: Clock
) -> None:
    issues = []
    for _ in range(5):
        issues.append(await street.accepted())
        clock.forward(minutes=1)
    calls = [(await whistled(street, street.leader, one, 0))[0] for one in issues]
    for number in (1, 4):
        await done(street.leader, issues[number], calls[number], "release", text="不需要")
    seen: list[str] = []
    after = ""
    while True:
        page = (await officer.get(f"/staff/calls?limit=2{after}")).json()
        seen += [item["issue"]["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [issues[number] for number in (3, 2, 0, 4, 1)]
    first = (await officer.get("/staff/calls?limit=1")).json()["items"][0]
    assert first["issue"]["text"] == "巷口垃圾桶满了两天没人清"
    assert first["moves"] == ["check_in"]


async def test_whoever_is_no_officer_has_no_list_of_calls(
    street: Street, other_officer: Caller
) -> None:
    refused(await street.leader.get("/staff/calls"), 403, "forbidden")
    refused(await street.reporter.get("/staff/calls"), 403, "forbidden")
    issue_id = await street.accepted()
    await whistled(street, street.leader, issue_id, 0)
    mine = (await other_officer.get("/staff/calls")).json()["items"]
    assert issue_id not in [item["issue"]["id"] for item in mine]


async def test_a_whistle_for_a_meeting_is_late_only_after_it(
    street: Street, issue_id: str, officer: Caller, clock: Clock
) -> None:
    meet_at = clock.now + timedelta(hours=5)
    (call,) = await whistled(street, street.leader, issue_id, 0, meet_at=meet_at.isoformat())
    clock.forward(hours=5)
    assert (await done(officer, issue_id, call, "check-in"))["late"] is False


async def test_each_department_reads_its_own_rating_and_the_street_reads_all(
    street: Street, issue_id: str, officer: Caller, other_officer: Caller
) -> None:
    calls = await whistled(street, street.leader, issue_id, 0, 1)
    for call, rating in zip(calls, (5, 2), strict=True):
        await done(street.leader, issue_id, call, "release", text="处置完毕")
        await done(street.leader, issue_id, call, "rate", rating=rating, text=f"{rating}分")
    dispatcher = await street.staff(Role.STREET_DISPATCHER, 1)
    for caller, expected in (
        (street.leader, [5, 2]),
        (street.chief, [5, 2]),
        (dispatcher, [5, 2]),
        (officer, [5, None]),
        (other_officer, [None, 2]),
    ):
        shown = (await caller.get(f"/issues/{issue_id}/calls")).json()["items"]
        assert [one["rating"] for one in shown] == expected
        for one, wanted in zip(shown, expected, strict=True):
            told = (one["rating_text"] is not None, one["rated_at"] is not None)
            assert told == (wanted is not None, wanted is not None)
        timeline = (await caller.get(f"/issues/{issue_id}")).json()["timeline"]
        rated = [entry["text"] for entry in timeline if entry["move"] == "rate_call"]
        assert rated == [f"{one}分" for one in expected if one is not None]
    answer = (await officer.get("/staff/calls")).json()["items"]
    assert [one["rating"] for one in answer] == [5]
