"""A child's registration, and enrolments of it as the engine stores them."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from httpx import AsyncClient

from neighborhood_api.identity.places import Place, columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.granting import register
from neighborhood_api.registrations.locking import lock_resource
from neighborhood_api.registrations.models import Registration, Resource, Timetable
from neighborhood_api.registrations.policies import Terms, Waitlist, new_policy
from neighborhood_api.registrations.queries import RegistrationRow
from neighborhood_api.registrations.wishes import Applicant, Wish
from neighborhood_api.venues.children.consent import PRESENT
from neighborhood_api.venues.children.service import enrolled_child
from neighborhood_api.venues.sessions.models import Session, SessionTeacher, Teacher
from tests.venues.arranging import new_venue

TERMS = Terms(waitlist=Waitlist(longest=10))
_numbers = count(10**9)
"""Far from those that the engine gives."""
CHILD: dict[str, Any] = {
    "name": "黄小满",
    "birth_month": "2018-05",
    "grade": 3,
    "note": "对花生过敏",
    "pick_ups": [
        {"name": "林秀英", "relation": "外婆", "phone": "15400000011"},
        {"name": "黄建国", "relation": "爷爷", "phone": "15400000012"},
    ],
    "consent_version": PRESENT.version,
}


async def registered(guardian: AsyncClient, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Register a child, which must succeed; return it as its guardian sees it."""
    answer = await guardian.post("/children", json=CHILD | changes)
    assert answer.status_code == 200, answer.text
    child: dict[str, Any] = answer.json()
    return child


async def new_resource(
    tx: Tx, place: Place, starts_at: datetime, capacity: int = 20
) -> Resource:
    """A session of two hours at a place."""
    policy = await new_policy(tx, new_id(), TERMS, by_id=None, now=starts_at)
    await tx.flush()
    resource = Resource(
        kind="session",
        mode="counted",
        group_id=new_id(),
        name="作业辅导",
        policy_id=policy.id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        capacity=capacity,
        **columns_of(place),  # type: ignore[arg-type]
    )
    tx.add(resource)
    await tx.flush()
    return resource


async def enrolled(
    tx: Tx, resource: Resource, guardian_id: UUID, child_id: str, state: str = "confirmed"
) -> Registration:
    """A child's enrolment in a session, in whatever state."""
    assert resource.starts_at is not None
    assert resource.ends_at is not None
    enrolment = Registration(
        id=new_id(),
        number=next(_numbers),
        created_at=resource.starts_at,
        resource_id=resource.id,
        policy_id=resource.policy_id,
        state=state,
        starts_at=resource.starts_at,
        ends_at=resource.ends_at,
        who_id=UUID(child_id),
        person_id=guardian_id,
        participant_id=UUID(child_id),
        queued=1 if state == "waitlisted" else None,
    )
    tx.add(enrolment)
    await tx.flush()
    return enrolment


async def seated(
    tx: Tx, resource: Resource, guardian_id: UUID, child_id: UUID, *, now: datetime
) -> RegistrationRow:
    """Enrol a child as a session does: by the engine, after asking for the child."""
    locked = await lock_resource(tx, resource.id)
    facts = await enrolled_child(tx, guardian_id, child_id, now=now)
    applicant = Applicant(
        guardian_id,
        home=locked.place,
        participant_id=facts.id,
        born_on=facts.birth_month,
    )
    assert locked.starts_at is not None
    assert locked.ends_at is not None
    wish = Wish(locked.starts_at, locked.ends_at, wait=True)
    return await register(tx, locked, applicant, wish, now=now)


async def taught_by(
    tx: Tx, resource: Resource, person_id: UUID, *, active: bool = True
) -> None:
    """Have somebody teach a session."""
    columns = columns_of(resource.place)
    venue = await new_venue(tx, resource.place)
    timetable = Timetable(id=new_id())
    tx.add(timetable)
    await tx.flush()
    teacher = Teacher(
        id=timetable.id,
        name="陈老师",
        person_id=person_id,
        active=active,
        **columns,  # type: ignore[arg-type]
    )
    session = Session(
        id=resource.id, venue_id=venue.id, kind="tutoring", subject="数学", grade="三年级"
    )
    tx.add_all([teacher, session])
    await tx.flush()
    tx.add(SessionTeacher(session_id=session.id, teacher_id=teacher.id, role="lead"))
    await tx.flush()
