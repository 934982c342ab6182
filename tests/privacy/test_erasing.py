"""Whoever has her account cancelled is found nowhere any more, and what others need stays."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import func, select, text, update

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.files.models import File
from neighborhood_api.files.store import fetch
from neighborhood_api.grid.models import Residence
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import Rating
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.sealing import SealedUnreadable
from neighborhood_api.kit.trail import seal_trail, verify_trail
from neighborhood_api.privacy.exporting import write_data_export
from neighborhood_api.privacy.forgetting import erase_due
from neighborhood_api.privacy.models import DataExport, Erasure, Scrubbing
from neighborhood_api.privacy.retention import keep_no_longer
from neighborhood_api.privacy.scrubbing import HIDDEN_NUMBER, scrub
from neighborhood_api.registrations.models import Registration
from neighborhood_api.settings import Settings
from tests.privacy.arranging import ADDRESS, NAME, Traces, done, traces
from tests.privacy.walking import files_that_say, hits
from tests.support.clock import Clock
from tests.support.issues import LANE, Street
from tests.support.refusals import refused

pytestmark = pytest.mark.slow

KEPT_BY_THE_OFFICE = {
    ("household", "address"),
    ("resident", "name"),
    ("resident", "phone"),
}
"""The register of dwellings and residents: the office keeps it by a duty of its own."""


@pytest.fixture
async def her(street: Street, tx: Tx, clock: Clock) -> Traces:
    return await traces(street, tx, now=clock.now)


async def erased(app: FastAPI, database: Database, clock: Clock) -> None:
    """Let the time to think it over pass, and do what is due then, twice."""
    clock.forward(days=8)
    for _ in range(2):
        await erase_due(database, now=clock.now)
    async with database.transaction() as tx:
        waiting = (await tx.scalars(select(Scrubbing.id))).all()
    for scrubbing_id in [*waiting, *waiting]:
        await scrub(database, app.state.store, scrubbing_id, now=clock.now)


async def test_after_an_erasure_nothing_tells_who_it_was(
    app: FastAPI,
    settings: Settings,
    her: Traces,
    tx: Tx,
    rolled_back: Database,
    clock: Clock,
) -> None:
    export = (await tx.scalars(select(DataExport))).one()
    store = app.state.store
    await write_data_export(rolled_back, store, export.id, kept_days=7, now=clock.now)
    await seal_trail(tx)
    await tx.commit()
    tx.expunge_all()
    before = await hits(tx, her.needles)
    for place in (
        ("person", "phone"),
        ("case_entry", "text"),
        ("issue", "caller_phone"),
        ("notification", "body"),
        ("act", "detail"),
        ("outbox", "payload"),
        ("procrastinate_jobs", "args"),
        ("pick_up_person", "phone"),
        ("register_look", "reason"),
    ):
        assert place in before
    await done(her.caller, "/me/erasure")
    await erased(app, rolled_back, clock)
    tx.expunge_all()
    assert await hits(tx, her.needles) == KEPT_BY_THE_OFFICE
    assert files_that_say(settings.data_dir / "files", her.needles) == []
    assert [found async for found in verify_trail(rolled_back)] == []
    await seal_trail(tx)
    assert [found async for found in verify_trail(rolled_back)] == []


async def test_what_a_request_under_way_still_wrote_goes_at_night(
    app: FastAPI,
    settings: Settings,
    street: Street,
    tx: Tx,
    rolled_back: Database,
    clock: Clock,
) -> None:
    her = street.reporter.person_id
    await done(street.reporter, "/me/erasure")
    await erased(app, rolled_back, clock)
    home = Residence(
        person_id=her,
        address=ADDRESS,
        stated_at=clock.now,
        **columns_of(street.town.place(*LANE)),  # type: ignore[arg-type]
    )
    tx.add(home)
    await tx.commit()
    await keep_no_longer(rolled_back, settings, now=clock.now)
    tx.expunge_all()
    assert await tx.get(Residence, her) is None


async def test_the_case_record_stays_without_the_person(
    app: FastAPI, her: Traces, street: Street, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    issue_id = UUID(her.issue_id)
    lines = select(func.count(Entry.id)).where(Entry.case_id == issue_id)
    written = await tx.scalar(lines)
    await done(her.caller, "/me/erasure")
    await erased(app, rolled_back, clock)
    tx.expunge_all()
    assert await tx.scalar(lines) == written
    issue = await tx.get_one(Issue, issue_id)
    assert issue.text.startswith("路灯坏了。")
    assert "*" * 11 in issue.text
    case = await tx.get_one(Case, issue_id)
    assert case.reporter_id == her.caller.person_id
    person = await tx.get_one(Person, her.caller.person_id)
    assert (person.name, person.phone, person.openid) == (None, None, None)
    assert person.erased_at == clock.now
    rating = (await tx.scalars(select(Rating).where(Rating.case_id == issue_id))).one()
    assert rating.rating == 4
    shown = await street.leader.get(f"/issues/{her.issue_id}")
    assert shown.status_code == 200
    assert shown.json()["reporter"]["phone"] is None
    taken_in = await tx.get_one(Issue, UUID(her.caller_issue_id))
    assert taken_in.channel == "telephone"


async def test_pictures_of_a_case_stay_and_others_go(
    app: FastAPI, her: Traces, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    unused = await tx.get_one(File, UUID(her.unused_photo_id))
    key = unused.storage_key
    assert await fetch(app.state.store, key) is not None
    await done(her.caller, "/me/erasure")
    await erased(app, rolled_back, clock)
    tx.expunge_all()
    left = (await tx.scalars(select(File.id))).all()
    assert UUID(her.photo_id) in left
    assert UUID(her.unused_photo_id) not in left
    assert await fetch(app.state.store, key) is None


async def test_bookings_to_come_are_cancelled_and_tokens_are_worth_nothing(
    app: FastAPI, her: Traces, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    await done(her.caller, "/me/erasure")
    assert (await her.caller.get("/me")).status_code == 200
    await erased(app, rolled_back, clock)
    assert (await her.caller.get("/me")).status_code == 401
    states = await tx.scalars(
        select(Registration.state).where(Registration.person_id == her.caller.person_id)
    )
    assert set(states) == {"cancelled", "completed", "no_show"}
    home = select(Registration.household_id).where(Registration.household_id.is_not(None))
    assert (await tx.scalars(home)).all() == []


async def test_it_is_thought_over_and_can_be_taken_back(
    app: FastAPI, her: Traces, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    asked = await done(her.caller, "/me/erasure")
    assert asked["state"] == "cooling"
    refused(await her.caller.post("/me/erasure"), 409, "erasure_under_way")
    assert await erase_due(rolled_back, now=clock.now + timedelta(days=6)) == (0, 0)
    assert (await done(her.caller, "/me/erasure/withdraw"))["state"] == "withdrawn"
    refused(await her.caller.post("/me/erasure/withdraw"), 409, "no_erasure_under_way")
    await erased(app, rolled_back, clock)
    person = await tx.get_one(Person, her.caller.person_id, populate_existing=True)
    assert person.name == NAME
    assert (await her.caller.get("/me/erasure")).json()["state"] == "withdrawn"


async def test_whoever_holds_a_post_is_refused_and_told_why(street: Street) -> None:
    refused(await street.chief.post("/me/erasure"), 409, "erasure_holds_post")


async def test_a_confidential_report_under_way_is_looked_into_first(
    street: Street, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    await done(street.reporter, "/me/erasure")
    await street.reported(category_code="staff.conduct", text="某工作人员态度恶劣")
    refused(await street.reporter.post("/me/erasure"), 409, "erasure_under_investigation")
    clock.forward(days=8)
    assert await erase_due(rolled_back, now=clock.now) == (0, 1)
    erasure = (await tx.scalars(select(Erasure))).one()
    assert erasure.hindered_by == "erasure_under_investigation"
    said = "您反映的涉及人员的问题正在核查，办结后即可注销"
    assert (await street.reporter.get("/me/erasure")).json()["hindrance"] == said
    assert await erase_due(rolled_back, now=clock.now) == (0, 1)
    inbox = (await street.reporter.get("/me/notifications")).json()["items"]
    told = [one["body"] for one in inbox if one["kind"] == "privacy.erasure_hindered"]
    assert told == [said]
    over = update(Case).where(Case.reporter_id == street.reporter.person_id)
    await tx.execute(over.values(state="withdrawn"))
    await tx.commit()
    assert await erase_due(rolled_back, now=clock.now) == (1, 0)


async def test_an_erasure_that_fails_by_a_defect_keeps_no_other_waiting(
    street: Street, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    first = await street.callers.resident(street.town.place(*LANE))
    for one in (first, street.reporter):
        await done(one, "/me/erasure")
        clock.forward(minutes=1)
    unreadable = text(
        "UPDATE residence SET address = 's1.gone.' || address WHERE person_id = :id"
    )
    await tx.execute(unreadable, {"id": first.person_id})
    await tx.commit()
    clock.forward(days=8)
    with pytest.raises(ExceptionGroup) as caught:
        await erase_due(rolled_back, now=clock.now)
    assert [type(one) for one in caught.value.exceptions] == [SealedUnreadable]
    states = select(Erasure.person_id, Erasure.state)
    assert {row[0]: row[1] for row in await tx.execute(states)} == {
        first.person_id: "cooling",
        street.reporter.person_id: "done",
    }


async def test_staff_erase_a_caller_without_account_by_the_number(
    app: FastAPI, street: Street, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    other = await street.staff(Role.COMMUNITY_WORKER, 1, 2)
    call = {"name": "上官来电", "phone": "17712300001", "channel": "telephone"}
    told = f"家里漏水，回电17712300001，{ADDRESS}"
    ids = []
    for _ in range(2):
        answer = await worker.post("/issues", json=street.wish(text=told, on_behalf_of=call))
        ids.append(answer.json()["id"])
    over, to_come = await _on_call_by(tx, street, call["phone"], now=clock.now)
    closed = update(Case).where(Case.id == UUID(ids[0]))
    await tx.execute(closed.values(state="closed", closed_at=clock.now))
    await tx.commit()
    wish = {"phone": "17712300001", "reason": "本人来电要求"}
    nothing = await done(other, "/staff/caller-erasures", **wish)
    assert (nothing["issues"], nothing["open_issues"]) == (0, 0)
    some = await done(worker, "/staff/caller-erasures", **wish)
    assert (some["issues"], some["open_issues"]) == (1, 1)
    for scrubbing_id in (await tx.scalars(select(Scrubbing.id))).all():
        await scrub(rolled_back, app.state.store, scrubbing_id, now=clock.now)
    tx.expunge_all()
    gone, kept = [await tx.get_one(Issue, UUID(one)) for one in ids]
    assert (gone.caller_name, gone.caller_phone) == (None, None)
    assert gone.caller_erased_at == clock.now
    assert "17712300001" not in gone.text
    assert kept.caller_phone == "17712300001"
    shifts = [await tx.get_one(Shift, one) for one in (over, to_come)]
    assert [one.duty_phone for one in shifts] == [HIDDEN_NUMBER, "17712300001"]
    acts = await tx.scalars(select(Act).where(Act.what == "privacy.callers_erased"))
    assert [act.detail["issues"] for act in acts.all()] == [[], [ids[0]]]
    acts = await tx.scalars(select(Act).where(Act.what == "privacy.callers_erased"))
    assert {act.detail["reason"] for act in acts} == {"本人来电要求"}
    listed = (await worker.get("/staff/intake")).json()["items"]
    assert [one["caller_phone"] for one in listed] == ["177****0001", ""]


async def _on_call_by(tx: Tx, street: Street, phone: str, *, now: datetime) -> list[UUID]:
    """A shift that is over and one to come of somebody whose duty phone is her own."""
    shifts = [
        Shift(
            node_id=street.town.at(1, 1, 1).id,
            person_id=street.leader.person_id,
            role=Role.GRID_LEADER.value,
            duty_phone=phone,
            starts_at=begins,
            ends_at=begins + timedelta(hours=1),
            made_by_id=street.leader.person_id,
        )
        for begins in (now - timedelta(hours=2), now + timedelta(hours=2))
    ]
    tx.add_all(shifts)
    await tx.flush()
    return [one.id for one in shifts]


async def test_nobody_without_an_office_erases_callers(
    street: Street, http: AsyncClient
) -> None:
    wish = {"phone": "17712300001", "reason": "本人来电要求"}
    for caller in (street.reporter, street.chief):
        refused(await caller.post("/staff/caller-erasures", json=wish), 403, "forbidden")
    assert (await http.post("/staff/caller-erasures", json=wish)).status_code == 401
