"""What a session is like: as it is stored, as somebody wants it, and the two put together."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from neighborhood_api.registrations.policies import Terms
from neighborhood_api.registrations.queries import ResourceRow
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, TeacherRole


class Teaching(NamedTuple):
    """Who teaches or helps."""

    teacher_id: UUID
    role: TeacherRole
    stands_in_for_id: UUID | None = None


class Shape(NamedTuple):
    """All of a session that staff may change."""

    title: str
    subject: str
    grade: str
    about: str
    starts_at: datetime
    ends_at: datetime
    room_id: UUID | None
    teachers: frozenset[Teaching]
    capacity: int
    children_per_helper: int | None
    fewest: int | None
    decide_before: timedelta | None
    """How long before the start it is seen whether enough have enrolled."""
    enrol_from: datetime | None
    enrol_until: datetime | None
    open: bool
    policy: Terms

    @property
    def decide_at(self) -> datetime | None:
        """When it is seen whether enough have enrolled."""
        return None if self.decide_before is None else self.starts_at - self.decide_before


_TOGETHER = (("starts_at", "ends_at"), ("fewest", "decide_before"))
"""What makes sense only as a whole."""


def shape_of(
    session: Session, resource: ResourceRow, teachers: Iterable[SessionTeacher], terms: Terms
) -> Shape:
    """Return what a session is like now."""
    if resource.starts_at is None or resource.ends_at is None or resource.capacity is None:
        raise ValueError("a session has a time and seats")
    before = None if session.decide_at is None else resource.starts_at - session.decide_at
    return Shape(
        title=resource.name,
        subject=session.subject,
        grade=session.grade,
        about=session.about,
        starts_at=resource.starts_at,
        ends_at=resource.ends_at,
        room_id=session.room_id,
        teachers=frozenset(
            Teaching(one.teacher_id, TeacherRole(one.role), one.stands_in_for_id)
            for one in teachers
        ),
        capacity=resource.capacity,
        children_per_helper=session.children_per_helper,
        fewest=session.fewest,
        decide_before=before,
        enrol_from=session.enrol_from,
        enrol_until=session.enrol_until,
        open=resource.open,
        policy=terms,
    )


def drawn_at(draw_at: datetime | None, present: Shape, after: Shape) -> datetime | None:
    """Return when a changed session is drawn: as long before its start as it was."""
    return None if draw_at is None else draw_at + (after.starts_at - present.starts_at)


def lies_in_the_past(
    shape: Shape, draw_at: datetime | None, present: Shape | None = None, *, now: datetime
) -> bool:
    """Tell whether a session would begin, be drawn or be decided before now.

    What stays as it is at `present` may lie in the past: it was seen to when its time came.
    """
    moments = [shape.starts_at]
    if present is None or shape.starts_at != present.starts_at:
        moments += [] if draw_at is None else [draw_at]
    decided = None if present is None else (present.fewest, present.decide_at)
    if shape.decide_at is not None and (shape.fewest, shape.decide_at) != decided:
        moments.append(shape.decide_at)
    return min(moments) <= now


def adopt(present: Shape, before: Shape, after: Shape) -> tuple[Shape, list[str]]:
    """Change what a session has in common with its series; return what it keeps of its own.

    `before` and `after` are what the series wants of it. A session that was changed alone keeps
    that change: the names of what it keeps come second.
    """
    own = {name for name in Shape._fields if getattr(present, name) != getattr(before, name)}
    for names in _TOGETHER:
        if own & set(names):
            own |= set(names)
    kept = {name: getattr(present, name) for name in own}
    shown = [n for n in Shape._fields if n in own and kept[n] != getattr(after, n)]
    return after._replace(**kept), shown
