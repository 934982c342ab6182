"""Codes that open the mini-program: asked of WeChat, and kept."""

from pathlib import Path

import pytest

from neighborhood_api.files.store import store_from
from neighborhood_api.kit.problems import TooManyRequests
from neighborhood_api.plates.codes import mini_program_code
from neighborhood_api.settings import Settings
from neighborhood_api.wechat.answers import WechatPageUnknown, WechatUnavailable
from neighborhood_api.wechat.client import WechatNotConfigured
from tests.wechat.conftest import World

CODE = "/wxa/getwxacodeunlimit"


async def test_a_code_is_an_image(world: World) -> None:
    image = await world.client().mini_program_code("p=P1234567", "pages/plate/plate")
    assert image.startswith(b"\xff\xd8")


async def test_wechat_is_asked_once_for_each_plate(world: World, tmp_path: Path) -> None:
    store = store_from(Settings(_env_file=None, data_dir=tmp_path))
    wechat = world.client()
    first = await mini_program_code(store, wechat, "P1", None)
    assert await mini_program_code(store, wechat, "P1", None) == first
    assert world.calls(CODE) == 1
    assert await mini_program_code(store, wechat, "P2", None) != first
    assert world.calls(CODE) == 2


@pytest.mark.parametrize(
    ("errcode", "problem"),
    [
        (41030, WechatPageUnknown),
        (45009, TooManyRequests),
        (40169, WechatUnavailable),
        (-1, WechatUnavailable),
    ],
)
async def test_refusals_have_names(
    world: World, errcode: int, problem: type[Exception], tmp_path: Path
) -> None:
    store = store_from(Settings(_env_file=None, data_dir=tmp_path))
    await world.spoil(CODE, errcode=errcode, times=1)
    with pytest.raises(problem):
        await mini_program_code(store, world.client(), "P1", None)
    assert (await mini_program_code(store, world.client(), "P1", None)).startswith(b"\xff\xd8")


async def test_a_scene_too_long_is_refused_by_wechat(world: World) -> None:
    with pytest.raises(WechatUnavailable):
        await world.client().mini_program_code("x" * 33, None)


async def test_without_a_mini_program_there_is_none(world: World) -> None:
    nobody = world.client(app_id=None)
    assert not nobody.is_configured
    with pytest.raises(WechatNotConfigured):
        await nobody.mini_program_code("p=1", None)
