"""Reports on persons: whom a place has named for them, a second person, and the level above."""

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from neighborhood_api.cases import sweeps
from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.timekeeping import Purpose
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.watching.models import IssueWarning, WarningRecipient
from neighborhood_api.issues.watching.warnings import raise_warnings
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.clock import Clock
from tests.support.hands import check_ledger
from tests.support.issues import LANE, Street, act, new_rule
from tests.support.people import Caller
from tests.support.posts import appoint, phone_number, somebody, vacate
from tests.support.refusals import refused

ABOUT_STAFF = {"category_code": "staff.conduct", "text": "某工作人员态度恶劣"}


async def named(street: Street, tx: Tx, *path: int) -> Caller:
    """A discipline officer of a place."""
    person = await somebody(tx, "纪检")
    await appoint(tx, street.town.at(*path), Role.DISCIPLINE_OFFICER, person.id)
    await tx.commit()
    return await street.callers.person(person.id)


@pytest.fixture
async def inspector(street: Street, tx: Tx) -> Caller:
    return await named(street, tx, 1)


@pytest.fixture
async def secretary(street: Street) -> Caller:
    return await street.staff(Role.STREET_SECRETARY, 1)


async def sees(caller: AsyncClient, issue_id: str) -> bool:
    """Whether it is there for somebody, alone and in the worklist alike."""
    one = await caller.get(f"/issues/{issue_id}")
    listed = await caller.get("/staff/issues?limit=100")
    found = {row["id"] for row in listed.json().get("items", [])}
    assert (one.status_code == 200) == (issue_id in found)
    return one.status_code == 200


async def vacancies(tx: Tx) -> list[str]:
    rows = select(OutboxRow.payload).where(OutboxRow.name == "cases.post_vacant")
    return [row["node_id"] for row in await tx.scalars(rows)]


async def test_where_a_street_has_named_somebody_she_handles_and_the_secretary_is_second(
    street: Street, inspector: Caller, secretary: Caller, tx: Tx, clock: Clock
) -> None:
    await new_rule(tx, "staff.conduct", verification=True, extension_amount=600)
    body = (await street.report(**ABOUT_STAFF)).json()
    assert (body["hand"]["role"], body["hand"]["role_name"]) == (
        "discipline_officer",
        "纪检监察员",
    )
    issue_id = body["id"]
    mine = (await inspector.get("/staff/issues?box=mine")).json()["items"]
    assert [row["id"] for row in mine] == [issue_id]
    await street.done(inspector, issue_id, "accept")
    wish = {"amount": 60, "text": "需调取录像"}
    await street.done(inspector, issue_id, "request-extension", **wish)
    decision = {"approve": True, "text": "同意"}
    refused(await act(inspector, issue_id, "decide-request", **decision), 403, "own_request")
    await street.done(secretary, issue_id, "decide-request", **decision)
    done = await street.done(inspector, issue_id, "resolve", text="已谈话提醒")
    assert done["state"] == "verifying"
    refused(await act(inspector, issue_id, "verify"), 403, "third_person_needed")
    verified = await street.done(secretary, issue_id, "verify", text="属实")
    assert verified["state"] == "resolved"
    await check_ledger(tx, issue_id, now=clock.now)


async def test_she_has_nothing_to_do_with_ordinary_issues(
    street: Street, inspector: Caller
) -> None:
    ordinary = await street.reported()
    assert not await sees(inspector, ordinary)
    refused(await act(inspector, ordinary, "accept"), 404, "case_not_found")
    refused(await act(inspector, ordinary, "comment", text="内部"), 404, "case_not_found")
    for path in ("/staff/hot-spots", "/statistics", "/staff/moderation"):
        answer = await inspector.get(path)
        assert answer.status_code in {403, 404} or not answer.json()["items"], path


async def test_another_street_has_nothing_to_do_with_it(street: Street, tx: Tx) -> None:
    elsewhere = await named(street, tx, 2)
    issue_id = await street.reported(**ABOUT_STAFF)
    assert not await sees(elsewhere, issue_id)
    refused(await act(elsewhere, issue_id, "accept"), 404, "case_not_found")


