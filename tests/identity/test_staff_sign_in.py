"""Signing in by phone and password, and the lock against guessing."""

from time import perf_counter

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from httpx import AsyncClient
from sqlalchemy import func, select

from neighborhood_api.identity import passwords
from neighborhood_api.identity.models import Person, SignIn, UnknownNumber
from neighborhood_api.identity.passwords import hash_password, matches
from neighborhood_api.identity.staff import forget_guesses
from neighborhood_api.kit.db import Tx
from tests.identity.conftest import PASSWORD, Staff, is_refused
from tests.support.clock import Clock
from tests.support.passwords import PRODUCT
from tests.support.posts import phone_number, somebody


async def stored(tx: Tx, staff: Staff) -> Person:
    query = select(Person).where(Person.id == staff.person_id)
    return (await tx.scalars(query.execution_options(populate_existing=True))).one()


async def guess_wrongly(staff: Staff, times: int) -> list[str]:
    return [(await staff.sign_in("Wrong-2026")).json()["code"] for _ in range(times)]


async def test_the_right_password_signs_in(staff: Staff, http: AsyncClient) -> None:
    answer = await staff.sign_in()
    assert answer.status_code == 200
    assert answer.json()["me"]["phone"] == staff.phone
    assert not await is_refused(http, answer.json())


async def test_a_wrong_password_is_refused_and_counted(staff: Staff, tx: Tx) -> None:
    answer = await staff.sign_in("Wrong-2026")
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_phone_or_password")
    assert (await stored(tx, staff)).failed_sign_ins == 1
    signed_in = select(func.count()).where(SignIn.person_id == staff.person_id)
    assert await tx.scalar(signed_in) == 0


async def test_an_unknown_number_is_answered_the_same_and_no_faster(
    staff: Staff, http: AsyncClient, tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "HASHER", PRODUCT)
    nobody = Staff(staff.person_id, phone_number(), http)
    (await stored(tx, staff)).password_hash = await hash_password(PASSWORD)
    await tx.commit()
    _ = await nobody.sign_in()
    seconds, answers = [], []
    for who in (staff, nobody):
        started = perf_counter()
        answers.append((await who.sign_in("Wrong-2026")).json() | {"request_id": None})
        seconds.append(perf_counter() - started)
    assert answers[0] == answers[1]
    assert seconds[1] > seconds[0] / 3


async def test_five_wrong_passwords_lock_even_the_right_one_out_for_15_minutes(
    staff: Staff, clock: Clock, tx: Tx
) -> None:
    codes = await guess_wrongly(staff, 5)
    assert codes == ["wrong_phone_or_password"] * 4 + ["account_locked"]
    clock.forward(minutes=14, seconds=58)
    locked = await staff.sign_in()
    assert (locked.status_code, locked.json()["code"]) == (429, "account_locked")
    assert locked.json()["retry_after_seconds"] == 2
    assert locked.headers["retry-after"] == "2"
    clock.forward(seconds=3)
    assert (await staff.sign_in()).status_code == 200
    assert (await stored(tx, staff)).locked_until is None


async def test_knocking_at_a_locked_account_does_not_prolong_the_lock(
    staff: Staff, clock: Clock
) -> None:
    await guess_wrongly(staff, 5)
    clock.forward(minutes=14)
    await guess_wrongly(staff, 6)
    clock.forward(minutes=1, seconds=1)
    assert (await staff.sign_in()).status_code == 200


async def test_the_right_password_resets_the_count(staff: Staff, tx: Tx) -> None:
    await guess_wrongly(staff, 4)
    assert (await staff.sign_in()).status_code == 200
    assert (await stored(tx, staff)).failed_sign_ins == 0
    assert await guess_wrongly(staff, 4) == ["wrong_phone_or_password"] * 4


async def test_guessing_does_not_tell_whose_number_it_is(
    staff: Staff, http: AsyncClient, tx: Tx, clock: Clock
) -> None:
    """Staff, a resident and nobody are answered alike, the lock and its end included."""
    number = phone_number()
    resident = await somebody(tx, phone=number)
    await tx.commit()
    numbers = [staff.phone, number, phone_number()]
    everybody = [Staff(resident.id, one, http) for one in numbers]
    answers: list[list[dict[str, object]]] = [[], [], []]
    for minutes, times in ((0, 6), (14, 1), (2, 2)):
        clock.forward(minutes=minutes)
        for who, heard in zip(everybody, answers, strict=True):
            for _ in range(times):
                body = (await who.sign_in("Wrong-2026")).json()
                heard.append(body | {"request_id": None})
    assert answers[0] == answers[1] == answers[2]
    codes = [body["code"] for body in answers[0]]
    wrong, locked = "wrong_phone_or_password", "account_locked"
    assert codes == [wrong] * 4 + [locked] * 3 + [wrong] * 2


async def test_counts_of_numbers_nobody_signs_in_with_are_forgotten(
    staff: Staff, http: AsyncClient, tx: Tx, clock: Clock
) -> None:
    nobody = Staff(staff.person_id, phone_number(), http)
    await nobody.sign_in("Wrong-2026")
    rows = select(func.count()).select_from(UnknownNumber)
    await forget_guesses(tx, now=clock.now)
    assert await tx.scalar(rows) == 1
    await forget_guesses(tx, now=clock.forward(minutes=16))
    assert await tx.scalar(rows) == 0


async def test_a_retried_wrong_guess_with_a_key_is_still_a_wrong_guess(
    staff: Staff, tx: Tx
) -> None:
    for _ in range(3):
        answer = await staff.http.post(
            "/auth/staff",
            json={"phone": staff.phone, "password": "Wrong-2026"},
            headers={"idempotency-key": "guess"},
        )
        assert answer.json()["code"] == "wrong_phone_or_password"
    assert (await stored(tx, staff)).failed_sign_ins == 3


async def test_a_password_is_stored_as_an_argon2id_hash() -> None:
    hashed = await hash_password(PASSWORD)
    assert hashed.startswith("$argon2id$")
    assert await matches(PASSWORD, hashed)
    assert not await matches(PASSWORD, "not a hash")


async def test_the_product_hashes_at_the_price_that_the_standard_asks_for() -> None:
    hashed = PRODUCT.hash(PASSWORD)
    assert extract_parameters(hashed) == RFC_9106_LOW_MEMORY
    assert await matches(PASSWORD, hashed)
