"""Calling departments to an issue: who may, whom, and until when."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from neighborhood_api.cases.models import Entry
from neighborhood_api.cases.paths import Call
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.calls import wanted, whistled
from tests.support.clock import Clock
from tests.support.issues import Street, act, new_rule
from tests.support.people import Caller
from tests.support.refusals import refused


async def officer(street: Street, body: int) -> Caller:
    return await street.staff(Role.DEPARTMENT_OFFICER, 1, body=body)


async def calls_of(tx: Tx, issue_id: str) -> list[Call]:
    query = select(Call).where(Call.case_id == issue_id).order_by(Call.id)
    return list(await tx.scalars(query.execution_options(populate_existing=True)))


async def test_a_grid_leader_calls_a_lead_and_an_assistant_each_with_its_own_deadline(
    street: Street, tx: Tx, clock: Clock
) -> None:
    await new_rule(tx, "env.garbage", check_in_minutes=90)
    issue_id = await street.accepted()
    body = wanted(street, 0, 1, meeting_place="巷口")
    body["departments"][1]["check_in_minutes"] = 30
    answer = await street.leader.post(f"/issues/{issue_id}/whistle", json=body)
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["items"]
    assert (first["organization"], first["lead"]) == ("城管办", True)
    assert (second["organization"], second["lead"]) == ("派出所", False)
    assert first["whistle_id"] == second["whistle_id"]
    assert first["meeting_place"] == "巷口"
    assert first["moves"] == ["release"]
    calls = await calls_of(tx, issue_id)
    assert [call.check_in_by - clock.now for call in calls] == [
        timedelta(minutes=90),
        timedelta(minutes=30),
    ]
    timers = await tx.scalars(
        select(Timer).where(Timer.case_id == issue_id, Timer.purpose == Purpose.CHECK_IN.value)
    )
    assert {timer.subject_id: timer.due_at for timer in timers} == {
        call.id: call.check_in_by for call in calls
    }


async def test_the_reporter_reads_who_was_called_and_not_why(street: Street) -> None:
    issue_id = await street.accepted()
    await whistled(street, street.leader, issue_id, 0, 1)
    seen = (await street.reporter.get(f"/issues/{issue_id}")).json()["timeline"][-1]
    assert (seen["move"], seen["text"]) == ("whistle", "已吹哨调度：城管办（牵头）、派出所")
    assert (seen["note"], seen["detail"]) == (None, None)
    staff = (await street.chief.get(f"/issues/{issue_id}")).json()["timeline"][-1]
    assert staff["note"] == "占道经营引发口角"
    refused(await street.reporter.get(f"/issues/{issue_id}/calls"), 403, "forbidden")


async def test_called_officers_see_the_issue_and_everyone_elses_do_not(street: Street) -> None:
    issue_id = await street.accepted()
    called, other = await officer(street, 0), await officer(street, 1)
    assert (await called.get(f"/issues/{issue_id}")).status_code == 404
    await whistled(street, street.leader, issue_id, 0)
    seen = await called.get(f"/issues/{issue_id}")
    assert seen.status_code == 200
    assert set(seen.json()["moves"]) == {"check_in", "comment"}
    assert (await other.get(f"/issues/{issue_id}")).status_code == 404
    assert (await other.get(f"/issues/{issue_id}/calls")).status_code == 404


async def test_what_a_whistle_announces_names_the_officers_of_each_department(
    street: Street, tx: Tx
) -> None:
    issue_id = await street.accepted()
    await whistled(street, street.leader, issue_id, 0, 1)
    told = select(OutboxRow.payload).where(
        OutboxRow.name == "issues.department_called",
        OutboxRow.payload["issue_id"].astext == issue_id,
    )
    events = list(await tx.scalars(told.order_by(OutboxRow.id)))
    assert [(one["lead"], one["recipient_ids"]) for one in events] == [
        (True, [str((await officer(street, 0)).person_id)]),
        (False, [str((await officer(street, 1)).person_id)]),
    ]


async def test_a_lane_chief_is_told_to_pass_it_up_first(street: Street, tx: Tx) -> None:
    issue_id = await street.accepted()
    answer = await act(street.chief, issue_id, "whistle", **wanted(street, 0))
    refused(answer, 403, "whistle_from_grid")
    assert "whistle" not in (await street.chief.get(f"/issues/{issue_id}")).json()["moves"]
    assert "whistle" in (await street.leader.get(f"/issues/{issue_id}")).json()["moves"]
    assert await calls_of(tx, issue_id) == []


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.GRID_WORKER, (1, 1, 1), 200),
        (Role.COMMUNITY_SECRETARY, (1, 1), 200),
        (Role.STREET_DISPATCHER, (1,), 200),
        (Role.GRID_LEADER, (1, 1, 2), 404),
        (Role.STREET_DISPATCHER, (2,), 404),
        (Role.OPERATOR, (), 403),
    ],
)
async def test_who_holds_it_or_is_above_whistles_and_nobody_else(
    role: Role, path: tuple[int, ...], status: int, street: Street
) -> None:
    issue_id = await street.accepted()
    caller = await street.staff(role, *path)
    answer = await act(caller, issue_id, "whistle", **wanted(street, 0))
    assert answer.status_code == status, answer.text


async def test_whoever_no_longer_holds_it_does_not_whistle(street: Street) -> None:
    issue_id = await street.accepted()
    await street.done(street.leader, issue_id, "escalate", text="办不了")
    await street.done(street.leader, issue_id, "escalate", text="办不了")
    answer = await act(street.leader, issue_id, "whistle", **wanted(street, 0))
    refused(answer, 403, "forbidden")


@pytest.mark.parametrize("lead", [None, "both"])
async def test_exactly_one_department_leads(lead: str | None, street: Street, tx: Tx) -> None:
    issue_id = await street.accepted()
    body = wanted(street, 0, 1, lead=None)
    for department in body["departments"]:
        department["lead"] = lead == "both"
    answer = await act(street.leader, issue_id, "whistle", **body)
    assert refused(answer, 422, "one_lead")["leads"] == 1
    assert await calls_of(tx, issue_id) == []


async def test_a_second_whistle_adds_assistants_while_the_lead_is_called(
    street: Street,
) -> None:
    issue_id = await street.accepted()
    await whistled(street, street.leader, issue_id, 0)
    answer = await act(street.leader, issue_id, "whistle", **wanted(street, 1, lead=1))
    assert refused(answer, 422, "one_lead")["leads"] == 0
    answer = await act(street.leader, issue_id, "whistle", **wanted(street, 0, lead=None))
    problem = refused(answer, 409, "called_already")
    assert problem["organization_ids"] == [str(street.town.organizations[0].id)]
    calls = await whistled(street, street.leader, issue_id, 1, lead=None)
    assert [call["lead"] for call in calls] == [True, False]


async def test_only_departments_that_the_rule_allows_are_called(street: Street, tx: Tx) -> None:
    police = street.town.organizations[1].id
    await new_rule(tx, "env.garbage", department_ids=[police])
    issue_id = await street.accepted()
    answer = await act(street.leader, issue_id, "whistle", **wanted(street, 0))
    refused(answer, 422, "organization_not_found")
    assert len(await whistled(street, street.leader, issue_id, 1, lead=1)) == 1


async def test_departments_come_to_the_meeting_when_one_is_set(
    street: Street, tx: Tx, clock: Clock
) -> None:
    issue_id = await street.accepted()
    meet_at = clock.now + timedelta(hours=20)
    calls = await whistled(street, street.leader, issue_id, 0, meet_at=meet_at.isoformat())
    assert datetime.fromisoformat(calls[0]["meet_at"]) == meet_at.replace(microsecond=0)
    (call,) = await calls_of(tx, issue_id)
    assert timedelta(0) <= call.check_in_by - meet_at < timedelta(minutes=1)


@pytest.mark.parametrize("hours", [-1, 24 * 7 + 1])
async def test_a_meeting_is_soon_and_not_in_the_past(
    hours: int, street: Street, clock: Clock
) -> None:
    issue_id = await street.accepted()
    meet_at = (clock.now + timedelta(hours=hours)).isoformat()
    answer = await act(street.leader, issue_id, "whistle", **wanted(street, 0, meet_at=meet_at))
    refused(answer, 422, "meeting_out_of_range")


@pytest.mark.parametrize("broken", [{"check_in_minutes": 4}, {"check_in_minutes": 10081}])
async def test_a_deadline_of_its_own_has_limits(broken: dict[str, Any], street: Street) -> None:
    issue_id = await street.accepted()
    body = wanted(street, 0)
    body["departments"][0] |= broken
    refused(await act(street.leader, issue_id, "whistle", **body), 422, "invalid_request")


async def test_a_confidential_issue_stays_with_its_posts(street: Street, tx: Tx) -> None:
    issue_id = await street.reported(category_code="staff.conduct")
    secretary = await street.staff(Role.STREET_SECRETARY, 1)
    answer = await act(secretary, issue_id, "whistle", **wanted(street, 0))
    refused(answer, 409, "confidential_stays")
    seen = await secretary.get(f"/issues/{issue_id}")
    assert "whistle" not in seen.json()["moves"]
    answer = await act(street.leader, issue_id, "whistle", **wanted(street, 0))
    refused(answer, 404, "case_not_found")
    assert await calls_of(tx, issue_id) == []
    entries = select(Entry.move).where(Entry.case_id == issue_id)
    assert list(await tx.scalars(entries)) == ["report"]
