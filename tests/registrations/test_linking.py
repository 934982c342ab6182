"""What staff registered for a caller counts as hers from the day she has an account."""

from datetime import timedelta
from uuid import UUID

import pytest

from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx, save
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.linking import LINKED_WITHIN, link_guest
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.reasons import (
    AlreadyRegistered,
    OverlapsOwnBooking,
    QuotaExceeded,
)
from neighborhood_api.registrations.wishes import Applicant
from tests.registrations.things import (
    NOON,
    NOW,
    ask,
    new_happening,
    new_person,
    new_thing,
    spans,
    stored,
)
from tests.support.places import Town
from tests.support.posts import phone_number, somebody

HOUR = timedelta(hours=1)
ONE_A_WEEK = [{"owner": "person", "window": "week", "limit": 1, "scope": "resource"}]


async def caller(tx: Tx) -> tuple[Person, Applicant]:
    """Somebody with an account, and what staff knew of her before she had one."""
    phone = phone_number()
    person = await somebody(tx, phone=phone)
    return person, Applicant(None, guest_name="王五", guest_phone=phone)


async def by_staff(
    tx: Tx, thing: UUID, guest: Applicant, *, wait: bool = False
) -> RegistrationRow:
    staff = await new_person(tx)
    return await ask(tx, thing, guest, by_id=staff.id, wait=wait)


async def test_what_is_linked_uses_up_her_quota_and_fills_her_time(tx: Tx, town: Town) -> None:
    person, guest = await caller(tx)
    few = await new_thing(tx, town.place(1, 1), quotas=ONE_A_WEEK)
    other = await new_thing(tx, town.place(1, 1))
    row = await by_staff(tx, few, guest)
    assert await spans(tx, person.id) == []
    assert await link_guest(tx, person.id, now=NOW) == 1
    linked = await stored(tx, row.id)
    assert (linked.person_id, linked.who_id) == (person.id, person.id)
    assert linked.version == row.version + 1
    assert await spans(tx, person.id) == [(NOON, NOON + HOUR)]
    with pytest.raises(QuotaExceeded):
        await ask(tx, few, person, starts_at=NOON + 2 * HOUR)
    with pytest.raises(OverlapsOwnBooking):
        await ask(tx, other, person, starts_at=NOON + HOUR / 2)


async def test_what_is_linked_counts_in_the_quota_of_her_household(tx: Tx, town: Town) -> None:
    person, guest = await caller(tx)
    home = Household(id=new_id(), address="98号", **columns_of(town.place(1, 1, 1, 1)))  # type: ignore[arg-type]
    await save(tx, home)
    lives = {"household_id": home.id, **columns_of(home.place)}
    tx.add(Residence(person_id=person.id, address="98号", stated_at=NOW, **lives))  # type: ignore[arg-type]
    one_a_home = [ONE_A_WEEK[0] | {"owner": "household"}]
    few = await new_thing(tx, town.place(1, 1), quotas=one_a_home)
    row = await by_staff(tx, few, guest)
    await link_guest(tx, person.id, now=NOW)
    assert (await stored(tx, row.id)).household_id == home.id
    mother = Applicant((await new_person(tx)).id, home.id)
    with pytest.raises(QuotaExceeded):
        await ask(tx, few, mother, starts_at=NOON + 2 * HOUR)


async def test_what_is_linked_is_not_registered_again(tx: Tx, town: Town) -> None:
    person, guest = await caller(tx)
    happening = await new_happening(tx, town.place(1, 1), 5)
    await by_staff(tx, happening, guest)
    await link_guest(tx, person.id, now=NOW)
    with pytest.raises(AlreadyRegistered):
        await ask(tx, happening, person)


async def test_of_two_places_at_once_both_are_hers_and_both_count(tx: Tx, town: Town) -> None:
    person, guest = await caller(tx)
    few = await new_thing(tx, town.place(1, 1), quotas=ONE_A_WEEK)
    other = await new_thing(tx, town.place(1, 1), quotas=ONE_A_WEEK)
    rows = [await by_staff(tx, thing, guest) for thing in (few, other)]
    assert await link_guest(tx, person.id, now=NOW) == 2
    linked = [await stored(tx, row.id) for row in rows]
    assert [one.person_id for one in linked] == [person.id, person.id]
    assert [one.who_id for one in linked] == [person.id, rows[1].id]
    assert await spans(tx, person.id) == [(NOON, NOON + HOUR)]
    for thing in (few, other):
        with pytest.raises(QuotaExceeded):
            await ask(tx, thing, person, starts_at=NOON + 2 * HOUR)


async def test_what_she_has_herself_goes_before_what_is_linked(tx: Tx, town: Town) -> None:
    person, guest = await caller(tx)
    happening = await new_happening(tx, town.place(1, 1), 5)
    own = await ask(tx, happening, person)
    double = await by_staff(tx, happening, guest)
    assert await link_guest(tx, person.id, now=NOW) == 1
    linked = await stored(tx, double.id)
    assert (linked.person_id, linked.who_id, linked.state) == (
        person.id,
        double.id,
        "confirmed",
    )
    assert await spans(tx, person.id) == [(own.starts_at, own.ends_at)]


async def test_what_only_waits_is_linked_without_her_time(tx: Tx, town: Town) -> None:
    person, guest = await caller(tx)
    happening = await new_happening(tx, town.place(1, 1), 1, waitlist={"longest": 9})
    await ask(tx, happening, await new_person(tx))
    waits = await by_staff(tx, happening, guest, wait=True)
    thing = await new_thing(tx, town.place(1, 1))
    there = await ask(tx, thing, person)
    assert await link_guest(tx, person.id, now=NOW) == 1
    assert (await stored(tx, waits.id)).who_id == person.id
    assert await spans(tx, person.id) == [(there.starts_at, there.ends_at)]


async def test_old_numbers_strangers_and_those_who_are_gone_are_left_alone(
    tx: Tx, town: Town
) -> None:
    person, guest = await caller(tx)
    stranger, gone = await somebody(tx, phone=phone_number()), await new_person(tx)
    thing = await new_thing(tx, town.place(1, 1))
    row = await by_staff(tx, thing, guest)
    assert await link_guest(tx, stranger.id, now=NOW) == 0
    assert await link_guest(tx, gone.id, now=NOW) == 0
    assert await link_guest(tx, person.id, now=NOW + LINKED_WITHIN + HOUR) == 0
    person.merged_into_id = gone.id
    await tx.flush()
    assert await link_guest(tx, person.id, now=NOW) == 0
    assert (await stored(tx, row.id)).person_id is None
