"""The client against the stand-in: who signs in, with which phone, and what goes wrong."""

import asyncio
import logging
import time

import pytest
from httpx import AsyncClient
from pydantic import SecretStr
from structlog.testing import capture_logs

from neighborhood_api.kit.problems import Problem, TooManyRequests
from neighborhood_api.settings import Settings
from neighborhood_api.wechat.answers import (
    WechatCodeRejected,
    WechatMisconfigured,
    WechatUnavailable,
    WechatUserBlocked,
)
from neighborhood_api.wechat.client import PhoneNotMainland, WechatNotConfigured
from neighborhood_api.wechat.config import wechat_from
from tests.wechat.conftest import APP_ID, APP_SECRET, LOGIN, PHONE, STABLE_TOKEN, World


async def test_a_sign_in_code_names_its_user(world: World) -> None:
    user = await world.client().exchange_login_code(await world.login_code("oLiMei"))
    assert (user.openid, user.unionid) == ("oLiMei", None)


async def test_a_linked_mini_program_learns_the_unionid(world: World) -> None:
    code = await world.login_code("oLiMei", unionid="uLiMei")
    assert (await world.client().exchange_login_code(code)).unionid == "uLiMei"


async def test_a_sign_in_code_serves_once(world: World) -> None:
    wechat, code = world.client(), await world.login_code()
    await wechat.exchange_login_code(code)
    with pytest.raises(WechatCodeRejected):
        await wechat.exchange_login_code(code)


async def test_of_ten_uses_at_once_one_succeeds(world: World) -> None:
    wechat, code = world.client(), await world.login_code()
    uses = (wechat.exchange_login_code(code) for _ in range(10))
    outcomes = await asyncio.gather(*uses, return_exceptions=True)
    refused = [o for o in outcomes if isinstance(o, WechatCodeRejected)]
    assert len(refused) == 9


@pytest.mark.parametrize(("seconds", "accepted"), [(299, True), (300, False)])
async def test_a_sign_in_code_lives_five_minutes(
    world: World, seconds: float, *, accepted: bool
) -> None:
    code = await world.login_code()
    world.clock.advance(seconds=seconds)
    try:
        await world.client().exchange_login_code(code)
    except WechatCodeRejected:
        assert not accepted
    else:
        assert accepted


@pytest.mark.parametrize("code", ["", "made-up", "a b&c=d#é中"])
async def test_an_invented_code_is_refused(world: World, code: str) -> None:
    with pytest.raises(WechatCodeRejected) as refused:
        await world.client().exchange_login_code(code)
    assert (refused.value.status, refused.value.code()) == (422, "wechat_code_rejected")
    with pytest.raises(WechatCodeRejected):
        await world.client().phone_number(code)


async def test_a_phone_code_names_a_phone_once(world: World) -> None:
    wechat, code = world.client(), await world.phone_code("13912345678")
    assert await wechat.phone_number(code) == "13912345678"
    with pytest.raises(WechatCodeRejected):
        await wechat.phone_number(code)


async def test_the_two_kinds_of_code_do_not_stand_for_each_other(world: World) -> None:
    wechat = world.client()
    login, phone = await world.login_code(), await world.phone_code()
    with pytest.raises(WechatCodeRejected):
        await wechat.exchange_login_code(phone)
    with pytest.raises(WechatCodeRejected):
        await wechat.phone_number(login)
    assert (await wechat.exchange_login_code(login)).openid == "oLiMei"
    assert await wechat.phone_number(phone) == "13800138000"


async def test_a_country_code_may_come_as_a_number(world: World) -> None:
    code = await world.phone_code("13912345678", country_code=86)
    assert await world.client().phone_number(code) == "13912345678"


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("91234567", "852"),
        ("13912345678", 1),
        ("12912345678", "86"),
        ("139123456789", "86"),
        ("１３９１２３４５６７８", "86"),
        ("", "86"),
    ],
)
async def test_only_mainland_mobiles_are_accepted(
    world: World, phone: str, country: str | int
) -> None:
    code = await world.phone_code(phone, country_code=country)
    with pytest.raises(PhoneNotMainland):
        await world.client().phone_number(code)


async def test_parallel_calls_fetch_the_token_once(world: World) -> None:
    wechat = world.client()
    phones = [f"1380013800{n}" for n in range(10)]
    codes = [await world.phone_code(p) for p in phones]
    await world.spoil(STABLE_TOKEN, delay_seconds=0.1)
    assert await asyncio.gather(*map(wechat.phone_number, codes)) == phones
    assert world.calls(STABLE_TOKEN) == 1


async def test_two_workers_do_not_invalidate_each_other(world: World) -> None:
    workers = [world.client(), world.client()]
    for worker in workers * 2:
        await worker.phone_number(await world.phone_code())
    assert (world.calls(STABLE_TOKEN), world.calls(PHONE)) == (2, 4)


