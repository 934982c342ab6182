"""How a series is changed or ended, whole or from one of its sessions on.

What has begun stays as it is, and so does what staff changed of a session alone. Enrolments
stay with their session, which may get another time or room, and whoever is enrolled is told. A
date that falls away must have nobody enrolled: otherwise the change is refused, naming it, and
staff cancel that session first, saying why.

A change of a part makes that part a series of its own.
"""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import func, select, update

from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.models import Registration
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import LIVE
from neighborhood_api.venues.service import hold_venue
from neighborhood_api.venues.sessions.grounds import (
    Ground,
    Known,
    require_teachers,
    venue_to_run,
)
from neighborhood_api.venues.sessions.keeping import call_off, require_places_held
from neighborhood_api.venues.sessions.making import hindrances, policy_for, reshape
from neighborhood_api.venues.sessions.models import Series, Session
from neighborhood_api.venues.sessions.occupying import Clash
from neighborhood_api.venues.sessions.retiming import ELSEWHERE
from neighborhood_api.venues.sessions.series.dates import Dates
from neighborhood_api.venues.sessions.series.parts import (
    Part,
    dates_with_a_session,
    lock_part,
)
from neighborhood_api.venues.sessions.series.schemas import (
    KeptOut,
    SeriesCancelIn,
    SeriesChangeIn,
    SeriesOut,
    SeriesPlan,
    SeriesResultOut,
    SkippedOut,
)
from neighborhood_api.venues.sessions.series.service import (
    PAST,
    PAST_TEXT,
    Report,
    add_date,
    days_of,
    left_out,
    obstacles,
    result_view,
    series_view,
    skip_or_fail,
)
from neighborhood_api.venues.sessions.shapes import (
    Shape,
    adopt,
    drawn_at,
    lies_in_the_past,
)
from neighborhood_api.venues.sessions.staffing import require_staffed

FALLS_AWAY = "课程安排调整，这一天不再上课"


class SeriesDatesEnrolled(Problem):
    """Somebody is enrolled on dates that would fall away; `sessions` names them."""

    title = "Somebody is enrolled on dates that would fall away"
    message = "有日期已有人报名，不能直接去掉；请先逐场取消并说明原因"


class _Change(NamedTuple):
    known: Known
    shape: Shape


async def change_series(
    tx: Tx, actor: Actor, series_id: UUID, wish: SeriesChangeIn, *, now: datetime
) -> SeriesResultOut:
    """Change what has not begun of a series, from one of its sessions on or all.

    Raises: SeriesNotFound, Forbidden, VenueGone, StaleVersion, SessionNotFound, SessionOver,
        RoomNotFound, TeacherNotFound, TooFewHelpers, TwoLeads, SeriesTooLong,
        DrawnPlacesNotHeld, SeriesDatesEnrolled, SeriesClashes, PlaceOrTeacherTaken, SeatsInUse.
    Emits: SessionAdded, SessionChanged, SessionCalledOff, TeacherAssigned, TeacherReleased, and
        what enrolments announce.
    """
    plan, by_id = wish.plan, actor.person_id
    part = await _lock(tx, actor, series_id, wish, now=now)
    series, ground = part.series, part.ground
    require_places_held(plan.policy, drawn=series.draw_minutes_before is not None)
    before = SeriesPlan.model_validate(series.plan)
    present = await days_of(tx, ground.venue, before, part.first_on)
    wanted = await days_of(tx, ground.venue, plan, part.first_on)
    dropped = _dropped(part, before, plan, wanted)
    falling = [part.known[on] for on in dropped]
    await _refuse_enrolled(tx, falling)
    stays = {on: known for on, known in part.known.items() if on not in dropped}
    changes, kept = _changes(stays, before, plan)
    clashing = await _hindered(tx, ground, changes, wish, now=now)
    skipped = [one for one in left_out(wanted) if one.on not in stays]
    had = await dates_with_a_session(tx, part)
    series.policy_id = await policy_for(
        tx, series.policy_id, before.policy, plan.policy, by_id=by_id, now=now
    )
    series = await _split(tx, part, plan)
    new = sorted(set(wanted.on) - set(part.known) - (set(present.on) & had))
    added, late = await _new_dates(tx, ground, series, wish, new, clashing, now=now)
    skipped += late + skip_or_fail(clashing, wish.on_clash)
    for known in falling:
        await call_off(tx, ground, known, by_id=by_id, why=FALLS_AWAY, now=now)
    free = [change for on, change in changes.items() if on not in clashing]
    await _apply(tx, ground, series, free, by_id=by_id, now=now)
    await _let_go(tx, series, added)
    for on in added:
        await add_date(tx, ground, series, plan, on)
    record_act(tx, "venues.series_changed", series.id, by=by_id, now=now, split_from=series_id)
    await tx.flush()
    return await result_view(tx, series, Report(skipped, kept))


