"""What venues do by themselves."""

from uuid import UUID

from sqlalchemy import text

from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.jobs import relay_outbox
from neighborhood_api.kit.outbox import emit
from neighborhood_api.venues.bookings import move_bookings
from neighborhood_api.venues.jobs import jobs
from neighborhood_api.venues.models import Booking, Room
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.venues.arranging import book


async def test_bookings_follow_a_person_who_turned_out_to_be_another(
    resident: Caller, callers: Callers, town: Town, room: Room, tx: Tx
) -> None:
    known = await callers.resident(town.place(1, 1, 1, 1))
    neighbour = await callers.resident(town.place(1, 1, 1, 1))
    kept = (await book(resident, room, 14, 15)).json()["id"]
    dropped = (await book(resident, room, 15, 16)).json()["id"]
    other = (await book(neighbour, room, 16, 17)).json()["id"]
    await resident.post(f"/bookings/{dropped}/cancel", json={})
    for _ in range(2):  # a job may run again
        await move_bookings(tx, resident.person_id, known.person_id)
    await tx.commit()
    assert (await resident.get("/me/bookings")).json()["items"] == []
    mine = (await known.get("/me/bookings")).json()["items"]
    assert [item["id"] for item in mine] == [dropped, kept]
    assert mine[0]["cancelled_by_staff"] is False
    untouched = await tx.get_one(Booking, UUID(other))
    assert untouched.person_id == neighbour.person_id


async def test_a_merge_asks_for_that_job(resident: Caller, callers: Callers, tx: Tx) -> None:
    known = await callers.resident(None)
    ids = {"from_person_id": resident.person_id, "into_person_id": known.person_id}
    emit(tx, PersonMerged(**ids))
    await tx.flush()
    await relay_outbox(tx)
    asked = text("SELECT args FROM procrastinate_jobs WHERE task_name = 'venues.move_bookings'")
    assert (await tx.scalars(asked)).all() == [{k: str(v) for k, v in ids.items()}]
    assert "venues.move_bookings" in jobs.tasks
