"""Rules of cancelling an account (注销): asked for, thought over, and then done.

Refused only while the law or somebody else's need stands against it, and then the reason says
what ends that. Open issues and bookings are no reason: issues go on without their reporter,
bookings that have not begun are cancelled.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, exists, select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.workflow import OVER
from neighborhood_api.grid.service import holds_posts
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.privacy.events import ErasureRequested, ErasureWithdrawn
from neighborhood_api.privacy.models import Erasure, ErasureState
from neighborhood_api.venues.sessions.models import Teacher


class ErasureHoldsPost(Problem):
    """Whoever acts in a post, or will, answers for it by name."""

    title = "You hold a post, or stand in for one; have it ended first"
    message = "您正在担任岗位或代班，请先联系上级办理离任后再注销"


class ErasureTeaches(Problem):
    """Parents must know who looks after their children."""

    title = "You are a teacher of sessions; have that ended first"
    message = "您还是在任的授课老师，请先联系服务中心停任后再注销"


class ErasureUnderInvestigation(Problem):
    """A report on a person that she made is being looked into, and may have to be proved."""

    title = "A confidential report of yours is still being looked into"
    message = "您反映的涉及人员的问题正在核查，办结后即可注销"


class ErasureUnderWay(Problem):
    """The caller has cancelled her account already; `due_at` says when it is done."""

    title = "You have cancelled your account already"
    message = "您已申请注销，冷静期结束后自动完成"


class NoErasureUnderWay(Problem):
    """There is nothing to take back."""

    title = "You have not cancelled your account"
    message = "您没有正在进行的注销申请"


HINDRANCES: dict[str, str] = {
    one.code(): one.message
    for one in (ErasureHoldsPost, ErasureTeaches, ErasureUnderInvestigation)
}
"""By code, what has to be ended first; anything else passes by itself."""
TRIED_AGAIN = "系统会自动再试，无需操作"


async def request_erasure(tx: Tx, actor: Actor, *, cooling_days: int, now: datetime) -> Erasure:
    """Cancel the caller's account; it is done when the time to think it over has passed.

    Raises: ErasureHoldsPost, ErasureTeaches, ErasureUnderInvestigation, ErasureUnderWay.
    Emits: ErasureRequested.
    """
    await tx.execute(select(Person.id).where(Person.id == actor.person_id).with_for_update())
    hindrance = await hindrance_to(tx, actor.person_id, now=now)
    if hindrance is not None:
        raise hindrance
    erasure = Erasure(
        person_id=actor.person_id,
        requested_at=now,
        due_at=now + timedelta(days=cooling_days),
    )
    tx.add(erasure)
    emit(tx, ErasureRequested(person_id=actor.person_id))
    with refusing({"uq_erasure_under_way": ErasureUnderWay}):
        await tx.flush()
    return erasure


async def withdraw_erasure(tx: Tx, actor: Actor, *, now: datetime) -> Erasure:
    """Take back the cancellation of the caller's account.

    Raises: NoErasureUnderWay.
    Emits: ErasureWithdrawn.
    """
    erasure = await tx.scalar(_under_way(actor.person_id).with_for_update())
    if erasure is None:
        raise NoErasureUnderWay
    erasure.state, erasure.ended_at = ErasureState.WITHDRAWN.value, now
    emit(tx, ErasureWithdrawn(person_id=actor.person_id))
    await tx.flush()
    withdrawn: Erasure = erasure
    return withdrawn


async def last_erasure(tx: ReadTx, person_id: UUID) -> Erasure | None:
    """Return the last time that a person cancelled her account."""
    mine = select(Erasure).where(Erasure.person_id == person_id)
    found: Erasure | None = await tx.scalar(mine.order_by(Erasure.id.desc()).limit(1))
    return found


async def hindrance_to(tx: ReadTx, person_id: UUID, *, now: datetime) -> Problem | None:
    """Return why a person cannot be erased yet, if so."""
    if await holds_posts(tx, person_id, now):
        return ErasureHoldsPost()
    teaches = exists().where(Teacher.person_id == person_id, Teacher.active)
    if await tx.scalar(select(teaches)):
        return ErasureTeaches()
    looked_into = exists().where(
        Case.reporter_id == person_id,
        Case.confidential,
        Case.state.not_in([state.value for state in OVER]),
    )
    return ErasureUnderInvestigation() if await tx.scalar(select(looked_into)) else None


def _under_way(person_id: UUID) -> Select[Erasure]:
    return select(Erasure).where(
        Erasure.person_id == person_id, Erasure.state == ErasureState.COOLING.value
    )
