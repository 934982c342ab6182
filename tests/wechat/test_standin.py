"""The stand-in behaves as WeChat documents; asked as any client would ask."""

import re
import socket

import pytest
from httpx import AsyncClient, Response

from neighborhood_api.wechat.standin.server import create_standin
from neighborhood_api.wechat.standin.serving import serve_standin
from tests.wechat.conftest import (
    APP_ID,
    APP_SECRET,
    LOGIN,
    PHONE,
    STABLE_TOKEN,
    TOKEN,
    World,
)

RID = re.compile(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$")
CLIENT = {"grant_type": "client_credential", "appid": APP_ID, "secret": APP_SECRET}


async def exchange(world: World, code: str | None, **changes: str | None) -> Response:
    params = {
        "appid": APP_ID,
        "secret": APP_SECRET,
        "js_code": code,
        "grant_type": "authorization_code",
    }
    kept = {name: value for name, value in (params | changes).items() if value is not None}
    return await world.http.get(world.base_url + LOGIN, params=kept)


async def plain(world: World) -> str:
    answer = await world.http.get(world.base_url + TOKEN, params=CLIENT)
    return str(answer.json()["access_token"])


async def stable(world: World, *, force: bool = False) -> dict[str, int | str]:
    body = CLIENT | {"force_refresh": force}
    answer = await world.http.post(world.base_url + STABLE_TOKEN, json=body)
    return dict(answer.json())


async def errcode_with(world: World, token: str) -> int:
    """Return what a phone call with this token says."""
    answer = await world.http.post(
        world.base_url + PHONE,
        params={"access_token": token},
        json={"code": await world.phone_code()},
    )
    return int(answer.json()["errcode"])


async def test_a_session_comes_as_documented(world: World) -> None:
    first = await exchange(world, await world.login_code(unionid="uLiMei"))
    again = await exchange(world, await world.login_code())
    assert first.json() == {
        "session_key": again.json()["session_key"],
        "openid": "oLiMei",
        "unionid": "uLiMei",
    }
    assert set(again.json()) == {"session_key", "openid"}
    assert first.headers["content-type"].startswith("text/plain")


async def test_errors_have_status_200_and_a_request_id(world: World) -> None:
    code = await world.login_code()
    await exchange(world, code)
    used, invented = await exchange(world, code), await exchange(world, "x")
    assert (used.status_code, used.json()["errcode"]) == (200, 40163)
    assert RID.search(used.json()["errmsg"])
    assert (invented.status_code, invented.json()["errcode"]) == (200, 40029)
    assert re.match(r"invalid code, hint: \[.+\] rid: ", invented.json()["errmsg"])


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": None}, 41002),
        ({"appid": "wx0"}, 40013),
        ({"secret": None}, 41004),
        ({"secret": "wrong"}, 40125),
        ({"grant_type": "client_credential"}, 40002),
        ({"js_code": None}, 41008),
    ],
)
async def test_a_wrong_request_leaves_the_code_unused(
    world: World, changes: dict[str, str | None], errcode: int
) -> None:
    code = await world.login_code()
    assert (await exchange(world, code, **changes)).json()["errcode"] == errcode
    assert (await exchange(world, code)).json()["openid"] == "oLiMei"


async def test_a_wrong_method_is_refused_in_json(world: World) -> None:
    wrong = [
        await world.http.post(world.base_url + LOGIN),
        await world.http.get(world.base_url + PHONE),
    ]
    assert [a.json()["errcode"] for a in wrong] == [43001, 43002]


async def test_a_plain_token_invalidates_the_one_before(world: World) -> None:
    first = await plain(world)
    assert await errcode_with(world, first) == 0
    second = await plain(world)
    assert [await errcode_with(world, t) for t in (first, second)] == [40001, 0]


async def test_plain_and_stable_tokens_do_not_touch_each_other(world: World) -> None:
    mine = str((await stable(world))["access_token"])
    theirs = await plain(world)
    await stable(world, force=True)
    assert [await errcode_with(world, t) for t in (mine, theirs)] == [40001, 0]


async def test_a_plain_token_expires_after_two_hours(world: World) -> None:
    token = await plain(world)
    world.clock.advance(minutes=120, seconds=-1)
    assert await errcode_with(world, token) == 0
    world.clock.advance(seconds=1)
    assert await errcode_with(world, token) == 42001


