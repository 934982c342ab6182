"""What a change of opening hours hits, and what becomes of it."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.ending import ReasonNeeded, cancel_each
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.schedules.openings.plans import Plan, removed_spans
from neighborhood_api.schedules.openings.queries import plans_of
from neighborhood_api.schedules.openings.spans import Span
from neighborhood_api.venues.bookings.views import booking_views
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.openings.queries import (
    BOOKINGS_BY_ID,
    LIVE_IN,
    SessionHit,
)
from neighborhood_api.venues.openings.schemas import HitsOut, SessionHitOut
from neighborhood_api.venues.openings.sites import Locked, Site, sessions_at
from neighborhood_api.venues.sessions.grounds import (
    known_sessions,
    lock_ground,
    teacher_ids_of,
)
from neighborhood_api.venues.sessions.keeping import call_off

FINGERPRINT = 16
"""Characters that stand for what somebody saw."""


class BookingsInTheWay(Problem):
    """Bookings or sessions would be cancelled; `hits_seen` confirms those listed here."""

    title = "Bookings or sessions are hit; read the list and confirm it"
    message = "这段时间已有预约或课程，请核对名单后确认取消"


class Hits(NamedTuple):
    """What somebody has booked where it is not open."""

    bookings: list[RegistrationRow]
    sessions: list[SessionHit]

    @property
    def seen(self) -> str | None:
        """What stands for exactly these; None for nothing."""
        ids = [*(str(one.id) for one in self.bookings), *(str(one.id) for one in self.sessions)]
        return (
            sha256("\n".join(sorted(ids)).encode()).hexdigest()[:FINGERPRINT] if ids else None
        )


async def everything_at(tx: ReadTx, site: Site, *, now: datetime) -> Hits:
    """Return all that is booked at a site and not over."""
    bookings = await LIVE_IN.all(tx, ids=site.room_ids, now=now)
    return Hits(bookings, await sessions_at(tx, site, now=now))


async def hit_by(
    tx: Tx,
    site: Site,
    change: Callable[[], Awaitable[object]],
    taken: Iterable[Span],
    *,
    now: datetime,
) -> Hits:
    """Make a change, and return what it hits: by the plans before and after.

    Also what lies in `taken`, which the change takes away although it may have been closed
    before: what was kept when the weekly hours became shorter does not outlive a closure.
    """
    there = await everything_at(tx, site, now=now)
    before = await _plans(tx, site, there, now)
    await change()
    after = await _plans(tx, site, there, now)
    lost: dict[UUID, list[Span]] = {}
    for opening_id, plan in before.items():
        gone = removed_spans(plan, after[opening_id], plan.first_day, plan.last_day)
        ahead = (Span(max(span.starts_at, now), span.ends_at) for span in (*gone, *taken))
        lost[opening_id] = [span for span in ahead if span.starts_at < span.ends_at]
    return _where(there, site, lambda opening_id, span: _meets(span, lost[opening_id]))


async def outside(tx: ReadTx, site: Site, *, now: datetime) -> Hits:
    """Return what lies outside of the opening hours as they are."""
    there = await everything_at(tx, site, now=now)
    plans = await _plans(tx, site, there, now)
    open_spans = {
        opening_id: plan.open_spans(plan.first_day, plan.last_day)
        for opening_id, plan in plans.items()
    }
    return _where(
        there,
        site,
        lambda opening_id, span: (
            not any(
                one.starts_at <= span.starts_at and span.ends_at <= one.ends_at
                for one in open_spans[opening_id]
            )
        ),
    )


async def require_confirmed(
    tx: Tx, actor: Actor, site: Site, hits: Hits, seen: str | None
) -> None:
    """Refuse to cancel what the caller may not, or has not seen exactly.

    Raises: Forbidden, BookingsInTheWay.
    """
    if hits.seen is None:
        return
    actor.require(Permission.BOOKING_MANAGE, at=site.place)
    if hits.seen != seen:
        listed = (await hits_view(tx, hits)).model_dump(mode="json")
        raise BookingsInTheWay(hits_seen=hits.seen, **listed)


async def cancel_hits(
    tx: Tx, actor: Actor, locked: Locked, hits: Hits, why: str | None, *, now: datetime
) -> None:
    """Cancel what is hit; nobody is given the time, and everybody is told why.

    Raises: ReasonNeeded.
    Emits: Cancelled, SessionCalledOff, TeacherReleased.
    """
    if hits.seen is None:
        return
    if why is None:
        raise ReasonNeeded
    by_id = actor.person_id
    several = [(locked.resources[row.resource_id], row) for row in hits.bookings]
    await cancel_each(tx, several, by_id=by_id, by_staff=True, why=why, now=now, hand_on=False)
    if not hits.sessions:
        return
    ids = [session.id for session in hits.sessions]
    ground = await lock_ground(
        tx,
        await tx.get_one(Venue, locked.site.venue_id),
        session_ids=ids,
        room_ids={session.room_id for session in hits.sessions},
        teacher_ids=await teacher_ids_of(tx, ids),
        now=now,
    )
    known = await known_sessions(tx, ground.resources, ids)
    for session_id in ids:
        await call_off(tx, ground, known[session_id], by_id=by_id, why=why, now=now)


async def hits_view(tx: ReadTx, hits: Hits) -> HitsOut:
    """Show what is hit, as it is now, to staff."""
    ids = [row.id for row in hits.bookings]
    rows = await BOOKINGS_BY_ID.all(tx, ids=ids) if ids else []
    return HitsOut(
        bookings=await booking_views(tx, rows, for_staff=True),
        sessions=[SessionHitOut.model_validate(session) for session in hits.sessions],
    )


async def _plans(tx: ReadTx, site: Site, there: Hits, now: datetime) -> dict[UUID, Plan]:
    today = local_day(now)
    ends = [row.ends_at for row in there.bookings] + [one.ends_at for one in there.sessions]
    last = max(ends, default=now)
    openings = [site.venue_opening_id, *(room.opening_id for room in site.rooms)]
    yesterday = today - timedelta(days=1)  # what is under way may have begun before midnight
    return await plans_of(tx, openings, yesterday, max(local_day(last), today))


def _where(there: Hits, site: Site, holds: Callable[[UUID, Span], bool]) -> Hits:
    return Hits(
        [
            row
            for row in there.bookings
            if holds(site.opening_of(row.resource_id), Span(row.starts_at, row.ends_at))
        ],
        [one for one in there.sessions if holds(site.opening_of(one.room_id), one.span)],
    )


def _meets(span: Span, others: Iterable[Span]) -> bool:
    return any(span.meets(other) for other in others)
