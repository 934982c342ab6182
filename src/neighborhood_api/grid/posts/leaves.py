"""Rules of leave (请假): days on which the holder of a post is away, and who acts then."""

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import Select, select

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import LeaveBegun, LeaveEnded, LeaveGranted
from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.grid.posts.changes import Changes, tell_duty_changed
from neighborhood_api.grid.posts.holders import (
    AppointmentAlreadyEnded,
    AppointmentNotFound,
    locked_appointment,
    stand_in_for,
)
from neighborhood_api.grid.posts.releases import pass_on_shifts
from neighborhood_api.grid.posts.schemas import LeaveIn
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import ReadTx, Tx
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem

LED_BY: dict[Role, Role] = {
    Role.GRID_WORKER: Role.GRID_LEADER,
    Role.COMMUNITY_WORKER: Role.COMMUNITY_SECRETARY,
    Role.STREET_DISPATCHER: Role.STREET_SECRETARY,
    Role.DEPARTMENT_OFFICER: Role.STREET_SECRETARY,
}
"""Who is the superior within one node; all others are led from the level above."""


class LeaveNotFound(Problem):
    """The id names no leave of this appointment."""

    status = HTTPStatus.NOT_FOUND
    title = "There is no such leave"
    message = "没有找到这条请假记录"