async def test_what_is_about_the_street_goes_to_the_district_and_past_the_street(
    street: Street, inspector: Caller, secretary: Caller, tx: Tx, clock: Clock
) -> None:
    district = await named(street, tx)
    body = (await street.report(**ABOUT_STAFF, to_district=True)).json()
    issue_id = body["id"]
    assert (body["hand"]["level"], body["hand"]["node_id"]) == (0, str(street.town.at().id))
    assert await sees(district, issue_id)
    for caller in (inspector, secretary, await street.staff(Role.OPERATOR)):
        assert not await sees(caller, issue_id)
        refused(await act(caller, issue_id, "accept"), 404, "case_not_found")
        exclusion = {"reason": "out_of_duty", "text": "移送"}
        answer = await act(caller, issue_id, "exclude", **exclusion)
        refused(answer, 404, "case_not_found")
    assert await vacancies(tx) == []
    await street.done(district, issue_id, "accept")
    await street.done(district, issue_id, "respond", text="已立项核查")
    shown = (await street.reporter.get(f"/issues/{issue_id}")).json()
    assert shown["state"] == "handling"
    await check_ledger(tx, issue_id, now=clock.now)


async def test_at_the_district_a_second_named_person_decides_and_verifies(
    street: Street, tx: Tx
) -> None:
    await new_rule(tx, "staff.conduct", verification=True, extension_amount=600)
    first, second = await named(street, tx), await named(street, tx)
    issue_id = await street.reported(**ABOUT_STAFF, to_district=True)
    await street.done(first, issue_id, "accept")
    wish = {"amount": 60, "text": "需调取录像"}
    await street.done(first, issue_id, "request-extension", **wish)
    decision = {"approve": True, "text": "同意"}
    refused(await act(first, issue_id, "decide-request", **decision), 403, "own_request")
    await street.done(second, issue_id, "decide-request", **decision)
    await street.done(first, issue_id, "resolve", text="已处分")
    refused(await act(first, issue_id, "verify"), 403, "third_person_needed")
    await street.done(second, issue_id, "verify")
    exclusion = {"reason": "out_of_duty", "text": "移送纪委立案"}
    await street.done(first, issue_id, "exclude", **exclusion)
    own = await act(first, issue_id, "exclude/decide", **decision)
    refused(own, 403, "second_person_needed")
    await street.done(second, issue_id, "exclude/decide", **decision)


async def test_whoever_it_turns_out_to_be_about_gives_it_to_the_district(
    street: Street, secretary: Caller, tx: Tx, clock: Clock
) -> None:
    """From then on the street sees it no more, in no list and by no order."""
    issue_id = await street.reported(**ABOUT_STAFF)
    shown = (await secretary.get(f"/issues/{issue_id}")).json()
    assert "escalate" not in shown["moves"]  # nobody is named at the district
    refused(await act(secretary, issue_id, "escalate", text="回避"), 409, "nobody_above")
    district = await named(street, tx)
    shown = (await secretary.get(f"/issues/{issue_id}")).json()
    assert "escalate" in shown["moves"]
    after = await street.done(secretary, issue_id, "escalate", text="涉及本人，回避")
    assert (after["hand"]["level"], after["hand"]["role"]) == (0, "discipline_officer")
    assert not await sees(secretary, issue_id)
    assert await sees(district, issue_id)
    case = (await tx.scalars(select(Case).where(Case.id == issue_id))).one()
    assert case.hand_person_id == district.person_id
    await street.done(district, issue_id, "accept")
    back = {"node_id": str(street.town.at(1).id), "text": "退回"}
    answer = await act(district, issue_id, "transfer", **back)
    refused(answer, 409, "confidential_stays")
    answer = await act(district, issue_id, "return", reason="unclear", text="退")
    refused(answer, 409, "confidential_stays")
    await check_ledger(tx, issue_id, now=clock.now)


async def test_what_the_street_leaves_lying_comes_to_the_district_by_itself(
    street: Street, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    district = await named(street, tx)
    issue_id = await street.reported(**ABOUT_STAFF)
    now = clock.forward(minutes=60)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=now) == 1
    assert await sees(district, issue_id)
    now = clock.forward(minutes=60)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=now) == 1
    alarm = select(Entry.id).where(Entry.case_id == issue_id, Entry.move == "alarm")
    assert len((await tx.scalars(alarm)).all()) == 1


