"""A guardian withdraws her consent: enrolments end, and the child's data are gone."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.histories import Strike
from neighborhood_api.registrations.models import Occupation, Registration, Resource
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused
from tests.venues.arranging import at
from tests.venues.children.arranging import enrolled, new_resource, registered, seated
from tests.venues.children.remains import forgotten, left_of

CANCEL = {"cancel_enrolments": True}


async def test_withdrawing_the_consent_deletes_everything_about_the_child(
    guardian: Caller, tx: Tx
) -> None:
    child, twin = await registered(guardian), await registered(guardian, name="黄小暑")
    assert await left_of(tx, child["id"]) == 3
    url = f"/children/{child['id']}"
    answer = await guardian.post(f"{url}/withdraw-consent")
    assert answer.json() == {"done": True}
    assert await left_of(tx, child["id"]) == 0
    refused(await guardian.get(url), 404, "child_not_found")
    refused(await guardian.get(f"{url}/looks"), 404, "child_not_found")
    refused(await guardian.post(f"{url}/withdraw-consent"), 404, "child_not_found")
    assert (await guardian.get("/children")).json()["items"] == [twin]
    assert await forgotten(tx) == [(child["id"], True)]
    whats = await tx.scalars(
        select(Act.what).where(Act.subject == child["id"]).order_by(Act.id)
    )
    assert whats.all() == ["venues.child_consent_given", "venues.child_consent_withdrawn"]


async def test_live_enrolments_are_listed_before_anything_is_deleted(
    guardian: Caller, lesson: Resource, tx: Tx
) -> None:
    child = await registered(guardian)
    enrolment = await enrolled(tx, lesson, guardian.person_id, child["id"])
    await tx.commit()
    answer = await guardian.post(f"/children/{child['id']}/withdraw-consent")
    problem = refused(answer, 409, "child_still_enrolled")
    assert problem["enrolments"] == [
        {
            "id": str(enrolment.id),
            "code": f"B{enrolment.number}",
            "name": "作业辅导",
            "state": "confirmed",
            "starts_at": "2026-11-24T16:00:00+08:00",
            "ends_at": "2026-11-24T18:00:00+08:00",
        }
    ]
    assert await left_of(tx, child["id"]) == 3


async def test_whoever_only_waits_for_a_seat_when_it_begins_is_not_there(
    guardian: Caller, lesson: Resource, tx: Tx, clock: Clock
) -> None:
    child = await registered(guardian)
    await enrolled(tx, lesson, guardian.person_id, child["id"], "waitlisted")
    await tx.commit()
    url = f"/children/{child['id']}/withdraw-consent"
    refused(await guardian.post(url), 409, "child_still_enrolled")
    clock.now = at(16)
    assert (await guardian.post(url)).json() == {"done": True}


@pytest.mark.parametrize("state", ["cancelled", "completed", "no_show", "expired"])
async def test_what_is_over_does_not_stand_in_the_way(
    guardian: Caller, lesson: Resource, tx: Tx, state: str
) -> None:
    child = await registered(guardian)
    enrolment = await enrolled(tx, lesson, guardian.person_id, child["id"], state)
    await tx.commit()
    answer = await guardian.post(f"/children/{child['id']}/withdraw-consent")
    assert answer.json() == {"done": True}
    kept = await tx.get_one(Registration, enrolment.id)
    assert (kept.participant_id, kept.state) == (UUID(child["id"]), state)


async def states(tx: Tx, *resources: Resource) -> list[tuple[UUID | None, str]]:
    mine = select(Registration.participant_id, Registration.state)
    these = mine.where(Registration.resource_id.in_([one.id for one in resources]))
    return [(row[0], row[1]) for row in await tx.execute(these.order_by(Registration.number))]


async def test_confirmed_withdrawal_cancels_the_enrolments_and_frees_the_seats(
    guardian: Caller, callers: Callers, town: Town, tx: Tx, clock: Clock
) -> None:
    neighbour = await callers.resident(town.place(1, 1, 1, 2))
    child, other = await registered(guardian), await registered(neighbour)
    its, others = UUID(child["id"]), UUID(other["id"])
    lessons = [await new_resource(tx, town.place(1, 1), at(hour), 1) for hour in (14, 17)]
    for lesson in lessons:
        await seated(tx, lesson, guardian.person_id, its, now=clock.now)
        await seated(tx, lesson, neighbour.person_id, others, now=clock.now)
    await tx.commit()
    assert [state for _, state in await states(tx, *lessons)] == ["confirmed", "waitlisted"] * 2
    url = f"/children/{child['id']}/withdraw-consent"
    refused(await guardian.post(url, json={}), 409, "child_still_enrolled")
    answer = await guardian.post(url, json=CANCEL)
    assert answer.json() == {"done": True}, answer.text
    assert await left_of(tx, child["id"]) == 0
    for lesson in lessons:
        (first, ended), (second, promoted) = await states(tx, lesson)
        assert (first, ended, second) == (its, "cancelled", others)
        assert promoted in {"confirmed", "offered"}
        await tx.refresh(lesson)
        assert lesson.taken == 1
    reason = await tx.scalars(
        select(Registration.cancel_reason).where(Registration.participant_id == its)
    )
    assert set(reason) == {"监护人撤回同意"}
    mine = select(Strike.id).where(Strike.person_id == guardian.person_id)
    assert (await tx.scalars(mine)).all() == []


@pytest.mark.parametrize("begun", [True, False])
async def test_while_the_child_is_at_a_session_its_record_stays(
    guardian: Caller, town: Town, tx: Tx, clock: Clock, *, begun: bool
) -> None:
    child = await registered(guardian)
    now_on = await new_resource(tx, town.place(1, 1), at(16))
    later = await new_resource(tx, town.place(1, 1), at(19))
    for lesson in (now_on, later):
        await seated(tx, lesson, guardian.person_id, UUID(child["id"]), now=clock.now)
    await tx.commit()
    clock.now = at(16) if begun else at(16) - timedelta(minutes=1)
    url = f"/children/{child['id']}/withdraw-consent"
    answer = await guardian.post(url, json=CANCEL)
    if begun:
        problem = refused(answer, 409, "child_under_way")
        assert [one["starts_at"] for one in problem["enrolments"]] == [at(16).isoformat()]
        assert {state for _, state in await states(tx, now_on, later)} == {"confirmed"}
        clock.now = at(18)
        assert (await guardian.post(url, json=CANCEL)).json() == {"done": True}
    else:
        assert answer.json() == {"done": True}
    assert await left_of(tx, child["id"]) == 0


async def test_the_time_of_a_forgotten_child_is_free(
    guardian: Caller, lesson: Resource, tx: Tx, clock: Clock
) -> None:
    child = await registered(guardian)
    row = await seated(tx, lesson, guardian.person_id, UUID(child["id"]), now=clock.now)
    await tx.commit()
    taken = select(Occupation.id).where(Occupation.registration_id == row.id)
    assert len((await tx.scalars(taken)).all()) == 1
    await guardian.post(f"/children/{child['id']}/withdraw-consent", json=CANCEL)
    assert (await tx.scalars(taken)).all() == []


@pytest.mark.parametrize("body", [{"cancel_enrolments": None}, {"force": True}, [], "ja"])
async def test_a_withdrawal_that_cannot_be_read_changes_nothing(
    guardian: Caller, tx: Tx, body: object
) -> None:
    child = await registered(guardian)
    answer = await guardian.post(f"/children/{child['id']}/withdraw-consent", json=body)
    assert answer.status_code == 422
    assert await left_of(tx, child["id"]) == 3
