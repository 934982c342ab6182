"""A new row has what SQLAlchemy would have given it, and sessions write and watch it alike."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm.base import manager_of_class

from neighborhood_api.cases.models import Entry
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Model, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import Trail

ENTRY: dict[str, Any] = {
    "case_id": new_id(),
    "move": "report",
    "by": "reporter",
    "to_state": "assigned",
    "recorded_at": datetime.now(UTC),
}
ROWS: list[tuple[type[Model], dict[str, Any]]] = [
    (Entry, ENTRY),
    (Entry, ENTRY | {"file_ids": [new_id()], "internal": True, "role": None}),
    (Trail, {"kind": "a", "subject_id": new_id(), "digest": bytes(32)}),
    (Person, {}),
    (Person, {"name": "王女士", "version": 7}),
]


def values_of(row: Model) -> dict[str, Any]:
    """All that lies in a row but its id, which is new each time."""
    return {k: v for k, v in vars(row).items() if k not in {"id", "_sa_instance_state"}}


@pytest.mark.parametrize(("model", "given"), ROWS)
def test_a_new_row_is_filled_as_sqlalchemy_fills_it(
    model: type[Model], given: dict[str, Any]
) -> None:
    theirs: Model = manager_of_class(model).new_instance()
    original: Any = model.__init__
    original._sa_original_init(theirs, **given)  # noqa: SLF001  (what it would have called)
    ours = model(**given)
    assert values_of(ours) == values_of(theirs)
    assert ("id" in vars(ours)) == ("id" in vars(theirs))


def test_rows_do_not_share_what_a_default_makes() -> None:
    one, other = Entry(**ENTRY), Entry(**ENTRY)
    assert one.id != other.id
    assert one.file_ids == []
    assert one.file_ids is not other.file_ids


@pytest.mark.parametrize("given", [ENTRY | {"colour": "red"}, {"move": "report"}, {"id": 1}])
def test_arguments_are_still_checked(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Entry(**given)


async def test_a_session_writes_a_new_row_and_notices_later_changes(tx: Tx) -> None:
    person = Person(name="王女士")
    tx.add(person)
    await tx.flush()
    person.name = "李先生"
    await tx.flush()
    names = select(Person.name, Person.version).where(Person.id == person.id)
    assert (await tx.execute(names)).one() == ("李先生", 1)
