"""When rooms can be had: by the same grid, plan and occupations that booking goes by."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import ClassVar
from uuid import UUID

from typing_extensions import override

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.db import Source
from neighborhood_api.kit.problems import Problem, ProblemBody
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.policies import Terms, terms_of
from neighborhood_api.schedules.openings.plans import Day, Hurdle, Plan, Slot, slots
from neighborhood_api.schedules.openings.queries import plans_of
from neighborhood_api.schedules.openings.reasons import day_reason, duration, out_of_use
from neighborhood_api.schedules.openings.spans import Span
from neighborhood_api.venues.rooms.queries import USES, RoomRow
from neighborhood_api.venues.rooms.schemas import AvailabilityOut, DayOut, SlotOut, SlotState

LONGEST_DAYS = 14
"""Days that one answer covers."""
DAYS_SHOWN = 7
"""Days shown when the caller does not say how many."""
_YEARS = range(2000, 2200)
Busy = dict[int, list[Span]]
"""What takes each timetable, by its number."""
Taken = list[tuple[UUID, list[Span]]]
"""The units of a room, and what takes each on one day."""


class BadPeriod(Problem):
    """The days asked for run backwards or are too many."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The period runs backwards or is too long"
    message = "日期范围不正确，一次最多查看14天"
    by_fault: ClassVar[dict[str, str]] = {
        "unknown_year": "年份不正确，请重新选择日期",
        "backwards": "结束日期不能早于开始日期，请重新选择",
        "too_long": f"一次最多查看{LONGEST_DAYS}天，请缩短日期范围",
    }
    """The message of each `fault`."""

    @override
    def body(self, *, english: bool = False) -> ProblemBody:
        """Return the RFC 9457 object, in the words of its fault."""
        body = super().body(english=english)
        said = self.by_fault.get(str(self.members.get("fault")))
        return body if english or said is None else body.model_copy(update={"message": said})


def days_shown(since: date | None, until: date | None, now: datetime) -> list[date]:
    """Return the days that are asked for: from today, and a week, unless said otherwise.

    Raises: BadPeriod.
    """
    first = since or local_day(now)
    if first.year not in _YEARS:
        raise BadPeriod(fault="unknown_year", longest_days=LONGEST_DAYS)
    count = DAYS_SHOWN if until is None else (until - first).days + 1
    if not 0 < count <= LONGEST_DAYS:
        fault = "too_long" if count > 0 else "backwards"
        raise BadPeriod(fault=fault, longest_days=LONGEST_DAYS)
    return [first + timedelta(days=n) for n in range(count)]


def bounds(days: Sequence[date]) -> tuple[datetime, datetime]:
    """Return the first moment of the first day and the first after the last one."""
    first, after = days[0], days[-1] + timedelta(days=1)
    since = datetime.combine(first, time(), SHOWN_ZONE).astimezone(UTC)
    return since, datetime.combine(after, time(), SHOWN_ZONE).astimezone(UTC)


async def availability_of(
    source: Source, rooms: Sequence[RoomRow], days: Sequence[date], *, now: datetime
) -> list[AvailabilityOut]:
    """Show the slots of rooms, day by day; two statements however many rooms there are."""
    plans = await plans_of(source, [room.opening_id for room in rooms], days[0], days[-1])
    since, until = bounds(days)
    terms = [await terms_of(source, room.policy_id) for room in rooms]
    widest = max(
        (one.buffer_before_minutes + one.buffer_after_minutes for one in terms), default=0
    )
    margin = timedelta(minutes=widest)
    busy: Busy = defaultdict(list)
    numbers = [unit.number for room in rooms for unit in room.units]
    for use in await USES.all(
        source, numbers=numbers, since=since - margin, until=until + margin, now=now
    ):
        busy[use.timetable_number].append(Span(use.starts_at, use.ends_at))
    return [
        _shown(room, its_terms, plans[room.opening_id], busy, days, now)
        for room, its_terms in zip(rooms, terms, strict=True)
    ]


def _shown(
    room: RoomRow, terms: Terms, plan: Plan, busy: Busy, days: Iterable[date], now: datetime
) -> AvailabilityOut:
    shown_days = []
    units = [unit for unit in room.units if unit.active]
    for date_ in days:
        day = plan.day(date_)
        why = day_reason(day)
        whole = Span(*terms.held(*bounds([date_])))
        taken = [
            (unit.id, [span for span in busy[unit.number] if span.meets(whole)])
            for unit in units
        ]
        cells = [
            _slot(room, terms, slot, day, taken)
            for slot in slots(plan, terms.limits, date_, now=now)
        ]
        message = None if why is None else str(why["message"])
        shown_days.append(DayOut(date=date_, reason=message, slots=cells))
    return AvailabilityOut(
        room_id=room.id,
        room_name=room.name,
        shortest_minutes=terms.shortest_minutes,
        longest_minutes=terms.longest_minutes,
        confirmed_only=room.confirmed_only,
        days=shown_days,
    )


def _slot(room: RoomRow, terms: Terms, slot: Slot, day: Day, taken: Taken) -> SlotOut:
    held = Span(*terms.held(*slot.span))
    free = [
        unit_id for unit_id, spans in taken if not any(held.meets(other) for other in spans)
    ]
    state, why = _state(room, terms, slot, day, free=bool(free), usable=bool(taken))
    starts_at, ends_at = slot.span
    units = free if state is SlotState.FREE else []
    return SlotOut(
        starts_at=starts_at, ends_at=ends_at, state=state, reason=why, free_units=units
    )


def _state(
    room: RoomRow, terms: Terms, slot: Slot, day: Day, *, free: bool, usable: bool
) -> tuple[SlotState, str | None]:
    if slot.hurdle is Hurdle.IN_THE_PAST:
        return SlotState.TOO_SOON, "时间已过"
    if not (room.accepts_bookings and usable):
        return SlotState.CLOSED, "台位停用" if room.accepts_bookings else "暂停预约"
    closing = day.closing(slot.span)
    if closing is not None:
        return SlotState.CLOSED, out_of_use(closing)
    if slot.hurdle is Hurdle.TOO_SOON:
        return SlotState.TOO_SOON, f"需提前{duration(terms.notice_minutes)}预约"
    if slot.hurdle is not None:
        return SlotState.TOO_FAR, f"最多提前{terms.horizon_days}天预约"
    return (SlotState.FREE, None) if free else (SlotState.TAKEN, "已被预约")
