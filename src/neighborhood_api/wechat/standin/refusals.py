"""How WeChat says no: HTTP 200, an `errcode`, and a text that ends in a request id."""

import secrets
import time

ERRMSG = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip, not in whitelist",
    40169: "invalid length for scene, or the data is not json string",
    40226: "code blocked",
    40243: "appsecret has been frozen",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41030: "invalid page",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43101: "user refuse to accept the msg",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    47003: "argument invalid!",
}
HINTED = frozenset({40029})
"""Refusals whose text names a hint before the request id."""


class Refusal(Exception):  # noqa: N818  (an answer, not an error of the stand-in)
    """WeChat answers this request with an `errcode`."""

    def __init__(self, errcode: int, text: str | None = None) -> None:
        """Refuse with `errcode`; `text` when the usual one says too little."""
        super().__init__(errcode)
        self.errcode = errcode
        self.text = text

    def body(self) -> dict[str, object]:
        """Return the JSON object that WeChat would send."""
        text = self.text or ERRMSG.get(self.errcode, "refused")
        if self.errcode in HINTED:
            text += f", hint: [{secrets.token_urlsafe(8)}]"
        rid = f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
        return {"errcode": self.errcode, "errmsg": f"{text} rid: {rid}"}
