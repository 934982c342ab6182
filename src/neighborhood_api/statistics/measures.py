"""The numbers: which issues each counts, and the formulae as they are published.

A number and the list behind it are made of the same clause, so that they cannot differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, func, literal_column, not_

Clause = Callable[[Any], ColumnElement[bool]]


class Kind(StrEnum):
    """What a number is."""

    COUNT = "count"
    RATE = "rate"
    MINUTES = "minutes"


class Metric(StrEnum):
    """The name of a number."""

    OPENED = "opened"
    EXCLUDED = "excluded"
    ASSESSED = "assessed"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    OVERDUE = "overdue"
    RETURNED = "returned"
    PASSED_UP = "passed_up"
    URGED = "urged"
    RESPONSE = "response"
    SOLUTION = "solution"
    SATISFACTION = "satisfaction"
    RESOLUTION_IN_TIME = "resolution_in_time"
    REOPENED = "reopened"
    CHECK_IN = "check_in"
    FIRST_RESPONSE_MINUTES = "first_response_minutes"
    RESOLUTION_MINUTES = "resolution_minutes"
    RESOLUTION_NET_MINUTES = "resolution_net_minutes"


class Part(StrEnum):
    """Which of the issues behind a number."""

    OF = "of"
    HITS = "hits"
    MISSES = "misses"


@dataclass(frozen=True)
class Measure:
    """How one number is made."""

    kind: Kind
    name: str
    chinese: str
    english: str
    of: Clause
    """The issues that it is about."""
    hits: Clause | None = None
    """Of those, the ones that a rate counts."""
    value: str | None = None
    """The column that percentiles are taken of."""

    def clause(self, facts: FromClause, part: Part) -> ColumnElement[bool]:
        """Hold for the issues behind a part of the number.

        Raises: ValueError for hits of what is no rate.
        """
        of = self.of(facts.c)
        if part is Part.OF:
            return of
        if self.hits is None:
            raise ValueError(f"{self.name} has no hits")
        hit = func.coalesce(self.hits(facts.c), literal_column("false"))
        return and_(of, hit if part is Part.HITS else not_(hit))


def _assessed(c: Any) -> ColumnElement[bool]:  # noqa: ANN401  (columns of `facts`)
    kept: ColumnElement[bool] = not_(c.excluded)
    return kept


def _assessed_and(column: str) -> Clause:
    return lambda c: and_(_assessed(c), c[column])


def _assessed_where_known(column: str) -> Clause:
    return lambda c: and_(_assessed(c), c[column].is_not(None))


def _column(name: str) -> Clause:
    def clause(c: Any) -> ColumnElement[bool]:  # noqa: ANN401
        column: ColumnElement[bool] = c[name]
        return column

    return clause


def _count(name: str, chinese: str, english: str, of: Clause) -> Measure:
    return Measure(Kind.COUNT, name, chinese, english, of)


def _rate(name: str, chinese: str, english: str, of: Clause, hits: str) -> Measure:
    return Measure(Kind.RATE, name, chinese, english, of, _column(hits))


def _time(name: str, chinese: str, english: str, of: Clause, value: str) -> Measure:
    return Measure(Kind.MINUTES, name, chinese, english, of, value=value)


_OF_ITS_OWN = "并案的诉求随主件考核，不单独计入；并案时期限已过的，仍计为未按时。"
_OWN = (
    "Merged issues are judged with the issue that they were merged into; a limit that had "
    "passed before that stays missed."
)

MEASURES: dict[Metric, Measure] = {
    Metric.OPENED: _count(
        "受理量",
        "期间内（按北京时间的日期）上报的全部诉求。",
        "Every issue reported in the period (days in China).",
        lambda _: literal_column("true"),
    ),
    Metric.EXCLUDED: _count(
        "不纳入考核",
        "其中经申请并由第二人批准、目前不纳入考核的诉求；须有原因，可逐件查看。",
        "Those not assessed now: asked for with a reason, approved by a second person.",
        _column("excluded"),
    ),
    Metric.ASSESSED: _count(
        "考核量", "受理量 − 不纳入考核。", "Opened minus excluded.", _assessed
    ),
    Metric.MERGED: _count(
        "并案",
        "考核量中目前并入其他诉求办理的。",
        "Assessed issues that are handled with another one.",
        _assessed_and("merged"),
    ),
    Metric.WITHDRAWN: _count(
        "撤回",
        "考核量中诉求人已撤回的。",
        "Assessed issues that the reporter withdrew.",
        _assessed_and("withdrawn"),
    ),
    Metric.REJECTED: _count(
        "不予受理",
        "考核量中目前不予受理的。",
        "Assessed issues that are refused now.",
        _assessed_and("rejected"),
    ),
    Metric.OVERDUE: _count(
        "目前超期",
        "考核量中仍在办理，且办结期限已过，或响应期限已过而尚未响应的（以统计时刻为准）。",
        "Assessed issues still in hand whose resolve limit has passed, or whose respond limit "
        "has passed without a response, at the moment of counting.",
        _assessed_and("overdue"),
    ),
    Metric.RETURNED: _count(
        "退单",
        "考核量中被退单至少一次的。",
        "Assessed issues that were returned at least once.",
        _assessed_and("returned"),
    ),
    Metric.PASSED_UP: _count(
        "上报",
        "考核量中上报上一级至少一次的（含逾期未受理自动上报）。",
        "Assessed issues that were passed up at least once, by people or by time.",
        _assessed_and("passed_up"),
    ),
    Metric.URGED: _count(
        "催办",
        "考核量中诉求人催办至少一次的。",
        "Assessed issues that the reporter urged at least once.",
        _assessed_and("urged"),
    ),
    Metric.RESPONSE: _rate(
        "响应率",
        "按时响应 ÷ 应响应。应响应：考核量中已首次响应的，"
        "或响应期限已过（在结束、撤回之前）的；"
        f"期限未到且未响应的暂不计。{_OF_ITS_OWN}"
        "按时响应：首次响应时间不晚于响应期限（响应指联系、询问、办结或不予受理答复）。",
        "Responded in time / judged. Judged: assessed issues that were responded to, or whose "
        "respond limit passed before they were over; those still within it do not count yet. "
        f"{_OWN} In time: the first response (contact, question, result or refusal) not after "
        "the respond limit.",
        _assessed_and("response_judged"),
        "response_in_time",
    ),
    Metric.SOLUTION: _rate(
        "解决率",
        "诉求人认为已解决 ÷ 诉求人已表态。以诉求人说的为准：本人确认办结为已解决；"
        "要求重办后尚无新结果的为未解决；本人未表态的，以对本次办理的电话回访为准；"
        "既未表态也未回访到的不计入。",
        "Solved as the reporter says / those who said. Her confirmation counts as solved; a "
        "reopening without a new result counts as not solved; where she entered nothing, what "
        "she said when called back about the present handling; the silent do not count.",
        _assessed_where_known("solved"),
        "solved",
    ),
    Metric.SATISFACTION: _rate(
        "满意率",
        "满意 ÷ 已评价。最近一次评价 3 分（基本满意）及以上为满意；从未评价的，"
        "以对本次办理的电话回访是否满意为准；都没有的不计入。",
        "Satisfied / rated. Satisfied: the newest rating is 3 or better; where there is none,"
        " what she said when called back about the present handling; others do not "
        "count.",
        _assessed_where_known("satisfied"),
        "satisfied",
    ),
    Metric.RESOLUTION_IN_TIME: _rate(
        "按时办结率",
        "按时办结 ÷ 应办结。应办结：考核量中已有办理结果的，"
        "或办结期限已过（在结束、撤回之前）的；"
        f"等待补充、挂账期间期限暂停，未到期的暂不计。{_OF_ITS_OWN}"
        "按时办结：现有结果的时间不晚于办结期限（重办的时间累计，等待诉求人确认的时间不算）。",
        "Resolved in time / judged. Judged: assessed issues that have a result, or whose "
        "resolve limit passed before they were over; the limit rests while an issue waits for "
        f"its reporter or is suspended. {_OWN} In time: the present result not after the "
        "resolve limit; after a reopening the clock goes on where it stood.",
        _assessed_and("resolution_judged"),
        "resolution_in_time",
    ),
    Metric.REOPENED: _rate(
        "重办率",
        "被要求重办至少一次 ÷ 办出过结果（含对不予受理提出异议的）。",
        "Reopened at least once / those that ever had a result, objections to refusals "
        "included.",
        lambda c: and_(_assessed(c), c.resolved | c.reopened),
        "reopened",
    ),
    Metric.CHECK_IN: _rate(
        "报到率",
        "所有应报到部门都按时报到的诉求 ÷ 有部门应报到的诉求。"
        "应报到：已报到的，或报到期限已过（在解除之前）的。",
        "Issues to which every department due checked in in time / issues to which some "
        "department was due: it came, or its limit passed before it was released.",
        _assessed_where_known("checked_in_in_time"),
        "checked_in_in_time",
    ),
    Metric.FIRST_RESPONSE_MINUTES: _time(
        "首次响应用时",
        "考核量中已响应的，从上报到首次响应的自然分钟数：中位数、80 和 90 百分位（线性插值）。",
        "Wall-clock minutes from the report to the first response, of assessed issues that "
        "were responded to: median, 80th and 90th percentile (linear interpolation).",
        _assessed_and("responded"),
        "first_response",
    ),
    Metric.RESOLUTION_MINUTES: _time(
        "办结用时",
        "考核量中现有结果且未并案的，从上报到现有结果的自然分钟数：中位数、80 和 90 百分位。",
        "Wall-clock minutes from the report to the present result, of assessed issues that "
        "have one and were not merged.",
        lambda c: and_(_assessed(c), c.resolved, not_(c.merged)),
        "resolution_wall",
    ),
    Metric.RESOLUTION_NET_MINUTES: _time(
        "办结净用时",
        "同上，减去期限暂停的时间（等待补充、挂账、重办前等待诉求人）。",
        "The same without the time in which the clock rested: waiting for the reporter, "
        "suspended, or settled before a reopening.",
        lambda c: and_(_assessed(c), c.resolved, not_(c.merged)),
        "resolution_net",
    ),
}
