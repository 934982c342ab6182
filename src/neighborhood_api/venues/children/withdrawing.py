"""How a guardian withdraws her consent: enrolments end, and the child's data are deleted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import delete, select

from neighborhood_api.identity.access import Actor
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.registrations.ending import cancel_each
from neighborhood_api.registrations.locking import lock_registrations
from neighborhood_api.registrations.states import LIVE
from neighborhood_api.venues.children.enrolments import LIVE_ENROLMENTS, Enrolment
from neighborhood_api.venues.children.events import ChildForgotten
from neighborhood_api.venues.children.models import Child
from neighborhood_api.venues.children.service import ChildNotFound, read_child

WITHDRAWN = "监护人撤回同意"


class ChildStillEnrolled(Problem):
    """The child is enrolled; `enrolments` lists in what."""

    title = "The child is still enrolled"
    message = "孩子还有未结束的报名，请确认一并取消后再撤回"


class ChildUnderWay(Problem):
    """The child is at a session now, and whoever looks after it needs the record."""

    title = "The child is at a session just now"
    message = "孩子正在参加活动，活动结束后即可撤回"


async def withdraw_consent(
    tx: Tx, actor: Actor, child_id: UUID, *, cancel_enrolments: bool, now: datetime
) -> None:
    """Delete a child's data because its guardian no longer agrees.

    Enrolments are cancelled first, since that locks what the child is enrolled in; the child is
    locked last, and then without waiting: nobody can wait for us while we wait for her.

    Raises: ChildNotFound, ChildStillEnrolled, ChildUnderWay, TooLateToCancel,
    RegistrationMoved.
    Emits: ChildForgotten, and what cancelling emits.
    """
    await read_child(tx, actor, child_id)
    enrolled = await LIVE_ENROLMENTS.all(tx, child_id=child_id, now=now)
    if enrolled:
        _require_cancellable(enrolled, cancel_enrolments=cancel_enrolments, now=now)
        await _cancel(tx, actor, enrolled, now=now)
    mine = select(Child.id).where(Child.id == child_id, Child.guardian_id == actor.person_id)
    locked = await tx.scalar(mine.with_for_update(nowait=bool(enrolled)))
    if locked is None:
        raise ChildNotFound
    left = await LIVE_ENROLMENTS.all(tx, child_id=child_id, now=now)
    if left:  # enrolled meanwhile
        raise ChildStillEnrolled(enrolments=[_shown(one) for one in left])
    await tx.execute(delete(Child).where(Child.id == child_id))
    me = actor.person_id
    record_act(tx, "venues.child_consent_withdrawn", child_id, by=me, now=now)
    emit(tx, ChildForgotten(child_id=child_id, guardian_id=me, withdrawn=True))
    await tx.flush()


def _require_cancellable(
    enrolled: Sequence[Enrolment], *, cancel_enrolments: bool, now: datetime
) -> None:
    there = [one for one in enrolled if one.under_way(now)]
    if there:
        raise ChildUnderWay(enrolments=[_shown(one) for one in there])
    if not cancel_enrolments:
        raise ChildStillEnrolled(enrolments=[_shown(one) for one in enrolled])


async def _cancel(
    tx: Tx, actor: Actor, enrolled: Sequence[Enrolment], *, now: datetime
) -> None:
    """Cancel what is still live of several enrolments, once all of them are locked."""
    locked = await lock_registrations(tx, [one.id for one in enrolled])
    live = [(resource, row) for resource, row in locked if row.state in LIVE]
    me = actor.person_id
    await cancel_each(tx, live, by_id=me, by_staff=False, why=WITHDRAWN, now=now)
    await tx.flush()


def _shown(enrolment: Enrolment) -> JsonValue:
    shown: dict[str, JsonValue] = {
        "id": str(enrolment.id),
        "code": f"B{enrolment.number}",
        "name": enrolment.name,
        "state": enrolment.state,
        "starts_at": enrolment.starts_at.astimezone(SHOWN_ZONE).isoformat(timespec="seconds"),
        "ends_at": enrolment.ends_at.astimezone(SHOWN_ZONE).isoformat(timespec="seconds"),
    }
    return shown
