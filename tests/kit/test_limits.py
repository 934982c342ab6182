"""Whoever is too hasty is told when to come back; nobody else is."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from neighborhood_api.identity.caller import Gate
from neighborhood_api.kit.limits import RateLimit
from neighborhood_api.kit.problems import TooManyRequests
from tests.support.people import Callers

WRONG = {"phone": "15499999999", "password": "x"}


@pytest.fixture
def narrow_gate(app: FastAPI) -> Iterator[None]:
    """Three of each in a minute."""
    before: Gate = app.state.gate
    app.state.gate = replace(
        before, sign_ins=RateLimit("sign_in", 3), writes=RateLimit("write", 3)
    )
    yield
    app.state.gate = before


async def test_a_limit_counts_each_caller_for_itself() -> None:
    limit = RateLimit("x", 2)
    for caller in ("li", "wang"):
        for _ in range(2):
            await limit.hit(caller)
        with pytest.raises(TooManyRequests) as caught:
            await limit.hit(caller)
        assert 1 <= int(str(caught.value.members["retry_after_seconds"])) <= 61


@pytest.mark.usefixtures("narrow_gate")
async def test_a_hasty_writer_waits_and_still_reads(callers: Callers) -> None:
    li, wang = await callers.resident(), await callers.resident()
    answers = [await li.put("/me", json={"name": "李", "version": 9}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [409, 409, 409, 429]
    body = answers[-1].json()
    assert body["code"] == "too_many_requests"
    assert body["message"] == "操作太频繁，请稍后再试"
    assert answers[-1].headers["retry-after"] == str(body["retry_after_seconds"])
    assert 1 <= body["retry_after_seconds"] <= 61
    assert (await li.get("/me")).status_code == 200
    assert (await wang.put("/me", json={"name": "王", "version": 1})).status_code == 200


@pytest.mark.usefixtures("narrow_gate", "rolled_back")
async def test_guessing_from_one_address_is_slowed_whatever_is_guessed(app: FastAPI) -> None:
    async def guess(address: str) -> int:
        transport = ASGITransport(app, client=(address, 1))
        async with AsyncClient(transport=transport, base_url="http://api/api/v1") as http:
            return (await http.post("/auth/staff", json=WRONG)).status_code

    assert [await guess("192.0.2.1") for _ in range(4)] == [401, 401, 401, 429]
    assert await guess("192.0.2.2") == 401


@pytest.mark.usefixtures("narrow_gate")
async def test_refreshing_is_slowed_by_token_so_that_neighbours_do_not_share_a_limit(
    http: AsyncClient,
) -> None:
    async def refresh(secret: str) -> int:
        answer = await http.post("/auth/refresh", json={"refresh_token": secret})
        return answer.status_code

    assert [await refresh("mine") for _ in range(4)] == [401, 401, 401, 429]
    assert [await refresh(f"neighbour {n}") for n in range(6)] == [401] * 6
