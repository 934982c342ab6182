"""Rules of erasing callers without an account: by staff, on request, by the number alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.workflow import IN_NO_HANDS, OVER
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.outbox import emit
from neighborhood_api.privacy.events import CallersErased
from neighborhood_api.privacy.schemas import CallerErasureIn, CallerErasureOut
from neighborhood_api.privacy.scrubbing import (
    Sought,
    ask_for_scrubbing,
    find_anew,
    worth_seeking,
)
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.registrations.states import LIVE

_OVER = [state.value for state in OVER]
_LIVE = [state.value for state in LIVE]


class Told(NamedTuple):
    """Something that a caller without an account told, or had booked."""

    id: UUID
    name: str | None
    open: bool


async def erase_caller(
    tx: Tx, actor: Actor, wish: CallerErasureIn, *, now: datetime
) -> CallerErasureOut:
    """Erase a caller's name and number from what is over, at the caller's places.

    Whoever holds an open issue must be able to call back, so that one keeps its number until
    it is closed; how many there are is told. People with an account erase themselves.

    Raises: Forbidden.
    Emits: CallersErased.
    """
    permission = Permission.DATA_REQUEST_ANSWER
    if not any(permission in GRANTED[post.role] for post in actor.posts):
        raise Forbidden(permission=permission.value)
    issues = await _issues(
        tx,
        Issue.caller_phone == wish.phone,
        actor.reach(permission, Case),
        Case.reporter_id.is_(None),
    )
    booked = await _registrations(
        tx,
        Registration.guest_phone == wish.phone,
        actor.reach(permission, Resource),
        Registration.person_id.is_(None),
    )
    over = [one for one in issues if not one.open]
    past = [one for one in booked if not one.open]
    await forget_callers(tx, over, past, phones=[wish.phone], now=now)
    record_act(
        tx,
        "privacy.callers_erased",
        actor.person_id,
        by=actor.person_id,
        now=now,
        reason=wish.reason,
        issues=[str(one.id) for one in over],
        registrations=[str(one.id) for one in past],
    )
    emit(
        tx,
        CallersErased(by_id=actor.person_id, issues=len(over), registrations=len(past)),
    )
    await tx.flush()
    return CallerErasureOut(
        issues=len(over),
        registrations=len(past),
        open_issues=len(issues) - len(over),
        open_registrations=len(booked) - len(past),
    )


async def forget_callers(
    tx: Tx,
    issues: Sequence[Told],
    registrations: Sequence[Told],
    *,
    phones: Sequence[str],
    now: datetime,
) -> None:
    """Take callers' names and numbers out of issues and bookings, and out of their texts."""
    if not issues and not registrations:
        return
    case_ids = [one.id for one in issues]
    nobody: dict[str, Any] = {
        "caller_name": None,
        "caller_phone": None,
        "caller_erased_at": now,
    }
    await tx.execute(update(Issue).where(Issue.case_id.in_(case_ids)).values(nobody))
    for case_id in case_ids:
        await find_anew(tx, case_id)
    ids = [one.id for one in registrations]
    guests = update(Registration).where(Registration.id.in_(ids))
    await tx.execute(
        guests.values(guest_name=None, guest_phone=None, guest_erased_at=now, purpose="")
    )
    names = [one.name for one in (*issues, *registrations)]
    sought = Sought(
        phones=list(phones),
        names=worth_seeking(names, []),
        case_ids=case_ids,
        registration_ids=ids,
    )
    scrubbing_id = await ask_for_scrubbing(tx, sought, now=now)
    await enqueue(tx, "privacy.scrub", scrubbing_id=str(scrubbing_id))


async def callers_of_old(tx: Tx, *, before: datetime, most: int) -> list[tuple[Told, str]]:
    """Return the callers without an account of issues that were closed before a moment."""
    rows = (
        select(Case.id, Issue.caller_name, Issue.caller_phone)
        .join(Issue, Issue.case_id == Case.id)
        .where(
            Issue.caller_phone.is_not(None),
            Case.state.in_([state.value for state in IN_NO_HANDS]),
            func.coalesce(Case.closed_at, Case.moved_at) < before,
        )
        .order_by(Case.id)
        .limit(most)
        .with_for_update(of=Issue, skip_locked=True)
    )
    return [
        (Told(case_id, name, open=False), phone or "")
        for case_id, name, phone in await tx.execute(rows)
    ]


async def guests_of_old(tx: Tx, *, before: datetime, most: int) -> list[tuple[Told, str]]:
    """Return the guests without an account of bookings that ended before a moment."""
    rows = (
        select(Registration.id, Registration.guest_name, Registration.guest_phone)
        .where(
            Registration.guest_phone.is_not(None),
            Registration.person_id.is_(None),
            Registration.ends_at < before,
            Registration.state.not_in(_LIVE),
        )
        .order_by(Registration.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [
        (Told(one, name, open=False), phone or "")
        for one, name, phone in await tx.execute(rows)
    ]


async def _issues(tx: Tx, *where: ColumnElement[bool]) -> list[Told]:
    rows = (
        select(Case.id, Issue.caller_name, Case.state)
        .join(Issue, Issue.case_id == Case.id)
        .where(*where)
        .order_by(Case.id)
        .with_for_update(of=Case)
    )
    return [
        Told(one, name, open=state not in _OVER) for one, name, state in await tx.execute(rows)
    ]


async def _registrations(tx: Tx, *where: ColumnElement[bool]) -> list[Told]:
    rows = (
        select(Registration.id, Registration.guest_name, Registration.state)
        .join(Resource, Resource.id == Registration.resource_id)
        .where(*where)
        .order_by(Registration.id)
        .with_for_update(of=Registration)
    )
    return [Told(one, name, open=state in _LIVE) for one, name, state in await tx.execute(rows)]
