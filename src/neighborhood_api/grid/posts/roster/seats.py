"""By which post somebody can be on call at a place."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.grid.posts.releases import has_post, lie_in_line
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem


class NotOnCallHere(Problem):
    """Only who has a post here, above or below can be on call here."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "She has no post in line with this place"
    message = "值班人须在本地或其上级、下级任职，请重新选择"


class AwayThen(Problem):
    """She is on leave on the day on which the shift begins."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "She is on leave on that day"
    message = "值班人当天请假，请另选值班人或改日期"


class Seat(NamedTuple):
    """By which post somebody is on call, and on which days."""

    role: str
    duty_phone: str
    starts_on: date
    ends_on: date | None
    leaves: tuple[tuple[date, date], ...] = ()
    """On these days she is away."""

    def holds(self, day: date) -> bool:
        """Tell whether the post is hers on a day, be she there or away."""
        return self.starts_on <= day and (self.ends_on is None or self.ends_on >= day)

    def away(self, day: date) -> bool:
        """Tell whether she is on leave on a day."""
        return any(first <= day <= last for first, last in self.leaves)


async def seats_of(tx: Tx, node: Node, person_id: UUID) -> Sequence[Seat]:
    """Find the posts by which somebody can be on call at a place, the nearest first.

    The appointments are locked before they are read with their leaves: she does not lose them,
    and does not go on leave, unseen while she is put on the roster.
    """
    here = aliased(Node)
    in_line = (
        select(Appointment)
        .join(Node, Node.id == Appointment.node_id)
        .join(here, here.id == node.id)
        .where(has_post(person_id), lie_in_line(Node, here))
    )
    ids = in_line.with_only_columns(Appointment.id).order_by(Appointment.id)
    await tx.execute(ids.with_for_update(read=True, of=Appointment))
    nearest = in_line.order_by(func.abs(Node.level - here.level), Appointment.id)
    held = (await tx.scalars(nearest)).all()
    leaves = await _leaves_of(tx, held)
    return [seat for one in held for seat in _seats_in(one, leaves[one.id], person_id)]


async def _leaves_of(tx: Tx, held: Sequence[Appointment]) -> dict[UUID, list[Leave]]:
    """Return by appointment the leaves that are not over."""
    leaves: dict[UUID, list[Leave]] = defaultdict(list)
    of_them = Leave.appointment_id.in_([one.id for one in held])
    for leave in await tx.scalars(select(Leave).where(of_them, Leave.ended_at.is_(None))):
        leaves[leave.appointment_id].append(leave)
    return leaves


def _seats_in(held: Appointment, leaves: Sequence[Leave], person_id: UUID) -> Iterator[Seat]:
    """Give what an appointment makes of its holder, or of somebody who stands in for her."""
    if held.person_id == person_id:
        away = tuple((leave.first_on, leave.last_on) for leave in leaves)
        yield Seat(held.role, held.duty_phone, held.starts_on, held.ends_on, away)
        return
    if held.stand_in_id == person_id:
        last = min((day for day in (held.ends_on, held.stand_in_until) if day), default=None)
        phone = held.stand_in_phone or held.duty_phone
        yield Seat(held.role, phone, held.starts_on, last)
    for leave in leaves:
        if leave.stand_in_id == person_id:
            phone = leave.stand_in_phone or held.duty_phone
            yield Seat(held.role, phone, leave.first_on, leave.last_on)


def seat_on(seats: Sequence[Seat], day: date) -> Seat:
    """Return the nearest post of a day.

    Raises: NotOnCallHere, AwayThen.
    """
    hers = [seat for seat in seats if seat.holds(day)]
    for seat in hers:
        if not seat.away(day):
            return seat
    raise AwayThen if hers else NotOnCallHere
