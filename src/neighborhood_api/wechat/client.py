"""Client of WeChat's servers: whose sign-in code and phone number is this; send a message."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import httpx
import structlog
from pydantic import BaseModel, BeforeValidator, Field, JsonValue, SecretStr

from neighborhood_api.kit.problems import Problem, TooManyRequests
from neighborhood_api.wechat.answers import (
    STALE_TOKEN,
    Answer,
    WechatCodeRejected,
    WechatMisconfigured,
    WechatPageUnknown,
    WechatUnavailable,
    WechatUserBlocked,
)

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 5.0
"""How long one use of this client may take, tokens and repetition included."""
TOKEN_MARGIN_SECONDS = 60
"""A token is given up this long before its end, so that none expires on the way."""
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout)
MAINLAND = "86"
MAINLAND_MOBILE = re.compile(r"1[3-9][0-9]{9}")


class WechatNotConfigured(Problem):
    """This deployment has no WeChat app id or no secret."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "WeChat sign-in is not configured here"
    message = "本系统尚未配置微信登录，请联系管理员"


class PhoneNotMainland(Problem):
    """The phone number bound in WeChat is not a mobile number of mainland China."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Only mobile numbers of mainland China are accepted"
    message = "只支持中国大陆手机号，请换一个手机号"


class MessageUncertain(Exception):  # noqa: N818  (named for what happened)
    """WeChat was given a message, and did not say what became of it."""


LOGIN_REFUSALS: tuple[type[Problem], ...] = (
    WechatCodeRejected,
    WechatUserBlocked,
    TooManyRequests,
    WechatUnavailable,
    WechatMisconfigured,
    WechatNotConfigured,
)
"""What `exchange_login_code` may raise, for the API description."""
PHONE_REFUSALS: tuple[type[Problem], ...] = (*LOGIN_REFUSALS, PhoneNotMainland)
"""What `phone_number` may raise, for the API description."""

CODE_REFUSALS: tuple[type[Problem], ...] = (
    TooManyRequests,
    WechatPageUnknown,
    WechatUnavailable,
    WechatMisconfigured,
    WechatNotConfigured,
)
"""What `mini_program_code` may raise, for the API description."""


@dataclass(frozen=True, slots=True, repr=False)
class WeChatUser:
    """Whom a sign-in code stands for; the session key is dropped, as nothing needs it."""

    openid: str
    """Names her within this mini-program only."""
    unionid: str | None
    """Names her across the programs of one owner, where the owner has linked them."""


class _Session(BaseModel):
    openid: str = Field(min_length=1)
    unionid: str | None = None


class _Token(BaseModel):
    access_token: str = Field(min_length=1)
    expires_in: int


class _Phone(BaseModel):
    number: str = Field(alias="purePhoneNumber")
    country: Annotated[str, BeforeValidator(str)] = Field(alias="countryCode")
    """Documented as a text, and shown as a number in WeChat's own example."""


class _PhoneReply(BaseModel):
    phone_info: _Phone