async def cancel_series(
    tx: Tx, actor: Actor, series_id: UUID, wish: SeriesCancelIn, *, now: datetime
) -> SeriesOut:
    """Call off what has not begun of a series, from one of its sessions on or all.

    Raises: SeriesNotFound, Forbidden, StaleVersion, SessionNotFound, SessionOver.
    Emits: SessionCalledOff, TeacherReleased, Cancelled.
    """
    part = await lock_part(tx, actor, series_id, wish, venue_to_run, now=now)
    series, by_id = part.series, actor.person_id
    for known in part.known.values():
        await call_off(tx, part.ground, known, by_id=by_id, why=wish.reason, now=now)
    series.last_on = max(series.first_on, part.first_on - timedelta(days=1))
    series.version += 1
    count = len(part.known)
    record_act(tx, "venues.series_cancelled", series_id, by=by_id, now=now, sessions=count)
    await tx.flush()
    return await series_view(tx, series)


async def _lock(
    tx: Tx, actor: Actor, series_id: UUID, wish: SeriesChangeIn, *, now: datetime
) -> Part:
    """Lock the part with the room and the teachers that it shall have.

    Raises: SeriesNotFound, Forbidden, VenueGone, StaleVersion, SessionNotFound, SessionOver,
        RoomNotFound, TeacherNotFound.
    """
    teachers = frozenset(one.teacher_id for one in wish.teaching)
    part = await lock_part(
        tx,
        actor,
        series_id,
        wish,
        hold_venue,
        room_id=wish.room_id,
        teacher_ids=teachers,
        now=now,
    )
    require_teachers(part.ground, teachers)
    return part


async def _refuse_enrolled(tx: Tx, falling: list[Known]) -> None:
    """Refuse to let dates fall away on which somebody is enrolled.

    Raises: SeriesDatesEnrolled.
    """
    counts = await tx.execute(
        select(Registration.resource_id, func.count())
        .where(
            Registration.resource_id.in_([one.session.id for one in falling]),
            stands(*sorted(LIVE)),
        )
        .group_by(Registration.resource_id)
    )
    enrolled = {row[0]: row[1] for row in counts}
    if not enrolled:
        return
    named: list[JsonValue] = [
        {
            "session_id": str(one.session.id),
            "on": str(one.session.series_on),
            "enrolled": enrolled[one.session.id],
        }
        for one in falling
        if one.session.id in enrolled
    ]
    raise SeriesDatesEnrolled(sessions=named)


def _dropped(
    part: Part, before: SeriesPlan, plan: SeriesPlan, wanted: Dates
) -> dict[date, Known]:
    """Return what falls away because the plan is another.

    A day that became a public holiday meanwhile stays; it falls when staff say from now on
    that holidays are left out.
    """
    due = plan.days(part.first_on)
    left_out = wanted.left_out if plan.skip_holidays and not before.skip_holidays else {}
    return {on: known for on, known in part.known.items() if on not in due or on in left_out}


