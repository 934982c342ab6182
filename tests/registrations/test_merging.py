"""Two persons turn out to be one: nothing is lost, and nothing is had twice."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.ending import cancel
from neighborhood_api.registrations.histories import Entry, Strike
from neighborhood_api.registrations.locking import lock_registration
from neighborhood_api.registrations.merging import WHY, merge_person
from neighborhood_api.registrations.models import Occupation
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.wishes import Applicant
from neighborhood_api.registrations.writing import timetable_numbers
from tests.registrations.test_ending import check_in
from tests.registrations.things import (
    NOON,
    NOW,
    acts,
    ask,
    give_up,
    new_happening,
    new_person,
    new_thing,
    pass_to,
    spans,
    states,
    stored,
    taken,
)
from tests.support.places import Town

HOUR = timedelta(hours=1)
OPEN_LIST = {"longest": 9}


async def two(tx: Tx) -> tuple[Person, Person]:
    return await new_person(tx), await new_person(tx)


async def merge(tx: Tx, one: Person, into: Person) -> list[object]:
    await tx.execute(update(Person).where(Person.id == one.id).values(merged_into_id=into.id))
    return [row.id for row in await merge_person(tx, one.id, into.id, now=NOW)]


async def test_everything_goes_over_with_its_time_and_its_strikes(tx: Tx, town: Town) -> None:
    me, her = await two(tx)
    thing = await new_thing(tx, town.place(1, 1), units=3)
    a = await ask(tx, thing, me)
    child = new_id()
    b = await ask(tx, thing, Applicant(me.id, participant_id=child))
    c = await ask(tx, thing, her, starts_at=NOON + HOUR)
    late = await ask(tx, thing, me, starts_at=NOON + 3 * HOUR)
    await give_up(tx, late, now=NOON + 2 * HOUR + HOUR / 2)
    assert await merge(tx, me, her) == []
    assert await states(tx, a, b, c) == ["confirmed"] * 3
    mine, for_child = await stored(tx, a.id), await stored(tx, b.id)
    assert (mine.person_id, mine.who_id) == (her.id, her.id)
    assert (for_child.person_id, for_child.who_id) == (her.id, child)
    assert await spans(tx, her.id) == [(NOON, NOON + HOUR), (NOON + HOUR, NOON + 2 * HOUR)]
    assert await spans(tx, me.id) == []
    assert (await stored(tx, late.id)).person_id == her.id
    assert list(await tx.scalars(select(Strike.person_id))) == [her.id]
    assert await acts(tx, a) == ["register", "change"]
    assert await merge(tx, me, her) == []
    assert await acts(tx, a) == ["register", "change"]


async def test_what_she_did_stays_her_own_doing_and_that_of_staff_theirs(
    tx: Tx, town: Town
) -> None:
    me, her = await two(tx)
    staff = await new_person(tx)
    things = [await new_thing(tx, town.place(1, 1)) for _ in range(2)]
    own = await ask(tx, things[0], me, by_id=me.id)
    taken_back = await ask(tx, things[1], me, starts_at=NOON + HOUR, by_id=staff.id)
    await give_up(tx, own)
    resource, row = await lock_registration(tx, taken_back.id)
    await cancel(tx, resource, row, by_id=staff.id, by_staff=True, why="停电", now=NOW)
    await merge(tx, me, her)
    mine, theirs = await stored(tx, own.id), await stored(tx, taken_back.id)
    assert (mine.created_by_id, mine.cancelled_by_id) == (her.id, her.id)
    assert (theirs.created_by_id, theirs.cancelled_by_id) == (staff.id, staff.id)
    assert await did(tx, own) == [her.id, her.id]
    assert await did(tx, taken_back) == [staff.id, staff.id]


async def did(tx: Tx, row: RegistrationRow) -> list[UUID | None]:
    """Who did what happened to a registration, in order."""
    lines = select(Entry.by_id).where(Entry.registration_id == row.id).order_by(Entry.id)
    return list(await tx.scalars(lines))


async def test_of_what_clashes_the_later_goes_and_its_place_is_handed_on(
    tx: Tx, town: Town
) -> None:
    me, her = await two(tx)
    one, other = [await new_thing(tx, town.place(1, 1), waitlist=OPEN_LIST) for _ in range(2)]
    mine = await ask(tx, one, me)
    hers = await ask(tx, other, her, starts_at=NOON + HOUR / 2)
    waits = await ask(tx, other, await new_person(tx), starts_at=NOON + HOUR / 2, wait=True)
    assert await merge(tx, me, her) == [hers.id]
    assert await states(tx, mine, hers, waits) == ["confirmed", "cancelled", "confirmed"]
    lost = await stored(tx, hers.id)
    assert (lost.cancel_reason, lost.cancelled_by_id, lost.cancelled_late) == (WHY, None, False)
    assert await spans(tx, her.id) == [(NOON, NOON + HOUR)]


async def test_the_same_is_not_had_twice_and_a_place_goes_before_waiting(
    tx: Tx, town: Town
) -> None:
    me, her = await two(tx)
    happening = await new_happening(tx, town.place(1, 1), 2, waitlist=OPEN_LIST)
    first = await ask(tx, happening, await new_person(tx))
    large = await ask(tx, happening, me, seats=2, wait=True)
    small = await ask(tx, happening, her)
    assert await states(tx, large, small) == ["waitlisted", "confirmed"]
    assert await merge(tx, me, her) == [large.id]
    assert await states(tx, first, small) == ["confirmed", "confirmed"]
    assert await taken(tx, happening) == 2


async def test_who_is_there_already_stays(tx: Tx, town: Town) -> None:
    me, her = await two(tx)
    one, other = [await new_happening(tx, town.place(1, 1), 2) for _ in range(2)]
    early = await ask(tx, one, me)
    there = await ask(tx, other, her)
    await check_in(tx, there, NOW)
    assert await merge(tx, me, her) == [early.id]
    assert await states(tx, early, there) == ["cancelled", "checked_in"]
    assert (await taken(tx, one), await taken(tx, other)) == (0, 1)


async def test_what_is_over_goes_over_as_it_is(tx: Tx, town: Town) -> None:
    me, her = await two(tx)
    happening = await new_happening(tx, town.place(1, 1), 2, starts_at=NOW - 2 * HOUR)
    rows = [await ask(tx, happening, one, now=NOW - 3 * HOUR) for one in (me, her)]
    await pass_to(tx, rows[0], NOW)
    assert await merge(tx, me, her) == []
    assert await states(tx, *rows) == ["completed", "completed"]
    assert {(await stored(tx, row.id)).person_id for row in rows} == {her.id}


async def test_who_teaches_then_does_not_attend(tx: Tx, town: Town) -> None:
    me, her = await two(tx)
    lesson, happening = [await new_happening(tx, town.place(1, 1), 2) for _ in range(2)]
    numbers = await timetable_numbers(tx, [me.id])
    span: dict[str, Any] = {"starts_at": NOON, "ends_at": NOON + HOUR}
    tx.add(Occupation(timetable_number=numbers[me.id], resource_id=lesson, **span))
    await tx.flush()
    row = await ask(tx, happening, her)
    assert await merge(tx, me, her) == [row.id]
    assert await spans(tx, her.id) == [(NOON, NOON + HOUR)]
    assert await taken(tx, happening) == 0


async def test_who_taught_twice_at_once_is_told_by_nobody_but_nothing_breaks(
    tx: Tx, town: Town
) -> None:
    me, her = await two(tx)
    numbers = await timetable_numbers(tx, [me.id, her.id])
    for one in (me, her):
        lesson = await new_happening(tx, town.place(1, 1), 2)
        tx.add(
            Occupation(
                timetable_number=numbers[one.id],
                resource_id=lesson,
                starts_at=NOON,
                ends_at=NOON + HOUR,
            )
        )
    await tx.flush()
    assert await merge(tx, me, her) == []
    assert await spans(tx, her.id) == await spans(tx, me.id) == [(NOON, NOON + HOUR)]
