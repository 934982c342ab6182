"""Rules of how many teachers and helpers a session needs, and who they are."""

from collections.abc import Collection
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete

from neighborhood_api.kit.db import Tx, save
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.venues.sessions.events import TeacherAssigned, TeacherReleased
from neighborhood_api.venues.sessions.models import SessionTeacher, Teacher, TeacherRole
from neighborhood_api.venues.sessions.shapes import Shape, Teaching


class TooFewHelpers(Problem):
    """More seats than the teachers and helpers may mind; the members give the numbers."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "There are too few teachers and helpers for so many"
    message = "老师和助教人数不够，请减少名额或增加助教"


class TwoLeads(Problem):
    """A session is led by one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "A session has one lead"
    message = "主讲只能有一位，其他请设为助教"


class Fault(NamedTuple):
    """What is wrong with a session."""

    code: str
    message: str
    teachers: int
    most: int | None


def require_staffed(shape: Shape) -> None:
    """Refuse a session that nobody could mind.

    Raises: TooFewHelpers, TwoLeads.
    """
    if sum(one.role is TeacherRole.LEAD for one in shape.teachers) > 1:
        raise TwoLeads
    most = _most(shape.children_per_helper, len(shape.teachers))
    if most is not None and shape.capacity > most:
        raise TooFewHelpers(
            capacity=shape.capacity,
            teachers=len(shape.teachers),
            children_per_helper=shape.children_per_helper,
            most=most,
        )


def faults(
    roles: Collection[str], capacity: int, children_per_helper: int | None
) -> list[Fault]:
    """Return what came to be wrong because somebody dropped out."""
    found = []
    most = _most(children_per_helper, len(roles))
    if most is not None and capacity > most:
        text = (
            f"现有老师和助教{len(roles)}人，最多照看{most}人，名额{capacity}人；"
            "请补充助教或减少名额"
        )
        found.append(Fault("too_few_helpers", text, len(roles), most))
    if roles and TeacherRole.LEAD not in roles:
        found.append(Fault("no_lead", "没有主讲老师，请安排代课", len(roles), most))
    return found


async def appoint(tx: Tx, session_id: UUID, teaching: Teaching, teacher: Teacher) -> None:
    """Let somebody teach or help.

    Emits: TeacherAssigned.
    """
    await save(tx, _row(session_id, teaching))
    told = TeacherAssigned(
        session_id=session_id, teacher_id=teacher.id, person_id=teacher.person_id
    )
    emit(tx, told)


def release(
    tx: Tx,
    session_id: UUID,
    teacher: Teacher,
    *,
    dropped_out: bool = False,
    lacks: bool = False,
) -> None:
    """Tell that somebody does not teach or help.

    Emits: TeacherReleased.
    """
    told = TeacherReleased(
        session_id=session_id,
        teacher_id=teacher.id,
        person_id=teacher.person_id,
        dropped_out=dropped_out,
        lacks=lacks,
    )
    emit(tx, told)


async def staff(
    tx: Tx,
    session_id: UUID,
    before: frozenset[Teaching],
    after: frozenset[Teaching],
    teachers: dict[UUID, Teacher],
) -> None:
    """Have others teach and help in a session; whoever stays is not told.

    Emits: TeacherAssigned, TeacherReleased.
    """
    if before == after:
        return
    rows = delete(SessionTeacher).where(SessionTeacher.session_id == session_id)
    await tx.execute(rows, execution_options={"synchronize_session": False})
    stay = {one.teacher_id for one in before} & {one.teacher_id for one in after}
    for one in before:
        if one.teacher_id not in stay:
            release(tx, session_id, teachers[one.teacher_id])
    for one in after:
        if one.teacher_id not in stay:
            await appoint(tx, session_id, one, teachers[one.teacher_id])
        else:
            await save(tx, _row(session_id, one))


def _row(session_id: UUID, teaching: Teaching) -> SessionTeacher:
    return SessionTeacher(
        session_id=session_id,
        teacher_id=teaching.teacher_id,
        role=teaching.role.value,
        stands_in_for_id=teaching.stands_in_for_id,
    )


def _most(children_per_helper: int | None, teachers: int) -> int | None:
    return None if children_per_helper is None else children_per_helper * teachers
