"""A rule that said no, as the caller hears it."""

from typing import Any

from httpx import Response


def refused(answer: Response, status: int, code: str) -> dict[str, Any]:
    """Check that a request was refused as the rule says; return the problem."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body.get("code")) == (status, code), answer.text
    return body
