"""Rules of what teachers and the staff of a venue are told."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import GRANTED, Permission
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.kit.db import Handle
from neighborhood_api.notifications.service import Message, Subject, notify
from neighborhood_api.registrations.events import StrikeAppealed
from neighborhood_api.venues.notices.queries import (
    SESSION_SITE,
    STAFF,
    STRIKE_SITE,
    VENUE_SITE,
    SiteRow,
)
from neighborhood_api.venues.notices.texts import Told, what
from neighborhood_api.venues.openings.events import BookedOnHolidays
from neighborhood_api.venues.sessions.events import TeacherAssigned, TeacherReleased

RUNS_VENUES = sorted(
    role.value for role, granted in GRANTED.items() if Permission.BOOKING_MANAGE in granted
)


async def staff_of(handle: Handle, site: SiteRow, *, now: datetime) -> list[UUID]:
    """Return who runs the venue: at its own level, or at the next one where anybody does."""
    place = {name: getattr(site, name) for name in COLUMNS}
    rows = await STAFF.all(handle, day=local_day(now), roles=RUNS_VENUES, **place)
    deepest = max((row.level for row in rows), default=0)
    return list(dict.fromkeys(row.person_id for row in rows if row.level == deepest))


async def tell_of_holidays(
    handle: Handle,
    venue_id: UUID,
    *,
    bookings: int,
    sessions: int,
    key: str,
    now: datetime,
) -> None:
    """Tell a venue's staff that there is something on days that are off now."""
    site = await VENUE_SITE.first(handle, id=venue_id)
    if site is None:
        return
    body = (
        f"{site.venue_name}放假日已有{bookings}个预约、{sessions}个课程或活动，请核对并处理。"
    )
    told = Told("放假安排有变，请处理预约", body)
    subject = Subject("venue", venue_id)
    await _tell_staff(handle, site, BookedOnHolidays.name, subject, told, key=key, now=now)


async def tell_of_appeal(handle: Handle, strike_id: UUID, *, now: datetime) -> None:
    """Tell a venue's staff that somebody appeals against a strike."""
    site = await STRIKE_SITE.first(handle, id=strike_id)
    if site is None:
        return
    told = Told("有爽约申诉待答复", f"{what(site)}的爽约记录有申诉，请核实后答复。")
    subject, key = Subject("strike", strike_id), str(strike_id)
    await _tell_staff(handle, site, StrikeAppealed.name, subject, told, key=key, now=now)


async def tell_of_missing_teacher(
    handle: Handle, session_id: UUID, *, key: str, now: datetime
) -> None:
    """Tell a venue's staff that a teacher cannot come."""
    site = await SESSION_SITE.first(handle, id=session_id)
    if site is None:
        return
    told = Told("老师不能到场，请安排替补", f"{what(site)}有老师不能参加，请另行安排。")
    subject = Subject("session", session_id)
    await _tell_staff(handle, site, TeacherReleased.name, subject, told, key=key, now=now)


async def tell_teacher(
    handle: Handle,
    session_id: UUID,
    person_id: UUID,
    *,
    assigned: bool,
    key: str,
    now: datetime,
) -> None:
    """Tell somebody that she teaches or helps in a session, or does not any more."""
    site = await SESSION_SITE.first(handle, id=session_id)
    if site is None or (site.starts_at is not None and site.starts_at <= now):
        return
    kind, told = TeacherReleased.name, Told("您的授课安排已取消", f"{what(site)}无需到场。")
    if assigned:
        body = f"{what(site)}。如不能到场，请尽早告知场地工作人员。"
        kind, told = TeacherAssigned.name, Told("为您安排了授课", body)
    await notify(
        handle,
        person_id,
        kind,
        Subject("session", session_id),
        title=told.title,
        body=told.body,
        at_most_once_key=f"{kind}:{key}",
        now=now,
        message=Message("bookings", site.title, at=site.starts_at, expires_at=site.starts_at),
    )


async def _tell_staff(
    handle: Handle,
    site: SiteRow,
    kind: str,
    subject: Subject,
    told: Told,
    *,
    key: str,
    now: datetime,
) -> None:
    for person_id in await staff_of(handle, site, now=now):
        await notify(
            handle,
            person_id,
            kind,
            subject,
            title=told.title,
            body=told.body,
            at_most_once_key=f"{kind}:{key}",
            now=now,
        )
