"""Rules of putting people into posts, and of taking power away at once."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import AppointmentAmended, AppointmentEnded, AppointmentMade
from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Appointment, Node, Organization
from neighborhood_api.grid.posts.changes import Changes, tell_duty_changed
from neighborhood_api.grid.posts.holders import (
    AppointmentAlreadyEnded,
    AppointmentNotFound,
    appointee,
    locked_appointment,
    person_of,
    stand_in_for,
)
from neighborhood_api.grid.posts.leaves import close_leave, open_leaves
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.grid.posts.primaries import (
    PrimaryForWorkers,
    PrimaryTaken,
    is_first_worker,
)
from neighborhood_api.grid.posts.selections import write_selection
from neighborhood_api.grid.schemas import AppointmentIn, StandInIn
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.access import LEVEL_OF, Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.acts import Act, record_act
from neighborhood_api.kit.db import Model, ReadTx, Tx, refusing
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.trail import trail_of


class PostNotAtThisLevel(Problem):
    """Posts exist at fixed levels: a lane chief at a lane, a grid leader at a grid."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This post does not exist at this level of the grid"
    message = "该岗位不属于这一层级，请重新选择地点或岗位"


class PostTaken(Problem):
    """Somebody holds this post here; end that appointment first."""

    title = "The post is held by somebody else"
    message = "该岗位已有人担任，请先结束原任职"


class TermEndsBeforeItStarts(Problem):
    """The last day lies before the first."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The term ends before it starts"
    message = "任期末日不能早于首日"


class StandInOver(Problem):
    """The last day of standing in is past."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The last day of standing in is past"
    message = "代班末日不能早于今天，请改日期"


