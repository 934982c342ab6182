"""What stands against a wish: quotas, times of one's own, strikes, age and place."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from neighborhood_api.identity.places import Place
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations import judging
from neighborhood_api.registrations.judging import Had, Of, Struck
from neighborhood_api.registrations.policies import Audience, Quota, Strikes, Terms
from neighborhood_api.registrations.states import State
from neighborhood_api.registrations.wishes import Applicant, Wish

ME, MY_HOUSEHOLD = new_id(), new_id()
HERE = Of(new_id(), new_id(), "room", new_id())
MONDAY = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""Noon in China."""
NOW = MONDAY - timedelta(days=3)
HOUR = timedelta(hours=1)


def had(starts_at: datetime, *, of: Of = HERE, **changes: Any) -> Had:  # noqa: ANN401
    values: dict[str, Any] = {
        "id": new_id(),
        "resource_id": of.resource_id,
        "resource_name": "阅览室",
        "group_id": of.group_id,
        "kind": of.kind,
        "district_id": of.district_id,
        "state": State.CONFIRMED.value,
        "starts_at": starts_at,
        "ends_at": starts_at + HOUR,
        "until": None,
        "who_id": ME,
        "person_id": ME,
        "household_id": MY_HOUSEHOLD,
        "cancelled_late": False,
    }
    return Had(**values | changes)


def used(
    quota: dict[str, Any],
    *before: Had,
    starts_at: datetime = MONDAY,
    minutes: int = 60,
    now: datetime = NOW,
    applicant: Applicant | None = None,
    but: Had | None = None,
) -> int | None:
    """How much of a quota is used up; None while the wish fits it."""
    terms = Terms(quotas=(Quota(**quota),))
    wish = Wish(starts_at, starts_at + timedelta(minutes=minutes))
    who = applicant or Applicant(ME, MY_HOUSEHOLD)
    found: list[Any] = judging.quotas(
        terms, who, wish, HERE, before, now=now, but=but.id if but else None
    )
    if not found:
        return None
    (one,) = found
    assert one["used"] + one["asked"] > one["limit"]
    amount: int = one["used"]
    return amount


@pytest.mark.parametrize(
    ("window", "wished", "other", "together"),
    [
        ("day", MONDAY, MONDAY + 11 * HOUR, True),
        ("day", MONDAY, MONDAY + 12 * HOUR, False),
        ("week", MONDAY - 12 * HOUR, MONDAY + 6 * timedelta(days=1), True),
        ("week", MONDAY - 13 * HOUR, MONDAY, False),
        # ISO weeks do not end with the year: 31 December 2026 is a Thursday.
        (
            "week",
            datetime(2026, 12, 31, 4, tzinfo=UTC),
            datetime(2027, 1, 3, 4, tzinfo=UTC),
            True,
        ),
        (
            "week",
            datetime(2027, 1, 3, 4, tzinfo=UTC),
            datetime(2027, 1, 4, 4, tzinfo=UTC),
            False,
        ),
        (
            "month",
            datetime(2026, 11, 30, 15, tzinfo=UTC),
            datetime(2026, 10, 31, 16, tzinfo=UTC),
            True,
        ),
        (
            "month",
            datetime(2026, 11, 30, 15, tzinfo=UTC),
            datetime(2026, 11, 30, 16, tzinfo=UTC),
            False,
        ),
    ],
)
def test_a_window_is_a_civil_period_in_china(
    window: str, wished: datetime, other: datetime, *, together: bool
) -> None:
    quota: dict[str, Any] = {"owner": "person", "window": window, "limit": 1}
    for one, two in ((wished, other), (other, wished)):
        assert used(quota, had(two), starts_at=one, now=one - 40 * 24 * HOUR) == (
            1 if together else None
        )


def test_what_is_read_reaches_back_as_far_as_any_window() -> None:
    for day in range(40):
        starts_at = datetime(2026, 12, 15, 4, tzinfo=UTC) + timedelta(days=day)
        wish = Wish(starts_at, starts_at + HOUR)
        since = judging.earliest_counted(wish, starts_at)
        local = (starts_at + timedelta(hours=8)).date()
        monday = local - timedelta(days=local.weekday())
        midnight = datetime(local.year, local.month, 1, tzinfo=UTC) - timedelta(hours=8)
        week = datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
        assert since <= min(midnight, week - timedelta(hours=8), starts_at)


