"""What has been kept for long enough goes, and only that, however often it is done."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import func, select, update

from neighborhood_api.cases.models import Case
from neighborhood_api.grid.models import Household, PastResidence
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import RefreshToken, SignIn
from neighborhood_api.identity.places import columns_of
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.privacy.models import Consent, ConsentDocument, Scrubbing
from neighborhood_api.privacy.retention import RETENTIONS, keep_no_longer
from neighborhood_api.privacy.scrubbing import scrub
from neighborhood_api.registers.models import CareFlag, Establishment, Resident
from neighborhood_api.registrations.models import Registration
from neighborhood_api.settings import Settings
from tests.support.clock import Clock
from tests.support.issues import LANE, Street
from tests.venues.children.arranging import enrolled, new_resource

PHONE = "17712300002"


def test_every_rule_names_a_setting(settings: Settings) -> None:
    for rule in RETENTIONS:
        assert getattr(settings, rule.setting) >= 0
    assert len({rule.name for rule in RETENTIONS}) == len(RETENTIONS)


async def test_guests_and_callers_are_forgotten_when_it_is_long_over(
    app: FastAPI,
    settings: Settings,
    street: Street,
    tx: Tx,
    rolled_back: Database,
    clock: Clock,
) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    call = {"name": "上官来电", "phone": PHONE, "channel": "telephone"}
    issues = []
    for days in (731, 729):
        text = f"请回电{PHONE}"
        answer = await worker.post("/issues", json=street.wish(text=text, on_behalf_of=call))
        issues.append(UUID(answer.json()["id"]))
        closed = update(Case).where(Case.id == issues[-1])
        at = clock.now - timedelta(days=days)
        await tx.execute(closed.values(state="closed", closed_at=at))
    place = street.town.place(1, 1)
    guests = []
    for days in (91, 89):
        resource = await new_resource(tx, place, clock.now - timedelta(days=days))
        row = await enrolled(
            tx, resource, street.reporter.person_id, str(street.reporter.person_id), "completed"
        )
        row.who_id, row.participant_id = row.id, None
        row.guest_name, row.guest_phone = "令狐来宾", PHONE
        row.person_id = None
        guests.append(row.id)
    await tx.commit()
    first = await keep_no_longer(rolled_back, settings, now=clock.now)
    assert (first["guests"], first["callers"]) == (1, 1)
    again = await keep_no_longer(rolled_back, settings, now=clock.now)
    assert (again["guests"], again["callers"]) == (0, 0)
    for scrubbing_id in (await tx.scalars(select(Scrubbing.id))).all():
        await scrub(rolled_back, app.state.store, scrubbing_id, now=clock.now)
    tx.expunge_all()
    gone, kept = [await tx.get_one(Issue, one) for one in issues]
    assert (gone.caller_name, gone.caller_phone, kept.caller_phone) == (None, None, PHONE)
    assert PHONE not in gone.text
    left, stays = [await tx.get_one(Registration, one) for one in guests]
    assert (left.guest_name, left.guest_phone) == (None, None)
    assert (stays.guest_name, stays.guest_phone) == ("令狐来宾", PHONE)


async def test_registers_keep_what_ended_for_some_years(
    settings: Settings, street: Street, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    now, where = clock.now, columns_of(street.town.place(*LANE))
    household = Household(id=new_id(), address="88号", **where)  # type: ignore[arg-type]
    tx.add(household)
    await tx.flush()
    known: dict[str, Any] = {"household_id": household.id, "name": "王小明", **where}
    day = (now - timedelta(days=1100)).date()
    stayed, left = Resident(**known), Resident(**known, moved_out_on=day)
    tx.add_all([stayed, left])
    await tx.flush()
    care: dict[str, Any] = {"kind": "disabled", "since_on": day, **where}
    shop: dict[str, Any] = {"name": "老店", "kind": "shop", "address": "1号", **where}
    lived: dict[str, Any] = {"person_id": street.reporter.person_id, "address": "88号", **where}
    tx.add_all(
        [
            CareFlag(resident_id=left.id, **care),
            CareFlag(resident_id=stayed.id, ended_on=day, **care),
            CareFlag(resident_id=stayed.id, **care),
            Establishment(ended_on=day, **shop),
            Establishment(ended_on=now.date(), **shop),
            *(
                PastResidence(began_at=at, ended_at=at, **lived)
                for at in (now - timedelta(days=1100), now - timedelta(days=1090))
            ),
        ]
    )
    await tx.commit()
    counted = await keep_no_longer(rolled_back, settings, now=now)
    assert (counted["ended_entries"], counted["past_residences"]) == (4, 1)
    tx.expunge_all()
    kept = select(Resident.id).where(Resident.household_id == household.id)
    assert (await tx.scalars(kept)).all() == [stayed.id]
    flags = select(CareFlag.ended_on).where(CareFlag.resident_id == stayed.id)
    assert (await tx.scalars(flags)).all() == [None]
    again = await keep_no_longer(rolled_back, settings, now=now)
    assert (again["ended_entries"], again["past_residences"]) == (0, 0)


async def test_old_sign_ins_and_ended_consents_go_and_live_ones_stay(
    settings: Settings, street: Street, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    her, now = street.reporter.person_id, clock.now
    long_ago = now - timedelta(days=settings.sign_ins_kept_days + 1)
    ended = SignIn(person_id=her, created_at=long_ago)
    ended.ended_at = long_ago
    still_used = SignIn(person_id=her, created_at=long_ago)
    tx.add_all([ended, still_used])
    await tx.flush()
    soon = now + timedelta(days=1)
    tx.add_all(
        [
            RefreshToken(digest=b"1", sign_in_id=ended.id, expires_at=long_ago),
            RefreshToken(digest=b"2", sign_in_id=still_used.id, expires_at=soon),
        ]
    )
    document = ConsentDocument(
        kind="user_agreement",
        version="1",
        title="用户协议",
        text="……",
        needed=True,
        effective_from=long_ago,
        made_at=long_ago,
        made_by_id=her,
    )
    tx.add(document)
    await tx.flush()
    ends = [now - timedelta(days=1097), now - timedelta(days=1095), None]
    consents = [
        Consent(
            person_id=her,
            document_id=document.id,
            kind="user_agreement",
            agreed_at=long_ago,
            ended_at=end,
            withdrawn=end is not None,
        )
        for end in ends
    ]
    tx.add_all(consents)
    await tx.commit()
    counted = await keep_no_longer(rolled_back, settings, now=now)
    assert (counted["sign_ins"], counted["consents"]) == (1, 1)
    tx.expunge_all()
    assert await tx.get(SignIn, ended.id) is None
    assert await tx.get(SignIn, still_used.id) is not None
    assert await tx.scalar(select(func.count(Consent.id))) == 2
