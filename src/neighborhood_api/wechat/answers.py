"""What WeChat answers: HTTP 200 always, and an `errcode` when it refuses."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import httpx
import structlog
from pydantic import BaseModel, ValidationError

from neighborhood_api.kit.problems import Problem, TooManyRequests

log = structlog.get_logger(__name__)

Reply = TypeVar("Reply", bound=BaseModel)

BUSY = -1
INVALID_CREDENTIAL = 40001
STALE_TOKEN = frozenset({INVALID_CREDENTIAL, 40014, 42001})
"""The access token is not the latest, not valid, or expired: fetch another one."""
CODE_REJECTED = frozenset({40029, 40163, 41008})
"""The code is made up, expired or of the other kind; already used; or empty."""
USER_BLOCKED = 40226
USER_TOO_FAST = 45011
PAGE_UNKNOWN = 41030
TOO_MANY_CODES = 45009
QUOTA_WINDOW_SECONDS = 60
"""The sign-in quota of a WeChat user is counted per minute."""
_IMAGES = (b"\xff\xd8", b"\x89PNG")
"""How JPEG and PNG begin."""
REMEDIES = {
    INVALID_CREDENTIAL: "check the app secret, and that nothing else force-refreshes the token",
    40013: "check the app id",
    40125: "check the app secret",
    40164: "add this server's address to the IP whitelist in the mini-program console",
    40243: "the app secret is frozen: unfreeze it in the mini-program console",
    41002: "set the app id",
    41004: "set the app secret",
}
"""Refusals that only the operator can end, and how."""


class WechatCodeRejected(Problem):
    """The code is invalid, used or older than five minutes; only a new one will do."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "WeChat does not accept this code"
    message = "微信授权已失效，请重新操作一次"


class WechatUserBlocked(Problem):
    """WeChat considers this user a high risk and does not vouch for her."""

    status = HTTPStatus.FORBIDDEN
    title = "WeChat has blocked this user"
    message = "微信提示该账号存在风险，暂时不能使用，请联系社区工作人员"


class WechatUnavailable(Problem):
    """WeChat did not answer in time, or not in a way that can be read."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "WeChat cannot be reached just now"
    message = "微信服务暂时不可用，请稍后再试"
    may_have_acted = True
    """False when WeChat was not even reached."""


class WechatMisconfigured(Problem):
    """WeChat refuses this deployment; the server's log says what the operator must do."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "WeChat does not accept this deployment's configuration"
    message = "微信接入配置有误，请联系管理员"


class WechatPageUnknown(Problem):
    """The page that a code shall open is not published in the mini-program."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "The mini-program has no such page yet"
    message = "小程序中还没有该页面，请联系管理员检查配置，或选择网址二维码"


class _Verdict(BaseModel):
    errcode: int = 0
    errmsg: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """An answer of WeChat's servers, not yet judged."""

    path: str
    errcode: int
    rid: str | None
    """WeChat's own request id; its support asks for it."""
    content: bytes

    @classmethod
    def of(cls, path: str, response: httpx.Response) -> "Answer":
        """Take the answer out of `response`, whatever content type it claims.

        Raises: WechatUnavailable.
        """
        if response.content.startswith(_IMAGES):  # codes come as they are
            return cls(path, 0, None, response.content)
        try:
            verdict = _Verdict.model_validate_json(response.content)
        except ValidationError:
            verdict = None
        if response.status_code != HTTPStatus.OK or verdict is None:
            log.warning("wechat_unreadable", path=path, status=response.status_code)
            raise WechatUnavailable
        rid = re.search(r"rid: ([0-9a-f-]+)", verdict.errmsg)
        return cls(path, verdict.errcode, rid and rid[1], response.content)

    def read(self, reply: type[Reply]) -> Reply:
        """Return the answer as `reply`, or raise the refusal as a problem.

        Raises: WechatCodeRejected, TooManyRequests, WechatUserBlocked,
            WechatMisconfigured, WechatUnavailable.
        """
        if self.errcode:
            raise self._refusal()
        try:
            return reply.model_validate_json(self.content)
        except ValidationError:
            # Its text quotes the answer, which names a person.
            log.warning("wechat_unreadable", path=self.path, status=int(HTTPStatus.OK))
        raise WechatUnavailable

    def image(self) -> bytes:
        """Return the answer as an image, or raise the refusal as a problem.

        Raises: TooManyRequests, WechatPageUnknown, WechatMisconfigured, WechatUnavailable.
        """
        if self.errcode == TOO_MANY_CODES:
            raise TooManyRequests(retry_after_seconds=QUOTA_WINDOW_SECONDS)
        if self.errcode:
            raise self._refusal()
        if not self.content.startswith(_IMAGES):
            log.warning("wechat_unreadable", path=self.path, status=int(HTTPStatus.OK))
            raise WechatUnavailable
        return self.content

    def _refusal(self) -> Problem:
        if self.errcode in CODE_REJECTED:
            return WechatCodeRejected()
        if self.errcode == PAGE_UNKNOWN:
            return WechatPageUnknown()
        if self.errcode == USER_TOO_FAST:
            return TooManyRequests(retry_after_seconds=QUOTA_WINDOW_SECONDS)
        if self.errcode == USER_BLOCKED:
            return WechatUserBlocked()
        told = {"path": self.path, "errcode": self.errcode, "rid": self.rid}
        if remedy := REMEDIES.get(self.errcode):
            log.error("wechat_misconfigured", remedy=remedy, **told)
            return WechatMisconfigured()
        log.warning("wechat_refused", **told)
        return WechatUnavailable()
