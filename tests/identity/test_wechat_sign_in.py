"""Signing in from the mini-program, through the client, to WeChat's stand-in."""

from httpx import AsyncClient
from sqlalchemy import func, select

from neighborhood_api.identity.models import Person, SignIn
from neighborhood_api.kit.db import Tx
from tests.identity.conftest import bearer, sign_in
from tests.support.wechat import Phones, new_openid


async def test_the_first_sign_in_creates_the_person(
    http: AsyncClient, phones: Phones, tx: Tx
) -> None:
    openid = new_openid()
    signed_in = await sign_in(http, phones, openid)
    person = (await tx.scalars(select(Person).where(Person.openid == openid))).one()
    assert signed_in["me"] == {
        "id": str(person.id),
        "name": None,
        "phone": None,
        "posts": [],
        "lane_id": None,
        "version": 1,
    }
    me = await http.get("/me", headers=bearer(signed_in))
    assert me.json() == signed_in["me"] | {"home": []}


async def test_the_second_sign_in_finds_the_same_person_on_another_device(
    http: AsyncClient, phones: Phones, tx: Tx
) -> None:
    openid = new_openid()
    first = await sign_in(http, phones, openid)
    second = await sign_in(http, phones, openid)
    assert second["me"]["id"] == first["me"]["id"]
    assert second["refresh_token"] != first["refresh_token"]
    devices = select(func.count()).where(SignIn.person_id == first["me"]["id"])
    assert await tx.scalar(devices) == 2


async def test_a_used_code_is_refused_and_creates_nobody(
    http: AsyncClient, phones: Phones, tx: Tx
) -> None:
    openid = new_openid()
    code = await phones.login_code(openid)
    await http.post("/auth/wechat", json={"code": code})
    sign_ins = await tx.scalar(select(func.count(SignIn.id)))
    again = await http.post("/auth/wechat", json={"code": code})
    assert again.status_code == 422
    assert again.json()["code"] == "wechat_code_rejected"
    assert again.json()["message"] == "微信授权已失效，请重新操作一次"
    assert await tx.scalar(select(func.count(SignIn.id))) == sign_ins


async def test_a_retried_sign_in_with_its_key_gets_the_tokens_that_were_lost(
    http: AsyncClient, phones: Phones
) -> None:
    body = {"code": await phones.login_code(new_openid())}
    key = {"idempotency-key": "sign-in-1"}
    first = await http.post("/auth/wechat", json=body, headers=key)
    again = await http.post("/auth/wechat", json=body, headers=key)
    assert again.status_code == 200
    assert again.content == first.content


async def test_a_phone_code_does_not_sign_in(http: AsyncClient, phones: Phones) -> None:
    code = await phones.phone_code("13800138000")
    answer = await http.post("/auth/wechat", json={"code": code})
    assert (answer.status_code, answer.json()["code"]) == (422, "wechat_code_rejected")
