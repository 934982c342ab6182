"""Offers that wait for an answer where the case lies in another street now.

A street gives its cases to its own places and departments: what was offered to others is
withdrawn, whoever offered it keeps the case, and may offer it anew.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Uuid,
    and_,
    any_,
    delete,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from neighborhood_api.cases.workflow import IN_HAND
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.kit.db import Tx
from neighborhood_api.reorganisation.counting import table
from neighborhood_api.reorganisation.models import Reorganisation
from neighborhood_api.reorganisation.placing import ROW, keep_rows

WITHDRAWN = "void"
_STREET = COLUMNS[Level.STREET]
_ANSWER = ("answer", "answered_at")
_PLACE = (*COLUMNS, "node_id")
_IN_HAND = sorted(state.value for state in IN_HAND)


async def settle_offers(tx: Tx, plan: Reorganisation, *, now: datetime) -> set[UUID]:
    """Withdraw offers to bodies of a street in which their case lies no more; return the cases.

    What is offered to a department that came along waits for it in the case's new street.
    """
    offers, cases, bodies = table("case_offer"), table("case_file"), table("organization")
    at = select(bodies.c.node_id).where(bodies.c.id == offers.c.organization_id)
    within = at.correlate(offers).scalar_subquery().in_([cases.c[name] for name in COLUMNS])
    here = func.coalesce(within, false())  # most cases lie at no place of some levels
    elsewhere = offers.c[_STREET].is_distinct_from(cases.c[_STREET])
    to_place = offers.c.organization_id.is_(None)
    its_case = and_(cases.c.id == offers.c.case_id, cases.c.district_id == plan.district_id)
    still_open = and_(its_case, offers.c.answered_at.is_(None))
    lost = select(offers.c.id, offers.c.case_id).where(
        still_open, or_(and_(to_place, elsewhere), and_(~to_place, ~here))
    )
    gone = (await tx.execute(lost)).all()
    along = select(offers.c.id).where(still_open, ~to_place, here, elsewhere)
    came = list(await tx.scalars(along))
    if gone:
        which = _among(offers.c.id, [row.id for row in gone])
        await keep_rows(tx, plan.id, offers, "id", _ANSWER, which, null())
        over = {"answer": WITHDRAWN, "answered_at": func.greatest(now, offers.c.offered_at)}
        await tx.execute(update(offers).where(which).values(over))
    if came:
        which = _among(offers.c.id, came)
        street = select(cases.c[_STREET]).where(its_case).correlate(offers).scalar_subquery()
        await keep_rows(tx, plan.id, offers, "id", _PLACE, which, street)
        upper = {name: cases.c[name] for name in COLUMNS[: Level.STREET + 1]}
        lower = dict.fromkeys(COLUMNS[Level.STREET + 1 :], null())
        there = upper | lower | {"node_id": cases.c[_STREET]}
        await tx.execute(update(offers).where(its_case, which).values(there))
        noted = and_(
            ROW.c.reorganisation_id == plan.id,
            ROW.c.table_name == offers.name,
            ROW.c.row_id == offers.c.id,
        )
        await tx.execute(update(ROW).where(noted, which).values(to_id=offers.c.node_id))
    return {row.case_id for row in gone}


async def reopen_offers(tx: Tx, plan: Reorganisation) -> set[UUID]:
    """Let what a plan withdrew wait for an answer again, unless somebody went on without it.

    To be asked before cases are given back to the hands that they had.
    """
    offers, cases, hand = table("case_offer"), table("case_file"), table("case_hand")
    later = offers.alias("later")
    other = select(later.c.id).where(
        later.c.case_id == offers.c.case_id, later.c.offered_at > offers.c.answered_at
    )
    mine = and_(
        ROW.c.reorganisation_id == plan.id,
        ROW.c.table_name == offers.name,
        ROW.c.row_id == offers.c.id,
        ROW.c.before.has_key("answered_at"),
        offers.c.answer == WITHDRAWN,
    )
    moved_on = select(hand.c.page).where(
        hand.c.case_id == offers.c.case_id, hand.c.held_from > offers.c.answered_at
    )
    there = and_(cases.c.id == offers.c.case_id, cases.c.state.in_(_IN_HAND))
    again = update(offers).where(mine, there, ~other.exists(), ~moved_on.exists())
    found = again.values(answer=None, answered_at=None).returning(offers.c.case_id)
    return set(await tx.scalars(found))


async def settle_parties(tx: Tx, case_ids: Collection[UUID]) -> None:
    """Let departments see cases that they hold, are offered, or were called to; no others."""
    if not case_ids:
        return
    parties, cases, offers = table("case_party"), table("case_file"), table("case_offer")
    calls = table("case_call")
    mine = _among(cases.c.id, case_ids)
    holding = select(cases.c.organization_id, cases.c.id).where(
        mine, cases.c.organization_id.is_not(None)
    )
    offered = select(offers.c.organization_id, offers.c.case_id).where(
        _among(offers.c.case_id, case_ids),
        offers.c.answered_at.is_(None),
        offers.c.organization_id.is_not(None),
    )
    called = select(calls.c.organization_id, calls.c.case_id).where(
        _among(calls.c.case_id, case_ids)
    )
    wanted = holding.union(offered, called).cte("wanted")
    sees = and_(
        wanted.c.organization_id == parties.c.organization_id,
        wanted.c.id == parties.c.case_id,
    )
    await tx.execute(
        delete(parties).where(
            _among(parties.c.case_id, case_ids), ~select(wanted.c.id).where(sees).exists()
        )
    )
    missing = select(wanted.c.organization_id, wanted.c.id).where(
        ~select(parties.c.case_id).where(sees).exists()
    )
    into = ["organization_id", "case_id"]
    await tx.execute(insert(parties).from_select(into, missing))


def _among(column: ColumnElement[UUID], ids: Collection[UUID]) -> ColumnElement[bool]:
    """Hold for some ids, of which there may be more than a statement takes parameters."""
    return column == any_(literal(list(ids), ARRAY(Uuid)))
