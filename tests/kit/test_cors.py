"""A web console at another address reads every answer, errors of every kind included."""

import pytest
from httpx import ASGITransport, AsyncClient

from neighborhood_api.app import create_app
from neighborhood_api.kit.db import Database
from neighborhood_api.settings import Settings

CONSOLE = "https://console.example"
SIGN_IN = {"phone": "15499999998", "password": "x"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/health/live", None, 200),
        ("GET", "/nothing", None, 404),
        ("POST", "/auth/staff", {"phone": "1" * 1_100_000}, 413),
        ("POST", "/auth/staff", SIGN_IN, 500),  # the database was never opened
    ],
)
async def test_the_console_and_nobody_else_may_read_it(
    settings: Settings, method: str, path: str, body: dict[str, str] | None, status: int
) -> None:
    for_console = settings.model_copy(update={"cors_origins": [CONSOLE]})
    app = create_app(for_console, Database("postgresql://nobody@localhost/nowhere"))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://api/api/v1") as http:
        for origin in (CONSOLE, "https://elsewhere.example"):
            answer = await http.request(method, path, json=body, headers={"origin": origin})
            assert answer.status_code == status, answer.text
            allowed = answer.headers.get("access-control-allow-origin")
            assert allowed == (CONSOLE if origin == CONSOLE else None)
            assert answer.headers["x-content-type-options"] == "nosniff"