class LeaveDaysWrong(Problem):
    """The first day is past, or the last day lies before the first."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A leave begins today or later, and ends on its first day or later"
    message = "请假首日不能早于今天，末日不能早于首日"


class LeavesOverlap(Problem):
    """The holder is away on some of these days already."""

    title = "Another leave of this appointment covers some of these days"
    message = "这段时间与已有请假重叠，请先结束原请假或改日期"


class LeaveAlreadyEnded(Problem):
    """The leave is over, or was cancelled."""

    title = "The leave has already ended"
    message = "该请假已结束"


async def grant_leave(
    tx: Tx, actor: Actor, appointment_id: UUID, wish: LeaveIn, *, now: datetime
) -> tuple[Leave, Person | None]:
    """Let the holder of a post be away from one day to another.

    Without a stand-in the post counts as vacant meanwhile, unless somebody stands in anyway.

    Raises: AppointmentNotFound, AppointmentAlreadyEnded, LeaveDaysWrong, LeavesOverlap,
        StandsInForHerself, InitialPasswordNotYours, InitialPasswordForKnown, PasswordTooWeak.
    Emits: LeaveGranted, RosterChanged, and when it begins today LeaveBegun, DutyChanged,
        PostVacant.
    """
    appointment = await _led(tx, actor, appointment_id)
    if appointment.ended_at is not None:
        raise AppointmentAlreadyEnded
    if wish.first_on < local_day(now) or wish.last_on < wish.first_on:
        raise LeaveDaysWrong
    other = select(Leave.id).where(
        Leave.appointment_id == appointment.id,
        Leave.ended_at.is_(None),
        Leave.first_on <= wish.last_on,
        Leave.last_on >= wish.first_on,
    )
    if await tx.scalar(other.limit(1)) is not None:
        raise LeavesOverlap
    stand_in = None
    if wish.stand_in is not None:
        stand_in = await stand_in_for(tx, actor, appointment, wish.stand_in, now=now)
    leave = Leave(
        appointment_id=appointment.id,
        person_id=appointment.person_id,
        first_on=wish.first_on,
        last_on=wish.last_on,
        granted_by_id=actor.person_id,
        granted_at=now,
        stand_in_id=None if stand_in is None else stand_in.id,
        stand_in_phone=None if stand_in is None else wish.duty_phone,
    )
    tx.add(leave)
    await tx.flush()
    emit(tx, LeaveGranted(**_ids(leave, appointment)))
    _keep(tx, LeaveGranted.name, actor, leave, now)
    changes = Changes()
    turn_leave(tx, changes, leave, appointment, now=now)
    await changes.settle(tx, now=now)
    await pass_on_shifts(tx, leave, appointment, now=now)
    return leave, stand_in


async def end_leave(
    tx: Tx, actor: Actor, appointment_id: UUID, leave_id: UUID, *, now: datetime
) -> tuple[Leave, Person | None]:
    """End a leave now, or cancel one that has not begun; the holder acts again at once.

    Raises: AppointmentNotFound, LeaveNotFound, LeaveAlreadyEnded.
    Emits: LeaveEnded, DutyChanged, PostFilled, RosterChanged.
    """
    appointment = await _led(tx, actor, appointment_id)
    leave = await tx.get(Leave, leave_id)
    if leave is None or leave.appointment_id != appointment.id:
        raise LeaveNotFound
    if leave.ended_at is not None:
        raise LeaveAlreadyEnded
    changes = Changes()
    close_leave(tx, changes, leave, appointment, now=now)
    _keep(tx, LeaveEnded.name, actor, leave, now)
    await changes.settle(tx, now=now)
    stand_in = None if leave.stand_in_id is None else await tx.get(Person, leave.stand_in_id)
    return leave, stand_in


async def leaves_of(
    tx: ReadTx, actor: Actor, appointment_id: UUID
) -> Select[Leave, Person | None]:
    """Select the leaves of an appointment, each with who stands in; her own she sees as well.

    Raises: AppointmentNotFound.
    """
    found = select(Appointment, Node).join(Node, Node.id == Appointment.node_id)
    row = (await tx.execute(found.where(Appointment.id == appointment_id))).one_or_none()
    if row is None:
        raise AppointmentNotFound
    if row[0].person_id != actor.person_id and not may_grant(actor, row[0], row[1]):
        raise AppointmentNotFound
    return (
        select(Leave, Person)
        .outerjoin(Person, Person.id == Leave.stand_in_id)
        .where(Leave.appointment_id == appointment_id)
    )


def may_grant(actor: Actor, appointment: Appointment, node: Node) -> bool:
    """Tell whether the caller is above the holder of a post, or operates the district."""
    if appointment.role == Role.CHIEF_OPERATOR:
        return actor.may_for_all(Permission.LEAVE_GRANT)
    above = node.place.up_to(Level(max(Level.DISTRICT, node.level - 1)))
    led_by = LED_BY.get(Role(appointment.role))
    return actor.may(Permission.LEAVE_GRANT, at=above) or any(
        post.role is led_by and post.node_id == node.id for post in actor.posts
    )


def turn_leave(
    tx: Tx, changes: Changes, leave: Leave, appointment: Appointment, *, now: datetime
) -> None:
    """Begin a leave whose first day has come, and close it when its last day is over.

    Emits: LeaveBegun, LeaveEnded, DutyChanged.
    """
    day = local_day(now)
    if leave.last_on < day:
        close_leave(tx, changes, leave, appointment, now=now)
    elif leave.begun_at is None and leave.first_on <= day:
        leave.begun_at = now
        emit(tx, LeaveBegun(**_ids(leave, appointment)))
        tell_duty_changed(tx, appointment)
        changes.note(appointment, leave.stand_in_id)


def close_leave(
    tx: Tx, changes: Changes, leave: Leave, appointment: Appointment, *, now: datetime
) -> None:
    """Close a leave; its stand-in loses the post's power.

    Emits: LeaveEnded, DutyChanged.
    """
    leave.ended_at = now
    emit(tx, LeaveEnded(**_ids(leave, appointment)))
    if leave.first_on <= local_day(now):
        tell_duty_changed(tx, appointment)
        changes.note(appointment, leave.stand_in_id)
    elif leave.stand_in_id is not None:
        changes.people.add(leave.stand_in_id)  # she is on the roster for its days


async def open_leaves(tx: Tx, appointment: Appointment) -> Iterable[Leave]:
    """Return the leaves of an appointment that are not over."""
    mine = Leave.appointment_id == appointment.id
    return await tx.scalars(select(Leave).where(mine, Leave.ended_at.is_(None)))


async def _led(tx: Tx, actor: Actor, appointment_id: UUID) -> Appointment:
    """Load and lock an appointment below the caller; others do not exist for her."""
    found = await locked_appointment(tx, appointment_id)
    if found is None or not may_grant(actor, *found):
        raise AppointmentNotFound
    return found[0]


def _keep(tx: Tx, what: str, actor: Actor, leave: Leave, now: datetime) -> None:
    """Keep in the audit trail who decided about a leave."""
    record_act(
        tx,
        what,
        leave.id,
        by=actor.person_id,
        now=now,
        appointment_id=leave.appointment_id,
        first_on=leave.first_on.isoformat(),
        last_on=leave.last_on.isoformat(),
        stand_in_id=leave.stand_in_id,
    )


def _ids(leave: Leave, appointment: Appointment) -> dict[str, UUID]:
    return {
        "leave_id": leave.id,
        "appointment_id": appointment.id,
        "node_id": appointment.node_id,
    }
