"""WeChat's stand-in over real loopback HTTP, new for each test, its clock in our hands."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest
from httpx import AsyncClient
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from neighborhood_api.wechat.client import WeChat
from neighborhood_api.wechat.standin.server import create_standin
from neighborhood_api.wechat.standin.serving import serve_standin

APP_ID = "wx1234567890abcdef"
APP_SECRET = "0123456789abcdef0123456789abcdef"
LOGIN = "/sns/jscode2session"
TOKEN = "/cgi-bin/token"
STABLE_TOKEN = "/cgi-bin/stable_token"
PHONE = "/wxa/business/getuserphonenumber"


@dataclass
class Clock:
    """Stands still until told."""

    seconds: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, *, minutes: float = 0, seconds: float = 0) -> None:
        self.seconds += minutes * 60 + seconds


@dataclass
class Servers:
    """One listening port for the whole run; what answers there changes with each test."""

    base_url: str = ""
    app: Starlette = field(default_factory=Starlette)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass
class World:
    """WeChat as a test sees it: its servers, and a phone."""

    base_url: str
    app: Starlette
    http: AsyncClient
    clock: Clock

    def calls(self, path: str) -> int:
        return int(self.app.state.standin.calls[path])

    def client(
        self,
        *,
        app_id: str | None = APP_ID,
        app_secret: str = APP_SECRET,
        base_url: str | None = None,
        patience_seconds: float = 5,
    ) -> WeChat:
        return WeChat(
            app_id,
            SecretStr(app_secret),
            base_url or self.base_url,
            self.http,
            patience_seconds=patience_seconds,
            clock=self.clock,
        )

    async def login_code(self, openid: str = "oLiMei", **more: str) -> str:
        return await self._press("/phone/login", {"openid": openid} | more)

    async def phone_code(self, phone: str = "13800138000", **more: str | int) -> str:
        body = {"openid": "oLiMei", "phone": phone, **more}
        return await self._press("/phone/number", body)

    async def spoil(self, path: str, **how: float) -> None:
        answer = await self.http.post(f"{self.base_url}/faults", json={"path": path} | how)
        assert answer.status_code == 200

    async def take_token_away(self) -> None:
        """Let somebody else force a new stable token."""
        body = {
            "grant_type": "client_credential",
            "appid": APP_ID,
            "secret": APP_SECRET,
            "force_refresh": True,
        }
        await self.http.post(self.base_url + STABLE_TOKEN, json=body)

    async def _press(self, path: str, body: Mapping[str, object]) -> str:
        answer = await self.http.post(self.base_url + path, json=body)
        return str(answer.json()["code"])


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    servers = Servers()
    async with serve_standin(servers) as servers.base_url:
        yield servers


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(trust_env=False) as http:
        yield http


@pytest.fixture
def world(servers: Servers, http: AsyncClient) -> World:
    clock = Clock()
    servers.app = create_standin(APP_ID, APP_SECRET, now=clock)
    return World(servers.base_url, servers.app, http, clock)
