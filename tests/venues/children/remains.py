"""What is left of a child, and what was announced about its end."""

from uuid import UUID

from sqlalchemy import func, select

from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.venues.children.models import Child, PickUpPerson


async def left_of(tx: Tx, child_id: str) -> int:
    """How many rows tell something about a child."""
    its = UUID(child_id)
    children = await tx.scalar(select(func.count(Child.id)).where(Child.id == its))
    people = select(func.count(PickUpPerson.position)).where(PickUpPerson.child_id == its)
    return (children or 0) + (await tx.scalar(people) or 0)


async def forgotten(tx: Tx) -> list[tuple[str, bool]]:
    told = await tx.scalars(
        select(OutboxRow.payload)
        .where(OutboxRow.name == "venues.child_forgotten")
        .order_by(OutboxRow.id)
    )
    return [(payload["child_id"], payload["withdrawn"]) for payload in told]
