"""Every place where a person's data lie is declared, so that no table can be forgotten."""

import pytest
from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB

from neighborhood_api.kit.sealing import Sealed
from neighborhood_api.kit.trail import Kind, kinds
from neighborhood_api.privacy.holdings import HOLDINGS, NOT_ABOUT_PEOPLE, Fate
from neighborhood_api.privacy.sections import SECTIONS
from neighborhood_api.tables import METADATA

CODES = {"move", "by", "to_state", "from_state", "role", "hand_role", "what", "subject", "kind"}
"""Columns of the trail whose texts are codes of ours."""


def of_people() -> set[str]:
    """Return every column that names a person, and every sealed one."""
    persons = METADATA.tables["person"]
    return {
        f"{table.name}.{column.name}"
        for table in METADATA.sorted_tables
        for column in table.c
        if column.references(persons.c.id) or isinstance(column.type, Sealed)
    }


def test_every_column_about_people_says_what_becomes_of_it() -> None:
    there = of_people()
    assert len(there) > 80
    assert there - HOLDINGS.keys() == set()
    assert HOLDINGS.keys() - there == set()


def test_what_no_copy_shows_has_a_reason_and_what_one_shows_is_there() -> None:
    sections = {section.name for section in SECTIONS}
    shown = {holding.section for holding in HOLDINGS.values() if holding.section}
    assert shown <= sections
    silent = [name for name, one in HOLDINGS.items() if not one.section and not one.reason]
    assert silent == []


def test_nothing_that_must_be_there_is_to_be_cleared() -> None:
    for name, holding in HOLDINGS.items():
        table, column = name.split(".")
        where = METADATA.tables[table].c[column]
        if holding.fate is Fate.CLEARED:
            assert where.nullable, name


def test_rules_and_places_are_tables_of_ours_without_sealed_columns() -> None:
    assert NOT_ABOUT_PEOPLE - METADATA.tables.keys() == set()
    for name in NOT_ABOUT_PEOPLE:
        assert not [c for c in METADATA.tables[name].c if isinstance(c.type, Sealed)]


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: str(kind.name))
def test_every_free_text_of_the_trail_can_be_withheld(kind: Kind) -> None:
    table = METADATA.tables[kind.table.__tablename__]
    if table.name in NOT_ABOUT_PEOPLE:
        return
    texts = {
        name
        for name in kind.columns
        if isinstance(table.c[name].type, Text | JSONB) and name not in CODES
    }
    assert texts - {"step", "reason"} <= set(kind.texts)
