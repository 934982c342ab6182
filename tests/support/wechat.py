"""Phones with WeChat on them, whose servers are the stand-in over real loopback HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from httpx import AsyncClient
from pydantic import SecretStr

from neighborhood_api.kit.ids import new_id
from neighborhood_api.wechat.client import WeChat
from neighborhood_api.wechat.standin.server import create_standin
from neighborhood_api.wechat.standin.serving import serve_standin

APP_ID = "wx0000000000000000"
APP_SECRET = "stand-in"


def new_openid() -> str:
    """A WeChat account that nobody has met."""
    return f"o{new_id().hex}"


class Phones:
    """What people do on their phones: open the mini-program, share their number."""

    def __init__(self, client: AsyncClient, base_url: str) -> None:
        self._client = client
        self._base_url = base_url

    def wechat(self) -> WeChat:
        """The API's client of the stand-in."""
        return WeChat(APP_ID, SecretStr(APP_SECRET), self._base_url, self._client)

    async def login_code(self, openid: str) -> str:
        """What wx.login gives."""
        return await self._press("/phone/login", {"openid": openid})

    async def phone_code(self, number: str) -> str:
        """What a tap on the phone-number button gives."""
        return await self._press("/phone/number", {"openid": "o", "phone": number})

    async def _press(self, path: str, body: dict[str, str]) -> str:
        answer = await self._client.post(self._base_url + path, json=body)
        return str(answer.json()["code"])


@asynccontextmanager
async def phones_before(app: FastAPI) -> AsyncIterator[Phones]:
    """Let `app` ask the stand-in whose codes it is given."""
    before = getattr(app.state, "wechat", None)
    standin = create_standin(APP_ID, APP_SECRET)
    async with serve_standin(standin) as base_url, AsyncClient(trust_env=False) as client:
        phones = Phones(client, base_url)
        app.state.wechat = phones.wechat()
        try:
            yield phones
        finally:
            app.state.wechat = before