def test_what_is_open_counts_until_it_ends_whenever_it_is() -> None:
    quota: dict[str, Any] = {"owner": "person", "window": "open", "limit": 2}
    far = had(MONDAY + 60 * 24 * HOUR, state=State.WAITLISTED.value)
    under_way = had(NOW - HOUR / 2, state=State.CHECKED_IN.value)
    assert used(quota, far, under_way) == 2
    assert used(quota, far, under_way, now=NOW + HOUR / 2) is None
    assert used(quota, far, had(NOW - HOUR / 2, state=State.COMPLETED.value)) is None


def test_quotas_count_minutes_too() -> None:
    quota: dict[str, Any] = {
        "owner": "person",
        "window": "day",
        "limit": 120,
        "measure": "minutes",
    }
    assert used(quota, had(MONDAY + HOUR), minutes=60) is None
    assert used(quota, had(MONDAY + HOUR), minutes=61) == 60


def test_quotas_count_over_a_resource_a_venue_or_a_kind_in_the_district() -> None:
    venue = Of(new_id(), HERE.group_id, "room", HERE.district_id)
    town = Of(new_id(), new_id(), "room", HERE.district_id)
    abroad = Of(new_id(), new_id(), "room", new_id())
    session = Of(new_id(), HERE.group_id, "session", HERE.district_id)
    before = [had(MONDAY, of=of) for of in (HERE, venue, town, abroad, session)]
    counted = {
        scope: used({"owner": "person", "window": "week", "limit": 1, "scope": scope}, *before)
        for scope in ("resource", "group", "kind")
    }
    assert counted == {"resource": 1, "group": 2, "kind": 3}


def test_a_household_shares_its_quota_and_a_child_has_one_of_its_own() -> None:
    child, sibling = new_id(), new_id()
    for_child = Applicant(ME, MY_HOUSEHOLD, participant_id=child)
    before = [
        had(MONDAY, who_id=sibling),
        had(MONDAY + HOUR),
        had(MONDAY + 2 * HOUR, person_id=new_id(), who_id=new_id()),
    ]
    person = {"owner": "person", "window": "week", "limit": 1}
    household = {"owner": "household", "window": "week", "limit": 3}
    assert used(person, *before, applicant=for_child) is None
    assert used(person, *before, had(MONDAY, who_id=child), applicant=for_child) == 1
    assert used(household, *before, applicant=for_child) == 3
    assert used(household, *before, applicant=Applicant(ME)) is None


def test_only_what_is_had_or_was_given_up_late_counts() -> None:
    quota: dict[str, Any] = {"owner": "person", "window": "week", "limit": 1}
    counts = {
        state
        for state in State
        if used(quota, had(MONDAY, state=state.value, until=NOW + HOUR)) is not None
    }
    over = {State.REJECTED, State.CANCELLED, State.EXPIRED}
    assert counts == set(State) - over
    late = had(MONDAY, state=State.CANCELLED.value, cancelled_late=True)
    assert used(quota, late) == 1
    for state in ("held", "offered"):
        assert used(quota, had(MONDAY, state=state, until=NOW)) is None
    kept = had(MONDAY)
    assert used(quota, kept, but=kept) is None


def times_clash(one: Had, *, but: Had | None = None, who: Applicant | None = None) -> bool:
    wish = Wish(MONDAY, MONDAY + HOUR)
    applicant = who or Applicant(ME)
    found = judging.own_time(applicant, wish, [one], now=NOW, but=but.id if but else None)
    return bool(found)


def test_nobody_is_in_two_places_but_may_wait_in_several() -> None:
    assert times_clash(had(MONDAY + HOUR / 2))
    assert times_clash(had(MONDAY - HOUR / 2))
    assert not times_clash(had(MONDAY + HOUR))
    assert not times_clash(had(MONDAY - HOUR))
    clashing = {s for s in State if times_clash(had(MONDAY, state=s.value))}
    assert clashing == {State.HELD, State.PENDING, State.CONFIRMED, State.CHECKED_IN}
    assert not times_clash(had(MONDAY, state="held", until=NOW))
    kept = had(MONDAY)
    assert not times_clash(kept, but=kept)
    assert not times_clash(had(MONDAY, who_id=new_id()))
    assert not times_clash(had(MONDAY), who=Applicant(ME, participant_id=new_id()))


def test_the_same_is_not_registered_twice_while_it_lives() -> None:
    wish = Wish(MONDAY, MONDAY + HOUR)

    def again(one: Had) -> bool:
        return bool(judging.twice(Applicant(ME), wish, HERE, [one], now=NOW))

    live = {s for s in State if again(had(MONDAY, state=s.value))}
    assert live == {
        State.HELD,
        State.PENDING,
        State.ENTERED,
        State.WAITLISTED,
        State.OFFERED,
        State.CONFIRMED,
        State.CHECKED_IN,
    }
    assert not again(had(MONDAY + HOUR))
    assert not again(had(MONDAY, state="held", until=NOW))
    assert not again(had(MONDAY, of=Of(new_id(), HERE.group_id, "room", HERE.district_id)))


