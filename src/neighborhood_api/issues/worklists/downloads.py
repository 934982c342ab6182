"""Links to exports: signed, so that a mini-program can download without headers."""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.files.links import Links
from neighborhood_api.kit.problems import Problem

LIFETIME_SECONDS = 600


class DownloadLinkInvalid(Problem):
    """The link was not made by this API, or was changed."""

    status = HTTPStatus.FORBIDDEN
    title = "The download link is not valid"
    message = "下载链接无效，请重新打开导出记录"


class DownloadLinkExpired(Problem):
    """The link was good, and is no longer; reading the export again gives a new one."""

    status = HTTPStatus.GONE
    title = "The download link has expired"
    message = "下载链接已过期，请重新打开导出记录"


def sign_download(links: Links, export_id: UUID, now: datetime) -> str:
    """Return a link to an export that is good for ten minutes."""
    expires = int(now.timestamp()) + LIFETIME_SECONDS
    signature = _signature(links, export_id, expires)
    path = f"{links.prefix}/staff/exports/{export_id}/file"
    return f"{path}?expires={expires}&signature={signature}"


def check_download(
    links: Links, export_id: UUID, expires: int, signature: str, *, now: datetime
) -> None:
    """Refuse a link that we did not make, or whose time is over.

    Raises: DownloadLinkInvalid, DownloadLinkExpired.
    """
    right = _signature(links, export_id, expires)
    if not hmac.compare_digest(right.encode(), signature.encode()):
        raise DownloadLinkInvalid
    if expires <= now.timestamp():
        raise DownloadLinkExpired


def _signature(links: Links, export_id: UUID, expires: int) -> str:
    signed = f"issue-export\n{export_id}\n{expires}".encode()
    digest = hmac.digest(links.secret, signed, sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")
