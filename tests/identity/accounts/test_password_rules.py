"""What a password must be like, and for how long it may be kept."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy import select

from neighborhood_api.identity.accounts.models import OldPassword
from neighborhood_api.identity.accounts.password_rules import (
    MOST_REMEMBERED,
    PasswordTellsOfHer,
    PasswordTooCommon,
    PasswordTooWeak,
    replace_password,
    require_strong,
)
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.settings import Settings
from tests.identity.accounts.conftest import code_of, stored
from tests.identity.conftest import PASSWORD, Staff, bearer
from tests.support.clock import Clock

PHONE = "15412345678"


@pytest.fixture
def quarterly(app: FastAPI) -> Iterator[Settings]:
    """Passwords that are kept for ninety days."""
    before: Settings = app.state.settings
    app.state.settings = before.model_copy(update={"password_days": 90})
    yield app.state.settings
    app.state.settings = before


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("rain-rain", PasswordTooWeak),
        ("12345678", PasswordTooWeak),
        ("RAIN2026", PasswordTooWeak),
        ("P@ssw0rd", PasswordTooCommon),
        ("Admin123!", PasswordTooCommon),
        ("Woaini1314", PasswordTooCommon),
        ("Lane-345678", PasswordTellsOfHer),
        ("15412345678Aa", PasswordTellsOfHer),
        ("Zhou-Wei-99", PasswordTellsOfHer),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_by_the_rule_it_breaks(
    password: str, refusal: type[Problem]
) -> None:
    with pytest.raises(refusal):
        require_strong(password, phone=PHONE, name="Zhou-wei")


@pytest.mark.parametrize("password", ["Rain-2026", "春雨Abc123", "x9X!xxxx", "Five-34567"])
def test_a_password_that_breaks_no_rule_is_taken(password: str) -> None:
    require_strong(password, phone=PHONE, name="周")


async def change(http: AsyncClient, staff: Staff, old: str, new: str) -> Response:
    signed_in = (await staff.sign_in(old)).json()
    body = {"old_password": old, "new_password": new}
    return await http.put("/me/password", json=body, headers=bearer(signed_in))


async def test_the_last_five_passwords_are_not_taken_again(
    http: AsyncClient, staff: Staff
) -> None:
    taken = [PASSWORD, *(f"Cloud-{n}000" for n in range(5))]
    for old, new in pairwise(taken):
        assert code_of(await change(http, staff, old, new)) == (200, "ok")
    for recent in taken[1:]:
        answer = await change(http, staff, taken[-1], recent)
        assert code_of(answer) == (422, "password_used_before")
        assert "最近用过" in answer.json()["message"]
    assert code_of(await change(http, staff, taken[-1], taken[0])) == (200, "ok")


async def test_no_more_old_hashes_are_kept_than_a_setting_may_ask_for(
    staff: Staff, tx: Tx, clock: Clock
) -> None:
    person = await stored(tx, staff.person_id)
    for number in range(MOST_REMEMBERED + 3):
        await replace_password(tx, person, f"hash {number}", now=clock.now)
    await tx.flush()
    kept = select(OldPassword.password_hash).where(OldPassword.person_id == person.id)
    found = (await tx.scalars(kept.order_by(OldPassword.id))).all()
    assert found == [f"hash {number}" for number in range(2, MOST_REMEMBERED + 2)]


async def test_a_guess_at_the_old_password_is_not_told_what_the_new_one_repeats(
    http: AsyncClient, staff: Staff
) -> None:
    signed_in = (await staff.sign_in()).json()
    body = {"old_password": "Wrong-2026", "new_password": PASSWORD}
    answer = await http.put("/me/password", json=body, headers=bearer(signed_in))
    assert code_of(answer) == (422, "wrong_old_password")


async def told(answer: Response) -> bool:
    body: dict[str, Any] = answer.json()
    needed: bool = body["password_change_needed"]
    return needed


async def test_a_password_that_is_too_old_is_changed_before_anything_else(
    http: AsyncClient, staff: Staff, clock: Clock, quarterly: Settings
) -> None:
    assert quarterly.password_days == 90
    assert code_of(await change(http, staff, PASSWORD, "Cloud-2027")) == (200, "ok")
    clock.forward(days=89)
    before = await staff.sign_in("Cloud-2027")
    assert not await told(before)
    clock.forward(days=1, seconds=1)
    refresh = {"refresh_token": before.json()["refresh_token"]}
    renewed = await http.post("/auth/refresh", json=refresh)
    for answer in (renewed, await staff.sign_in("Cloud-2027")):
        assert await told(answer)
        refused = await http.get("/me/grid", headers=bearer(answer.json()))
        assert code_of(refused) == (403, "password_change_needed")
    assert code_of(await change(http, staff, "Cloud-2027", "Storm-2027")) == (200, "ok")
    assert not await told(await staff.sign_in("Storm-2027"))


async def test_a_password_without_a_day_does_not_grow_old(
    staff: Staff, clock: Clock, quarterly: Settings
) -> None:
    assert quarterly.password_days == 90
    clock.forward(days=1000)
    assert not await told(await staff.sign_in())
