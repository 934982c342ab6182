"""By which post somebody can be on call at a place."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from neighborhood_api.grid.models import Appointment, Node
from neighborhood_api.grid.posts.releases import has_post, lie_in_line
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem


class NotOnCallHere(Problem):
    """Only who has a post here, above or below can be on call here."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "She has no post in line with this place"
    message = "值班人须在本地或其上级、下级任职，请重新选择"


class Seat(NamedTuple):
    """By which post somebody is on call."""

    role: str
    duty_phone: str
    starts_on: date
    ends_on: date | None


async def seats_of(tx: Tx, node: Node, person_id: UUID) -> Sequence[Seat]:
    """Find the posts by which somebody can be on call at a place, the nearest first.

    The appointments are locked: she does not lose them unseen while she is put on the roster.
    """
    here = aliased(Node)
    query = (
        select(
            Appointment.role,
            Appointment.duty_phone,
            Appointment.starts_on,
            Appointment.ends_on,
        )
        .join(Node, Node.id == Appointment.node_id)
        .join(here, here.id == node.id)
        .where(has_post(person_id), lie_in_line(Node, here))
        .order_by(func.abs(Node.level - here.level), Appointment.id)
        .with_for_update(read=True, of=Appointment)
    )
    return [Seat(*row) for row in await tx.execute(query)]


def seat_on(seats: Sequence[Seat], day: date) -> Seat:
    """Return the nearest post of a day.

    Raises: NotOnCallHere.
    """
    for seat in seats:
        if seat.starts_on <= day and (seat.ends_on is None or seat.ends_on >= day):
            return seat
    raise NotOnCallHere