async def test_where_the_street_has_nobody_the_district_answers(street: Street, tx: Tx) -> None:
    await vacate(tx, street.town.at(1))
    district = await named(street, tx)
    body = (await street.report(**ABOUT_STAFF)).json()
    assert (body["hand"]["level"], body["hand"]["person_name"]) == (0, "纪检")
    assert await vacancies(tx) == [str(street.town.at(1).id)]
    assert await sees(district, body["id"])


async def test_where_the_district_has_nobody_it_waits_there_and_the_street_never_sees_it(
    street: Street, secretary: Caller, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    body = (await street.report(**ABOUT_STAFF, to_district=True)).json()
    assert (body["hand"]["level"], body["hand"]["person_name"]) == (0, None)
    assert await vacancies(tx) == [str(street.town.at().id)]
    now = clock.forward(minutes=60)
    assert await sweeps.pass_up_unanswered(rolled_back, ISSUE, now=now) == 1  # the alarm
    assert not await sees(secretary, body["id"])


async def test_a_reopened_report_goes_one_level_up(street: Street, tx: Tx) -> None:
    inspector, district = await named(street, tx, 1), await named(street, tx)
    issue_id = await street.reported(**ABOUT_STAFF)
    await street.done(inspector, issue_id, "accept")
    await street.done(inspector, issue_id, "resolve", text="已谈话提醒")
    body = await street.done(street.reporter, issue_id, "reopen", text="没有改变")
    assert (body["state"], body["hand"]["level"]) == ("reopened", 0)
    assert await sees(district, issue_id)
    assert not await sees(inspector, issue_id)


async def test_only_what_is_about_persons_goes_past_the_street(street: Street, tx: Tx) -> None:
    answer = await street.report(to_district=True)
    refused(answer, 422, "not_about_persons")
    assert (await tx.scalars(select(Case.id))).all() == []


async def test_who_takes_a_call_may_send_it_to_the_district_and_sees_it_no_more(
    street: Street, tx: Tx
) -> None:
    district = await named(street, tx)
    clerk = await street.staff(Role.COMMUNITY_WORKER, *LANE[:2])
    call = {"name": "王女士", "phone": phone_number()}
    wish = street.wish(**ABOUT_STAFF, on_behalf_of=call, to_district=True)
    answer = await clerk.post("/issues", json=wish)
    assert answer.status_code == 200, answer.text
    issue_id = answer.json()["id"]
    assert not await sees(clerk, issue_id)
    await street.done(district, issue_id, "accept")
    phone = await district.post(f"/issues/{issue_id}/reporter-phone")
    assert phone.json()["phone"] == call["phone"]


async def test_its_red_warning_goes_to_the_district_too_and_never_down_from_there(
    street: Street, inspector: Caller, tx: Tx, clock: Clock, rolled_back: Database
) -> None:
    await new_rule(tx, "staff.conduct", verification=True, verify_amount=60)
    district = await named(street, tx)
    issue_id = await street.reported(**ABOUT_STAFF)
    above = await street.reported(**ABOUT_STAFF, to_district=True)
    await street.done(inspector, issue_id, "accept")
    await street.done(district, above, "accept")
    await street.done(district, above, "resolve", text="已处分")
    await raise_warnings(rolled_back, now=clock.forward(hours=11))
    of_above = select(WarningRecipient.person_id).join(
        IssueWarning, IssueWarning.id == WarningRecipient.warning_id
    )
    assert (await tx.scalars(of_above.where(IssueWarning.case_id == above))).all() == []
    told = (
        select(WarningRecipient.person_id)
        .join(IssueWarning, IssueWarning.id == WarningRecipient.warning_id)
        .where(
            IssueWarning.case_id == issue_id,
            IssueWarning.purpose == Purpose.RESOLVE.value,
            IssueWarning.colour == "red",
        )
    )
    assert set(await tx.scalars(told)) == {inspector.person_id, district.person_id}
