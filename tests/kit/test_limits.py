"""Whoever is too hasty is told when to come back; nobody else is."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from itertools import count

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from neighborhood_api.identity.caller import Gate
from neighborhood_api.kit.limits import RateLimit, origin_of
from neighborhood_api.kit.problems import TooManyRequests
from tests.support.people import Callers

ALLOWED = 3
AT_MOST = ALLOWED + 1  # one more may pass while a minute ends
WRONG = {"phone": "15499999999", "password": "x"}


async def hit(limit: RateLimit, caller: str, times: int) -> None:
    """Count that many."""
    for _ in range(times):
        await limit.hit(caller)


async def until_slowed(ask: Callable[[], Awaitable[Response]]) -> list[Response]:
    """Ask until it is too often, and see that it was neither too early nor too late."""
    answers = [await ask()]
    while answers[-1].status_code != HTTPStatus.TOO_MANY_REQUESTS and len(answers) <= AT_MOST:
        answers.append(await ask())
    assert answers[-1].status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert ALLOWED <= len(answers) - 1 <= AT_MOST
    return answers


@pytest.fixture
def narrow_gate(app: FastAPI) -> Iterator[None]:
    """Three of each in a minute."""
    before: Gate = app.state.gate
    app.state.gate = replace(
        before, sign_ins=RateLimit("sign_in", ALLOWED), writes=RateLimit("write", ALLOWED)
    )
    yield
    app.state.gate = before


async def test_a_limit_counts_each_caller_for_itself() -> None:
    limit = RateLimit("x", ALLOWED)
    for caller in ("li", "wang"):
        await hit(limit, caller, ALLOWED)
        with pytest.raises(TooManyRequests) as caught:
            await hit(limit, caller, AT_MOST + 1 - ALLOWED)
        assert 1 <= int(str(caught.value.members["retry_after_seconds"])) <= 61


@pytest.mark.usefixtures("narrow_gate")
async def test_a_hasty_writer_waits_and_still_reads(callers: Callers) -> None:
    li, wang = await callers.resident(), await callers.resident()
    answers = await until_slowed(lambda: li.put("/me", json={"name": "李", "version": 9}))
    assert {answer.status_code for answer in answers[:-1]} == {409}
    body = answers[-1].json()
    assert body["code"] == "too_many_requests"
    assert body["message"] == "操作太频繁，请稍后再试"
    assert answers[-1].headers["retry-after"] == str(body["retry_after_seconds"])
    assert 1 <= body["retry_after_seconds"] <= 61
    assert (await li.get("/me")).status_code == 200
    assert (await wang.put("/me", json={"name": "王", "version": 1})).status_code == 200


@pytest.mark.usefixtures("narrow_gate", "rolled_back")
async def test_guessing_from_one_address_is_slowed_whatever_is_guessed(app: FastAPI) -> None:
    async def guess(address: str) -> Response:
        transport = ASGITransport(app, client=(address, 1))
        async with AsyncClient(transport=transport, base_url="http://api/api/v1") as http:
            return await http.post("/auth/staff", json=WRONG | {"phone": next(numbers)})

    numbers = (f"154{one:08}" for one in count(1))
    answers = await until_slowed(lambda: guess("192.0.2.1"))
    assert {answer.status_code for answer in answers[:-1]} == {401}
    assert (await guess("192.0.2.2")).status_code == 401
    phone = count(1)
    answers = await until_slowed(lambda: guess(f"2001:db8:0:1::{next(phone):x}"))
    assert {answer.status_code for answer in answers[:-1]} == {401}
    assert (await guess("2001:db8:0:2::1")).status_code == 401


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_one_place_counts_as_one_address(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@pytest.mark.usefixtures("narrow_gate")
async def test_refreshing_is_slowed_by_token_so_that_neighbours_do_not_share_a_limit(
    http: AsyncClient,
) -> None:
    async def refresh(secret: str) -> Response:
        return await http.post("/auth/refresh", json={"refresh_token": secret})

    answers = await until_slowed(lambda: refresh("mine"))
    assert {answer.status_code for answer in answers[:-1]} == {401}
    assert {(await refresh(f"neighbour {n}")).status_code for n in range(6)} == {401}
