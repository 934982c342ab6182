"""What is announced about sessions; what becomes of enrolments, registrations announce."""

from uuid import UUID

from neighborhood_api.kit.outbox import Event


class SessionAdded(Event):
    """A session can be enrolled in."""

    name = "venues.session_added"
    chinese = "新增课程或活动。"
    session_id: UUID
    venue_id: UUID


class SessionChanged(Event):
    """A session was changed; who is enrolled is told of another time or place separately."""

    name = "venues.session_changed"
    chinese = "课程或活动有调整；时间、地点变化另行通知已报名的人。"
    session_id: UUID


class SessionCalledOff(Event):
    """A session does not take place."""

    name = "venues.session_called_off"
    chinese = "课程或活动取消。"
    session_id: UUID
    too_few: bool
    """True when too few had enrolled in time, false when staff called it off."""


class SessionSettled(Event):
    """Enough have enrolled: the session takes place."""

    name = "venues.session_settled"
    chinese = "报名人数达到最低人数，课程或活动如期举行。"
    session_id: UUID


class TeacherAssigned(Event):
    """Somebody teaches or helps in a session."""

    name = "venues.teacher_assigned"
    chinese = "安排老师或助教。"
    session_id: UUID
    teacher_id: UUID
    person_id: UUID | None
    """The teacher's account; null without one."""


class TeacherReleased(Event):
    """Somebody does not teach or help in a session any more, or it was called off."""

    name = "venues.teacher_released"
    chinese = "老师或助教不再参加，或课程取消。"
    session_id: UUID
    teacher_id: UUID
    person_id: UUID | None
    """The teacher's account; null without one."""
    dropped_out: bool
    """True when she said herself that she cannot come."""
    lacks: bool
    """True when somebody else is needed now: nobody is left, or too few, or no lead."""
