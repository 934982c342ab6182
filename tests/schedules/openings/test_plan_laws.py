"""What is shown and what is accepted agree, and both are what a minute-by-minute look says."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.openings.plans import (
    Closing,
    Limits,
    OtherHours,
    Plan,
    Sheet,
    hurdles,
    removed_spans,
    slots,
)
from neighborhood_api.schedules.openings.reasons import day_reason, reason
from neighborhood_api.schedules.openings.spans import Span
from tests.schedules.calendars import REAL
from tests.schedules.openings.counting import (
    DAY_MINUTES,
    HOLIDAYS,
    Facts,
    at,
    closings,
    covered,
    days,
    facts_about,
    hours_of,
    is_closed,
    limits,
    open_of,
    sheets,
)

pytestmark = pytest.mark.slow


class Scene(NamedTuple):
    """A day, and what makes something open on it."""

    day: date
    facts: Facts


scenes = days.flatmap(lambda day: st.builds(Scene, st.just(day), facts_about(day)))


@given(scene=scenes)
@settings(max_examples=40, deadline=None)
def test_it_is_open_in_exactly_the_minutes_that_the_slow_look_finds(scene: Scene) -> None:
    day = scene.facts.plan().day(scene.day)
    event(f"holiday: {scene.day in HOLIDAYS}, parent: {scene.facts.parent is not None}")
    assert covered(day.hours, scene.day) == hours_of(scene.facts, scene.day)
    assert covered(day.open, scene.day) == open_of(scene.facts, scene.day)
    # In order, and never touching: what touches is one span.
    for spans in (day.hours, day.open):
        for earlier, later in pairwise(spans):
            assert earlier.ends_at < later.starts_at
        assert all(span.starts_at < span.ends_at for span in spans)


@given(scene=scenes)
@settings(max_examples=40, deadline=None)
def test_a_day_that_is_not_as_usual_says_why(scene: Scene) -> None:
    day = scene.facts.plan().day(scene.day)
    why = day_reason(day)
    rules = scene.facts.own.rules or (scene.facts.parent or scene.facts.own).rules
    usual = Plan(Sheet(scene.facts.own.id, rules), REAL).day(scene.day)
    if day.windows != usual.windows or not day.windows:
        assert why is not None
        assert why["message"]
    assert not (isinstance(day.because, OtherHours) and why is None)


def acceptable(wish: Span, scene: Scene, limit: Limits, now: datetime) -> bool:
    """Decide by counting minutes of the day."""
    start = (wish.starts_at - at(scene.day, 0)) // timedelta(minutes=1)
    end = (wish.ends_at - at(scene.day, 0)) // timedelta(minutes=1)
    in_hours = hours_of(scene.facts, scene.day)
    if not (0 <= start < end <= DAY_MINUTES and all(in_hours[start:end])):
        return False
    if any(is_closed(scene.facts, at(scene.day, minute)) for minute in range(start, end)):
        return False
    opening = start
    while opening > 0 and in_hours[opening - 1]:
        opening -= 1
    days_ahead = (scene.day - now.astimezone(SHOWN_ZONE).date()).days
    return (
        (start - opening) % limit.slot_minutes == 0
        and (end - start) % limit.slot_minutes == 0
        and limit.shortest_minutes <= end - start <= limit.longest_minutes
        and wish.starts_at >= now
        and wish.starts_at - now >= timedelta(minutes=limit.notice_minutes)
        and days_ahead <= limit.horizon_days
    )


class Wish(NamedTuple):
    """A wish in one day's hours, at a moment, under limits."""

    scene: Scene
    span: Span
    limit: Limits
    now: datetime


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    """Wishes that often fit, and often miss by little."""
    scene, limit = draw(scenes), draw(limits())
    in_hours = scene.facts.plan().day(scene.day).hours
    opens = draw(st.sampled_from(in_hours)).starts_at if in_hours else at(scene.day, 540)
    slot = timedelta(minutes=limit.slot_minutes)
    off = st.sampled_from([0] * 12 + [-1, 1, 15, -700]).map(lambda n: timedelta(minutes=n))
    starts_at = opens + draw(st.integers(0, 3)) * slot
    ends_at = starts_at + draw(st.integers(0, 3)) * slot + draw(off)
    if draw(st.booleans()):  # a closure close to the wish
        near = Closing(UUID(int=1), starts_at + draw(off), ends_at + draw(off), "停电")
        own = replace(scene.facts.own, closings=(near,))
        scene = scene._replace(facts=replace(scene.facts, own=own))
        starts_at += draw(st.sampled_from([0, 0, 1, -1])) * (ends_at - starts_at)
    ahead = timedelta(minutes=draw(st.sampled_from([limit.notice_minutes, 60, 5000])))
    ends_at = max(ends_at, starts_at + draw(st.integers(0, 2)) * slot)
    return Wish(scene, Span(starts_at + draw(off), ends_at), limit, starts_at - ahead)


