"""How calls are shown."""

from datetime import datetime

from neighborhood_api.cases.attending import calls_from, calls_to, reads_rating
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call
from neighborhood_api.cases.policy import CaseNotFound, reads_as_staff
from neighborhood_api.cases.workflow import IN_HAND, Move, State
from neighborhood_api.files.links import Links
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.schemas import PositionOut
from neighborhood_api.identity.access import Actor, Forbidden
from neighborhood_api.issues.views import show_photos
from neighborhood_api.issues.whistling.queries import CALLS_OF_ISSUE, CallRow, Listed
from neighborhood_api.issues.whistling.schemas import (
    CalledIssueOut,
    CallList,
    CallOut,
    StaffCallOut,
)
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx


async def show_calls(
    tx: ReadTx, actor: Actor, case: Case, links: Links, *, now: datetime
) -> CallList:
    """Show staff every department that was called to an issue; each reads its own rating.

    Raises: CaseNotFound, Forbidden for the reporter.
    """
    if not reads_as_staff(ISSUE, case, actor):
        raise Forbidden if case.reporter_id == actor.person_id else CaseNotFound
    rows = await CALLS_OF_ISSUE.all(tx, issue_id=case.id)
    calls = {call.id: call for call in case.calls}
    return CallList(
        items=[
            _call(
                row if reads_rating(ISSUE, case, calls[row.id], actor) else _unrated(row),
                links,
                now,
                _moves_on(case, calls[row.id], actor),
            )
            for row in rows
            if row.id in calls
        ]
    )


def staff_call_view(listed: Listed, links: Links, *, now: datetime) -> StaffCallOut:
    """Show a call to an officer of its department."""
    row = listed.call
    state = State(row.state)
    return StaffCallOut(
        **dict(_call(row, links, now, _officers_moves(row))),
        issue=CalledIssueOut(
            id=row.issue_id,
            code=row.issue_code,
            category_name=row.category_name,
            text=row.issue_text,
            state=state,
            state_name=ISSUE.names[state],
            lane_name=row.lane_name,
            location=row.location,
        ),
    )


def _moves_on(case: Case, call: Call, actor: Actor) -> list[Move]:
    """Return the buttons of one call; an open one is always in the hands of staff."""
    moves = _officers_moves(call) if calls_to(ISSUE, call, actor) else []
    if not calls_from(ISSUE, case, call, actor):
        return moves
    if call.released_at is None:
        return [*moves, Move.RELEASE] if case.standing in IN_HAND else moves
    return [*moves, Move.RATE_CALL] if call.rating is None else moves


def _unrated(row: CallRow) -> CallRow:
    return row._replace(rating=None, rating_text=None, rated_at=None)


def _officers_moves(call: Call | CallRow) -> list[Move]:
    if call.released_at is not None:
        return []
    return [Move.CHECK_IN if call.checked_in_at is None else Move.REPORT_WORK]


def _call(row: CallRow, links: Links, now: datetime, moves: list[Move]) -> CallOut:
    waiting = row.checked_in_at is None and row.released_at is None
    post = post_name(row.whistler_role, row.whistler_role_name)
    return CallOut(
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        called_by=f"{post} {row.whistler or ''}".strip(),
        overdue=waiting and row.check_in_by < now,
        position=_position(row),
        report_photos=show_photos(row.report_file_ids, links, now),
        moves=moves,
    )


_AS_THEY_ARE = CallOut.model_fields.keys() & set(CallRow._fields)


def _position(row: CallRow) -> PositionOut | None:
    if row.longitude is None or row.latitude is None:
        return None
    return PositionOut(
        longitude=row.longitude,
        latitude=row.latitude,
        coordinate_system=CoordinateSystem.WGS84,
    )