async def test_the_stable_token_stays_until_five_minutes_before_its_end(world: World) -> None:
    first = await stable(world)
    world.clock.advance(minutes=114)
    later = await stable(world)
    assert (first["expires_in"], later["expires_in"]) == (7200, 360)
    assert later["access_token"] == first["access_token"]
    world.clock.advance(minutes=2)
    new = await stable(world)
    assert (new["access_token"] != first["access_token"], new["expires_in"]) == (True, 7200)
    tokens = [str(t["access_token"]) for t in (first, new)]
    assert [await errcode_with(world, t) for t in tokens] == [0, 0]
    world.clock.advance(minutes=4)
    assert [await errcode_with(world, t) for t in tokens] == [42001, 0]


async def test_force_replaces_the_token_at_once_but_not_within_30_seconds(world: World) -> None:
    first = (await stable(world))["access_token"]
    second = (await stable(world, force=True))["access_token"]
    assert await errcode_with(world, str(first)) == 40001
    world.clock.advance(seconds=29)
    assert (await stable(world, force=True))["access_token"] == second
    world.clock.advance(seconds=1)
    assert (await stable(world, force=True))["access_token"] != second


async def test_force_serves_twenty_times_a_day(world: World) -> None:
    for _ in range(20):
        assert "access_token" in await stable(world, force=True)
        world.clock.advance(seconds=30)
    assert (await stable(world, force=True))["errcode"] == 45009
    assert "access_token" in await stable(world)
    world.clock.advance(minutes=24 * 60)
    assert "access_token" in await stable(world, force=True)


@pytest.mark.parametrize(
    ("sent", "errcode"),
    [
        ({"data": CLIENT}, 47001),
        ({"json": [CLIENT]}, 47001),
        ({"json": CLIENT | {"grant_type": ""}}, 40002),
        ({"json": CLIENT | {"appid": "wx0"}}, 40013),
        ({"json": CLIENT | {"secret": "wrong"}}, 40125),
        ({"json": {}}, 41002),
    ],
)
async def test_a_stable_token_needs_json_and_the_secret(
    world: World, sent: dict[str, dict[str, str]], errcode: int
) -> None:
    answer = await world.http.request("POST", world.base_url + STABLE_TOKEN, **sent)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)


async def test_a_phone_comes_as_documented(world: World) -> None:
    token = await plain(world)
    for country, shown in (("86", "13800138000"), ("852", "85213800138000")):
        answer = await world.http.post(
            world.base_url + PHONE,
            params={"access_token": token},
            json={"code": await world.phone_code(country_code=country)},
        )
        assert answer.json() == {
            "errcode": 0,
            "errmsg": "ok",
            "phone_info": {
                "phoneNumber": shown,
                "purePhoneNumber": "13800138000",
                "countryCode": country,
                "watermark": {"timestamp": int(world.clock()), "appid": APP_ID},
            },
        }


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("made-up", 40001)])
async def test_a_phone_needs_a_token(world: World, token: str, errcode: int) -> None:
    assert await errcode_with(world, token) == errcode


async def test_a_phone_code_lives_five_minutes_and_serves_once(world: World) -> None:
    address, token = world.base_url + PHONE, {"access_token": await plain(world)}
    old = {"code": await world.phone_code()}
    world.clock.advance(minutes=5)
    new = {"code": await world.phone_code()}
    answers = [
        await world.http.post(address, params=token, json=body) for body in (old, new, new)
    ]
    assert [a.json()["errcode"] for a in answers] == [40029, 0, 40163]


async def test_a_fault_hits_its_path_as_often_as_told(world: World) -> None:
    await world.spoil(LOGIN, errcode=45011, times=2)
    await world.spoil(LOGIN, status=503, times=1)
    code = await world.login_code()
    answers = [await exchange(world, code) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 503, 200]
    assert [a.json()["errcode"] for a in answers[:2]] == [45011, 45011]
    assert answers[2].headers["content-type"].startswith("text/html")
    assert answers[3].json()["openid"] == "oLiMei"


async def test_the_control_paths_refuse_what_they_cannot_read(world: World) -> None:
    for path, body in (
        ("/phone/login", {}),
        ("/phone/number", {"openid": "o"}),
        ("/faults", {"path": LOGIN, "colour": "red"}),
    ):
        answer = await world.http.post(world.base_url + path, json=body)
        assert (answer.status_code, "error" in answer.json()) == (422, True)


async def test_a_fixed_port_is_served_freed_and_refused_when_taken(http: AsyncClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    app = create_standin(APP_ID, APP_SECRET)
    for _ in range(2):
        async with serve_standin(app, port=port) as base_url:
            assert base_url == f"http://127.0.0.1:{port}"
            answer = await http.post(f"{base_url}/phone/login", json={"openid": "o"})
            assert answer.json()["code"]
            with pytest.raises(OSError, match="in use"):
                async with serve_standin(app, port=port):
                    pass
