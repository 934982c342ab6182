"""The stand-in's HTTP side: WeChat's own paths, and what a phone would do.

`POST /phone/login {"openid"}` is wx.login(), `POST /phone/number {"openid", "phone"}` is a
tap on a getPhoneNumber button; both give a `code`. `POST /phone/subscribe {"openid",
"template_ids"}` is a tap on "allow", `POST /phone/refuse {"openid"}` switches messages off, and
`GET /phone/messages?openid=` is what reached the phone. `POST /faults` makes requests to a path
fail, `DELETE /faults` ends that.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict
from http import HTTPStatus
from typing import TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from neighborhood_api.wechat.standin.codes import Codes
from neighborhood_api.wechat.standin.faults import Fault, Faults
from neighborhood_api.wechat.standin.messages import Messages, PhoneSubscription
from neighborhood_api.wechat.standin.refusals import Refusal
from neighborhood_api.wechat.standin.scannable import draw_code
from neighborhood_api.wechat.standin.tokens import Tokens

Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[Request], Awaitable[dict[str, object] | bytes]]

SEND = "/cgi-bin/message/subscribe/send"
BROKEN_GATEWAY = "<html><body><h1>Bad Gateway</h1></body></html>"


class PhoneLogin(BaseModel):
    """A user opens the mini-program."""

    model_config = ConfigDict(extra="forbid")

    openid: str = Field(min_length=1)
    unionid: str | None = None


class PhoneNumber(BaseModel):
    """A user taps the button that shares her phone number."""

    model_config = ConfigDict(extra="forbid")

    openid: str = Field(min_length=1)
    phone: str
    country_code: str | int = "86"
    """Sent as given: WeChat documents a text, and its example shows a number."""


class PhoneRefusal(BaseModel):
    """A user switches the messages of the mini-program off."""

    model_config = ConfigDict(extra="forbid")

    openid: str = Field(min_length=1)


class StandIn:
    """WeChat's servers for one mini-program: its codes, tokens, messages and faults."""

    def __init__(
        self, app_id: str, app_secret: str, now: Callable[[], float], messages: Messages
    ) -> None:
        """Start with no code, no token and no fault."""
        self.codes = Codes(now)
        self.messages = messages
        self.tokens = Tokens(now)
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        """Requests to WeChat's own paths, counted."""
        self._app_id = app_id
        self._app_secret = app_secret
        self._now = now

    async def code_to_session(self, request: Request) -> dict[str, object]:
        """Exchange a sign-in code."""
        query = request.query_params
        self._check_app(query.get("appid"), query.get("secret"))
        if query.get("grant_type") != "authorization_code":
            raise Refusal(40002)
        login = self.codes.redeem_login(query.get("js_code", ""))
        answer: dict[str, object] = {"session_key": login.session_key, "openid": login.openid}
        return answer | ({"unionid": login.unionid} if login.unionid else {})

    async def token(self, request: Request) -> dict[str, object]:
        """Make a plain token."""
        query = request.query_params
        self._check_client(query.get("grant_type"), query.get("appid"), query.get("secret"))
        token, expires_in = self.tokens.plain()
        return {"access_token": token, "expires_in": expires_in}

    async def stable_token(self, request: Request) -> dict[str, object]:
        """Hand out the stable token."""
        body = await _official_body(request)
        self._check_client(body.get("grant_type"), body.get("appid"), body.get("secret"))
        token, expires_in = self.tokens.stable(force=body.get("force_refresh") is True)
        return {"access_token": token, "expires_in": expires_in}

    async def user_phone_number(self, request: Request) -> dict[str, object]:
        """Exchange a phone code."""
        self.tokens.check(request.query_params.get("access_token", ""))
        body = await _official_body(request)
        phone = self.codes.redeem_phone(str(body.get("code") or ""))
        abroad = str(phone.country_code) != "86"
        return {
            "errcode": 0,
            "errmsg": "ok",
            "phone_info": {
                "phoneNumber": f"{phone.country_code if abroad else ''}{phone.number}",
                "purePhoneNumber": phone.number,
                "countryCode": phone.country_code,
                "watermark": {"timestamp": int(self._now()), "appid": self._app_id},
            },
        }

    async def send_message(self, request: Request) -> dict[str, object]:
        """Take a subscribe message."""
        self.tokens.check(request.query_params.get("access_token", ""))
        body = await _official_body(request)
        self.messages.send(body, met=self.codes.has_met(str(body.get("touser"))))
        return {"errcode": 0, "errmsg": "ok", "msgid": len(self.messages.received)}

    async def unlimited_code(self, request: Request) -> bytes:
        """Draw a code that opens the mini-program."""
        self.tokens.check(request.query_params.get("access_token", ""))
        body = await _official_body(request)
        page_exists = self.messages.is_published(body.get("page"))
        return draw_code(body, page_exists=page_exists)

    async def phone_subscribe(self, request: Request) -> Response:
        """Do what a tap on "allow" does."""
        wish = PhoneSubscription.model_validate_json(await request.body())
        return JSONResponse(self.messages.allow(wish.openid, wish.template_ids))

    async def phone_refuse(self, request: Request) -> Response:
        """Do what switching messages off does."""
        self.messages.refuse(PhoneRefusal.model_validate_json(await request.body()).openid)
        return JSONResponse({"done": True})

    async def phone_messages(self, request: Request) -> Response:
        """Show what reached a phone, or all phones."""
        openid = request.query_params.get("openid")
        found = [one for one in self.messages.received if openid in (None, one.openid)]
        return JSONResponse({"items": [asdict(one) for one in found]})

    async def phone_login(self, request: Request) -> Response:
        """Do what wx.login() does."""
        wish = PhoneLogin.model_validate_json(await request.body())
        return JSONResponse({"code": self.codes.mint_login(wish.openid, wish.unionid)})

    async def phone_number(self, request: Request) -> Response:
        """Do what a getPhoneNumber button does."""
        wish = PhoneNumber.model_validate_json(await request.body())
        code = self.codes.mint_phone(wish.openid, wish.phone, wish.country_code)
        return JSONResponse({"code": code})

    async def change_faults(self, request: Request) -> Response:
        """Set one fault, or clear all."""
        if request.method == "DELETE":
            self.faults.clear()
        else:
            self.faults.add(Fault.model_validate_json(await request.body()))
        return JSONResponse({"done": True})

    def official(
        self, path: str, method: str, handler: Handler, media_type: str = "application/json"
    ) -> Route:
        """Return the route of one of WeChat's paths, with its refusals and faults."""

        async def endpoint(request: Request) -> Response:
            self.calls[path] += 1
            fault = self.faults.take(path) or Fault(path=path)
            await _hold_back(request, fault.delay_seconds)
            if fault.status is not None and fault.errcode is None:
                return HTMLResponse(BROKEN_GATEWAY, fault.status)
            answer: dict[str, object] | bytes
            if fault.errcode is not None:
                answer = Refusal(fault.errcode).body()
            elif request.method != method:
                answer = Refusal(43001 if method == "GET" else 43002).body()
            else:
                answer = await _decided(handler, request)
            if isinstance(answer, bytes):
                return Response(answer, media_type="image/jpeg")
            content = json.dumps(answer, ensure_ascii=False)
            return Response(content, fault.status or HTTPStatus.OK, media_type=media_type)

        return Route(path, endpoint, methods=["GET", "POST"])

    def _check_client(self, grant_type: object, app_id: object, app_secret: object) -> None:
        self._check_app(app_id, app_secret)
        if grant_type != "client_credential":
            raise Refusal(40002)

    def _check_app(self, app_id: object, app_secret: object) -> None:
        if not app_id:
            raise Refusal(41002)
        if app_id != self._app_id:
            raise Refusal(40013)
        if not app_secret:
            raise Refusal(41004)
        if app_secret != self._app_secret:
            raise Refusal(40125)


