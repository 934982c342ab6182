"""What happens to people's data by itself."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext
from sqlalchemy import select

from neighborhood_api.files.store import Store
from neighborhood_api.identity.events import PersonMerged
from neighborhood_api.kit.jobs import PATIENT, database_of, job_transaction, on
from neighborhood_api.privacy import (
    corrections,
    exporting,
    forgetting,
    moving,
    retention,
    scrubbing,
)
from neighborhood_api.privacy.events import CorrectionAsked
from neighborhood_api.privacy.models import Scrubbing
from neighborhood_api.settings import Settings

jobs = Blueprint()


@jobs.task(name="privacy.export_data", pass_context=True, retry=PATIENT)
async def export_data(context: JobContext, export_id: str) -> None:
    """Make a copy of everything about a person; one that was cut off begins anew."""
    await exporting.write_data_export(
        database_of(context),
        _store(context),
        UUID(export_id),
        kept_days=_settings(context).data_exports_kept_days,
        now=datetime.now(UTC),
    )


@jobs.periodic(cron="37 * * * *")
@jobs.task(name="privacy.delete_data_exports", pass_context=True, queueing_lock="delete_copies")
async def delete_data_exports(context: JobContext, timestamp: int) -> None:
    """Delete copies whose days are over."""
    del timestamp
    now = datetime.now(UTC)
    await exporting.delete_data_exports(database_of(context), _store(context), now=now)


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="privacy.erase_due", pass_context=True, queueing_lock="erase_due")
async def erase_due(context: JobContext, timestamp: int) -> None:
    """Erase whoever cancelled her account and has had her time to think it over."""
    del timestamp
    await forgetting.erase_due(database_of(context), now=datetime.now(UTC))


@jobs.task(name="privacy.scrub", pass_context=True, retry=PATIENT)
async def scrub(context: JobContext, scrubbing_id: str) -> None:
    """Take somebody out of all texts, and her files out of the store."""
    await scrubbing.scrub(
        database_of(context), _store(context), UUID(scrubbing_id), now=datetime.now(UTC)
    )


@jobs.periodic(cron="11 20 * * *")  # 04:11 in China
@jobs.task(name="privacy.keep_no_longer", pass_context=True, queueing_lock="keep_no_longer")
async def keep_no_longer(context: JobContext, timestamp: int) -> None:
    """Delete what has been kept for long enough, and scrub what was left over."""
    del timestamp
    database, now = database_of(context), datetime.now(UTC)
    await retention.keep_no_longer(database, _settings(context), now=now)
    async with database.transaction() as tx:
        left = (await tx.scalars(select(Scrubbing.id).order_by(Scrubbing.id))).all()
    for scrubbing_id in left:
        await scrubbing.scrub(database, _store(context), scrubbing_id, now=now)


@jobs.task(name="privacy.tell_of_correction", pass_context=True, retry=PATIENT)
async def tell_of_correction(context: JobContext, /, correction_id: str, **_: object) -> None:
    """Tell the office that somebody asks for a correction."""
    async with job_transaction(context) as tx:
        await corrections.tell_office(tx, UUID(correction_id), now=datetime.now(UTC))


@jobs.periodic(cron="23 1 * * *")  # 09:23 in China
@jobs.task(
    name="privacy.remind_of_corrections", pass_context=True, queueing_lock="remind_corrections"
)
async def remind_of_corrections(context: JobContext, timestamp: int) -> None:
    """Tell offices of requests that are soon due."""
    del timestamp
    async with job_transaction(context) as tx:
        await corrections.remind_offices(tx, now=datetime.now(UTC))


@jobs.task(name="privacy.move", pass_context=True, retry=PATIENT)
async def move(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Keep what somebody agreed to and asked for who turned out to be another."""
    async with job_transaction(context) as tx:
        await moving.move_requests(tx, UUID(from_person_id), UUID(into_person_id))


on(PersonMerged, "privacy.move")
on(CorrectionAsked, "privacy.tell_of_correction")


def _settings(context: JobContext) -> Settings:
    settings: Settings = context.additional_context["settings"]
    return settings


def _store(context: JobContext) -> Store:
    store: Store = context.additional_context["store"]
    return store
