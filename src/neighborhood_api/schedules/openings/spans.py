"""Stretches of time, and of a day's hours: joined, narrowed, cut."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.schedules.calendar import DAY_MINUTES, Window, Windows

DAY = timedelta(days=1)


class Span(NamedTuple):
    """A stretch of time, half-open: another may start the moment this one ends."""

    starts_at: datetime
    ends_at: datetime

    def meets(self, other: "Span") -> bool:
        """Tell whether both share a moment."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def merged(windows: Iterable[Window]) -> Windows:
    """Return the same hours in order and apart; empty and reversed ones are none at all."""
    found: list[Window] = []
    for opens, closes in sorted(windows):
        start, end = max(opens, 0), min(closes, DAY_MINUTES)
        if start >= end:
            continue
        if found and start <= found[-1].closes:
            found[-1] = Window(found[-1].opens, max(found[-1].closes, end))
        else:
            found.append(Window(start, end))
    return tuple(found)


def common(some: Windows, others: Windows) -> Windows:
    """Return the hours that lie in both."""
    return merged(
        Window(max(a.opens, b.opens), min(a.closes, b.closes)) for a in some for b in others
    )


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of `spans` when `taken` is cut out of them."""
    left = list(spans)
    for cut in taken:
        if cut.starts_at < cut.ends_at:
            left = [piece for span in left for piece in _cut(span, cut)]
    return left


def days(first: date, last: date) -> list[date]:
    """Return every day from the first to the last."""
    return [first + n * DAY for n in range((last - first).days + 1)]


def midnight_of(day: date) -> datetime:
    """Return the first moment of a civil day."""
    return datetime.combine(day, time(), SHOWN_ZONE).astimezone(UTC)


def _cut(span: Span, cut: Span) -> Iterator[Span]:
    if not span.meets(cut):
        yield span
        return
    if span.starts_at < cut.starts_at:
        yield Span(span.starts_at, cut.starts_at)
    if cut.ends_at < span.ends_at:
        yield Span(cut.ends_at, span.ends_at)


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Make one span of those that touch, as those around midnight do."""
    open_one: Span | None = None
    for span in spans:
        if open_one is not None and span.starts_at == open_one.ends_at:
            open_one = Span(open_one.starts_at, span.ends_at)
            continue
        if open_one is not None:
            yield open_one
        open_one = span
    if open_one is not None:
        yield open_one
