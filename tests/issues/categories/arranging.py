"""Rules as operators write them."""

from typing import Any
from uuid import UUID

from httpx import AsyncClient, Response

from neighborhood_api.issues.categories.seed import rule_seeds

CODE = "env.toilet"


def rule(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """A rule that works, as JSON, with some parts changed."""
    body: dict[str, Any] = rule_seeds()["ordinary"][0].model_dump(mode="json")
    return body | changes


def limit(clock: str, amount: int) -> dict[str, Any]:
    return {"clock": clock, "amount": amount}


async def put(
    caller: AsyncClient,
    node_id: UUID | None,
    *,
    version: int | None = None,
    code: str = CODE,
    reason: str | None = "试行",
    **changes: Any,  # noqa: ANN401
) -> Response:
    """Ask for a rule at a place, or for everywhere."""
    body = {
        "node_id": None if node_id is None else str(node_id),
        "version": version,
        "reason": reason,
        "rule": rule(**changes),
    }
    return await caller.put(f"/issue-categories/{code}/rule", json=body)


async def saved(
    caller: AsyncClient,
    node_id: UUID | None,
    **wish: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Put a rule in force that must be accepted."""
    answer = await put(caller, node_id, **wish)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def withdraw(caller: AsyncClient, node_id: UUID, version: int) -> Response:
    body = {"node_id": str(node_id), "version": version, "reason": "恢复默认"}
    return await caller.post(f"/issue-categories/{CODE}/rule/withdraw", json=body)
