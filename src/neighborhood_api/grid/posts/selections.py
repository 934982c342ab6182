"""Rules of the record of how the holder of a post was chosen."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from neighborhood_api.grid.posts.choosing import SelectionChangeIn, SelectionIn, SelectionOut
from neighborhood_api.grid.posts.holders import AppointmentNotFound, locked_appointment
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.identity.access import Actor, Permission, Role
from neighborhood_api.kit.acts import record_act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.problems import Problem

CHANGEABLE_DAYS = 30
"""So long slips may be put right; after that the record stands."""
_FIELDS = (
    "decided_on",
    "votes_for",
    "votes_cast",
    "votes_eligible",
    "nominated_by",
    "document_number",
    "note",
)


class VotesDoNotAddUp(Problem):
    """More votes for her than were cast, or more cast than could have been."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The votes do not add up"
    message = "票数不符：赞成票不能多于实到，实到不能多于应到"


class SelectionStands(Problem):
    """The record is too old to be changed."""

    title = "The record of the selection can no longer be changed"
    message = "推选或任命记录已超过可修改期限"


class SelectionChanged(Problem):
    """Somebody wrote the record meanwhile, or there is one already."""

    title = "The record of the selection was changed meanwhile"
    message = "推选或任命记录已被修改，请刷新后重试"


def write_selection(
    tx: Tx, appointment_id: UUID, wish: SelectionIn, *, now: datetime
) -> Selection:
    """Write down how the holder of a new appointment was chosen.

    Raises: VotesDoNotAddUp.
    """
    _require_sums(wish)
    selection = Selection(
        appointment_id=appointment_id,
        kind=wish.kind.value,
        recorded_at=now,
        **{name: getattr(wish, name) for name in _FIELDS},
    )
    tx.add(selection)
    return selection


async def change_selection(
    tx: Tx, actor: Actor, appointment_id: UUID, wish: SelectionChangeIn, *, now: datetime
) -> Selection:
    """Write the record of a selection, or put it right within some days of the first writing.

    Raises: AppointmentNotFound, VotesDoNotAddUp, SelectionStands, SelectionChanged.
    """
    found = await locked_appointment(tx, appointment_id)
    if found is None:
        raise AppointmentNotFound
    appointment, node = found
    manage = Permission.APPOINTMENT_MANAGE
    chief = appointment.role == Role.CHIEF_OPERATOR
    if not actor.may(manage, at=node.place) or (chief and not actor.may_for_all(manage)):
        raise AppointmentNotFound
    _require_sums(wish)
    selection = await tx.get(Selection, appointment_id)
    if (None if selection is None else selection.version) != wish.version:
        raise SelectionChanged
    if selection is None:
        selection = write_selection(tx, appointment_id, wish, now=now)
    else:
        if now - selection.recorded_at > timedelta(days=CHANGEABLE_DAYS):
            raise SelectionStands
        selection.kind = wish.kind.value
        for name in _FIELDS:
            setattr(selection, name, getattr(wish, name))
        selection.version += 1
    record_act(
        tx,
        "grid.selection_recorded",
        appointment_id,
        by=actor.person_id,
        now=now,
        kind=selection.kind,
        decided_on=selection.decided_on.isoformat(),
        votes=[selection.votes_for, selection.votes_cast, selection.votes_eligible],
    )
    await tx.flush()
    return selection


def selection_view(selection: Selection) -> SelectionOut:
    """Show the record."""
    cast, eligible = selection.votes_cast, selection.votes_eligible
    turnout = None if cast is None or not eligible else round(cast / eligible, 4)
    same = {name: getattr(selection, name) for name in ("kind", "recorded_at", "version")}
    same |= {name: getattr(selection, name) for name in _FIELDS}
    return SelectionOut(turnout=turnout, **same)


def _require_sums(wish: SelectionIn) -> None:
    counts = (wish.votes_for, wish.votes_cast, wish.votes_eligible)
    given = [count for count in counts if count is not None]
    if given != sorted(given):
        raise VotesDoNotAddUp
