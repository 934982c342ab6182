"""Bodies of the operations that send issues on."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.timekeeping import Purpose, Timer
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.support.issues import Street

NOT_OURS = {"reason": "not_our_duty", "text": "路灯由供电所维护"}


def to_lane(street: Street, *path: int, text: str = "实际位置在隔壁巷") -> dict[str, Any]:
    """Another place as the target."""
    return {"node_id": str(street.town.at(*path).id), "text": text}


def to_body(street: Street, number: int, text: str = "属于贵单位职责") -> dict[str, Any]:
    """A department as the target."""
    return {"organization_id": str(street.town.organizations[number].id), "text": text}


async def case_of(tx: Tx, issue_id: str) -> Case:
    """The case as it is stored now."""
    one = select(Case).where(Case.id == issue_id).execution_options(populate_existing=True)
    return (await tx.scalars(one)).one()


async def due_of(tx: Tx, issue_id: str, purpose: Purpose) -> datetime | None:
    """When a clock of the case is used up."""
    clock = select(Timer.due_at).where(Timer.case_id == issue_id)
    due: datetime | None = await tx.scalar(clock.where(Timer.purpose == purpose.value))
    return due


async def announced(tx: Tx, name: str, issue_id: str) -> list[dict[str, Any]]:
    """The events of one name about a case."""
    mine = OutboxRow.payload["case_id"].astext == issue_id
    rows = select(OutboxRow.payload).where(OutboxRow.name == name, mine)
    return list(await tx.scalars(rows.order_by(OutboxRow.id)))
