"""Whether a person may have what she wishes: pure rules over what was read under the locks."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.places import Place
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.policies import (
    Audience,
    Measure,
    Owner,
    Quota,
    Scope,
    Strikes,
    Terms,
    Window,
)
from neighborhood_api.registrations.reasons import Reason, Why, reason
from neighborhood_api.registrations.states import COUNTED_BY_QUOTA, LIVE, State
from neighborhood_api.registrations.wishes import Applicant, Wish

_MINUTE = timedelta(minutes=1)
_TIME_OF_HER_OWN = frozenset({State.HELD, State.PENDING, State.CONFIRMED, State.CHECKED_IN})
"""What fills the day of whoever comes; waiting for several things at once is allowed."""


class Had(NamedTuple):
    """Something that the person or her household has, or had."""

    id: UUID
    resource_id: UUID
    resource_name: str
    group_id: UUID
    kind: str
    district_id: UUID
    state: str
    starts_at: datetime
    ends_at: datetime
    until: datetime | None
    who_id: UUID
    """Who comes, also where she could not be given the time of what a guest had."""
    person_id: UUID | None
    household_id: UUID | None
    cancelled_late: bool

    def over(self, now: datetime) -> bool:
        """Tell whether it is a hold or an offer that has run out."""
        return self.until is not None and self.until <= now and self.state in _RUN_OUT


class Struck(NamedTuple):
    """A strike that was not lifted."""

    struck_at: datetime
    expires_at: datetime
    """By the terms under which it was given."""


class Suspension(NamedTuple):
    """Until when somebody may not register, and what led to it."""

    until: datetime
    strikes: tuple[Struck, ...]


class Of(NamedTuple):
    """Over what the quotas of a wish count."""

    resource_id: UUID
    group_id: UUID
    kind: str
    district_id: UUID


_RUN_OUT = frozenset({State.HELD.value, State.OFFERED.value})
_SENTENCE = {
    (Owner.PERSON, Window.DAY): "每人每天最多{limit}",
    (Owner.PERSON, Window.WEEK): "每人每周最多{limit}",
    (Owner.PERSON, Window.MONTH): "每人每月最多{limit}",
    (Owner.PERSON, Window.OPEN): "每人未结束的预约最多{limit}",
    (Owner.HOUSEHOLD, Window.DAY): "每户每天最多{limit}",
    (Owner.HOUSEHOLD, Window.WEEK): "每户每周最多{limit}",
    (Owner.HOUSEHOLD, Window.MONTH): "每户每月最多{limit}",
    (Owner.HOUSEHOLD, Window.OPEN): "每户未结束的预约最多{limit}",
}


def party(terms: Terms, wish: Wish, capacity: int | None = None) -> list[Reason]:
    """Judge how many come; more than there are seats would wait in vain."""
    if wish.seats < terms.smallest_party:
        least = terms.smallest_party
        text = f"至少{least}人才能预约"
        return [reason(Why.PARTY_TOO_SMALL, text, smallest_party=least)]
    most = min(terms.largest_party, capacity or terms.largest_party)
    if wish.seats > most:
        return [reason(Why.PARTY_TOO_LARGE, f"最多{most}人", largest_party=most)]
    return []


def audience(
    whom: Audience, serves: Place, applicant: Applicant, on: date, *, names: str
) -> list[Reason]:
    """Judge who comes: where she lives, and how old she is on the day of the use.

    `names` says, for the message, whose residents it is for.
    """
    found: list[Reason] = []
    home = applicant.home
    living = home is not None and all(
        node is None or node == home[level] for level, node in enumerate(serves)
    )
    if living and whom.node_ids:
        living = any(node in whom.node_ids for node in home or ())
    if not living:
        text = f"面向{names}的居民；如您住在这里，请先填写或更新居住地址"
        found.append(reason(Why.NOT_FOR_YOUR_PLACE, text, node_id=str(serves.node_id)))
    return found + _age(whom, applicant, on)


def _age(whom: Audience, applicant: Applicant, on: date) -> list[Reason]:
    if whom.youngest is None and whom.oldest is None:
        return []
    born = applicant.born_on
    if born is None:
        return [reason(Why.AGE_UNKNOWN, "对年龄有要求，请先登记参加人的出生年月")]
    if born > on:
        return [reason(Why.AGE_UNKNOWN, "出生年月晚于使用日期，请检查后重新填写")]
    age = on.year - born.year - (on.month < born.month)
    if whom.youngest is not None and age < whom.youngest:
        least = whom.youngest
        return [reason(Why.TOO_YOUNG, f"需年满{least}周岁", youngest=least, age=age)]
    if whom.oldest is not None and age > whom.oldest:
        most = whom.oldest
        return [reason(Why.TOO_OLD, f"限{most}周岁及以下", oldest=most, age=age)]
    return []


def suspension(rules: Strikes, struck: Sequence[Struck], now: datetime) -> list[Reason]:
    """Judge how reliable she was."""
    found = suspended_by(rules, struck, now)
    if found is None:
        return []
    day = found.until.astimezone(SHOWN_ZONE)
    count = len(found.strikes)
    return [
        reason(
            Why.SUSPENDED,
            f"近期爽约{count}次，{day:%Y-%m-%d %H:%M}后可再预约",
            strikes=count,
            limit=rules.limit,
            until=day.isoformat(),
        )
    ]


def suspended_by(rules: Strikes, struck: Sequence[Struck], now: datetime) -> Suspension | None:
    """Return until when she may not register, and for which strikes; None when she may now.

    So many strikes suspend from the last of them on, if none had expired by then.
    """
    found = None
    for last in sorted(struck):
        run = [one for one in struck if one.struck_at <= last.struck_at < one.expires_at]
        until = last.struck_at + timedelta(days=rules.suspension_days)
        if len(run) >= rules.limit and now < until:
            found = Suspension(until, tuple(run))
    return found


def own_time(
    applicant: Applicant, wish: Wish, had: Iterable[Had], *, now: datetime, but: UUID | None
) -> list[Reason]:
    """Judge whether whoever comes is somewhere else, or is registered for this already."""
    found: list[Reason] = []
    for one in had:
        if one.id == but or one.who_id != applicant.who_id or one.over(now):
            continue
        if one.state not in _TIME_OF_HER_OWN:
            continue
        if one.starts_at < wish.ends_at and wish.starts_at < one.ends_at:
            span = f"{_shown(one.starts_at)}–{one.ends_at.astimezone(SHOWN_ZONE):%H:%M}"
            found.append(
                reason(
                    Why.OVERLAPS_OWN_BOOKING,
                    f"与已有的“{one.resource_name}”({span})时间冲突",
                    booking_id=str(one.id),
                )
            )
    return found


def twice(
    applicant: Applicant, wish: Wish, of: Of, had: Iterable[Had], *, now: datetime
) -> list[Reason]:
    """Judge whether the same was asked for before and still stands."""
    for one in had:
        same = one.resource_id == of.resource_id and one.starts_at == wish.starts_at
        live = one.state in LIVE and not one.over(now)
        if same and live and one.who_id == applicant.who_id:
            text = "已经预约或报名，无需重复提交"
            return [reason(Why.ALREADY_REGISTERED, text, booking_id=str(one.id))]
    return []


def quotas(
    terms: Terms,
    applicant: Applicant,
    wish: Wish,
    of: Of,
    had: Iterable[Had],
    *,
    now: datetime,
    but: UUID | None = None,
) -> list[Reason]:
    """Judge how much the person and her household have already."""
    mine = [one for one in had if one.id != but and not one.over(now) and _counts(one)]
    found = []
    for quota in terms.quotas:
        by_person = quota.owner is Owner.PERSON
        owner_id = applicant.who_id if by_person else applicant.household_id
        if owner_id is None:
            continue
        counted = [
            one
            for one in mine
            if _owner(quota, one) == owner_id
            and _within(quota, of, one)
            and _in_window(quota, wish, one, now)
        ]
        used = _measured(quota, [(one.starts_at, one.ends_at) for one in counted])
        asked = _measured(quota, [(wish.starts_at, wish.ends_at)])
        if used + asked > quota.limit:
            found.append(_exceeded(quota, used, asked))
    return found


def earliest_counted(wish: Wish, now: datetime) -> datetime:
    """Return since when what somebody had can matter for a wish."""
    month = local_day(wish.starts_at).replace(day=1)
    week = local_day(wish.starts_at) - timedelta(days=6)
    first = datetime.combine(min(month, week), time(), SHOWN_ZONE)
    return min(first, now)


def _counts(one: Had) -> bool:
    return one.state in COUNTED_BY_QUOTA or one.cancelled_late


def _owner(quota: Quota, one: Had) -> UUID | None:
    return one.who_id if quota.owner is Owner.PERSON else one.household_id


def _within(quota: Quota, of: Of, one: Had) -> bool:
    if quota.scope is Scope.RESOURCE:
        return one.resource_id == of.resource_id
    if one.kind != of.kind:
        return False
    if quota.scope is Scope.GROUP:
        return one.group_id == of.group_id
    return one.district_id == of.district_id


def _in_window(quota: Quota, wish: Wish, one: Had, now: datetime) -> bool:
    if quota.window is Window.OPEN:
        return one.state in LIVE and one.ends_at > now
    day, other = local_day(wish.starts_at), local_day(one.starts_at)
    if quota.window is Window.DAY:
        return day == other
    if quota.window is Window.WEEK:
        return day.isocalendar()[:2] == other.isocalendar()[:2]
    return (day.year, day.month) == (other.year, other.month)


def _measured(quota: Quota, spans: Iterable[tuple[datetime, datetime]]) -> int:
    if quota.measure is Measure.TIMES:
        return len(list(spans))
    return sum((ends - starts) // _MINUTE for starts, ends in spans)


def _exceeded(quota: Quota, used: int, asked: int) -> Reason:
    unit = "次" if quota.measure is Measure.TIMES else "分钟"
    most = _SENTENCE[quota.owner, quota.window].format(limit=f"{quota.limit}{unit}")
    return reason(
        Why.QUOTA_EXCEEDED,
        f"{most}，已有{used}{unit}",
        owner=quota.owner.value,
        window=quota.window.value,
        measure=quota.measure.value,
        scope=quota.scope.value,
        limit=quota.limit,
        used=used,
        asked=asked,
    )


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(SHOWN_ZONE):%m-%d %H:%M}"
