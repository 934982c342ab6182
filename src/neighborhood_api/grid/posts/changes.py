"""What a change of who acts brings with it: tokens that tell it, and an alarm when nobody does.

People and posts are gathered and settled at the end, people first and each in order of id, so
that two changes at once never wait for each other in a circle.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.events import DutyChanged, PostFilled, PostVacant
from neighborhood_api.grid.models import Appointment, Leave, Node, Vacancy
from neighborhood_api.grid.posts.duty import ANSWERING
from neighborhood_api.grid.posts.handovers import Turnover, hand_over_work
from neighborhood_api.grid.posts.releases import release_shifts
from neighborhood_api.grid.queries import acting, in_office, on_leave
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.revocations import revoke_person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import emit

_FEW = 20
"""Posts that are looked at one by one."""
_ANSWERING = {role.value for roles in ANSWERING.values() for role in roles}


@dataclass
class Changes:
    """Whose power changed in a transaction, and in which posts somebody else may act now."""

    people: set[UUID] = field(default_factory=set)
    posts: set[tuple[UUID, str]] = field(default_factory=set)
    organizations: set[UUID] = field(default_factory=set)
    handed_over: dict[str, int] = field(default_factory=dict)
    """How much open work of each kind changed hands when they were settled."""

    def note(self, appointment: Appointment, *people: UUID | None) -> None:
        """Remember the post of an appointment, and whose tokens no longer say what is true."""
        self.posts.add((appointment.node_id, appointment.role))
        if appointment.organization_id is not None:
            self.organizations.add(appointment.organization_id)
        self.people.update(person for person in people if person is not None)

    async def settle(self, tx: Tx, *, now: datetime) -> None:
        """Have tokens made anew, hand over open work, and raise or call off the alarms.

        Once, as the last thing.

        Emits: PostVacant, PostFilled.
        """
        await tx.flush()
        for person_id in sorted(self.people):
            await revoke_person(tx, person_id, now=now)
        if self.posts:
            turnover = Turnover(
                frozenset(node_id for node_id, _ in self.posts),
                frozenset(self.organizations),
                frozenset(self.people),
            )
            self.handed_over = await hand_over_work(tx, turnover, now=now)
        self.handed_over["shifts"] = await release_shifts(tx, self.people, now=now)
        await look_at_posts(tx, self.posts, now=now)


async def look_at_posts(tx: Tx, posts: Collection[tuple[UUID, str]], *, now: datetime) -> None:
    """Raise the alarm for those among the posts that nobody acts in, and call off the others'.

    Emits: PostVacant, PostFilled.
    """
    waiting = {post for post in posts if post[1] in _ANSWERING}
    if len(waiting) > _FEW:
        waiting -= await _at_rest(tx, waiting, now)
    for node_id, role in sorted(waiting):
        await _look_at(tx, node_id, role, now)


def tell_duty_changed(tx: Tx, appointment: Appointment) -> None:
    """Announce that somebody else, or nobody, acts in a post now.

    Emits: DutyChanged.
    """
    emit(tx, DutyChanged(node_id=appointment.node_id))


async def _at_rest(
    tx: Tx, posts: Collection[tuple[UUID, str]], now: datetime
) -> set[tuple[UUID, str]]:
    """Return the posts where somebody acts and no alarm is open, as in a list of new ones.

    The places are locked by now, so that it stays true.
    """
    nodes = {node_id for node_id, _ in posts}
    day = literal(local_day(now))
    acts = (
        select(Appointment.node_id, Appointment.role)
        .outerjoin(Leave, on_leave(day))
        .where(Appointment.node_id.in_(nodes), in_office(day), acting(day).is_not(None))
    )
    alarms = select(Vacancy.node_id, Vacancy.role).where(
        Vacancy.node_id.in_(nodes), Vacancy.filled_at.is_(None)
    )
    acted_in = {(node_id, role) for node_id, role in await tx.execute(acts)}
    return acted_in - {(node_id, role) for node_id, role in await tx.execute(alarms)}


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
