"""What the demonstration's office keeps agrees with its places and people."""

import re
from collections import Counter

import pytest

from neighborhood_api.demo.place import DemoPlace, load_place
from neighborhood_api.demo.records import Records, load_records

COMMUNITY = "441322001005"


@pytest.fixture(scope="module")
def place() -> DemoPlace:
    return load_place()


@pytest.fixture(scope="module")
def records() -> Records:
    return load_records()


def test_the_register_names_each_person_once_and_accounts_by_their_own_names(
    place: DemoPlace, records: Records
) -> None:
    accounts = {(row.household_key or "", row.name): row.phone for row in place.residents}
    names = Counter(row.name for row in records.registered)
    strangers = {row.name for row in records.registered} - {row.name for row in place.residents}
    registered = {(row.household_key, row.name): row.phone for row in records.registered}

    assert [name for name, times in names.items() if times > 1] == []
    assert strangers.isdisjoint(person.name for person in place.people)
    assert {key: registered[key] for key in accounts.keys() & registered.keys()} == {
        key: accounts[key] for key in accounts.keys() & registered.keys()
    }


def test_households_have_one_head_and_only_a_vacant_or_forgotten_one_has_nobody(
    place: DemoPlace, records: Records
) -> None:
    homes = {home.key: home for home in place.households}
    heads = Counter(row.household_key for row in records.registered if row.head)
    living = {row.household_key for row in records.registered}
    known = {key for key, home in homes.items() if home.lane_code.startswith(COMMUNITY)}

    assert living < set(homes)
    assert max(heads.values()) == 1
    assert len(living - set(heads)) == 1
    assert [homes[key].occupancy for key in known - living].count("vacant") == 3
    assert len(known - living) == 4


def test_some_entries_are_stale_and_some_were_never_verified(records: Records) -> None:
    days = [row.verified_days_ago for row in records.registered]

    assert 0 < days.count(None) < len(days) / 5
    assert 0 < sum(day is not None and day > 180 for day in days) < len(days) / 4


def test_care_is_for_people_of_the_register(records: Records) -> None:
    registered = {(row.household_key, row.name) for row in records.registered}

    assert {(row.household_key, row.name) for row in records.care} <= registered
    assert len({row.kind for row in records.care}) >= 5


def test_no_number_of_the_registers_can_reach_a_real_person(
    place: DemoPlace, records: Records
) -> None:
    mobiles = [row.phone for row in records.registered if row.phone]
    shown = [row.contact_phone for row in records.establishments]
    shown += [row.duty_phone for row in records.layer if row.duty_phone]
    own = {person.phone for person in place.people}

    assert len(set(mobiles)) == len(mobiles)
    assert own.isdisjoint(mobiles)
    assert [one for one in mobiles if not re.fullmatch(r"154\d{8}", one)] == []
    assert [one for one in shown if not re.fullmatch(r"154\d{8}|0752-90\d{5}", one)] == []


def test_boundaries_are_of_one_community_and_all_of_its_lanes_but_one(
    place: DemoPlace, records: Records
) -> None:
    drawn = [one["properties"]["code"] for one in records.boundaries]
    there = [node.code for node in place.nodes if node.code.startswith(COMMUNITY)]

    assert len(set(drawn)) == len(drawn)
    assert set(drawn) < set(there)
    assert len(there) - len(drawn) == 1