def _changes(
    stays: dict[date, Known], before: SeriesPlan, after: SeriesPlan
) -> tuple[dict[date, _Change], list[KeptOut]]:
    """Return what changes of each session, and what each keeps of its own.

    Raises: TooFewHelpers, TwoLeads.
    """
    changes, kept = {}, []
    for on, known in stays.items():
        shape, own = adopt(known.shape, before.shape(on), after.shape(on))
        if own:
            kept.append(KeptOut(session_id=known.session.id, on=on, fields=own))
        if shape != known.shape:
            require_staffed(shape)
            changes[on] = _Change(known, shape)
    return changes, kept


async def _hindered(
    tx: Tx, ground: Ground, changes: dict[date, _Change], wish: SeriesChangeIn, *, now: datetime
) -> dict[date, list[Clash]]:
    """Return what is in the way of changes, by date."""
    clashing = {}
    anytime = wish.outside_hours
    for on, (known, shape) in changes.items():
        draw_at = drawn_at(ground.resources[known.session.id].draw_at, known.shape, shape)
        if lies_in_the_past(shape, draw_at, known.shape, now=now):
            clashing[on] = [Clash(PAST, PAST_TEXT, shape.starts_at, shape.ends_at)]
            continue
        found = await hindrances(tx, ground, shape, known, anytime=anytime, now=now)
        if wish.cancel_conflicting:
            found = [one for one in found if one.code != ELSEWHERE]
        if found:
            clashing[on] = found
    return clashing


async def _apply(
    tx: Tx,
    ground: Ground,
    series: Series,
    changes: list[_Change],
    *,
    by_id: UUID,
    now: datetime,
) -> None:
    for known, shape in changes:
        policy_id = ground.resources[known.session.id].policy_id
        if shape.policy != known.shape.policy:
            policy_id = series.policy_id
        await reshape(tx, ground, known, shape, policy_id=policy_id, by_id=by_id, now=now)


async def _new_dates(
    tx: Tx,
    ground: Ground,
    series: Series,
    wish: SeriesChangeIn,
    new: list[date],
    clashing: dict[date, list[Clash]],
    *,
    now: datetime,
) -> tuple[list[date], list[SkippedOut]]:
    """Return the dates that can be added, and those that are over; note what clashes."""
    added, late = [], []
    for on in new:
        found, over = await obstacles(tx, ground, series, wish, on, now=now)
        if over is not None:
            late.append(over)
        elif found:
            clashing[on] = found
        else:
            added.append(on)
    return added, late


async def _let_go(tx: Tx, series: Series, dates: list[date]) -> None:
    """Have what was called off before, on dates that come back, stand for itself."""
    own = update(Session).where(Session.series_id == series.id, Session.series_on.in_(dates))
    await tx.execute(
        own.values(series_id=None, series_on=None),
        execution_options={"synchronize_session": False},
    )


async def _split(tx: Tx, part: Part, plan: SeriesPlan) -> Series:
    """Have the plan hold for a part: in place when the part is the whole series."""
    series, stored = part.series, plan.model_dump(mode="json")
    series.version += 1
    if part.first_on <= series.first_on:
        series.plan, series.last_on = stored, max(plan.last_on, series.first_on)
        await tx.flush()
        return series
    after = Series(
        venue_id=series.venue_id,
        kind=series.kind,
        for_children=series.for_children,
        first_on=part.first_on,
        last_on=max(plan.last_on, part.first_on),
        plan=stored,
        policy_id=series.policy_id,
        draw_minutes_before=series.draw_minutes_before,
        split_from_id=series.id,
    )
    series.last_on = part.first_on - timedelta(days=1)
    tx.add(after)
    await tx.flush()
    own = update(Session).where(
        Session.series_id == series.id, Session.series_on >= part.first_on
    )
    await tx.execute(
        own.values(series_id=after.id), execution_options={"synchronize_session": False}
    )
    return after
