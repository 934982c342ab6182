"""`python -m benchmarks.boston requests.csv`: our clocks against a city's own deadlines.

Reads service requests as Boston publishes them (columns `open_dt`, `target_dt`, `closed_dt`,
`ontime`, `type`; Open Data Commons licence), judges them anew, and finds out by which clock
and limit each kind of request got its target. Wall times are taken as they stand.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from neighborhood_api.schedules.calendar import OfficeHours, WorkingCalendar
from neighborhood_api.schedules.clocks import Clock, deadline, running

WALL = timezone(timedelta(hours=8))
"""The offset that our clocks count days in: it makes a wall time count as it stands."""
OPENS, CLOSES = 8 * 60 + 30, 17 * 60
OFFICE = OfficeHours.daily((OPENS, CLOSES))
YEARS = frozenset(range(2011, 2061))
HOLIDAYS = (
    (2011, 7, 4),
    (2011, 9, 5),
    (2011, 10, 10),
    (2011, 11, 11),
    (2011, 11, 24),
    (2011, 12, 26),
    (2012, 1, 2),
    (2012, 1, 16),
    (2012, 2, 20),
    (2012, 4, 16),
)
"""Of the United States and of Massachusetts, as far as targets reach in numbers."""
PLAIN = WorkingCalendar(OFFICE, {}, YEARS)
WITH_HOLIDAYS = WorkingCalendar(OFFICE, {date(*day): False for day in HOLIDAYS}, YEARS)
SUMMER_TIME_ENDS = datetime(2011, 11, 6, 2, tzinfo=WALL)
LATENCY = timedelta(minutes=2)
"""Targets lie a few seconds early: their clock started before the request was stored."""
HALF_HOUR = timedelta(minutes=30)
DAY_OF = {Clock.CALENDAR: timedelta(days=1), Clock.WORKING_HOURS: timedelta(minutes=510)}
FRIDAY = 4


class Request(NamedTuple):
    """A service request, as far as time is concerned."""

    kind: str
    opened: datetime
    target: datetime | None
    closed: datetime | None
    flag: str


class Rule(NamedTuple):
    """A limit on a clock, and how many requests of its kind it explains."""

    clock: Clock
    limit: timedelta
    explained: int

    def told(self) -> str:
        """Return the limit in days of the clock."""
        days = self.limit / DAY_OF[self.clock]
        return f"{days:g} {'office' if self.clock is Clock.WORKING_HOURS else 'calendar'} days"

    def due(self, request: Request, calendar: WorkingCalendar) -> datetime:
        """Return the deadline by our clock."""
        minutes = round(self.limit / timedelta(minutes=1))
        at = deadline(self.clock, minutes, request.opened, calendar).at
        if at is None:
            raise AssertionError("nothing was paused")
        return at


def read(path: Path) -> list[Request]:
    """Read the requests of a file."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Request(
                row["type"],
                _moment(row["open_dt"]) or datetime.min.replace(tzinfo=WALL),
                _moment(row["target_dt"]),
                _moment(row["closed_dt"]),
                row["ontime"],
            )
            for row in csv.DictReader(lines)
        ]


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=WALL) if text else None


def judge(request: Request, target: datetime | None, extracted: datetime) -> str:
    """Return the flag: an open request is late when its target passed before the extraction."""
    late = target is not None and (request.closed or extracted) > target
    return "OVERDUE" if late else "ONTIME"


def implied(
    clock: Clock, request: Request, calendar: WorkingCalendar, since: datetime | None = None
) -> timedelta:
    """Return how long the clock ran until the request's target."""
    if request.target is None:
        raise AssertionError("only requests with a target are looked at")
    return running(clock, since or request.opened, request.target, calendar)


def infer(requests: Iterable[Request], calendar: WorkingCalendar) -> dict[str, Rule]:
    """Find for each kind the clock and limit that explain most of its targets."""
    kinds: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        kinds[request.kind].append(request)
    return {kind: max(_candidates(of, calendar), key=_worth) for kind, of in kinds.items()}


def _candidates(requests: list[Request], calendar: WorkingCalendar) -> Iterator[Rule]:
    for clock in DAY_OF:
        lengths = [implied(clock, request, calendar) for request in requests]
        rounded = Counter(round(length / HALF_HOUR) * HALF_HOUR for length in lengths)
        for common, _ in rounded.most_common(3):
            limit = max(common, HALF_HOUR)
            near = sum(abs(length - limit) <= LATENCY for length in lengths)
            yield Rule(clock, limit, near)


def _worth(rule: Rule) -> tuple[int, bool]:
    return rule.explained, rule.clock is Clock.CALENDAR


def explains(
    rule: Rule, request: Request, calendar: WorkingCalendar, since: datetime | None = None
) -> bool:
    """Tell whether the target is the rule's: no time of the clock lies between the two."""
    return abs(implied(rule.clock, request, calendar, since) - rule.limit) <= LATENCY


def why_not(rule: Rule, request: Request, calendar: WorkingCalendar) -> str:
    """Say why a target is not the rule's."""
    moved = _carried_into_monday(request.opened)
    if moved != request.opened and explains(rule, request, calendar, moved):
        return "opened on a weekend: the city carries the time of day into Monday"
    for clock, day in DAY_OF.items():
        for since in (request.opened, moved):
            days = round(implied(clock, request, calendar, since) / day)
            if days and explains(Rule(clock, days * day, 0), request, calendar, since):
                return "a whole number of days, but not the usual one of its kind"
    return "neither: moved by hand, or by a rule that we do not see"


