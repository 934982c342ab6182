"""The ledger of whose time it was: from when to when each pair of hands held a case."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from neighborhood_api.cases.models import Case, Hand
from neighborhood_api.kit.db import Tx


def first_page(case: Case, now: datetime) -> Hand:
    """Begin the ledger of a case that is opened `now`."""
    return _page(case, 1, None, now)


async def turn_page(tx: Tx, case: Case, organization_id: UUID | None, now: datetime) -> None:
    """End the page of the hands that a locked case leaves, and begin the next without a gap."""
    last = await _last_page(tx, case)
    if last.held_until is None:
        last.held_until = now
        await tx.flush()
    elif last.held_until < now:  # it was over, and is reopened
        last = await _idle_until(tx, case, last, now)
    tx.add(_page(case, last.page + 1, organization_id, now))


async def end_page(tx: Tx, case: Case, now: datetime) -> None:
    """End the open page of a case that is over."""
    last = await _last_page(tx, case)
    if last.held_until is None:
        last.held_until = now


async def _idle_until(tx: Tx, case: Case, last: Hand, now: datetime) -> Hand:
    idle = _page(case, last.page + 1, last.organization_id, last.held_until or now)
    idle.node_id, idle.role, idle.person_id = last.node_id, last.role, last.person_id
    idle.held_until, idle.idle = now, True
    tx.add(idle)
    await tx.flush()
    return idle


async def _last_page(tx: Tx, case: Case) -> Hand:
    pages = select(Hand).where(Hand.case_id == case.id).order_by(Hand.page.desc()).limit(1)
    return (await tx.scalars(pages)).one()


def _page(case: Case, number: int, organization_id: UUID | None, now: datetime) -> Hand:
    return Hand(
        case_id=case.id,
        page=number,
        node_id=case.hand_node_id,
        role=case.hand_role,
        held_from=now,
        person_id=case.hand_person_id,
        organization_id=organization_id,
    )