async def test_a_token_near_its_end_is_replaced_before_it_fails(world: World) -> None:
    wechat = world.client()
    await wechat.phone_number(await world.phone_code())
    world.clock.advance(minutes=119, seconds=-1)
    await wechat.phone_number(await world.phone_code())
    assert world.calls(STABLE_TOKEN) == 1
    world.clock.advance(seconds=1)
    await wechat.phone_number(await world.phone_code())
    assert (world.calls(STABLE_TOKEN), world.calls(PHONE)) == (2, 3)


async def test_a_token_taken_away_is_replaced_once_for_all(world: World) -> None:
    wechat = world.client()
    await wechat.phone_number(await world.phone_code())
    await world.take_token_away()
    codes = [await world.phone_code() for _ in range(10)]
    numbers = await asyncio.gather(*map(wechat.phone_number, codes))
    assert numbers == ["13800138000"] * 10
    assert world.calls(STABLE_TOKEN) == 3  # ours, the stranger's, ours again


async def test_a_late_complaint_does_not_throw_away_the_new_token(world: World) -> None:
    wechat = world.client()
    await wechat.phone_number(await world.phone_code())
    await world.take_token_away()
    await world.spoil(PHONE, delay_seconds=0.3, times=1)
    codes = [await world.phone_code() for _ in range(2)]
    assert await asyncio.gather(*map(wechat.phone_number, codes)) == ["13800138000"] * 2
    assert (world.calls(STABLE_TOKEN), world.calls(PHONE)) == (3, 5)


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
async def test_a_stale_token_is_fetched_again_once(world: World, errcode: int) -> None:
    wechat = world.client()
    await world.spoil(PHONE, errcode=errcode, times=1)
    assert await wechat.phone_number(await world.phone_code()) == "13800138000"
    assert (world.calls(STABLE_TOKEN), world.calls(PHONE)) == (2, 2)


@pytest.mark.parametrize(
    ("errcode", "problem"),
    [(40001, WechatMisconfigured), (40014, WechatUnavailable), (42001, WechatUnavailable)],
)
async def test_a_token_refused_for_good_is_not_fetched_for_ever(
    world: World, errcode: int, problem: type[Problem]
) -> None:
    await world.spoil(PHONE, errcode=errcode)
    with pytest.raises(problem):
        await world.client().phone_number(await world.phone_code())
    assert (world.calls(STABLE_TOKEN), world.calls(PHONE)) == (2, 2)


@pytest.mark.parametrize(
    ("errcode", "problem", "status"),
    [
        (-1, WechatUnavailable, 503),
        (40029, WechatCodeRejected, 422),
        (40163, WechatCodeRejected, 422),
        (40226, WechatUserBlocked, 403),
        (45011, TooManyRequests, 429),
        (40013, WechatMisconfigured, 503),
        (40125, WechatMisconfigured, 503),
        (40164, WechatMisconfigured, 503),
        (40243, WechatMisconfigured, 503),
        (41004, WechatMisconfigured, 503),
        (45009, WechatUnavailable, 503),
        (99999, WechatUnavailable, 503),
    ],
)
async def test_each_refusal_has_its_problem_and_is_not_repeated(
    world: World, errcode: int, problem: type[Problem], status: int
) -> None:
    for path, use in (
        (LOGIN, world.client().exchange_login_code),
        (PHONE, world.client().phone_number),
    ):
        await world.spoil(path, errcode=errcode)
        with pytest.raises(problem) as refused:
            await use("any")
        assert (refused.value.status, world.calls(path)) == (status, 1)


async def test_the_hundred_and_first_sign_in_of_a_minute_must_wait(world: World) -> None:
    wechat = world.client()
    for _ in range(100):
        await wechat.exchange_login_code(await world.login_code())
    with pytest.raises(TooManyRequests) as refused:
        await wechat.exchange_login_code(await world.login_code())
    assert refused.value.members == {"retry_after_seconds": 60}
    await wechat.exchange_login_code(await world.login_code("oAnother"))
    world.clock.advance(minutes=1)
    await wechat.exchange_login_code(await world.login_code())


@pytest.mark.parametrize("path", [STABLE_TOKEN, PHONE])
async def test_a_broken_gateway_is_unavailable(world: World, path: str) -> None:
    await world.spoil(path, status=502)
    with pytest.raises(WechatUnavailable):
        await world.client().phone_number(await world.phone_code())


@pytest.mark.parametrize("status", [200, 302, 500])
async def test_a_page_in_place_of_an_answer_is_unavailable(world: World, status: int) -> None:
    await world.spoil(LOGIN, status=status)
    with pytest.raises(WechatUnavailable):
        await world.client().exchange_login_code(await world.login_code())
    assert world.calls(LOGIN) == 1