class OrganizationNeeded(Problem):
    """Officers belong to a department of the node, and nobody else does."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Department officers, and only they, need an organization of this place"
    message = "部门承办人需选择本地的所属部门，其他岗位不用选"


async def make_appointment(
    tx: Tx, actor: Actor, wish: AppointmentIn, *, now: datetime
) -> tuple[Appointment, Person]:
    """Appoint somebody to a post; the person is found by phone, or created.

    Raises: NodeNotFound, Forbidden, PostNotAtThisLevel, PostTaken, TermEndsBeforeItStarts,
        OrganizationNeeded, PrimaryForWorkers, PrimaryTaken, VotesDoNotAddUp,
        InitialPasswordForKnown, PasswordTooWeak.
    Emits: AppointmentMade, PostFilled.
    """
    node = await current_node(tx, wish.node_id, now=now)
    actor.require(Permission.APPOINTMENT_MANAGE, at=node.place)
    if wish.role is Role.CHIEF_OPERATOR:
        actor.require_for_all(Permission.APPOINTMENT_MANAGE)
    if Level(node.level) not in LEVEL_OF[wish.role]:
        raise PostNotAtThisLevel
    if wish.ends_on is not None and wish.ends_on < wish.starts_on:
        raise TermEndsBeforeItStarts
    await _require_organization(tx, wish)
    worker = wish.role is Role.GRID_WORKER
    if wish.primary and not worker:
        raise PrimaryForWorkers
    primary = wish.primary
    if primary is None:
        primary = worker and await is_first_worker(tx, node.id)
    person = await appointee(tx, actor, node.place, wish.person, now=now)
    begun = wish.starts_on <= local_day(now)
    appointment = Appointment(
        node_id=node.id,
        role=wish.role.value,
        person_id=person.id,
        duty_phone=wish.duty_phone,
        starts_on=wish.starts_on,
        ends_on=wish.ends_on,
        organization_id=wish.organization_id,
        awaits_start=not begun,
        is_primary=primary,
    )
    await _add(tx, appointment, asked=wish.primary)
    if wish.selection is not None:
        write_selection(tx, appointment.id, wish.selection, now=now)
    made = AppointmentMade(appointment_id=appointment.id, person_id=person.id, node_id=node.id)
    emit(tx, made)
    _keep(tx, made.name, actor, appointment, now)
    changes = Changes()
    changes.note(appointment)
    await changes.settle(tx, now=now)
    return appointment, person


async def _add(tx: Tx, appointment: Appointment, *, asked: bool | None) -> None:
    """Save an appointment; of two first workers at once, one is responsible for the grid.

    Raises: PostTaken, PrimaryTaken.
    """
    taken = {"uq_appointment_one_holder": PostTaken, "uq_appointment_primary": PrimaryTaken}
    if appointment.is_primary and asked is None:
        try:
            with refusing(taken):
                async with tx.begin_nested():
                    tx.add(appointment)
        except PrimaryTaken:
            appointment.is_primary = False
        else:
            return
    tx.add(appointment)
    with refusing(taken):
        await tx.flush()


async def end_appointment(
    tx: Tx, actor: Actor, appointment_id: UUID, *, now: datetime
) -> tuple[Appointment, Person, dict[str, int]]:
    """End an appointment now; its holder and stand-in lose the post's power at once.

    Returns by kind how much open work went to others with it.

    Raises: AppointmentNotFound, AppointmentAlreadyEnded.
    Emits: AppointmentEnded, PostVacant.
    """
    appointment = await managed(tx, actor, appointment_id)
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    changes = Changes()
    await _close(tx, changes, appointment, now)
    _keep(tx, AppointmentEnded.name, actor, appointment, now)
    await changes.settle(tx, now=now)
    return appointment, await person_of(tx, appointment), changes.handed_over


async def replace_holder(
    tx: Tx, changes: Changes, actor: Actor, appointment_id: UUID, *, now: datetime
) -> None:
    """End an appointment whose successor is made in the same transaction.

    The caller settles `changes` when everything is written: the post was never vacant.

    Raises: AppointmentNotFound, AppointmentAlreadyEnded.
    Emits: AppointmentEnded.
    """
    appointment = await managed(tx, actor, appointment_id)
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    await _close(tx, changes, appointment, now)
    _keep(tx, AppointmentEnded.name, actor, appointment, now)


def appointed_rows(
    actor: Actor, appointment: Appointment, *, now: datetime
) -> tuple[Model, ...]:
    """Return an appointment that is written with very many others, to be saved as a whole.

    With it come its event, and who decided it: what `make_appointment` writes one by one.
    """
    made = AppointmentMade(
        appointment_id=appointment.id,
        person_id=appointment.person_id,
        node_id=appointment.node_id,
    )
    told = _told(appointment).items()
    act = Act(
        what=made.name,
        subject=str(appointment.id),
        person_id=actor.person_id,
        acted_at=now,
        detail={name: str(one) if isinstance(one, UUID) else one for name, one in told},
    )
    return appointment, made.row(), act, trail_of(act)


def note_amended(tx: Tx, actor: Actor, appointment: Appointment, *, now: datetime) -> None:
    """Keep who changed the duty phone or the term of an appointment, and how it stands now."""
    _keep(tx, AppointmentAmended.name, actor, appointment, now)


async def set_stand_in(
    tx: Tx, actor: Actor, appointment_id: UUID, wish: StandInIn, *, now: datetime
) -> tuple[Appointment, Person]:
    """Let somebody stand in for the holder, in place of whoever does.

    Raises: AppointmentNotFound, AppointmentAlreadyEnded, StandInOver, StandsInForHerself,
        InitialPasswordForKnown, PasswordTooWeak.
    Emits: DutyChanged.
    """
    appointment = await managed(tx, actor, appointment_id)
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    if wish.until is not None and wish.until < local_day(now):
        raise StandInOver
    stand_in = await stand_in_for(tx, actor, appointment, wish.person, now=now)
    before = appointment.stand_in_id
    appointment.stand_in_id = stand_in.id
    appointment.stand_in_phone = wish.duty_phone
    appointment.stand_in_until = wish.until
    appointment.version += 1
    changes = Changes()
    changes.note(appointment, None if before == stand_in.id else before)
    tell_duty_changed(tx, appointment)
    _keep(tx, "grid.stand_in_set", actor, appointment, now)
    await changes.settle(tx, now=now)
    return appointment, await person_of(tx, appointment)


async def end_stand_in(
    tx: Tx, actor: Actor, appointment_id: UUID, *, now: datetime
) -> tuple[Appointment, Person]:
    """Give the post back to its holder alone; who stood in for one that is over is history.

    Raises: AppointmentNotFound.
    Emits: DutyChanged, and PostVacant when the holder is on leave.
    """
    appointment = await managed(tx, actor, appointment_id)
    if appointment.stand_in_id is not None and appointment.ended_at is None:
        changes = Changes()
        _clear_stand_in(tx, changes, appointment)
        _keep(tx, "grid.stand_in_ended", actor, appointment, now)
        appointment.version += 1
        await changes.settle(tx, now=now)
    return appointment, await person_of(tx, appointment)


async def close_past_terms(tx: Tx, changes: Changes, most: int, *, now: datetime) -> int:
    """Close appointments whose last day is over, and stand-ins likewise, at most so many.

    Safe to repeat. Return how many of both there were.

    Emits: AppointmentEnded, LeaveEnded, DutyChanged.
    """
    day = local_day(now)
    over = select(Appointment).where(Appointment.ended_at.is_(None), Appointment.ends_on < day)
    closed = (await tx.scalars(over.limit(most).with_for_update(skip_locked=True))).all()
    for appointment in closed:
        await _close(tx, changes, appointment, now)
    past = select(Appointment).where(
        Appointment.ended_at.is_(None),
        Appointment.stand_in_id.is_not(None),
        Appointment.stand_in_until < day,
    )
    cleared = (await tx.scalars(past.limit(most).with_for_update(skip_locked=True))).all()
    for appointment in cleared:
        _clear_stand_in(tx, changes, appointment)
    return len(closed) + len(cleared)


async def _close(tx: Tx, changes: Changes, appointment: Appointment, now: datetime) -> None:
    """Mark an appointment as ended; its holder and whoever stands in lose the post's power."""
    for leave in await open_leaves(tx, appointment):
        close_leave(tx, changes, leave, appointment, now=now)
    appointment.ended_at = now
    appointment.version += 1
    ended = AppointmentEnded(
        appointment_id=appointment.id,
        person_id=appointment.person_id,
        node_id=appointment.node_id,
    )
    emit(tx, ended)
    changes.note(appointment, appointment.person_id, appointment.stand_in_id)


