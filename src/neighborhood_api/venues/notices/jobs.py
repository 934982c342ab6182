"""Telling people what happened to their bookings, strikes and children."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.kit.jobs import PATIENT, job_transaction, on
from neighborhood_api.kit.outbox import Event
from neighborhood_api.registrations.events import StrikeAppealed
from neighborhood_api.venues.children.events import ChildLookedUp
from neighborhood_api.venues.notices import service, staffing
from neighborhood_api.venues.openings.events import BookedOnHolidays
from neighborhood_api.venues.sessions.events import TeacherAssigned, TeacherReleased

jobs = Blueprint()


def _task_of(event: type[Event]) -> str:
    return f"venues.tell_{event.name.split('.')[1]}"


async def tell_holder(context: JobContext, /, registration_id: str, **_: object) -> None:
    """Tell who holds a registration what the event, named by the task, has done to it."""
    notice = _NOTICE_OF[context.job.task_name]
    async with job_transaction(context) as tx:
        await service.tell_holder(tx, notice, UUID(registration_id), now=datetime.now(UTC))


async def tell_struck(context: JobContext, /, strike_id: str, **_: object) -> None:
    """Tell somebody of what happened to a strike."""
    event = _STRIKE_EVENT_OF[context.job.task_name]
    async with job_transaction(context) as tx:
        await service.tell_struck(tx, event, UUID(strike_id), now=datetime.now(UTC))


@jobs.task(name="venues.tell_guardian", pass_context=True, retry=PATIENT)
async def tell_guardian(context: JobContext, /, look_id: str, **_: object) -> None:
    """Tell a guardian that somebody opened her child's record."""
    async with job_transaction(context) as tx:
        await service.tell_guardian(tx, UUID(look_id), now=datetime.now(UTC))


@jobs.task(name="venues.tell_of_holidays", pass_context=True, retry=PATIENT)
async def tell_of_holidays(
    context: JobContext,
    /,
    venue_id: str,
    bookings: int,
    sessions: int,
    **_: object,
) -> None:
    """Tell a venue's staff what lies on days that are off now."""
    async with job_transaction(context) as tx:
        await staffing.tell_of_holidays(
            tx,
            UUID(venue_id),
            bookings=bookings,
            sessions=sessions,
            key=_key(context),
            now=datetime.now(UTC),
        )


@jobs.task(name="venues.tell_of_appeal", pass_context=True, retry=PATIENT)
async def tell_of_appeal(context: JobContext, /, strike_id: str, **_: object) -> None:
    """Tell a venue's staff that an appeal waits for them."""
    async with job_transaction(context) as tx:
        await staffing.tell_of_appeal(tx, UUID(strike_id), now=datetime.now(UTC))


@jobs.task(name="venues.tell_assigned", pass_context=True, retry=PATIENT)
async def tell_assigned(
    context: JobContext, /, session_id: str, person_id: str | None, **_: object
) -> None:
    """Tell somebody that she teaches or helps in a session."""
    await _tell_teacher(context, session_id, person_id, assigned=True)


@jobs.task(name="venues.tell_released", pass_context=True, retry=PATIENT)
async def tell_released(
    context: JobContext,
    /,
    session_id: str,
    person_id: str | None,
    *,
    dropped_out: bool,
    lacks: bool,
    **_: object,
) -> None:
    """Tell a teacher that she is not needed, and the staff when they need another one."""
    if not dropped_out:
        await _tell_teacher(context, session_id, person_id, assigned=False)
    if not lacks:
        return
    key, now = _key(context), datetime.now(UTC)
    async with job_transaction(context) as tx:
        await staffing.tell_of_missing_teacher(tx, UUID(session_id), key=key, now=now)


async def _tell_teacher(
    context: JobContext, session_id: str, person_id: str | None, *, assigned: bool
) -> None:
    if person_id is None:
        return
    session, person, key = UUID(session_id), UUID(person_id), _key(context)
    async with job_transaction(context) as tx:
        await staffing.tell_teacher(
            tx, session, person, assigned=assigned, key=key, now=datetime.now(UTC)
        )


def _key(context: JobContext) -> str:
    """Stand for one event: a job that runs again keeps its id."""
    return f"job {context.job.id}"


_NOTICE_OF = {_task_of(event): notice for event, notice in service.NOTICES.items()}
_STRIKE_EVENT_OF = {_task_of(event): event for event in service.STRIKE_NOTICES}

for _event in service.NOTICES:
    jobs.task(name=_task_of(_event), pass_context=True, retry=PATIENT)(tell_holder)
    on(_event, _task_of(_event))
for _strike_event in service.STRIKE_NOTICES:
    jobs.task(name=_task_of(_strike_event), pass_context=True, retry=PATIENT)(tell_struck)
    on(_strike_event, _task_of(_strike_event))
on(ChildLookedUp, "venues.tell_guardian")
on(BookedOnHolidays, "venues.tell_of_holidays")
on(StrikeAppealed, "venues.tell_of_appeal")
on(TeacherAssigned, "venues.tell_assigned")
on(TeacherReleased, "venues.tell_released")