async def test_a_refusal_by_a_gateway_is_not_taken_for_wechats(world: World) -> None:
    await world.spoil(LOGIN, status=502, errcode=40029)
    with pytest.raises(WechatUnavailable):
        await world.client().exchange_login_code(await world.login_code())


async def test_an_answer_without_the_user_is_unavailable(world: World) -> None:
    await world.spoil(LOGIN, errcode=0)
    with pytest.raises(WechatUnavailable):
        await world.client().exchange_login_code(await world.login_code())


async def test_a_slow_answer_is_given_up_and_the_code_not_sent_again(world: World) -> None:
    await world.spoil(LOGIN, delay_seconds=30)
    started = time.monotonic()
    with pytest.raises(WechatUnavailable):
        await world.client(patience_seconds=0.2).exchange_login_code(await world.login_code())
    assert time.monotonic() - started < 2
    assert world.calls(LOGIN) == 1


async def test_callers_of_a_slow_token_wait_together_and_not_in_line(world: World) -> None:
    await world.spoil(STABLE_TOKEN, delay_seconds=30)
    wechat = world.client(patience_seconds=0.3)
    started = time.monotonic()
    uses = (wechat.phone_number("any") for _ in range(20))
    outcomes = await asyncio.gather(*uses, return_exceptions=True)
    assert {type(o) for o in outcomes} == {WechatUnavailable}
    assert time.monotonic() - started < 2


async def test_a_client_recovers_after_an_outage(world: World) -> None:
    wechat, code = world.client(patience_seconds=0.2), await world.phone_code()
    await world.spoil(STABLE_TOKEN, delay_seconds=30)
    with pytest.raises(WechatUnavailable):
        await wechat.phone_number(code)
    await world.http.delete(f"{world.base_url}/faults")
    assert await wechat.phone_number(code) == "13800138000"


async def test_no_server_at_all_is_unavailable(world: World) -> None:
    wechat = world.client(base_url="http://127.0.0.1:1")
    with pytest.raises(WechatUnavailable):
        await wechat.exchange_login_code("any")


async def test_a_wrong_secret_is_the_operators_business(world: World) -> None:
    code = await world.login_code()
    with capture_logs() as logs, pytest.raises(WechatMisconfigured):
        await world.client(app_secret="wrong").exchange_login_code(code)
    (entry,) = logs
    assert (entry["event"], entry["errcode"]) == ("wechat_misconfigured", 40125)
    assert entry["remedy"] == "check the app secret"
    assert len(entry["rid"].split("-")) == 3
    assert (await world.client().exchange_login_code(code)).openid == "oLiMei"


async def test_logs_tell_neither_secret_nor_code_nor_person(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    # Another test's `configure` may have quietened the two libraries.
    for name in (None, "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    wechat = world.client()
    login, phone = await world.login_code("oLiMei"), await world.phone_code("13912345678")
    with capture_logs() as logs:
        user = await wechat.exchange_login_code(login)
        await wechat.phone_number(phone)
        for errcode in (-1, 40029, 40125):
            await world.spoil(LOGIN, errcode=errcode, times=1)
            with pytest.raises(Problem):
                await wechat.exchange_login_code("code-of-a-person")
        await world.spoil(LOGIN, delay_seconds=30, times=1)
        with pytest.raises(WechatUnavailable) as refused:
            await world.client(patience_seconds=0.1).exchange_login_code("code-of-a-person")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    requests = [r.getMessage() for r in caplog.records if r.name == "httpx"]
    assert any(LOGIN in line for line in requests)
    told = "\n".join(r.getMessage() for r in caplog.records) + repr(logs) + repr(user)
    assert "wechat_refused" in told
    for private in (APP_SECRET, login, phone, "code-of-a-person", "oLiMei", "13912345678"):
        assert private not in told
    assert "access_token=" not in told


@pytest.mark.parametrize(
    "given",
    [
        Settings(_env_file=None),
        Settings(_env_file=None, wechat_app_id=APP_ID),
        Settings(_env_file=None, wechat_app_secret=SecretStr(APP_SECRET)),
    ],
)
async def test_without_app_id_or_secret_nothing_is_asked(
    world: World, http: AsyncClient, given: Settings
) -> None:
    here = given.model_copy(update={"wechat_base_url": world.base_url})
    wechat = wechat_from(here, http)
    for use in (wechat.exchange_login_code, wechat.phone_number):
        with pytest.raises(WechatNotConfigured):
            await use("any")
    assert world.calls(LOGIN) + world.calls(STABLE_TOKEN) + world.calls(PHONE) == 0


async def test_the_settings_make_a_working_client(world: World, http: AsyncClient) -> None:
    settings = Settings(
        _env_file=None,
        wechat_app_id=APP_ID,
        wechat_app_secret=SecretStr(APP_SECRET),
        wechat_base_url=world.base_url + "/",
    )
    user = await wechat_from(settings, http).exchange_login_code(await world.login_code())
    assert user.openid == "oLiMei"