def _keep(tx: Tx, what: str, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Keep in the audit trail who decided about a post, and how it stood after that."""
    told = _told(appointment)
    record_act(tx, what, appointment.id, by=actor.person_id, now=now, **told)


def _told(appointment: Appointment) -> dict[str, Any]:
    """Return how a post stands, as the audit trail keeps it."""
    return {
        "node_id": appointment.node_id,
        "role": appointment.role,
        "person_id": appointment.person_id,
        "organization_id": appointment.organization_id,
        "starts_on": appointment.starts_on.isoformat(),
        "ends_on": None if appointment.ends_on is None else appointment.ends_on.isoformat(),
        "stand_in_id": appointment.stand_in_id,
    }


def _clear_stand_in(tx: Tx, changes: Changes, appointment: Appointment) -> None:
    changes.note(appointment, appointment.stand_in_id)
    appointment.stand_in_id = appointment.stand_in_phone = None
    appointment.stand_in_until = None
    tell_duty_changed(tx, appointment)


def appointments_at(
    actor: Actor, node: Node
) -> Select[Appointment, Person, Selection | None, str | None]:
    """Select who holds the posts of a node, how she was chosen, and what the post is called.

    Raises: Forbidden.
    """
    actor.require(Permission.ROSTER_READ, at=node.place)
    return (
        select(
            Appointment, Person, Selection, called(Appointment.role, literal(node.district_id))
        )
        .join(Person, Person.id == Appointment.person_id)
        .outerjoin(Selection, Selection.appointment_id == Appointment.id)
        .where(Appointment.node_id == node.id, Appointment.ended_at.is_(None))
        .order_by(Appointment.id)
    )


async def called_here(tx: ReadTx, appointment: Appointment) -> str | None:
    """Return what the district calls the post of an appointment; None for the usual name."""
    own = called(literal(appointment.role), Node.district_id)
    name: str | None = await tx.scalar(select(own).where(Node.id == appointment.node_id))
    return name


async def managed(tx: Tx, actor: Actor, appointment_id: UUID) -> Appointment:
    """Load and lock an appointment that the caller manages; others do not exist for her.

    A chief operator's is changed by another one only.
    """
    found = await locked_appointment(tx, appointment_id)
    if found is None:
        raise AppointmentNotFound
    appointment, node = found
    wanted = Permission.APPOINTMENT_MANAGE
    chief = appointment.role == Role.CHIEF_OPERATOR
    if not actor.may(wanted, at=node.place) or (chief and not actor.may_for_all(wanted)):
        raise AppointmentNotFound
    return appointment


async def _require_organization(tx: Tx, wish: AppointmentIn) -> None:
    officer = wish.role is Role.DEPARTMENT_OFFICER
    if officer != (wish.organization_id is not None):
        raise OrganizationNeeded
    if wish.organization_id is not None:
        organization = await tx.get(Organization, wish.organization_id)
        if organization is None or organization.node_id != wish.node_id:
            raise OrganizationNeeded
