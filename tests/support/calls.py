"""Departments that are called to an issue, for tests of whistling."""

from typing import Any

from tests.support.issues import Street
from tests.support.people import Caller


def wanted(
    street: Street,
    *bodies: int,
    lead: int | None = 0,
    **changes: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """A whistle for the town's departments with these numbers."""
    return {
        "reason": "占道经营引发口角",
        "departments": [
            {
                "organization_id": str(street.town.organizations[body].id),
                "lead": body == lead,
            }
            for body in bodies
        ],
    } | changes


async def whistled(
    street: Street,
    caller: Caller,
    issue_id: str,
    *bodies: int,
    **changes: Any,  # noqa: ANN401
) -> list[dict[str, Any]]:
    """Blow a whistle that must be heard; return the calls of the issue."""
    body = wanted(street, *bodies, **changes)
    answer = await caller.post(f"/issues/{issue_id}/whistle", json=body)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