def _hide_query(record: logging.LogRecord) -> bool:
    """Keep the app secret, codes and tokens out of httpx's own log of requests."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            a.copy_with(query=None) if isinstance(a, httpx.URL) else a for a in record.args
        )
    return True


class WeChat:
    """WeChat's servers, as one mini-program sees them; keeps its access token."""

    def __init__(
        self,
        app_id: str | None,
        app_secret: SecretStr | None,
        base_url: str,
        http: httpx.AsyncClient,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; without `app_id` or `app_secret` every use raises WechatNotConfigured."""
        logging.getLogger("httpx").addFilter(_hide_query)
        self._app_id = app_id
        self._app_secret = app_secret
        self._base_url = base_url.rstrip("/")
        self._http = http
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._token = ""
        self._token_ends = 0.0
        self._fetching_token = asyncio.Lock()

    async def exchange_login_code(self, code: str) -> WeChatUser:
        """Return the user whose phone got `code` from wx.login; a code serves once.

        Raises: those of LOGIN_REFUSALS.
        Source: WeChat server API, code2Session.
        """
        app_id, app_secret = self._credentials()
        path = "/sns/jscode2session"
        query = {
            "appid": app_id,
            "secret": app_secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        async with self._patiently(path):
            # Sent once: a code that WeChat has seen is spent, even if the answer got lost.
            answer = await self._send("GET", path, query)
        session = answer.read(_Session)
        return WeChatUser(session.openid, session.unionid)

    async def phone_number(self, code: str) -> str:
        """Return the mobile number, 11 digits, that a getPhoneNumber button's `code` names.

        Raises: those of PHONE_REFUSALS.
        Source: WeChat server API, getPhoneNumber.
        """
        answer = await self._call("/wxa/business/getuserphonenumber", {"code": code})
        phone = answer.read(_PhoneReply).phone_info
        if phone.country != MAINLAND or not MAINLAND_MOBILE.fullmatch(phone.number):
            raise PhoneNotMainland
        return phone.number

    async def send_message(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, Mapping[str, str]],
        *,
        page: str | None = None,
    ) -> Answer:
        """Send a message to who agreed to it; the answer's `errcode` is 0 when WeChat took it.

        Raises: MessageUncertain; WechatUnavailable, WechatMisconfigured or WechatNotConfigured
            when WeChat was not given the message.
        Source: WeChat server API, subscribeMessage.send.
        """
        path = "/cgi-bin/message/subscribe/send"
        values: dict[str, JsonValue] = {key: dict(value) for key, value in data.items()}
        body: dict[str, JsonValue] = {
            "touser": openid,
            "template_id": template_id,
            "data": values,
        }
        if page is not None:
            body["page"] = page
        async with self._patiently(path):
            # Beforehand: without a token nothing can have been sent.
            await self._access_token()
        try:
            return await self._call(path, body)
        except WechatUnavailable as problem:
            if problem.may_have_acted:
                raise MessageUncertain from None
            raise

    @property
    def app_id(self) -> str | None:
        """Whose codes and openids these are."""
        return self._app_id

    @property
    def is_configured(self) -> bool:
        """Whether there is a mini-program to speak for."""
        return bool(self._app_id and self._app_secret)

    async def mini_program_code(self, scene: str, page: str | None, width: int = 860) -> bytes:
        """Return a code that opens the mini-program with `scene`, as JPEG; it never expires.

        `scene` has at most 32 visible characters; `page` must be published, the home page
        opens without one; `width` is in pixels, 280 to 1280.

        Raises: those of CODE_REFUSALS.
        Source: WeChat server API, getUnlimitedQRCode.
        """
        body: dict[str, JsonValue] = {"scene": scene, "width": width}
        if page is not None:
            body["page"] = page
        answer = await self._call("/wxa/getwxacodeunlimit", body)
        return answer.image()

    async def _call(self, path: str, body: JsonValue) -> Answer:
        """Ask with an access token, and once more with a new one if that was stale."""
        async with self._patiently(path):
            token = await self._access_token()
            answer = await self._send("POST", path, {"access_token": token}, body)
            if answer.errcode in STALE_TOKEN:
                if self._token == token:  # else another call has replaced it already
                    self._token = ""
                token = await self._access_token()
                answer = await self._send("POST", path, {"access_token": token}, body)
        return answer

    async def _access_token(self) -> str:
        """Return the token of this process; calls that arrive together fetch it once.

        The "stable" token is the same for every process that asks, so several workers do
        not invalidate each other's.
        """
        async with self._fetching_token:
            if not self._token or self._clock() >= self._token_ends:
                app_id, app_secret = self._credentials()
                body: JsonValue = {
                    "grant_type": "client_credential",
                    "appid": app_id,
                    "secret": app_secret,
                    "force_refresh": False,
                }
                asked_at = self._clock()
                answer = await self._send("POST", "/cgi-bin/stable_token", {}, body)
                fetched = answer.read(_Token)
                self._token = fetched.access_token
                self._token_ends = asked_at + fetched.expires_in - TOKEN_MARGIN_SECONDS
            return self._token

    def _credentials(self) -> tuple[str, str]:
        if not self._app_id or not self._app_secret:
            raise WechatNotConfigured
        return self._app_id, self._app_secret.get_secret_value()

    async def _send(
        self, method: str, path: str, query: Mapping[str, str], body: JsonValue = None
    ) -> Answer:
        # `json=` sends Chinese as it is; WeChat's text check passes anything escaped as \u.
        response = await self._http.request(
            method,
            self._base_url + path,
            params=query,
            json=body,
            # `_patiently` bounds the whole; half of it is enough to reach anybody.
            timeout=httpx.Timeout(None, connect=self._patience_seconds / 2),
        )
        return Answer.of(path, response)

    @asynccontextmanager
    async def _patiently(self, path: str) -> AsyncIterator[None]:
        """Bound everything inside, waiting for another call's token included."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                yield
        except (httpx.RequestError, TimeoutError) as error:
            log.warning("wechat_unreachable", path=path, error=type(error).__name__)
            problem = WechatUnavailable()
            problem.may_have_acted = not isinstance(error, NOT_REACHED)
            # The error carries the request, whose address holds the secret: not chained.
            raise problem from None
