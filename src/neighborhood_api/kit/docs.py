"""The API's documentation page, from our own assets: it renders with no network at all."""

from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

ASSETS = Path(__file__).parent / "docs_assets"
SERVED = {
    "bundle": ("swagger-ui-bundle.js", "text/javascript"),
    "start": ("start.js", "text/javascript"),
    "style": ("swagger-ui.css", "text/css"),
    "icon": ("favicon-32x32.png", "image/png"),
}
A_YEAR = "public, max-age=31536000, immutable"
POLICY = (
    "default-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
)
"""Nothing from elsewhere and nothing inline, but Swagger UI's icons, which are `data:`."""


@dataclass(frozen=True)
class Asset:
    """A file of the page, at an address that changes with its content."""

    name: str
    media_type: str
    digest: str

    @classmethod
    def of(cls, name: str, media_type: str) -> "Asset":
        """Look at the file."""
        return cls(name, media_type, sha256((ASSETS / name).read_bytes()).hexdigest()[:16])

    @property
    def address(self) -> str:
        """Where it is, seen from the page, so that a proxy may add a prefix."""
        return f"docs/assets/{self.name}?v={self.digest}"

    async def answer(self, request: Request) -> Response:
        """Send the file, or nothing where the browser has it."""
        etag = f'"{self.digest}"'
        headers = {"etag": etag, "cache-control": A_YEAR}
        known = request.headers.get("if-none-match", "").split(",")
        if etag in (tag.strip().removeprefix("W/") for tag in known):
            return Response(status_code=304, headers=headers)
        return FileResponse(ASSETS / self.name, headers=headers, media_type=self.media_type)


def install_docs(app: FastAPI) -> None:
    """Serve Swagger UI for `app` at `/docs`.

    Raises: ValueError when FastAPI's own page, which loads from foreign servers, is there
        already, or when there is no description to show.
    """
    if app.docs_url or app.redoc_url or not app.openapi_url:
        raise ValueError("create the app with docs_url=None, redoc_url=None and an openapi_url")
    assets = {role: Asset.of(*served) for role, served in SERVED.items()}
    page = Template((ASSETS / "page.html").read_text("utf-8")).substitute(
        {role: escape(asset.address) for role, asset in assets.items()},
        title=escape(app.title),
        openapi=escape(app.openapi_url.lstrip("/")),
    )
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}

    async def docs(_request: Request) -> Response:
        return HTMLResponse(page, headers=headers)

    app.add_route("/docs", docs, include_in_schema=False)
    for asset in assets.values():
        path = f"/docs/assets/{asset.name}"
        app.add_route(path, asset.answer, name=asset.name, include_in_schema=False)
