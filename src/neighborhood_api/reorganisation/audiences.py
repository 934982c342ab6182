"""Rooms and sessions that are only for the residents of places which end."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, case, func, literal, null, select, union, update

from neighborhood_api.kit.db import Tx
from neighborhood_api.registrations.policies import Policy
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.deciding import Survey
from neighborhood_api.reorganisation.models import Reorganisation
from neighborhood_api.reorganisation.placing import keep_rows, restore

UNDER = ("resource", "series")
"""What is given under a policy from now on; a registration keeps the one it was made under."""


async def widen_audiences(
    tx: Tx, plan: Reorganisation, found: Survey, *, now: datetime
) -> None:
    """Let whoever lives at a successor have what was for the residents of the old place."""
    heirs = {str(node_id): to for node_id, to in found.outcome.closed.items()}
    in_force = union(*(select(table(name).c.policy_id) for name in UNDER))
    named = Policy.terms["audience"]["node_ids"]
    ended = literal(sorted(heirs), ARRAY(Text))
    query = select(Policy).where(Policy.id.in_(in_force), named.op("?|")(ended))
    newer: dict[UUID, UUID] = {}
    for policy in await tx.scalars(query.order_by(Policy.id)):
        numbers = select(func.max(Policy.number)).where(Policy.family_id == policy.family_id)
        copy = Policy(
            family_id=policy.family_id,
            number=(await tx.scalar(numbers) or 0) + 1,
            terms=_widened(policy.terms, heirs),
            made_at=now,
            made_by_id=plan.created_by_id,
        )
        tx.add(copy)
        await tx.flush()
        newer[policy.id] = copy.id
    if not newer:
        return
    for name in UNDER:
        rows = table(name)
        which = rows.c.policy_id.in_(newer)
        await keep_rows(tx, plan.id, rows, "id", ("policy_id",), which, null())
        values = {"policy_id": case(newer, value=rows.c.policy_id)}
        await tx.execute(update(rows).values(values).where(which))


def _widened(terms: dict[str, Any], heirs: dict[str, tuple[UUID, ...]]) -> dict[str, Any]:
    """Name the successors beside the places that end, which the record keeps."""
    named: list[str] = terms["audience"]["node_ids"]
    also = [str(heir) for one in named for heir in heirs.get(one, ())]
    audience = terms["audience"] | {"node_ids": list(dict.fromkeys([*named, *also]))}
    return terms | {"audience": audience}


async def narrow_audiences(tx: Tx, plan: Reorganisation) -> None:
    """Give everything under the policy that it had, unless somebody made another since."""
    made = select(Policy.id).where(Policy.made_at == plan.applied_at)
    for name in UNDER:
        rows = table(name)
        columns = ("policy_id",)
        await restore(tx, plan.id, rows, "id", columns, rows.c.policy_id.in_(made))
