"""What children are enrolled in, as far as the rules about their data need to know."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Uuid, and_, bindparam, exists, or_, select

from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.reads import Query
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.registrations.queries import stands
from neighborhood_api.registrations.states import CANCELLABLE, COUNTED_BY_QUOTA, LIVE, State
from neighborhood_api.venues.children.models import Child
from neighborhood_api.venues.sessions.models import SessionTeacher, Teacher

KNOWN_TO_STAFF = frozenset(
    {State.PENDING, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED, State.NO_SHOW}
)
"""Enrolments for which staff may need the child's record: it comes, it came, or should have."""
_NOW = bindparam("now", type_=DateTime(timezone=True))


class Enrolment(NamedTuple):
    """Something that a child is enrolled in."""

    id: UUID
    number: int
    state: str
    name: str
    """What it is called."""
    starts_at: datetime
    ends_at: datetime

    def under_way(self, now: datetime) -> bool:
        """Tell whether the child is there, or should be."""
        return self.starts_at <= now or self.state not in CANCELLABLE


LIVE_ENROLMENTS = Query(
    select(
        Registration.id,
        Registration.number,
        Registration.state,
        Resource.name,
        Registration.starts_at,
        Registration.ends_at,
    )
    .join(Resource, Resource.id == Registration.resource_id)
    .where(
        Registration.participant_id == bindparam("child_id", type_=Uuid),
        Registration.ends_at > _NOW,
        # Whoever still waits for a place when it begins gets none any more.
        or_(
            stands(State.PENDING, State.CONFIRMED, State.CHECKED_IN),
            and_(stands(*sorted(LIVE)), Registration.starts_at > _NOW),
        ),
    )
    .order_by(Registration.starts_at, Registration.id),
    Enrolment,
)
"""What a child is enrolled in and is not over, in the order of time."""


async def attended(tx: ReadTx, child_id: UUID, *, since: datetime) -> Sequence[Resource]:
    """Return what a child goes to, or went to after `since`."""
    resources = select(Resource).where(
        Resource.id.in_(
            select(Registration.resource_id).where(
                Registration.participant_id == child_id,
                Registration.state.in_(_values(KNOWN_TO_STAFF)),
                Registration.ends_at > since,
            )
        )
    )
    return (await tx.scalars(resources)).all()


async def teaches(tx: ReadTx, person_id: UUID, child_id: UUID, *, since: datetime) -> bool:
    """Tell whether somebody teaches, or helps in, what a child goes to, or went to since."""
    teaching = select(Registration.id).where(
        Registration.participant_id == child_id,
        Registration.state.in_(_values(KNOWN_TO_STAFF)),
        Registration.ends_at > since,
        exists().where(
            SessionTeacher.session_id == Registration.resource_id,
            SessionTeacher.teacher_id == Teacher.id,
            Teacher.person_id == person_id,
            Teacher.active,
        ),
    )
    return await tx.scalar(teaching.limit(1)) is not None


def enrolled_after(moment: datetime) -> ColumnElement[bool]:
    """Hold for the children who are enrolled in something that ended, or ends, after then."""
    return exists().where(
        Registration.participant_id == Child.id,
        Registration.state.in_(_values(COUNTED_BY_QUOTA)),
        Registration.ends_at > moment,
    )


def _values(states: frozenset[State]) -> list[str]:
    return sorted(state.value for state in states)
