"""Subscribe messages: taken as WeChat documents by the stand-in, sent once by the client."""

from collections.abc import Mapping

import pytest

from neighborhood_api.wechat.answers import WechatUnavailable
from neighborhood_api.wechat.client import MessageUncertain, WeChat
from neighborhood_api.wechat.standin.server import SEND, create_standin
from tests.wechat.conftest import APP_ID, APP_SECRET, STABLE_TOKEN, Servers, World

REMINDER = "reminder-template"
DATA = {"thing1": {"value": "乒乓球室"}, "time2": {"value": "2026-11-24 19:00"}}
PAGE = "pages/booking/index"


@pytest.fixture
def talking(world: World, servers: Servers) -> World:
    """A mini-program that has a template and a page."""
    world.app = servers.app = create_standin(
        APP_ID,
        APP_SECRET,
        now=world.clock,
        templates={REMINDER: ("thing1", "time2")},
        pages=(PAGE,),
    )
    return world


async def tap_allow(world: World, *templates: str) -> dict[str, str]:
    await world.login_code()
    body = {"openid": "oLiMei", "template_ids": list(templates or (REMINDER,))}
    answer = await world.http.post(f"{world.base_url}/phone/subscribe", json=body)
    return dict(answer.json())


async def received(world: World) -> list[dict[str, object]]:
    answer = await world.http.get(
        f"{world.base_url}/phone/messages", params={"openid": "oLiMei"}
    )
    return list(answer.json()["items"])


async def errcode(client: WeChat, **changes: object) -> int:
    asked: dict[str, object] = {"openid": "oLiMei", "template_id": REMINDER, "data": DATA}
    answer = await client.send_message(**(asked | changes))  # type: ignore[arg-type]
    return answer.errcode


async def test_one_tap_is_good_for_one_message(talking: World) -> None:
    assert await tap_allow(talking) == {REMINDER: "accept"}
    client = talking.client()
    assert await errcode(client, page=f"{PAGE}?id=1") == 0
    assert await errcode(client) == 43101
    assert await received(talking) == [
        {
            "openid": "oLiMei",
            "template_id": REMINDER,
            "values": {"thing1": "乒乓球室", "time2": "2026-11-24 19:00"},
            "page": f"{PAGE}?id=1",
            "received_at": talking.clock(),
        }
    ]


async def test_a_template_that_the_console_does_not_have_is_not_asked_for(
    talking: World,
) -> None:
    assert await tap_allow(talking, "made-up") == {"made-up": "filter"}


async def test_who_switches_messages_off_gets_none(talking: World) -> None:
    await tap_allow(talking)
    await talking.http.post(f"{talking.base_url}/phone/refuse", json={"openid": "oLiMei"})
    assert await errcode(talking.client()) == 43101
    assert await received(talking) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"openid": "oStranger"}, 40003),
        ({"template_id": "made-up"}, 40037),
        ({"page": "pages/gone/index"}, 41030),
    ],
)
async def test_what_does_not_exist_is_refused_and_costs_nothing(
    talking: World, changes: Mapping[str, object], expected: int
) -> None:
    await tap_allow(talking)
    client = talking.client()
    assert await errcode(client, **changes) == expected
    assert await received(talking) == []
    assert await errcode(client) == 0


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"thing1": {"value": "九" * 21}}, "data.thing1.value invalid"),
        ({"thing1": {"value": "两\n行"}}, "data.thing1.value invalid"),
        ({"time2": {"value": "11月24日周二"}}, "data.time2.value invalid"),
        ({"time2": {"value": ""}}, "data.time2.value is empty"),
    ],
)
async def test_values_have_the_form_of_their_key(
    talking: World, data: dict[str, dict[str, str]], told: str
) -> None:
    await tap_allow(talking)
    answer = await talking.client().send_message("oLiMei", REMINDER, DATA | data)
    assert answer.errcode == 47003
    assert told in answer.content.decode()
    assert await received(talking) == []


async def test_a_stale_token_is_replaced_and_the_message_sent_once(talking: World) -> None:
    await tap_allow(talking)
    client = talking.client()
    assert await errcode(client, template_id="made-up") == 40037
    await talking.take_token_away()
    assert await errcode(client) == 0
    assert len(await received(talking)) == 1
    assert talking.calls(SEND) == 3


async def test_a_lost_answer_is_uncertain_and_not_asked_for_again(talking: World) -> None:
    await tap_allow(talking)
    await talking.spoil(SEND, status=502, times=1)
    with pytest.raises(MessageUncertain):
        await errcode(talking.client())
    await talking.spoil(SEND, delay_seconds=1)
    with pytest.raises(MessageUncertain):
        await errcode(talking.client(patience_seconds=0.3))
    assert talking.calls(SEND) == 2


async def test_without_a_token_or_a_way_there_nothing_was_sent(talking: World) -> None:
    await tap_allow(talking)
    await talking.spoil(STABLE_TOKEN, status=502, times=1)
    with pytest.raises(WechatUnavailable):
        await errcode(talking.client())
    client = talking.client()
    assert await errcode(client, template_id="made-up") == 40037
    client._base_url = "http://127.0.0.1:9"  # noqa: SLF001  (nobody listens there)
    with pytest.raises(WechatUnavailable):
        await errcode(client)
    assert talking.calls(SEND) == 1
