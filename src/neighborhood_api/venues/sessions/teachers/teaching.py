"""What a teacher or helper has to do."""

from datetime import datetime
from uuid import UUID

from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.venues.sessions.models import (
    Session,
    SessionTeacher,
    Teacher,
    TeacherRole,
)
from neighborhood_api.venues.sessions.queries import SESSIONS, SessionRow
from neighborhood_api.venues.sessions.schemas import SessionOut
from neighborhood_api.venues.sessions.service import from_page, not_over
from neighborhood_api.venues.sessions.teachers.schemas import TaughtSessionOut


async def taught_by(
    tx: ReadTx, person_id: UUID, page: PageRequest, *, now: datetime
) -> list[TaughtSessionOut]:
    """Return what somebody teaches or helps in and is not over, soonest first.

    Raises: BadCursor.
    """
    query = (
        SESSIONS.add_columns(SessionTeacher.role)
        .join(SessionTeacher, SessionTeacher.session_id == Session.id)
        .join(Teacher, Teacher.id == SessionTeacher.teacher_id)
        .where(Teacher.person_id == person_id, Teacher.active, not_over(now))
    )
    views = []
    for *row, role in await tx.execute(from_page(query, page)):
        shown = SessionOut.model_validate(SessionRow(*row)).model_dump()
        views.append(TaughtSessionOut(**shown, role=TeacherRole(role)))
    return views
