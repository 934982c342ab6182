"""Rules of whose an issue becomes: when its caller opens an account, or two become one."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.models import Person
from neighborhood_api.issues.intake.events import CallerLinked
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import Rating
from neighborhood_api.issues.together.models import Support
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit

LINKED_WITHIN = timedelta(days=365)
"""Carriers give a number that was given up to somebody else after some months, so what was said
from it longer ago may be a stranger's.
"""


async def link_caller(tx: Tx, person_id: UUID, *, now: datetime) -> int:
    """Give a person the issues that staff took in from her number; return how many.

    Only those of the last `LINKED_WITHIN` that are nobody's yet. Safe to repeat.

    Emits: CallerLinked.
    """
    held = select(Person.phone).where(Person.id == person_id)
    phone = await tx.scalar(held.with_for_update(read=True))
    if phone is None:
        return 0
    hers = (
        select(Case)
        .join(Issue, Issue.case_id == Case.id)
        .where(
            Issue.caller_phone == phone,
            Case.kind == ISSUE.kind,
            Case.reporter_id.is_(None),
            Case.opened_at >= now - LINKED_WITHIN,
        )
        .order_by(Case.id)
        .with_for_update(key_share=True, of=Case)
    )
    cases = (await tx.scalars(hers)).all()
    for case in cases:
        case.reporter_id = person_id
        emit(tx, CallerLinked(issue_id=case.id, person_id=person_id))
    await tx.flush()
    await _drop_supports(tx, Case.reporter_id == Support.person_id, person_id)
    return len(cases)


async def move_person(tx: Tx, from_id: UUID, into_id: UUID) -> None:
    """Keep what somebody reported, supports and rated when she becomes another person.

    Safe to repeat.
    """
    mine = select(Case).where(Case.reporter_id == from_id).order_by(Case.id)
    for case in (await tx.scalars(mine.with_for_update(key_share=True))).all():
        case.reporter_id = into_id
        if case.reported_by_id == from_id:
            case.reported_by_id = into_id
    await tx.flush()
    rated = update(Rating).where(Rating.person_id == from_id)
    await tx.execute(rated.values(person_id=into_id))
    joined = select(Support.case_id, literal(into_id), Support.supported_at).where(
        Support.person_id == from_id
    )
    columns = ["case_id", "person_id", "supported_at"]
    copied = insert(Support).from_select(columns, joined).on_conflict_do_nothing()
    twice = select(Support.case_id).where(Support.person_id == into_id)
    await _drop_supports(tx, Support.case_id.in_(twice), from_id)
    await tx.execute(copied)
    await tx.execute(delete(Support).where(Support.person_id == from_id))
    await _drop_supports(tx, Case.reporter_id == Support.person_id, into_id)


async def _drop_supports(tx: Tx, which: ColumnElement[bool], person_id: UUID) -> None:
    """Take back a person's support of issues, and count it off."""
    dropped = (
        delete(Support)
        .where(Support.person_id == person_id, Case.id == Support.case_id, which)
        .returning(Support.case_id)
        .execution_options(synchronize_session=False)
    )
    for case_id in (await tx.scalars(dropped)).all():
        counted = update(Issue).where(Issue.case_id == case_id)
        await tx.execute(counted.values(supporters=Issue.supporters - 1))
