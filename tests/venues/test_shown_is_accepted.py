"""What availability shows is what booking accepts: units, buffers, closures and all."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.problems import Problem
from neighborhood_api.schedules.openings.models import Closure, OpeningException
from neighborhood_api.venues.bookings.schemas import BookingIn
from neighborhood_api.venues.bookings.service import book_room
from neighborhood_api.venues.models import Venue
from neighborhood_api.venues.rooms.availability import availability_of
from neighborhood_api.venues.rooms.queries import RoomRow
from neighborhood_api.venues.rooms.schemas import SlotOut, SlotState
from tests.support.people import Callers
from tests.support.places import Town
from tests.venues.arranging import TUESDAY, at, new_room

pytestmark = pytest.mark.slow

UNITS = ("1号台", "2号台", "3号台")


class Case(NamedTuple):
    """A room on a day, what others have of it, and what takes it out of use."""

    units: int
    terms: dict[str, Any]
    bookings: list[tuple[int, int, int]]
    """Unit, first slot and how many slots."""
    closures: list[tuple[bool, int, int]]
    """Of the venue, from which quarter and for how many."""
    exception: list[tuple[int, int]] | None
    now_hour: float


@st.composite
def cases(draw: st.DrawFn) -> Case:
    slot = draw(st.sampled_from([30, 60]))
    windows = st.sampled_from([[(540, 660)], [(600, 780), (840, 1200)], []])
    return Case(
        units=draw(st.integers(1, 3)),
        terms={
            "slot_minutes": slot,
            "shortest_minutes": slot,
            "longest_minutes": slot * 4,
            "buffer_before_minutes": draw(st.sampled_from([0, 0, 15, 30])),
            "buffer_after_minutes": draw(st.sampled_from([0, 10, 30, 60])),
            "notice_minutes": draw(st.sampled_from([0, 60])),
        },
        bookings=draw(
            st.lists(
                st.tuples(st.integers(0, 2), st.integers(0, 15), st.integers(1, 3)), max_size=6
            )
        ),
        closures=draw(
            st.lists(
                st.tuples(st.booleans(), st.integers(34, 84), st.integers(1, 9)), max_size=2
            )
        ),
        exception=draw(st.one_of(st.none(), st.none(), windows)),
        now_hour=draw(st.sampled_from([7, 10.2, 15.75])),
    )


class Stage:
    """A room made from a case."""

    def __init__(self, tx: Tx, venue: Venue, people: Sequence[Actor]) -> None:
        self.tx, self.venue, self.people = tx, venue, people

    async def room(self, case: Case) -> RoomRow:
        room = await new_room(self.tx, self.venue, units=UNITS[: case.units], **case.terms)
        someone = self.people[0].person_id
        for of_venue, quarter, length in case.closures:
            opening_id = self.venue.opening_id if of_venue else room.opening_id
            self.tx.add(
                Closure(
                    opening_id=opening_id,
                    starts_at=at(quarter / 4),
                    ends_at=at((quarter + length) / 4),
                    reason="停电",
                    made_at=at(0),
                    made_by_id=someone,
                )
            )
        if case.exception is not None:
            self.tx.add(
                OpeningException(
                    opening_id=room.opening_id,
                    first_on=TUESDAY,
                    last_on=TUESDAY,
                    hours=[list(window) for window in case.exception],
                    reason="调整",
                    made_at=at(0),
                    made_by_id=someone,
                )
            )
        await self.tx.flush()
        return room

    async def refusal(
        self, who: int, room: RoomRow, slot: SlotOut, length: timedelta, unit: int, now: float
    ) -> Problem | None:
        """Book, and return what it was refused with."""
        wish = BookingIn(
            starts_at=slot.starts_at,
            ends_at=slot.starts_at + length,
            purpose="练球",
            unit_id=room.units[unit].id,
        )
        try:
            async with self.tx.begin_nested():
                await book_room(self.tx, self.people[who], room.id, wish, now=at(now))
        except Problem as refused:
            return refused
        return None


class Undone(Exception):  # noqa: N818  (not an error: a way out of the savepoint)
    """What an example did is taken back."""


@pytest.fixture
async def stage(tx: Tx, town: Town, venue: Venue, callers: Callers) -> Stage:
    home = town.place(1, 1, 1, 1)
    people = [Actor((await callers.resident(home)).person_id, new_id()) for _ in range(8)]
    return Stage(tx, venue, people)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
async def test_a_unit_shown_as_free_can_be_booked_and_no_other(
    stage: Stage, case: Case
) -> None:
    with suppress(Undone):
        async with stage.tx.begin_nested():
            for state in await compared(stage, case):
                event(state)
            raise Undone


async def compared(stage: Stage, case: Case) -> set[SlotState]:
    """Compare every unit of every slot with what booking it alone says; return the states."""
    room = await stage.room(case)
    now = at(case.now_hour)
    slot_length = timedelta(minutes=case.terms["slot_minutes"])
    refused: Problem | None = None
    (before,) = await availability_of(stage.tx, [room], [TUESDAY], now=at(0))
    slots = before.days[0].slots
    for n, (unit, first, length) in enumerate(case.bookings):
        if first < len(slots):
            at_unit = unit % case.units
            await stage.refusal(n, room, slots[first], slot_length * length, at_unit, 0)
    (shown,) = await availability_of(stage.tx, [room], [TUESDAY], now=now)
    states = set()
    for slot in shown.days[0].slots:
        states.add(slot.state)
        for unit, one in enumerate(room.units):
            free = slot.state is SlotState.FREE and one.id in slot.free_units
            with suppress(Undone):
                async with stage.tx.begin_nested():
                    refused = await stage.refusal(
                        7, room, slot, slot_length, unit, case.now_hour
                    )
                    raise Undone
            told = None if refused is None else refused.members.get("reasons")
            assert (refused is None) == free, (slot, one.name, refused, told)
    return states
