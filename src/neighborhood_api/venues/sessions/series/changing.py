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

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.identity.service import StaleVersion
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import LIVE
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.sessions.grounds import (
    Ground,
    Known,
    SessionNotFound,
    SessionOver,
    known_sessions,
    lock_ground,
    require_teachers,
    teacher_ids_of,
)
from neighborhood_api.venues.sessions.keeping import call_off
from neighborhood_api.venues.sessions.making import hindrances, policy_for, reshape
from neighborhood_api.venues.sessions.models import Series, Session
from neighborhood_api.venues.sessions.occupying import Clash
from neighborhood_api.venues.sessions.retiming import ELSEWHERE
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
    Report,
    SeriesNotFound,
    add_date,
    days_of,
    left_out,
    obstacles,
    result_view,
    series_view,
    skip_or_fail,
)
from neighborhood_api.venues.sessions.shapes import Shape, adopt
from neighborhood_api.venues.sessions.staffing import require_staffed

FALLS_AWAY = "课程安排调整，这一天不再上课"


class SeriesDatesEnrolled(Problem):
    """Somebody is enrolled on dates that would fall away; `sessions` names them."""

    title = "Somebody is enrolled on dates that would fall away"
    message = "有日期已有人报名，不能直接去掉；请先逐场取消并说明原因"


class Part(NamedTuple):
    """The sessions of a series that a change is about, locked."""

    series: Series
    ground: Ground
    first_on: date
    known: dict[date, Known]
    """Those that have not begun, by their dates in the series."""


class _Change(NamedTuple):
    known: Known
    shape: Shape


async def change_series(
    tx: Tx, actor: Actor, series_id: UUID, wish: SeriesChangeIn, *, now: datetime
) -> SeriesResultOut:
    """Change what has not begun of a series, from one of its sessions on or all.

    Raises: SeriesNotFound, Forbidden, StaleVersion, SessionNotFound, SessionOver, RoomNotFound,
        TeacherNotFound, TooFewHelpers, TwoLeads, SeriesTooLong, SeriesDatesEnrolled,
        SeriesClashes, PlaceOrTeacherTaken.
    Emits: SessionAdded, SessionChanged, SessionCalledOff, TeacherAssigned, TeacherReleased, and
        what enrolments announce.
    """
    plan = wish.plan
    teachers = {one.teacher_id for one in plan.teaching}
    part = await _lock_part(
        tx,
        actor,
        series_id,
        wish.from_session_id,
        wish.version,
        room_id=plan.room_id,
        teacher_ids=teachers,
        now=now,
    )
    series, ground = part.series, part.ground
    require_teachers(ground, teachers)
    before = SeriesPlan.model_validate(series.plan)
    present = await days_of(tx, ground.venue, before, part.first_on)
    wanted = await days_of(tx, ground.venue, plan, part.first_on)
    falling = [known for on, known in part.known.items() if on not in wanted.on]
    await _refuse_enrolled(tx, falling)
    by_id = actor.person_id
    stays = {on: known for on, known in part.known.items() if on in wanted.on}
    changes, kept = _changes(stays, before, plan)
    clashing = await _hindered(tx, ground, changes, wish, now=now)
    skipped = left_out(wanted)
    series.policy_id = await policy_for(
        tx, series.policy_id, before.policy, plan.policy, by_id=by_id, now=now
    )
    series = await _split(tx, part, plan)
    new = sorted(set(wanted.on) - set(present.on) - set(part.known))
    added, late = await _new_dates(tx, ground, series, plan, new, clashing, now=now)
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
    part = await _lock_part(tx, actor, series_id, wish.from_session_id, wish.version, now=now)
    series, by_id = part.series, actor.person_id
    for known in part.known.values():
        await call_off(tx, part.ground, known, by_id=by_id, why=wish.reason, now=now)
    series.last_on = max(series.first_on, part.first_on - timedelta(days=1))
    series.version += 1
    count = len(part.known)
    record_act(tx, "venues.series_cancelled", series_id, by=by_id, now=now, sessions=count)
    await tx.flush()
    return await series_view(tx, series)


async def _lock_part(
    tx: Tx,
    actor: Actor,
    series_id: UUID,
    from_session_id: UUID | None,
    version: int,
    *,
    room_id: UUID | None = None,
    teacher_ids: set[UUID] | None = None,
    now: datetime,
) -> Part:
    """Lock a series, then what of it has not begun, with its rooms and teachers.

    Raises: SeriesNotFound, Forbidden, StaleVersion, SessionNotFound, SessionOver, RoomNotFound.
    """
    row = select(Series).where(Series.id == series_id).with_for_update(key_share=True)
    series = (await tx.scalars(row)).one_or_none()
    if series is None:
        raise SeriesNotFound
    venue = await tx.get_one(Venue, series.venue_id)
    actor.require(Permission.VENUE_MANAGE, at=venue.place)
    if series.version != version:
        raise StaleVersion(version=series.version)
    seen = await _to_come(tx, series_id, now)
    first_on = min([one.series_on for one in seen.values() if one.series_on], default=None)
    if from_session_id is not None:
        first = await tx.get(Session, from_session_id)
        if first is None or first.series_id != series_id:
            raise SessionNotFound
        if from_session_id not in seen:
            raise SessionOver
        first_on = first.series_on
    first_on = max(series.first_on, first_on or local_day(now))
    part = {
        its: one for its, one in seen.items() if one.series_on and one.series_on >= first_on
    }
    versions = {its_id: one.version for its_id, one in part.items()}
    ground = await lock_ground(
        tx,
        venue,
        session_ids=list(part),
        room_ids={room_id, *(one.room_id for one in part.values())},
        teacher_ids={*(teacher_ids or ()), *await teacher_ids_of(tx, part)},
        now=now,
    )
    known = await known_sessions(tx, ground.resources, part)
    if {its_id: one.session.version for its_id, one in known.items()} != versions:
        raise StaleVersion(version=series.version)
    by_date = {
        one.session.series_on: one
        for one in known.values()
        if one.session.series_on is not None
    }
    return Part(series, ground, first_on, dict(sorted(by_date.items())))


async def _to_come(tx: Tx, series_id: UUID, now: datetime) -> dict[UUID, Session]:
    query = (
        select(Session)
        .join(Resource, Resource.id == Session.id)
        .where(
            Session.series_id == series_id,
            Resource.starts_at > now,
            Resource.cancelled_at.is_(None),
        )
    )
    return {one.id: one for one in await tx.scalars(query)}


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
    for on, change in changes.items():
        found = await hindrances(tx, ground, change.shape, change.known, now=now)
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
    plan: SeriesPlan,
    new: list[date],
    clashing: dict[date, list[Clash]],
    *,
    now: datetime,
) -> tuple[list[date], list[SkippedOut]]:
    """Return the dates that can be added, and those that are over; note what clashes."""
    added, late = [], []
    for on in new:
        found, over = await obstacles(tx, ground, series, plan, on, now=now)
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
