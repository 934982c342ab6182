"""How a weekly series is made and shown."""

from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select

from neighborhood_api.identity.access import Actor, Permission
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.policies import new_policy
from neighborhood_api.schedules.working import calendar_of
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.service import hold_venue
from neighborhood_api.venues.sessions.grounds import (
    Ground,
    lock_ground,
    require_teachers,
)
from neighborhood_api.venues.sessions.keeping import require_places_held
from neighborhood_api.venues.sessions.making import Making, build, hindrances
from neighborhood_api.venues.sessions.models import Series, Session, SessionKind
from neighborhood_api.venues.sessions.occupying import Clash
from neighborhood_api.venues.sessions.series.dates import Dates, dates_of
from neighborhood_api.venues.sessions.series.schemas import (
    ClashOut,
    KeptOut,
    OnClash,
    SeriesChangeIn,
    SeriesIn,
    SeriesOut,
    SeriesPlan,
    SeriesResultOut,
    SeriesSessionOut,
    SkippedOut,
)
from neighborhood_api.venues.sessions.shapes import lies_in_the_past
from neighborhood_api.venues.sessions.staffing import require_staffed

MOST_SESSIONS = 200
PAST, PAST_TEXT = "in_the_past", "已经过了开始、抽签或判断最低人数的时间"
_FREE = "放假"


class SeriesNotFound(Problem):
    """The id names no series."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such series"
    message = "没有找到这个系列，请刷新后重试"


class SeriesTooLong(Problem):
    """More sessions than one series may have; `most` says how many."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The series has too many sessions"
    message = "一个系列最多200场，请缩短日期范围"


