"""The ledger of whose time it was: from when to when each pair of hands held a case."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, literal, update

from neighborhood_api.cases.models import Case, Hand
from neighborhood_api.kit.db import Tx


def new_page(case: Case, organization_id: UUID | None, now: datetime) -> Hand:
    """Begin a page for the hands that hold the case now."""
    return Hand(
        case_id=case.id,
        node_id=case.hand_node_id,
        role=case.hand_role,
        held_from=now,
        person_id=case.hand_person_id,
        organization_id=organization_id,
    )


async def turn_page(tx: Tx, case: Case, organization_id: UUID | None, now: datetime) -> None:
    """End the page of the hands that a case leaves, and begin the next without a gap."""
    turned_at = await end_page(tx, case, now)
    tx.add(new_page(case, organization_id, turned_at or now))


async def end_page(tx: Tx, case: Case, now: datetime) -> datetime | None:
    """End the open page, if there is one, and return when it ended.

    Whoever waited for the case's lock may bring a `now` from before the page began.
    """
    moment = func.greatest(Hand.held_from, literal(now, Hand.held_from.type))
    return await tx.scalar(
        update(Hand)
        .where(Hand.case_id == case.id, Hand.held_until.is_(None))
        .values(held_until=moment)
        .returning(Hand.held_until)
    )
