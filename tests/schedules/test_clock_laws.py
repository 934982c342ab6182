"""What holds for every deadline, whatever the calendar: against slow references, and by law."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neighborhood_api.schedules.clocks import Clock, Pause, deadline, part, running
from tests.schedules.calendars import (
    LOCAL,
    STEP,
    Rules,
    days,
    instants,
    limits,
    pauses_around,
    rules,
    slow_deadline,
    slow_running,
)

MICROSECOND = timedelta(microseconds=1)
often = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
Limit = tuple[Clock, int]


def length_of(clock: Clock, amount: int) -> timedelta:
    """How much of its own time a limit is."""
    one = timedelta(days=1) if clock is Clock.WORKING_DAYS else timedelta(minutes=1)
    return amount * one


@often
@given(limits(), rules(), instants(whole=True), st.data())
def test_a_deadline_is_where_step_after_step_leads(
    limit: Limit, facts: Rules, start: datetime, data: st.DataObject
) -> None:
    clock, amount = limit
    pauses = data.draw(pauses_around(start))
    minutes = length_of(clock, amount) / timedelta(minutes=1)
    expected = slow_deadline(clock, minutes, start, facts, pauses)
    assert deadline(clock, amount, start, facts.made(), pauses) == expected


@often
@given(limits(), rules(), instants(whole=True), st.integers(1, 5), st.data())
def test_a_warning_is_where_step_after_step_leads(
    limit: Limit, facts: Rules, start: datetime, quarters: int, data: st.DataObject
) -> None:
    clock, amount = limit
    if clock is not Clock.WORKING_DAYS:
        amount -= amount % (4 * STEP) - 4 * STEP  # so that its quarters are whole steps
    pauses = data.draw(pauses_around(start))
    minutes = length_of(clock, amount) / timedelta(minutes=1) * quarters / 4
    expected = slow_deadline(clock, minutes, start, facts, pauses)
    assert part(clock, amount, start, facts.made(), quarters / 4, pauses) == expected


@often
@given(st.sampled_from(Clock), rules(), instants(whole=True), st.integers(-50, 9000))
def test_running_is_the_number_of_steps(
    clock: Clock, facts: Rules, start: datetime, steps: int
) -> None:
    end = start + STEP * steps * timedelta(minutes=1)
    expected = slow_running(clock, start, end, facts)
    assert running(clock, start, end, facts.made()) == expected


@often
@given(limits(), rules(), instants())
def test_the_clock_has_run_its_amount_when_it_is_due_and_not_before(
    limit: Limit, facts: Rules, start: datetime
) -> None:
    clock, amount = limit
    calendar = facts.made()
    due = deadline(clock, amount, start, calendar).at
    assert due is not None
    assert running(clock, start, due, calendar) == length_of(clock, amount)
    assert running(clock, start, due - MICROSECOND, calendar) < length_of(clock, amount)


@often
@given(limits(), rules(), instants(), st.integers(1, 50))
def test_what_is_longer_or_starts_later_is_not_due_earlier(
    limit: Limit, facts: Rules, start: datetime, more: int
) -> None:
    clock, amount = limit
    calendar = facts.made()
    due = deadline(clock, amount, start, calendar).at
    longer = deadline(clock, amount + more, start, calendar).at
    later = deadline(clock, amount, start + more * timedelta(hours=1), calendar).at
    assert due is not None
    assert longer is not None
    assert later is not None
    assert due < longer
    assert due <= later


@often
@given(limits(), rules(), instants(), st.integers(1, 9))
def test_two_limits_one_after_the_other_are_their_sum(
    limit: Limit, facts: Rules, start: datetime, more: int
) -> None:
    clock, amount = limit
    calendar = facts.made()
    first = deadline(clock, amount, start, calendar).at
    assert first is not None
    if clock is Clock.WORKING_DAYS:
        first -= MICROSECOND  # 24:00 belongs to the day that ends, the day of the next start
    second = deadline(clock, more, first, calendar).at
    assert second == deadline(clock, amount + more, start, calendar).at


@often
@given(rules(), st.sampled_from(Clock), st.lists(instants(), min_size=3, max_size=3))
def test_running_splits_at_any_moment(
    facts: Rules, clock: Clock, moments: list[datetime]
) -> None:
    start, middle, end = sorted(moments)
    calendar = facts.made()
    whole = running(clock, start, end, calendar) - running(clock, start, middle, calendar)
    if clock is Clock.WORKING_DAYS:
        own_day = middle.astimezone(LOCAL).date()
        assume(own_day != start.astimezone(LOCAL).date() and middle < end)
        midnight = middle.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
        rest = min(end, midnight + timedelta(days=1)) - middle
        whole -= rest if facts.worked(own_day) else timedelta(0)
    assert whole == running(clock, middle, end, calendar)


@often
@given(limits(), rules(), instants(), st.data())
def test_a_pause_moves_the_deadline_by_what_the_clock_would_have_run(
    limit: Limit, facts: Rules, start: datetime, data: st.DataObject
) -> None:
    clock, amount = limit
    calendar = facts.made()
    drawn = data.draw(pauses_around(start))
    found = {p.start: p.end for p in drawn if p.end is not None}
    plain = deadline(clock, amount, start, calendar).at
    paused = deadline(
        clock, amount, start, calendar, [Pause(*both) for both in found.items()]
    ).at
    assert plain is not None
    assert paused is not None
    assert plain <= paused
    held, here = timedelta(0), start
    for pause_start, pause_end in sorted(found.items()):
        begins, ends = max(here, pause_start), min(paused, pause_end)
        if begins < ends:
            held += running(clock, start, ends, calendar)
            held -= running(clock, start, begins, calendar)
            here = ends
    assert running(clock, start, paused, calendar) - held == length_of(clock, amount)


@often
@given(limits(), rules(), instants(), st.data())
def test_pauses_count_once_in_whatever_order_and_pieces_they_come(
    limit: Limit, facts: Rules, start: datetime, data: st.DataObject
) -> None:
    clock, amount = limit
    calendar = facts.made()
    found = data.draw(pauses_around(start))
    expected = deadline(clock, amount, start, calendar, found)
    pieces: list[Pause] = []
    for pause in found:
        cut = pause.start + timedelta(minutes=data.draw(st.integers(0, 500)))
        if pause.end is not None:
            cut = min(cut, pause.end)
        pieces += [Pause(pause.start, cut), Pause(cut, pause.end)]
    shuffled = data.draw(st.permutations(pieces + found))
    assert deadline(clock, amount, start, calendar, shuffled) == expected


@often
@given(limits(), rules(), instants(), st.data())
def test_what_is_not_provisional_stays_whatever_is_published_later(
    limit: Limit, facts: Rules, start: datetime, data: st.DataObject
) -> None:
    clock, amount = limit
    pauses = data.draw(pauses_around(start))
    now = deadline(clock, amount, start, facts.made(), pauses)
    assume(not now.provisional)
    new_days = data.draw(st.dictionaries(days, st.booleans(), min_size=1, max_size=30))
    news = {day: worked for day, worked in new_days.items() if day.year not in facts.published}
    later = Rules({**facts.special, **news}, facts.published, facts.hours, facts.later)
    assert deadline(clock, amount, start, later.made(), pauses) == now


@often
@given(limits(), rules(), instants(), st.floats(0.01, 1), st.floats(0.01, 1))
def test_warnings_come_in_order_and_the_whole_is_the_deadline(
    limit: Limit, facts: Rules, start: datetime, one: float, other: float
) -> None:
    clock, amount = limit
    calendar = facts.made()
    low, high = sorted((one, other))
    first = part(clock, amount, start, calendar, low).at
    second = part(clock, amount, start, calendar, high).at
    due = deadline(clock, amount, start, calendar)
    assert first is not None
    assert second is not None
    assert due.at is not None
    assert start < first <= second <= due.at
    assert part(clock, amount, start, calendar, 1.0) == due
