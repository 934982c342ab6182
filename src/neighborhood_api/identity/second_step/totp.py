"""One-time codes that change every thirty seconds (RFC 6238, over HMAC-SHA-1 of RFC 4226)."""

import hmac
import secrets
from base64 import b32decode, b32encode
from datetime import datetime
from hashlib import sha1
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
"""As long as the digest. Source: RFC 4226, requirement R6."""
ISSUER = "邻里接口"
_DRIFT = 1
"""How many steps a phone's clock may be away from ours. Source: RFC 6238, 5.2."""


def new_secret() -> str:
    """Make a secret in Base32."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_at(secret: str, step: int, digits: int = DIGITS) -> str:
    """Return the code of a time step."""
    # SHA-1 is what every authenticator app takes, and HMAC does not need more of it.
    mac = hmac.new(b32decode(secret), step.to_bytes(8, "big"), sha1).digest()
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def step_of(moment: datetime) -> int:
    """Return the time step that a moment lies in."""
    return int(moment.timestamp()) // STEP_SECONDS


def step_matching(secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """Return the step whose code this is, if it lies near `now` and later than `after`."""
    here = step_of(now)
    found = None
    for step in range(here - _DRIFT, here + _DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > after:
            found = step
    return found


def provisioning_uri(secret: str, account: str) -> str:
    """Return what an authenticator app reads from a QR code.

    Source: the Key URI format of Google Authenticator, which the other apps follow.
    """
    label = quote(f"{ISSUER}:{account}", safe="")
    return f"otpauth://totp/{label}?" + urlencode(
        {"secret": secret, "issuer": ISSUER, "digits": DIGITS, "period": STEP_SECONDS},
        quote_via=quote,
    )
