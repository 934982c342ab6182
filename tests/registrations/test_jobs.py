"""What registrations do by themselves, as the worker calls it."""

from datetime import UTC, datetime, timedelta

from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit import jobs as kit
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.registrations.jobs import join_person, pass_time
from tests.registrations.things import ask, new_person, new_thing, states, stored
from tests.support.jobs import job_context
from tests.support.places import Town


async def test_every_minute_what_is_due_is_done(
    tx: Tx, town: Town, rolled_back: Database
) -> None:
    now = datetime.now(UTC)
    thing = await new_thing(tx, town.place(1, 1))
    row = await ask(
        tx,
        thing,
        await new_person(tx),
        starts_at=now - timedelta(hours=2),
        now=now - timedelta(hours=3),
    )
    await tx.commit()
    await pass_time(job_context(rolled_back, "registrations.pass_time"), timestamp=0)
    assert await states(tx, row) == ["completed"]


async def test_what_somebody_booked_follows_her_when_she_turns_out_to_be_another(
    tx: Tx, town: Town, rolled_back: Database
) -> None:
    one, into = await new_person(tx), await new_person(tx)
    start = datetime.now(UTC) + timedelta(days=1)
    row = await ask(tx, await new_thing(tx, town.place(1, 1)), one, starts_at=start)
    one.merged_into_id = into.id
    await tx.commit()
    context = job_context(rolled_back, "registrations.merge_person")
    for _ in range(2):  # a job may run again
        await join_person(context, from_person_id=str(one.id), into_person_id=str(into.id))
    assert (await stored(tx, row.id)).person_id == into.id
    assert "registrations.merge_person" in kit._subscriptions[PersonMerged.name]  # noqa: SLF001