def _carried_into_monday(opened: datetime) -> datetime:
    """Start as the city does: Monday at the same time, or the morning after when it is late."""
    start = opened
    while start.weekday() > FRIDAY:
        start += timedelta(days=1)
    if start != opened and start.hour * 60 + start.minute >= CLOSES:
        start = start.replace(hour=0, minute=0, second=0) + timedelta(days=1, minutes=OPENS)
    return start


def main(path: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Compare, and print the figures."""
    requests = read(path)
    with_target = [request for request in requests if request.target is not None]
    print(f"{len(requests)} requests, {len(with_target)} with a target")
    extracted = max(r.closed for r in requests if r.closed is not None)
    print_flags(requests, extracted)
    for name, calendar in (("Monday to Friday", PLAIN), ("with holidays", WITH_HOLIDAYS)):
        found = infer(with_target, calendar)
        explained = sum(rule.explained for rule in found.values())
        print(f"\n{name}: rules explain {_share(explained, len(with_target))} targets")
    rules = infer(with_target, PLAIN)
    print_rules(with_target, rules)
    print_rest(with_target, rules)
    print_flags_of_rules(with_target, rules, extracted)


def print_flags(requests: list[Request], extracted: datetime) -> None:
    """Judge by the published targets."""
    flagged = [r for r in requests if r.flag]
    right = sum(judge(r, r.target, extracted) == r.flag for r in flagged)
    print(f"\nFlags from target and closing: {_share(right, len(flagged))} agree")
    blank = [r for r in requests if not r.flag]
    late = sum(judge(r, r.target, extracted) == "OVERDUE" for r in blank)
    print(f"  {len(blank)} have no flag; {late} of them were closed late")
    print(f"  {sum(r.target is None for r in requests)} without target, all on time")
    open_ones = [r for r in requests if r.closed is None and r.target is not None]
    last = max(r.target for r in open_ones if r.target is not None)
    print(f"  {len(open_ones)} open: judged at the extraction, on or after {extracted:%F};")
    print(f"  the last of their targets is {last:%F}")
    print(f"  {sum(r.closed == r.target for r in requests)} closed at the very second")


def print_rules(requests: list[Request], rules: dict[str, Rule]) -> None:
    """Show the rules that were found, the most used first."""
    totals = Counter(request.kind for request in requests)
    clocks = Counter(rule.clock.value for rule in rules.values())
    print(
        f"\n{len(rules)} kinds: " + ", ".join(f"{n} on {clock}" for clock, n in clocks.items())
    )
    for kind, total in totals.most_common(25):
        print(
            f"  {kind[:45]:45} {rules[kind].told():>18} {_share(rules[kind].explained, total)}"
        )


def print_rest(requests: list[Request], rules: dict[str, Rule]) -> None:
    """Show why the other targets differ."""
    hit = [r for r in requests if explains(rules[r.kind], r, PLAIN)]
    exact = sum(_is_same(rules[r.kind].due(r, PLAIN), r.target) for r in hit)
    print(
        f"\nOf {len(hit)} targets explained, {exact} are the same instant (within 2 minutes);"
    )
    print("  the others lie later in the same time off, where no office hour passes")
    rest = [r for r in requests if not explains(rules[r.kind], r, PLAIN)]
    for reason, n in Counter(why_not(rules[r.kind], r, PLAIN) for r in rest).most_common():
        print(f"  {n:5} {reason}")
    across = [
        r
        for r in requests
        if r.target is not None and r.opened < SUMMER_TIME_ENDS < r.target
        if rules[r.kind].clock is Clock.CALENDAR
    ]
    same = sum(explains(rules[r.kind], r, PLAIN) for r in across)
    hour = timedelta(hours=1)
    shifted = sum(
        abs(abs(implied(Clock.CALENDAR, r, PLAIN) - rules[r.kind].limit) - hour) <= LATENCY
        for r in across
    )
    print(
        f"  calendar limits across the end of summer time: {_share(same, len(across))} by wall"
    )
    print(f"  time, {shifted} off by the hour")


def print_flags_of_rules(
    requests: list[Request], rules: dict[str, Rule], extracted: datetime
) -> None:
    """Judge by our deadlines alone, as if no target had been published."""
    flagged = [r for r in requests if r.flag]
    wrong: Counter[str] = Counter()
    for r in flagged:
        rule = rules[r.kind]
        if judge(r, rule.due(r, PLAIN), extracted) == r.flag:
            continue
        if explains(rule, r, PLAIN):
            wrong["closed in the time off between our deadline and the target"] += 1
        else:
            wrong["target differs: " + why_not(rule, r, PLAIN)] += 1
    right = len(flagged) - wrong.total()
    print(f"\nFlags from our deadlines alone: {_share(right, len(flagged))} agree")
    for reason, n in wrong.most_common():
        print(f"  {n:5} {reason}")


def _is_same(due: datetime, target: datetime | None) -> bool:
    return target is not None and abs(due - target) <= LATENCY


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})"


if __name__ == "__main__":
    typer.run(main)
