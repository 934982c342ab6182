"""What is shown of acts is called by its name, in Chinese."""

import ast
import inspect
from typing import get_args

from neighborhood_api.kit.auditing import audited_tables
from neighborhood_api.operation.act_names import ACT_NAMES
from neighborhood_api.operation.act_words import FIELD_NAMES, TABLE_NAMES
from neighborhood_api.registers.events import EntryEvent, Register
from neighborhood_api.venues.openings import service as openings
from tests.operation.naming import acts_by_file

REGISTERS, OPENINGS = "registers.*_*", "venues.opening_*"


def test_every_act_that_the_source_records_has_a_name() -> None:
    by_file = acts_by_file()
    assert len(by_file) > 40
    assert all(by_file.values())
    acts = set().union(*by_file.values())
    assert {one for one in acts if "*" in one} == {REGISTERS, OPENINGS}
    ways = {event.name.rsplit("_", 1)[1] for event in get_args(EntryEvent)}
    acts |= {f"registers.{register.value}_{way}" for register in Register for way in ways}
    made = [
        node.args[0]
        for node in ast.walk(ast.parse(inspect.getsource(openings)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "_Change"
    ]
    acts |= {f"venues.opening_{ast.literal_eval(one)}" for one in made}
    assert acts - {REGISTERS, OPENINGS} == ACT_NAMES.keys()


def test_every_table_and_field_that_an_act_can_tell_has_a_name() -> None:
    tables = audited_tables()
    assert {table.__tablename__ for table in tables} == TABLE_NAMES.keys()
    told = {
        column.key
        for table, texts in tables.items()
        for column in table.__table__.c
        if column.key in texts or column.type.python_type not in {str, list, dict}
    }
    assert told - {"version"} - FIELD_NAMES.keys() == set()
