"""The ledger of whose time it was, checked as a whole."""

from datetime import datetime
from itertools import pairwise
from uuid import UUID

from sqlalchemy import func, select

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.cases.workflow import IN_NO_HANDS
from neighborhood_api.kit.db import Tx


async def pages_of(tx: Tx, case_id: UUID | str) -> list[Hand]:
    """The ledger of a case, from its report on."""
    mine = select(Hand).where(Hand.case_id == case_id).order_by(Hand.page)
    return list(await tx.scalars(mine.execution_options(populate_existing=True)))


async def check_ledger(tx: Tx, case_id: UUID | str, *, now: datetime) -> None:
    """Every minute has one owner: no gap, no overlap, one open page until it is over."""
    one = select(Case).where(Case.id == case_id)
    case = (await tx.scalars(one.execution_options(populate_existing=True))).one()
    pages = await pages_of(tx, case_id)
    assert pages[0].held_from == case.opened_at
    for page, following in pairwise(pages):
        assert page.held_until == following.held_from
    last = pages[-1]
    over = case.standing in IN_NO_HANDS
    assert (last.held_until is None) == (not over)
    assert (last.node_id, last.role) == (case.hand_node_id, case.hand_role)
    assert last.person_id == case.hand_person_id
    until = [page.held_until or max(now, page.held_from) for page in pages]
    held = [
        (end - page.held_from).total_seconds() for page, end in zip(pages, until, strict=True)
    ]
    assert min(held) >= 0
    ended = await _left_all_hands(tx, case) if over else max(now, case.moved_at)
    age = ended - case.opened_at
    assert abs(sum(held) - age.total_seconds()) < 0.001


async def _left_all_hands(tx: Tx, case: Case) -> datetime:
    """When it was merged, or was over: by its timeline, which knows nothing of the ledger."""
    in_no_hands = [state.value for state in IN_NO_HANDS]
    left = select(func.max(Entry.recorded_at)).where(
        Entry.case_id == case.id,
        Entry.to_state.in_(in_no_hands),
        Entry.from_state.not_in(in_no_hands),
    )
    return (await tx.scalars(left)).one()
