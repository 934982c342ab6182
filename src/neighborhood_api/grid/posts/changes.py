"""What a change of who acts brings with it: tokens that tell it, and an alarm when nobody does.

People and posts are gathered and settled at the end, people first and each in order of id, so
that two changes at once never wait for each other in a circle.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import DutyChanged, PostFilled, PostVacant
from neighborhood_api.grid.models import Appointment, Leave, Node, Vacancy
from neighborhood_api.grid.posts.duty import ANSWERING
from neighborhood_api.grid.queries import acting, in_office, on_leave
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.revocations import revoke_person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit

_ANSWERING = {role.value for roles in ANSWERING.values() for role in roles}


@dataclass
class Changes:
    """Whose power changed in a transaction, and in which posts somebody else may act now."""

    people: set[UUID] = field(default_factory=set)
    posts: set[tuple[UUID, str]] = field(default_factory=set)

    def note(self, appointment: Appointment, *people: UUID | None) -> None:
        """Remember the post of an appointment, and whose tokens no longer say what is true."""
        self.posts.add((appointment.node_id, appointment.role))
        self.people.update(person for person in people if person is not None)

    async def settle(self, tx: Tx, *, now: datetime) -> None:
        """Have tokens made anew, and raise or call off the alarms; once, as the last thing.

        Emits: PostVacant, PostFilled.
        """
        await tx.flush()
        for person_id in sorted(self.people):
            await revoke_person(tx, person_id, now=now)
        for node_id, role in sorted(self.posts):
            if role in _ANSWERING:
                await _look_at(tx, node_id, role, now)


def tell_duty_changed(tx: Tx, appointment: Appointment) -> None:
    """Announce that somebody else, or nobody, acts in a post now.

    Emits: DutyChanged.
    """
    emit(tx, DutyChanged(node_id=appointment.node_id))


async def _look_at(tx: Tx, node_id: UUID, role: str, now: datetime) -> None:
    """Note that a post has become vacant, or that it no longer is; each is told once.

    The node is locked: of two who leave a team at once, the later one sees the first gone.
    """
    await tx.execute(select(Node.id).where(Node.id == node_id).with_for_update(key_share=True))
    day = literal(local_day(now))
    acts = (
        select(Appointment.id)
        .outerjoin(Leave, on_leave(day))
        .where(Appointment.node_id == node_id, Appointment.role == role)
        .where(in_office(day), acting(day).is_not(None))
    )
    if await tx.scalar(acts.limit(1)) is None:
        raised = insert(Vacancy).values(id=new_id(), node_id=node_id, role=role, since=now)
        once = raised.on_conflict_do_nothing(
            index_elements=["node_id", "role"], index_where=text("filled_at IS NULL")
        )
        if await tx.scalar(once.returning(Vacancy.id)) is not None:
            emit(tx, PostVacant(node_id=node_id, role=Role(role), since=now))
        return
    filled = (
        update(Vacancy)
        .where(Vacancy.node_id == node_id, Vacancy.role == role, Vacancy.filled_at.is_(None))
        .values(filled_at=now)
        .execution_options(synchronize_session=False)
    )
    if await tx.scalar(filled.returning(Vacancy.id)) is not None:
        emit(tx, PostFilled(node_id=node_id, role=Role(role)))
