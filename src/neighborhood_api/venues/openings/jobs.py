"""What changes of the working calendar make venues look at."""

from datetime import UTC, date, datetime
from uuid import UUID

from procrastinate import Blueprint, JobContext

from neighborhood_api.kit.jobs import PATIENT, job_transaction, on
from neighborhood_api.schedules.events import CalendarChanged
from neighborhood_api.venues.openings import holidays

jobs = Blueprint()


@jobs.task(name="venues.look_at_holidays", pass_context=True, retry=PATIENT)
async def look_at_holidays(
    context: JobContext, year: int, district_id: str | None, since_on: str
) -> None:
    """Tell the staff of venues which bookings lie on days that became holidays."""
    del year
    district = None if district_id is None else UUID(district_id)
    async with job_transaction(context) as tx:
        await holidays.look_at_holidays(
            tx, district, date.fromisoformat(since_on), now=datetime.now(UTC)
        )


on(CalendarChanged, "venues.look_at_holidays")
