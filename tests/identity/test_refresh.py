"""Refresh tokens rotate; a copied one ends the sign-in; a phone in a hurry does not."""

from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select

from neighborhood_api.identity.models import RefreshToken, SignIn
from neighborhood_api.kit.db import Tx
from tests.identity.conftest import is_refused, sign_in
from tests.support.clock import Clock
from tests.support.wechat import Phones


@pytest.fixture
async def device(clock: Clock, http: AsyncClient, phones: Phones) -> dict[str, Any]:
    del clock
    return await sign_in(http, phones)


async def refresh(http: AsyncClient, secret: str) -> Response:
    return await http.post("/auth/refresh", json={"refresh_token": secret})


async def how_it_ended(tx: Tx, device: dict[str, Any]) -> str | None:
    query = select(SignIn.end_reason).where(SignIn.person_id == device["me"]["id"])
    return (await tx.scalars(query)).one()


async def test_each_refresh_gives_new_tokens_of_the_same_sign_in(
    http: AsyncClient, device: dict[str, Any], clock: Clock, tx: Tx
) -> None:
    latest = device
    for _ in range(3):
        clock.forward(minutes=16)
        answer = await refresh(http, latest["refresh_token"])
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] != latest["refresh_token"]
        assert answer.json()["access_token"] != latest["access_token"]
        latest = answer.json()
    assert latest["me"]["id"] == device["me"]["id"]
    assert not await is_refused(http, latest)
    sign_ins = await tx.scalars(select(SignIn).where(SignIn.person_id == device["me"]["id"]))
    assert len(sign_ins.all()) == 1


async def test_ten_refreshes_within_the_grace_all_succeed_and_lock_nobody_out(
    http: AsyncClient, device: dict[str, Any], clock: Clock
) -> None:
    answers = []
    for _ in range(10):
        answers.append(await refresh(http, device["refresh_token"]))
        clock.forward(seconds=2.9)
    assert {answer.status_code for answer in answers} == {200}
    clock.forward(minutes=5)
    again = [await refresh(http, answer.json()["refresh_token"]) for answer in answers]
    assert {answer.status_code for answer in again} == {200}


async def test_reuse_after_the_grace_ends_the_sign_in_and_stays_ended(
    http: AsyncClient, device: dict[str, Any], clock: Clock, tx: Tx
) -> None:
    latest = (await refresh(http, device["refresh_token"])).json()
    clock.forward(seconds=31)
    stolen = await refresh(http, device["refresh_token"])
    assert (stolen.status_code, stolen.json()["code"]) == (401, "refresh_token_reused")
    assert await is_refused(http, latest)
    assert await is_refused(http, device)
    theirs = await refresh(http, latest["refresh_token"])
    assert theirs.json()["code"] == "refresh_token_invalid"
    assert await how_it_ended(tx, device) == "refresh_token_reused"


async def test_a_copy_that_was_used_within_the_grace_is_found_out_when_both_go_on(
    http: AsyncClient, device: dict[str, Any], clock: Clock, tx: Tx
) -> None:
    hers, his = [(await refresh(http, device["refresh_token"])).json() for _ in range(2)]
    clock.forward(minutes=16)
    latest = await refresh(http, hers["refresh_token"])
    assert latest.status_code == 200
    clock.forward(seconds=31)
    stolen = await refresh(http, his["refresh_token"])
    assert (stolen.status_code, stolen.json()["code"]) == (401, "refresh_token_reused")
    assert await is_refused(http, latest.json())
    assert await how_it_ended(tx, device) == "refresh_token_reused"


async def test_reuse_on_one_device_leaves_the_others_alone(
    http: AsyncClient, phones: Phones, clock: Clock
) -> None:
    one = await sign_in(http, phones, "oTwoDevices")
    two = await sign_in(http, phones, "oTwoDevices")
    await refresh(http, one["refresh_token"])
    clock.forward(seconds=31)
    await refresh(http, one["refresh_token"])
    assert await is_refused(http, one)
    assert not await is_refused(http, two)
    assert (await refresh(http, two["refresh_token"])).status_code == 200


async def test_a_retry_with_its_key_is_no_reuse_however_late(
    http: AsyncClient, device: dict[str, Any], clock: Clock
) -> None:
    body = {"refresh_token": device["refresh_token"]}
    key = {"idempotency-key": "refresh-1"}
    first = await http.post("/auth/refresh", json=body, headers=key)
    clock.forward(hours=1)
    again = await http.post("/auth/refresh", json=body, headers=key)
    assert again.content == first.content
    latest = await refresh(http, first.json()["refresh_token"])
    assert latest.status_code == 200


@pytest.mark.parametrize("secret", ["unknown", "令牌", "x" * 200, "a\u2028b"])
async def test_an_unknown_token_is_refused(http: AsyncClient, secret: str) -> None:
    answer = await refresh(http, secret)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")


async def test_a_token_runs_out_after_30_days(
    http: AsyncClient, device: dict[str, Any], clock: Clock
) -> None:
    clock.forward(days=30, seconds=1)
    answer = await refresh(http, device["refresh_token"])
    assert answer.json()["code"] == "refresh_token_invalid"


async def test_signing_out_ends_the_access_token_at_once(
    http: AsyncClient, device: dict[str, Any], tx: Tx
) -> None:
    body = {"refresh_token": device["refresh_token"]}
    assert not await is_refused(http, device)
    for _ in range(2):
        answer = await http.post("/auth/logout", json=body)
        assert (answer.status_code, answer.json()) == (200, {"done": True})
    assert await is_refused(http, device)
    refused = await refresh(http, device["refresh_token"])
    assert refused.json()["code"] == "refresh_token_invalid"
    assert await how_it_ended(tx, device) == "signed_out"


async def test_signing_out_with_an_unknown_token_tells_nothing(http: AsyncClient) -> None:
    answer = await http.post("/auth/logout", json={"refresh_token": "unknown"})
    assert (answer.status_code, answer.json()) == (200, {"done": True})


async def test_the_secrets_are_not_in_the_database(device: dict[str, Any], tx: Tx) -> None:
    digests = (await tx.scalars(select(RefreshToken.digest))).all()
    assert digests
    assert device["refresh_token"].encode() not in digests
    assert all(len(digest) == 32 for digest in digests)
