"""What the working calendar announces."""

from datetime import date
from uuid import UUID

from neighborhood_api.kit.outbox import Event


class CalendarChanged(Event):
    """Days or office hours changed; deadlines after `since_on` are to be computed anew."""

    name = "schedules.calendar_changed"
    chinese = "工作日或办公时间有变，此后的时限须重算。"
    year: int
    district_id: UUID | None
    """None when it concerns every district."""
    since_on: date
