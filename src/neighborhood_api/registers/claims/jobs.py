"""What the registers do by themselves."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.grid.events import RepresentativeChanged, ResidenceStated
from neighborhood_api.grid.residences import stays
from neighborhood_api.identity.events import PersonMerged, PhoneBound
from neighborhood_api.kit.jobs import PATIENT, job_transaction, on
from neighborhood_api.registers.claims import matching, notices

jobs = Blueprint()


@jobs.task(name="registers.match_residence", pass_context=True, retry=PATIENT)
async def match_residence(context: JobContext, /, person_id: str, **_: object) -> None:
    """Confirm a residence where the register knows the number that somebody verified.

    Otherwise tell who confirms residences there.
    """
    now = datetime.now(UTC)
    async with job_transaction(context) as tx:
        home = await matching.match_person(tx, UUID(person_id), now=now)
        if home is not None:
            await notices.tell_who_confirms(tx, home, now=now)


@jobs.task(name="registers.match_district", pass_context=True, retry=PATIENT)
async def match_district(context: JobContext, district_id: str) -> None:
    """Confirm whoever waits and whose number an import brought; a transaction for each."""
    after, full = UUID(int=0), True
    while full:
        async with job_transaction(context) as tx:
            found = await matching.who_matches(tx, UUID(district_id), after=after)
        for after in found:
            async with job_transaction(context) as tx:
                await matching.match_person(tx, after, now=datetime.now(UTC))
        full = len(found) == matching.MATCHED_AT_ONCE


@jobs.task(name="registers.join_residents", pass_context=True, retry=PATIENT)
async def join_residents(context: JobContext, from_person_id: str, into_person_id: str) -> None:
    """Let residence and entries be of the person that their account turned out to be."""
    old, new, now = UUID(from_person_id), UUID(into_person_id), datetime.now(UTC)
    async with job_transaction(context) as tx:
        await stays.join_residences(tx, old, new, now=now)
        await matching.join_residents(tx, old, new)
        await matching.match_person(tx, new, now=now)


@jobs.task(name="registers.tell_representative", pass_context=True, retry=PATIENT)
async def tell_representative(
    context: JobContext, household_id: str, person_id: str | None, version: int
) -> None:
    """Tell somebody that she speaks for her household, whoever or whatever decided it."""
    if person_id is None:
        return
    async with job_transaction(context) as tx:
        ids = UUID(household_id), UUID(person_id)
        await notices.tell_representative(tx, *ids, version, now=datetime.now(UTC))


on(RepresentativeChanged, "registers.tell_representative")
on(PhoneBound, "registers.match_residence")
on(ResidenceStated, "registers.match_residence")
on(PersonMerged, "registers.join_residents")
