"""Calendars as calendar programs read them (iCalendar, RFC 5545)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from neighborhood_api.registrations.states import State
from neighborhood_api.venues.feeds.queries import Appointed

REMIND = timedelta(hours=1)
_TENTATIVE = {State.PENDING, State.OFFERED}


def calendar_text(
    name: str, appointed: Iterable[Appointed], *, now: datetime, remind: bool
) -> bytes:
    """Write a calendar; without names and phone numbers of anybody."""
    calendar = Calendar()
    calendar.add("prodid", "-//Neighborhood API//calendar feed//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", "Asia/Shanghai")
    for one in sorted(appointed, key=lambda one: (one.starts_at, one.id)):
        calendar.add_component(_event(one, now, remind=remind))
    content: bytes = calendar.to_ical()
    return content


def _event(one: Appointed, now: datetime, *, remind: bool) -> Event:
    event = Event()
    event.add("uid", f"{one.id}@neighborhood-api")
    event.add("sequence", one.version)
    event.add("dtstamp", now)
    event.add("dtstart", one.starts_at)
    event.add("dtend", one.ends_at)
    event.add("summary", one.title)
    where = [one.venue_name, one.room_name, one.venue_address]
    event.add("location", " ".join(part for part in where if part))
    words = [] if one.number is None else [f"预约号 B{one.number}"]
    if one.seats:
        words.append(f"{one.seats}人")
    if one.state == State.PENDING:
        words.append("待审批")
    if one.state == State.OFFERED:
        words.append("候补到空位，请尽快确认")
    event.add("description", "，".join(words))
    event.add("status", "TENTATIVE" if one.state in _TENTATIVE else "CONFIRMED")
    if remind and now < one.starts_at:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", one.title)
        alarm.add("trigger", -REMIND)
        event.add_component(alarm)
    return event
