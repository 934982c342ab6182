"""Phones and addresses are unreadable at rest, and found by exact match all the same."""

import asyncpg
import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import IntegrityError

from neighborhood_api.identity.models import Person
from neighborhood_api.identity.personal_keys import new_key
from neighborhood_api.kit.copying import copy_rows
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.reads import Query
from neighborhood_api.kit.sealing import (
    SealedUnreadable,
    SealingKey,
    Seals,
    seals,
    use_seals,
)

PHONE = "15400000001"
BY_PHONE = Query(
    select(Person.phone).where(Person.phone == bindparam("phone")), lambda phone: phone
)


def key() -> SealingKey:
    return SealingKey(bytes.fromhex(new_key()))


def test_the_same_value_is_sealed_the_same_and_another_one_otherwise() -> None:
    ring = Seals([key()])
    assert ring.seal(PHONE, "phone") == ring.seal(PHONE, "phone")
    assert ring.seal(PHONE, "phone") != ring.seal("15400000002", "phone")
    assert PHONE not in ring.seal(PHONE, "phone")


def test_a_phone_does_not_pass_for_an_address() -> None:
    ring = Seals([key()])
    with pytest.raises(SealedUnreadable):
        ring.open(ring.seal(PHONE, "phone"), "address")


def test_what_was_changed_or_never_sealed_is_not_read() -> None:
    ring = Seals([key()])
    sealed = ring.seal(PHONE, "phone")
    for spoilt in (sealed[:-4] + "AAA=", sealed[:14], PHONE, ""):
        with pytest.raises(SealedUnreadable):
            ring.open(spoilt, "phone")


def test_another_key_cannot_read_it() -> None:
    with pytest.raises(SealedUnreadable):
        Seals([key()]).open(Seals([key()]).seal(PHONE, "phone"), "phone")


async def test_the_table_holds_no_phone_and_refuses_one(tx: Tx) -> None:
    person = Person(name="李", phone=PHONE)
    tx.add(person)
    await tx.flush()
    stored = await tx.scalar(text("SELECT phone FROM person WHERE id = :id"), {"id": person.id})
    assert stored == seals().seal(PHONE, "phone")
    plain = text("UPDATE person SET phone = :phone WHERE id = :id")
    with pytest.raises(IntegrityError, match="phone_is_sealed"):
        await tx.execute(plain, {"phone": PHONE, "id": person.id})


async def test_it_is_found_through_a_session_and_through_a_constant_query(tx: Tx) -> None:
    person = Person(name="李", phone=PHONE)
    tx.add(person)
    await tx.flush()
    assert await tx.scalar(select(Person.id).where(Person.phone == PHONE)) == person.id
    assert await BY_PHONE.all(tx, phone=PHONE) == [PHONE]
    assert await BY_PHONE.all(tx, phone="15400000009") == []


async def test_what_an_older_key_sealed_is_read_and_found(tx: Tx) -> None:
    before = seals()
    old, new = key(), key()
    try:
        use_seals(Seals([old]))
        tx.add(Person(name="李", phone=PHONE))
        await tx.flush()
        use_seals(Seals([new, old]))
        assert await BY_PHONE.all(tx, phone=PHONE) == [PHONE]
    finally:
        use_seals(before)


async def test_many_rows_at_once_are_sealed_too(database: Database) -> None:
    connection = await asyncpg.connect(database.url)
    outer = connection.transaction()
    await outer.start()
    try:
        person = {"id": new_id(), "name": "李", "phone": PHONE, "password_hash": None}
        await copy_rows(connection, Person, [person])
        stored = await connection.fetchval(
            "SELECT phone FROM person WHERE id = $1", person["id"]
        )
    finally:
        await outer.rollback()
        await connection.close()
    assert stored == seals().seal(PHONE, "phone")