class NoDatesLeft(Problem):
    """None of its days can be; `skipped` says why not."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The series would have no session"
    message = "所选日期都不能安排，请查看原因后调整"


class SeriesClashes(Problem):
    """On some dates something is in the way; `clashes` lists each with its reason."""

    title = "On some dates something is in the way"
    message = "有日期与已有安排冲突，请调整，或选择跳过这些日期"


class Report(NamedTuple):
    """What was not done, and why; what stayed different."""

    skipped: list[SkippedOut]
    kept: list[KeptOut]


async def add_series(
    tx: Tx, actor: Actor, venue_id: UUID, wish: SeriesIn, *, now: datetime
) -> SeriesResultOut:
    """Make the sessions of a weekly series.

    A date on which something is in the way refuses all of it or, by `on_clash`, is left out and
    told.

    Raises: VenueNotFound, VenueGone, RoomNotFound, Forbidden, TeacherNotFound, TooFewHelpers,
        TwoLeads, SeriesTooLong, NoDatesLeft, SeriesClashes, DrawnPlacesNotHeld,
        PlaceOrTeacherTaken.
    Emits: SessionAdded, TeacherAssigned.
    """
    venue = await hold_venue(tx, actor, venue_id)
    plan, by_id = wish.plan, actor.person_id
    require_places_held(plan.policy, drawn=wish.draw_minutes_before is not None)
    require_staffed(plan.shape(wish.first_on))
    dates = await days_of(tx, venue, plan, wish.first_on)
    teachers = {one.teacher_id for one in plan.teaching}
    ground = await lock_ground(
        tx, venue, room_ids=[plan.room_id], teacher_ids=teachers, now=now
    )
    require_teachers(ground, teachers)
    policy = await new_policy(tx, new_id(), plan.policy, by_id=by_id, now=now)
    series = Series(
        venue_id=venue.id,
        kind=wish.kind.value,
        for_children=wish.for_children,
        first_on=wish.first_on,
        last_on=plan.last_on,
        plan=plan.model_dump(mode="json"),
        policy_id=policy.id,
        draw_minutes_before=wish.draw_minutes_before,
    )
    tx.add(series)
    await tx.flush()
    made, skipped = await _add_dates(tx, ground, series, wish, dates, now=now)
    if not made:
        raise NoDatesLeft(skipped=[one.model_dump(mode="json") for one in skipped])
    record_act(tx, "venues.series_added", series.id, by=by_id, now=now, sessions=made)
    await tx.flush()
    return await result_view(tx, series, Report(skipped, []))


async def _add_dates(
    tx: Tx, ground: Ground, series: Series, wish: SeriesIn, dates: Dates, *, now: datetime
) -> tuple[int, list[SkippedOut]]:
    """Make the sessions of a new series; return how many, and which dates were left out.

    Raises: SeriesClashes, PlaceOrTeacherTaken.
    """
    skipped = left_out(dates)
    clashing: dict[date, list[Clash]] = {}
    made = 0
    for on in dates.on:
        found, late = await obstacles(tx, ground, series, wish, on, now=now)
        if late is not None:
            skipped.append(late)
        elif found:
            clashing[on] = found
        else:
            await add_date(tx, ground, series, wish.plan, on)
            made += 1
    return made, skipped + skip_or_fail(clashing, wish.on_clash)


async def add_date(tx: Tx, ground: Ground, series: Series, plan: SeriesPlan, on: date) -> None:
    """Make the session of a day on which nothing is in the way.

    Raises: PlaceOrTeacherTaken.
    Emits: SessionAdded, TeacherAssigned.
    """
    making = Making(
        kind=SessionKind(series.kind),
        for_children=series.for_children,
        policy_id=series.policy_id,
        draw_at=_draw_at(series, plan, on),
        series_id=series.id,
        series_on=on,
    )
    await build(tx, ground, plan.shape(on), making)


async def obstacles(
    tx: Tx,
    ground: Ground,
    series: Series,
    wish: SeriesIn | SeriesChangeIn,
    on: date,
    *,
    now: datetime,
) -> tuple[list[Clash], SkippedOut | None]:
    """Return what is in the way on a day; or that it is over, or too near to be decided."""
    shape = wish.shape(on)
    if lies_in_the_past(shape, _draw_at(series, wish, on), now=now):
        return [], SkippedOut(on=on, code=PAST, message=PAST_TEXT, clashes=[])
    return await hindrances(tx, ground, shape, anytime=wish.outside_hours, now=now), None


async def days_of(tx: ReadTx, venue: Venue, plan: SeriesPlan, first_on: date) -> Dates:
    """Return the days of a series.

    Raises: SeriesTooLong.
    """
    calendar = await calendar_of(tx, venue.district_id)
    dates = dates_of(
        plan.weekdays,
        first_on,
        plan.last_on,
        calendar.holiday,
        skip_holidays=plan.skip_holidays,
    )
    if len(dates.on) > MOST_SESSIONS:
        raise SeriesTooLong(most=MOST_SESSIONS)
    return dates


def left_out(dates: Dates) -> list[SkippedOut]:
    """Tell which public holidays are left out."""
    return [
        SkippedOut(on=on, code="holiday", message=name.removesuffix(_FREE) + _FREE, clashes=[])
        for on, name in dates.left_out.items()
    ]


def skip_or_fail(clashing: dict[date, list[Clash]], on_clash: OnClash) -> list[SkippedOut]:
    """Tell the dates on which something is in the way.

    Raises: SeriesClashes.
    """
    if clashing and on_clash is OnClash.FAIL:
        shown: list[JsonValue] = [
            {"on": on.isoformat(), **one.shown()}
            for on in sorted(clashing)
            for one in clashing[on]
        ]
        raise SeriesClashes(clashes=shown)
    return [
        SkippedOut(
            on=on,
            code=clashing[on][0].code,
            message="；".join(one.message for one in clashing[on]),
            clashes=[ClashOut.model_validate(one) for one in clashing[on]],
        )
        for on in sorted(clashing)
    ]


async def read_series(tx: ReadTx, actor: Actor, series_id: UUID) -> SeriesOut:
    """Show a series to the staff of its venue.

    Raises: SeriesNotFound, Forbidden.
    """
    series = await tx.get(Series, series_id)
    if series is None:
        raise SeriesNotFound
    venue = await tx.get_one(Venue, series.venue_id)
    actor.require(Permission.VENUE_MANAGE, at=venue.place)
    return await series_view(tx, series)


async def series_view(tx: ReadTx, series: Series) -> SeriesOut:
    """Show a series with its sessions."""
    rows = await tx.execute(
        select(
            Session.id,
            Session.series_on,
            Resource.starts_at,
            Resource.ends_at,
            Resource.taken,
            Resource.cancelled_at,
            Session.version,
        )
        .join(Resource, Resource.id == Session.id)
        .where(Session.series_id == series.id)
        .order_by(Session.series_on)
    )
    return SeriesOut(
        id=series.id,
        venue_id=series.venue_id,
        kind=SessionKind(series.kind),
        for_children=series.for_children,
        first_on=series.first_on,
        last_on=series.last_on,
        plan=SeriesPlan.model_validate(series.plan),
        draw_minutes_before=series.draw_minutes_before,
        split_from_id=series.split_from_id,
        sessions=[
            SeriesSessionOut(
                session_id=row.id,
                on=row.series_on,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                taken=row.taken,
                cancelled_at=row.cancelled_at,
                version=row.version,
            )
            for row in rows
        ],
        version=series.version,
    )


async def result_view(tx: ReadTx, series: Series, report: Report) -> SeriesResultOut:
    """Show a series after it was made or changed, with what was not done."""
    shown = await series_view(tx, series)
    fields = {name: getattr(shown, name) for name in SeriesOut.model_fields}
    in_order = sorted(report.skipped, key=lambda one: one.on)
    return SeriesResultOut(**fields, skipped=in_order, kept=report.kept)


def _draw_at(series: Series, plan: SeriesPlan, on: date) -> datetime | None:
    before = series.draw_minutes_before
    return None if before is None else plan.starts_at(on) - timedelta(minutes=before)