@given(wish=wishes())
@settings(max_examples=40, deadline=None)
def test_a_wish_is_granted_exactly_when_counting_minutes_says_so(wish: Wish) -> None:
    scene, span, limit, now = wish
    day = span.starts_at.astimezone(SHOWN_ZONE).date()
    plan = scene.facts.plan()
    found = hurdles(span, plan, limit, now=now)
    event(f"granted: {not found}")
    assert (not found) == acceptable(span, scene._replace(day=day), limit, now)
    explained = [reason(hurdle, span, plan, limit) for hurdle in found]
    assert [one["code"] for one in explained] == found
    assert all(one["message"] for one in explained)


@given(wish=wishes(), data=st.data())
@settings(max_examples=50, deadline=None)
def test_neighbouring_slots_shown_without_hurdle_are_granted_and_others_are_not(
    wish: Wish, data: st.DataObject
) -> None:
    scene, _, limit, now = wish
    plan = scene.facts.plan()
    shown = slots(plan, limit, scene.day, now=now)
    if not shown:
        too_short = timedelta(minutes=limit.slot_minutes)
        in_hours = plan.day(scene.day).hours
        assert not [span for span in in_hours if span.ends_at - span.starts_at >= too_short]
        return
    first = data.draw(st.integers(0, len(shown) - 1))
    last = data.draw(st.integers(first, min(len(shown) - 1, first + 8)))
    chosen = shown[first : last + 1]
    span = Span(chosen[0].span.starts_at, chosen[-1].span.ends_at)
    length = (span.ends_at - span.starts_at) // timedelta(minutes=1)
    can_be_had = (
        all(a.span.ends_at == b.span.starts_at for a, b in pairwise(chosen))
        and all(slot.hurdle is None for slot in chosen)
        and limit.shortest_minutes <= length <= limit.longest_minutes
    )
    event(f"can be had: {can_be_had}")
    assert can_be_had == (not hurdles(span, plan, limit, now=now))


@given(scene=scenes)
@settings(max_examples=40, deadline=None)
def test_what_says_nothing_of_its_own_is_open_when_its_parent_is(scene: Scene) -> None:
    parent = scene.facts.parent or scene.facts.own
    silent = Plan(Sheet(UUID(int=0)), REAL, parent)
    assert silent.day(scene.day) == Plan(parent, REAL).day(scene.day)


@given(scene=scenes, data=st.data())
@settings(max_examples=40, deadline=None)
def test_nothing_of_its_own_opens_what_the_parent_has_closed(
    scene: Scene, data: st.DataObject
) -> None:
    parent = data.draw(sheets(scene.day, root=True))
    bound = parent.exception_on(scene.day)
    found = Plan(scene.facts.own, REAL, parent).day(scene.day).open
    above = [closing.span for closing in parent.closings if closing.starts_at < closing.ends_at]
    assert not [span for span in found for closed in above if span.meets(closed)]
    if bound is not None:
        most = Plan(Sheet(UUID(int=0), exceptions=(bound,)), REAL).day(scene.day).open
        left = [
            minute
            for minute, (mine, theirs) in enumerate(
                zip(covered(found, scene.day), covered(most, scene.day), strict=True)
            )
            if mine and not theirs
        ]
        assert left == []


@given(scene=scenes, data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_change_takes_away_exactly_what_was_open_and_no_longer_is(
    scene: Scene, data: st.DataObject
) -> None:
    before = scene.facts
    changed = data.draw(sheets(scene.day, root=True, one_id=before.own.id))
    after = replace(before, own=changed)
    last = scene.day + timedelta(days=1)
    removed = removed_spans(before.plan(), before.plan().saying(changed), scene.day, last)
    for day in (scene.day, last):
        gone = [
            was and not still
            for was, still in zip(open_of(before, day), open_of(after, day), strict=True)
        ]
        assert covered(removed, day) == gone


@given(scene=scenes, data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_closure_only_takes_away_and_lifting_it_gives_back(
    scene: Scene, data: st.DataObject
) -> None:
    plan = scene.facts.plan()
    closing = data.draw(closings(scene.day))
    said = replace(plan.own, closings=(*plan.own.closings, closing))
    closed = plan.saying(said)
    span = (scene.day - timedelta(days=1), scene.day + timedelta(days=2))
    assert removed_spans(closed, plan, *span) == []
    assert all(lost.meets(closing.span) for lost in removed_spans(plan, closed, *span))
    again = closed.saying(said.without(closing.id))
    assert again.open_spans(*span) == plan.open_spans(*span)


@given(scene=scenes, minute=st.integers(-60, DAY_MINUTES + 60))
@settings(max_examples=40, deadline=None)
def test_the_next_opening_is_the_first_open_minute_from_now_on(
    scene: Scene, minute: int
) -> None:
    plan, moment = scene.facts.plan(), at(scene.day, minute)
    first = moment.astimezone(SHOWN_ZONE).date()
    last = first + timedelta(days=1)
    found = plan.next_open(moment, last)
    minutes = [
        at(day, n)
        for day in (first, last)
        for n, is_open in enumerate(open_of(scene.facts, day))
        if is_open and at(day, n) >= moment
    ]
    expected = minutes[0] if minutes else None
    assert (None if found is None else max(found.starts_at, moment)) == expected
