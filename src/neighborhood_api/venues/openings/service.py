"""Rules of when venues and rooms are open: who changes it, and what that does to bookings.

A closure, and other hours on some days, cancel what is booked outside: staff first see the
list (`preview`) and confirm exactly that (`hits_seen`); whoever books in between makes the
list another, and it is shown anew. New weekly hours, another rule for holidays and the end of
an exception keep what is booked, unless it is to be cancelled too; who only waits for such a
time, or has not answered yet, is told that it is closed then.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.registrations.ending import cancel_each
from neighborhood_api.registrations.policies import terms_of
from neighborhood_api.registrations.states import State
from neighborhood_api.registrations.writing import has_place
from neighborhood_api.schedules.openings import service as openings
from neighborhood_api.schedules.openings.queries import plan_of
from neighborhood_api.schedules.openings.schemas import (
    OpenDayOut,
    OpeningExceptionIn,
    RevokeIn,
)
from neighborhood_api.schedules.openings.spans import DAY, Span, days, midnight_of, without
from neighborhood_api.venues.openings.hits import (
    Hits,
    cancel_hits,
    hit_by,
    hits_view,
    outside,
    require_confirmed,
)
from neighborhood_api.venues.openings.schemas import (
    AddClosureIn,
    AddExceptionIn,
    ChangeHolidaysIn,
    ChangeRulesIn,
    ConfirmedIn,
    HitsOut,
    OpeningChangeOut,
    OpeningViewOut,
    WithdrawExceptionIn,
)
from neighborhood_api.venues.openings.sites import Locked, Site, Subject, lock_site, read_site

MINUTE = timedelta(minutes=1)


CLOSED_THEN = "开放时间有调整，这个时段不再开放"
_NOT_SURE = (State.HELD, State.OFFERED)
"""A place that is only kept until an answer."""


class _Previewed(Exception):  # noqa: N818  (not an error: a way out of the savepoint)
    """The change was made only to see what it hits, and is undone."""


class _Change(NamedTuple):
    """A change of opening hours, and what it does to bookings."""

    what: str
    make: Callable[[], Awaitable[UUID | None]]
    """Makes it, and returns the id of what was made or ended."""
    taken: Sequence[Span]
    """What it takes away, also where it was not open before."""
    cancels: bool
    why: str | None


async def read_opening(
    tx: ReadTx, subject: Subject, shown: Sequence[date], *, now: datetime
) -> OpeningViewOut:
    """Return when a venue or room is open, on the days `shown`, and what makes it so.

    Raises: VenueNotFound, RoomNotFound.
    """
    site = await read_site(tx, subject)
    both = await openings.read_openings(tx, {site.opening_id, site.venue_opening_id}, now=now)
    plan = await plan_of(tx, site.opening_id, shown[0], shown[-1])
    return OpeningViewOut(
        own=both[site.opening_id],
        venue=None if site.is_venue else both[site.venue_opening_id],
        days=[OpenDayOut.of(plan.day(day)) for day in shown],
    )


async def list_outside(tx: ReadTx, actor: Actor, subject: Subject, *, now: datetime) -> HitsOut:
    """Return what is booked outside of the opening hours as they are, for staff.

    Raises: VenueNotFound, RoomNotFound, Forbidden.
    """
    site = await read_site(tx, subject)
    actor.require(Permission.BOOKING_READ, at=site.place)
    return await hits_view(tx, await outside(tx, site, now=now))


async def replace_rules(
    tx: Tx, actor: Actor, subject: Subject, wish: ChangeRulesIn, *, now: datetime
) -> OpeningChangeOut:
    """Replace all weekly hours; what is booked is kept, unless it is to be cancelled.

    Raises: VenueNotFound, RoomNotFound, Forbidden, VenueGone, StaleVersion, ReasonNeeded,
        BookingsInTheWay.
    Emits: Cancelled, SessionCalledOff.
    """

    def change(site: Site) -> _Change:
        async def make() -> None:
            await openings.replace_rules(tx, site.opening_id, wish, by=actor.person_id, now=now)

        return _Change("rules_replaced", make, (), wish.cancel_hits, wish.reason)

    return await _apply(tx, actor, subject, wish, change, now=now)


async def set_holidays(
    tx: Tx, actor: Actor, subject: Subject, wish: ChangeHolidaysIn, *, now: datetime
) -> OpeningChangeOut:
    """Say what becomes of the weekly hours on public holidays; what is booked is kept.

    Raises: VenueNotFound, RoomNotFound, Forbidden, VenueGone, NothingAbove, StaleVersion,
        ReasonNeeded, BookingsInTheWay.
    Emits: Cancelled, SessionCalledOff.
    """

    def change(site: Site) -> _Change:
        async def make() -> None:
            await openings.set_holidays(tx, site.opening_id, wish, by=actor.person_id, now=now)

        return _Change("holidays_set", make, (), wish.cancel_hits, wish.reason)

    return await _apply(tx, actor, subject, wish, change, now=now)


async def add_exception(
    tx: Tx, actor: Actor, subject: Subject, wish: AddExceptionIn, *, now: datetime
) -> OpeningChangeOut:
    """Give some days other hours, or none; what is booked outside them is cancelled.

    Raises: VenueNotFound, RoomNotFound, Forbidden, VenueGone, OverAlready, StaleVersion,
        BookingsInTheWay.
    Emits: Cancelled, SessionCalledOff.
    """

    def change(site: Site) -> _Change:
        async def make() -> UUID:
            made = await openings.add_exception(
                tx, site.opening_id, wish, by=actor.person_id, now=now
            )
            return made.id

        closed = _closed_by(wish)
        return _Change("exception_added", make, closed, cancels=True, why=wish.reason)

    return await _apply(tx, actor, subject, wish, change, now=now)


async def withdraw_exception(
    tx: Tx,
    actor: Actor,
    subject: Subject,
    exception_id: UUID,
    wish: WithdrawExceptionIn,
    *,
    now: datetime,
) -> OpeningChangeOut:
    """Let the weekly hours hold again; what is booked is kept.

    Raises: VenueNotFound, RoomNotFound, Forbidden, VenueGone, ExceptionNotFound,
        ExceptionWithdrawn, OverAlready, StaleVersion, ReasonNeeded, BookingsInTheWay.
    Emits: Cancelled, SessionCalledOff.
    """

    def change(site: Site) -> _Change:
        async def make() -> UUID:
            await openings.withdraw_exception(
                tx, site.opening_id, exception_id, wish, by=actor.person_id, now=now
            )
            return exception_id

        return _Change("exception_withdrawn", make, (), wish.cancel_hits, wish.reason)

    return await _apply(tx, actor, subject, wish, change, now=now)


async def add_closure(
    tx: Tx, actor: Actor, subject: Subject, wish: AddClosureIn, *, now: datetime
) -> OpeningChangeOut:
    """Take a venue or room out of use for a while; what is booked in it is cancelled.

    Raises: VenueNotFound, RoomNotFound, Forbidden, VenueGone, OverAlready, StaleVersion,
        BookingsInTheWay.
    Emits: Cancelled, SessionCalledOff.
    """

    def change(site: Site) -> _Change:
        async def make() -> UUID:
            made = await openings.add_closure(
                tx, site.opening_id, wish, by=actor.person_id, now=now
            )
            return made.id

        taken = [Span(wish.starts_at, wish.ends_at)]
        return _Change("closure_added", make, taken, cancels=True, why=wish.reason)

    return await _apply(tx, actor, subject, wish, change, now=now)


async def lift_closure(
    tx: Tx, actor: Actor, subject: Subject, closure_id: UUID, wish: RevokeIn, *, now: datetime
) -> OpeningChangeOut:
    """Let a venue or room be used again before a closure ends; this hits nobody.

    Raises: VenueNotFound, RoomNotFound, Forbidden, VenueGone, ClosureNotFound, ClosureLifted,
        OverAlready, StaleVersion.
    """

    def change(site: Site) -> _Change:
        async def make() -> UUID:
            await openings.lift_closure(
                tx, site.opening_id, closure_id, wish, by=actor.person_id, now=now
            )
            return closure_id

        return _Change("closure_lifted", make, (), cancels=False, why=None)

    return await _apply(tx, actor, subject, ConfirmedIn(), change, now=now)


async def _apply(
    tx: Tx,
    actor: Actor,
    subject: Subject,
    wish: ConfirmedIn,
    change_of: Callable[[Site], _Change],
    *,
    now: datetime,
) -> OpeningChangeOut:
    """Make a change under the locks of all that can be booked there, or show what it hits."""
    locked = await lock_site(tx, actor, subject, now=now)
    site = locked.site
    change = change_of(site)
    hits, made_id = Hits([], []), None

    async def make() -> None:
        nonlocal made_id
        made_id = await change.make()

    with suppress(_Previewed):
        async with tx.begin_nested():
            hits = await hit_by(tx, site, make, change.taken, now=now)
            if wish.preview:
                raise _Previewed
    cancels = change.cancels and not wish.preview
    if cancels:
        await require_confirmed(tx, actor, site, hits, wish.hits_seen)
        await cancel_hits(tx, actor, locked, hits, change.why, now=now)
    if not wish.preview:
        left = hits if cancels else await _end_waiting(tx, actor, locked, change, hits, now)
        _record(tx, actor, site, change, made_id, left, now)
        await tx.flush()
    shown = await hits_view(tx, hits)
    fresh = await openings.read_openings(tx, [site.opening_id], now=now)
    return OpeningChangeOut(
        applied=not wish.preview,
        cancelled=cancels and hits.seen is not None,
        hits_seen=hits.seen,
        bookings=shown.bookings,
        sessions=shown.sessions,
        opening=fresh[site.opening_id],
    )


async def _end_waiting(
    tx: Tx, actor: Actor, locked: Locked, change: _Change, hits: Hits, now: datetime
) -> Hits:
    """Cancel what has no place of its own yet, so that nobody is given a time that is closed.

    Returns what is kept.

    Emits: Cancelled.
    """
    kept, ended = [], []
    for row in hits.bookings:
        state, terms = State(row.state), await terms_of(tx, row.policy_id)
        if has_place(state, terms) and state not in _NOT_SURE:
            kept.append(row)
        else:
            ended.append((locked.resources[row.resource_id], row))
    why, by_id = change.why or CLOSED_THEN, actor.person_id
    await cancel_each(tx, ended, by_id=by_id, by_staff=True, why=why, now=now, hand_on=False)
    return Hits(kept, hits.sessions)


def _record(
    tx: Tx,
    actor: Actor,
    site: Site,
    change: _Change,
    made_id: UUID | None,
    hits: Hits,
    now: datetime,
) -> None:
    hit = {"bookings": len(hits.bookings), "sessions": len(hits.sessions)}
    record_act(
        tx,
        f"venues.opening_{change.what}",
        site.opening_id,
        by=actor.person_id,
        now=now,
        made_id=made_id,
        cancelled=hit if change.cancels else None,
        kept=None if change.cancels else hit,
    )


def _closed_by(wish: OpeningExceptionIn) -> list[Span]:
    """Return when an exception says that it is closed."""
    closed: list[Span] = []
    for day in days(wish.first_on, wish.last_on):
        midnight = midnight_of(day)
        hours = [
            Span(midnight + window.opens * MINUTE, midnight + window.closes * MINUTE)
            for window in wish.windows()
        ]
        closed += without([Span(midnight, midnight + DAY)], hours)
    return closed
