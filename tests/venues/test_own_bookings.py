"""Staff who book for themselves are residents like all others: colleagues decide."""

import pytest
from sqlalchemy import update

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.venues.models import Venue
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.refusals import refused
from tests.venues.arranging import at, book, new_room


@pytest.fixture
async def worker(callers: Callers, town: Town) -> Caller:
    """The community worker, who lives where she works."""
    worker = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
    lane = {"lane_id": str(town.at(1, 1, 2, 1).id), "address": "1号"}
    assert (await worker.put("/me/residence", json=lane)).status_code == 200
    return worker


@pytest.fixture
async def secretary(callers: Callers, town: Town) -> Caller:
    return await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)


async def test_nobody_approves_her_own_booking(
    tx: Tx, venue: Venue, worker: Caller, secretary: Caller
) -> None:
    room = await new_room(tx, venue, approval=True)
    await tx.commit()
    booked = (await book(worker, room, 14, 15)).json()
    assert booked["state"] == "pending"
    url = f"/bookings/{booked['id']}"
    refused(await worker.post(f"{url}/approve"), 403, "own_booking")
    assert (await worker.get(url)).json()["state"] == "pending"
    assert (await secretary.post(f"{url}/approve")).json()["state"] == "confirmed"


async def test_after_the_start_only_a_colleague_takes_it_back(
    tx: Tx, venue: Venue, worker: Caller, secretary: Caller, clock: Clock
) -> None:
    room = await new_room(tx, venue)
    await tx.commit()
    booked = (await book(worker, room, 14, 15)).json()
    clock.now = at(14.5)
    url, why = f"/bookings/{booked['id']}/cancel", {"reason": "临时有事"}
    refused(await worker.post(url, json=why), 409, "too_late_to_cancel")
    assert (await secretary.post(url, json=why)).json()["cancelled_by_staff"] is True


async def test_staff_set_nothing_aside_for_themselves(
    tx: Tx, venue: Venue, worker: Caller, secretary: Caller
) -> None:
    quotas = [{"owner": "person", "window": "week", "limit": 1}]
    room = await new_room(tx, venue, quotas=quotas)
    phone = phone_number()
    person = update(Person).where(Person.id == worker.person_id)
    await tx.execute(person.values(phone=phone))
    await tx.commit()
    assert (await book(worker, room, 14, 15)).status_code == 200
    herself = {"name": "本人", "phone": phone}
    refused(await book(worker, room, 16, 17, on_behalf_of=herself), 409, "quota_exceeded")
    by_another = await book(secretary, room, 16, 17, on_behalf_of=herself)
    assert (by_another.status_code, by_another.json()["channel"]) == (200, "staff")


async def test_nobody_checks_herself_in_as_staff(
    tx: Tx, venue: Venue, worker: Caller, secretary: Caller, clock: Clock
) -> None:
    room = await new_room(tx, venue, check_in=True)
    await tx.commit()
    booked = (await book(worker, room, 14, 15)).json()
    clock.now = at(14)
    url = f"/bookings/{booked['id']}"
    refused(
        await worker.post(f"{url}/check-in", json={"id": str(new_id())}), 403, "own_booking"
    )
    assert (await worker.get(url)).json()["state"] == "confirmed"
    came = await secretary.post(f"{url}/check-in", json={"id": str(new_id())})
    assert came.json()["state"] == "checked_in"


async def test_nobody_moves_her_own_booking(
    tx: Tx, venue: Venue, worker: Caller, secretary: Caller
) -> None:
    room = await new_room(tx, venue)
    await tx.commit()
    booked = (await book(worker, room, 14, 15)).json()
    url = f"/bookings/{booked['id']}/move"
    body = {"starts_at": at(16).isoformat(), "ends_at": at(17).isoformat(), "reason": "方便"}
    refused(await worker.post(url, json=body), 403, "own_booking")
    moved = await secretary.post(url, json=body)
    assert moved.json()["starts_at"] == at(16).isoformat()