def struck_on(day: float, counts_for: int) -> Struck:
    """A strike of that day that expires so many days later."""
    at = MONDAY + timedelta(days=day)
    return Struck(at, at + timedelta(days=counts_for))


def until(days: list[float], now_day: float) -> float | None:
    """The day on which a suspension ends, by the days of the strikes."""
    rules = Strikes(limit=3, suspension_days=14)
    now = MONDAY + timedelta(days=now_day)
    found = judging.suspended_by(rules, [struck_on(day, 30) for day in days], now)
    return None if found is None else (found.until - MONDAY) / timedelta(days=1)


def test_so_many_strikes_within_the_window_suspend_from_the_last_on() -> None:
    assert until([0, 10], 10) is None
    assert until([0, 10, 29], 29) == 43
    assert until([0, 10, 30], 30) is None  # the first has expired at that moment
    assert until([0, 10, 29], 42.9) == 43
    assert until([0, 10, 29], 43) is None
    assert until([0, 10, 29, 35], 36) == 49  # 10, 29, 35
    assert until([0, 10, 29, 40], 41) == 43  # the one of day 10 expires on day 40
    assert until([29, 0, 10], 31) == 43


def test_each_strike_counts_as_long_as_it_was_given_for() -> None:
    rules = Strikes(limit=2, window_days=30, suspension_days=5)
    for counts_for, suspends in ((10, False), (11, True)):
        struck = [struck_on(0, counts_for), struck_on(10, 1)]
        found = judging.suspended_by(rules, struck, MONDAY + timedelta(days=12))
        assert (found is not None) is suspends


def test_a_suspension_says_until_when_and_how_many_strikes_led_to_it() -> None:
    rules = Strikes(limit=2, suspension_days=5)
    struck = [struck_on(day, 10) for day in (-30, 0, 3)]
    (why,) = judging.suspension(rules, struck, MONDAY + timedelta(days=4))
    assert (why["strikes"], why["limit"]) == (2, 2)
    assert why["until"] == "2026-12-01T12:00:00+08:00"
    assert why["message"] == "近期爽约2次，2026-12-01 12:00后可再预约"


@pytest.mark.parametrize(
    ("born_on", "code"),
    [
        (None, "age_unknown"),
        (date(2014, 12, 1), "too_young"),
        (date(2014, 11, 1), None),
        (date(2008, 12, 1), None),
        (date(2008, 11, 1), "too_old"),
    ],
)
def test_ages_are_those_of_the_day_of_the_use(born_on: date | None, code: str | None) -> None:
    serves = Place.of(new_id(), None, None, None, None)
    whom = Audience(youngest=12, oldest=17)
    who = Applicant(ME, home=serves, born_on=born_on)
    found = judging.audience(whom, serves, who, date(2026, 11, 30), names="本县")
    assert [one["code"] for one in found] == ([code] if code else [])


def test_it_is_for_those_who_live_where_it_serves() -> None:
    district, street, other = new_id(), new_id(), new_id()
    serves = Place.of(district, street, None, None, None)
    inside = Place.of(district, street, new_id(), new_id(), new_id())
    outside = Place.of(district, other, new_id(), new_id(), new_id())

    def refused(home: Place | None, *nodes: Any) -> bool:  # noqa: ANN401
        whom = Audience(node_ids=nodes)
        who = Applicant(ME, home=home)
        found = judging.audience(whom, serves, who, date(2026, 11, 30), names="本街道")
        return [one["code"] for one in found] == ["not_for_your_place"]

    assert not refused(inside)
    assert refused(outside)
    assert refused(None)
    assert not refused(inside, inside[3])
    assert refused(inside, new_id())


def test_a_party_fits_the_terms_and_the_room() -> None:
    terms = Terms(smallest_party=2, largest_party=6)
    codes = {
        seats: [one["code"] for one in judging.party(terms, Wish(MONDAY, MONDAY, seats), 5)]
        for seats in (1, 2, 5, 6)
    }
    many = ["party_too_large"]
    assert codes == {1: ["party_too_small"], 2: [], 5: [], 6: many}
    (why,) = judging.party(terms, Wish(MONDAY, MONDAY, 6), 5)
    assert why["largest_party"] == 5
    assert not judging.party(terms, Wish(MONDAY, MONDAY, 6))
