"""Links to files: signed, so that they need no sign-in, and good for about an hour.

Made without the database. All links made within ten minutes are equal, so that a phone that
lists the same photos again finds them in its cache. Nobody can take a link back; so what is
shown to everybody, and may be hidden, merged or erased any minute, has links for minutes only.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.secret_files import kept_secret
from neighborhood_api.settings import Settings

LIFETIME_SECONDS = 3600
"""At the least; WeChat's content check fetches an image up to 30 minutes later."""
STEP_SECONDS = 600
PUBLIC_SECONDS = 300
"""At the least, and less than twice as long, where everybody sees the image: so soon after it
was taken from the public its last link is dead."""
SHORTEST_SECRET = 32
"""Bytes, as many as the digest has."""


class Variant(StrEnum):
    """Which form of a file a link shows."""

    PHOTO = "photo"
    THUMBNAIL = "thumbnail"


class LinkInvalid(Problem):
    """The link was not made by this API, or was changed."""

    status = HTTPStatus.FORBIDDEN
    title = "The link is not valid"
    message = "图片链接无效，请刷新页面后再看"


class LinkExpired(Problem):
    """The link was good, and is no longer; reading the issue or file again gives a new one."""

    status = HTTPStatus.GONE
    title = "The link has expired"
    message = "图片链接已过期，请刷新页面后再看"


class LinkSecretError(Exception):
    """The secret cannot be read or written; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Link:
    """A signed link."""

    url: str
    """Path and query, without the host: front ends know by which name they reach us."""
    expires: int
    """Seconds since 1970."""

    @property
    def expires_at(self) -> datetime:
        """When the link ends."""
        return datetime.fromtimestamp(self.expires, UTC)


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks links; `prefix` is where the API is served."""

    secret: bytes = field(repr=False)
    prefix: str = "/api/v1"

    def sign(
        self, file_id: UUID, variant: Variant, now: datetime, *, public: bool = False
    ) -> Link:
        """Return a link good for an hour, and up to ten minutes more; `public` for minutes."""
        lifetime, step = LIFETIME_SECONDS, STEP_SECONDS
        if public:
            lifetime = step = PUBLIC_SECONDS
        expires = -(-(int(now.timestamp()) + lifetime) // step) * step
        signature = self._signature(file_id, variant, expires)
        query = f"variant={variant.value}&expires={expires}&signature={signature}"
        return Link(f"{self.prefix}/files/{file_id}?{query}", expires)

    def check(
        self, file_id: UUID, variant: Variant, expires: int, signature: str, *, now: datetime
    ) -> None:
        """Refuse a link that we did not make, or whose time is over.

        Raises: LinkInvalid, LinkExpired.
        """
        right = self._signature(file_id, variant, expires)
        if not hmac.compare_digest(right.encode(), signature.encode()):
            raise LinkInvalid
        if expires <= now.timestamp():
            raise LinkExpired

    def _signature(self, file_id: UUID, variant: Variant, expires: int) -> str:
        signed = f"{file_id}\n{variant.value}\n{expires}".encode()
        digest = hmac.digest(self.secret, signed, sha256)
        return urlsafe_b64encode(digest).decode().rstrip("=")


def links_from(settings: Settings, prefix: str) -> Links:
    """Return the links of a deployment; machines that serve it together share the setting.

    Raises: LinkSecretError.
    """
    if settings.link_secret is None:
        return Links(_kept_secret(settings.data_dir / "keys" / "link-secret"), prefix)
    given = settings.link_secret.get_secret_value().encode()
    if len(given) < SHORTEST_SECRET:
        raise LinkSecretError(
            f"NEIGHBORHOOD_LINK_SECRET is too short: give it {SHORTEST_SECRET} characters "
            "or more, for example from `openssl rand -hex 32`"
        )
    return Links(given, prefix)


def _kept_secret(path: Path) -> bytes:
    """Read the secret, which the first process to come makes."""
    try:
        kept = kept_secret(path, secrets.token_hex(SHORTEST_SECRET))
    except OSError as exc:
        raise LinkSecretError(
            f"cannot keep the secret of file links in {path} ({exc.strerror}): "
            "make it writable, or set NEIGHBORHOOD_DATA_DIR or NEIGHBORHOOD_LINK_SECRET"
        ) from exc
    if len(kept) < SHORTEST_SECRET:
        raise LinkSecretError(
            f"{path} is damaged: delete it, and a new secret is made at the next start "
            "(links given out before stop working)"
        )
    return kept