def create_standin(
    app_id: str,
    app_secret: str,
    *,
    now: Callable[[], float] = time.time,
    templates: Mapping[str, Collection[str]] | None = None,
    pages: Collection[str] | None = None,
) -> Starlette:
    """Return the server of one mini-program; its state is at `app.state.standin`.

    `templates` are those of its console, by id, with their keys; `pages` the published ones,
    any when left out.
    """
    standin = StandIn(app_id, app_secret, now, Messages(now, templates or {}, pages))
    app = Starlette(
        routes=[
            # Its JSON is labelled as text, which strict clients trip over.
            standin.official(
                "/sns/jscode2session", "GET", standin.code_to_session, "text/plain"
            ),
            standin.official("/cgi-bin/token", "GET", standin.token),
            standin.official("/cgi-bin/stable_token", "POST", standin.stable_token),
            standin.official(
                "/wxa/business/getuserphonenumber", "POST", standin.user_phone_number
            ),
            standin.official(SEND, "POST", standin.send_message),
            standin.official("/wxa/getwxacodeunlimit", "POST", standin.unlimited_code),
            Route("/phone/subscribe", standin.phone_subscribe, methods=["POST"]),
            Route("/phone/refuse", standin.phone_refuse, methods=["POST"]),
            Route("/phone/messages", standin.phone_messages, methods=["GET"]),
            Route("/phone/login", standin.phone_login, methods=["POST"]),
            Route("/phone/number", standin.phone_number, methods=["POST"]),
            Route("/faults", standin.change_faults, methods=["POST", "DELETE"]),
        ],
        exception_handlers={ValidationError: _unreadable},
    )
    app.state.standin = standin
    return app


async def _decided(handler: Handler, request: Request) -> dict[str, object] | bytes:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.body()


async def _official_body(request: Request) -> dict[str, object]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Refusal(47001) from None
    if not isinstance(body, dict):
        raise Refusal(47001)
    return cast("dict[str, object]", body)


async def _hold_back(request: Request, seconds: float) -> None:
    """Wait, but not for a caller who has hung up."""
    if seconds:
        await request.body()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await request.receive()


async def _unreadable(_request: Request, error: Exception) -> Response:
    """Say what is wrong with a request to the stand-in's own paths."""
    return JSONResponse({"error": str(error)}, status_code=422)
