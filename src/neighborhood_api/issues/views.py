"""How issues are shown to the reporter, to staff, and to nobody else."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from neighborhood_api.cases.attending import reads_rating
from neighborhood_api.cases.hands import is_highest
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.policy import (
    CaseNotFound,
    may_read,
    moves_for,
    reads_as_staff,
)
from neighborhood_api.cases.requests import without_impossible
from neighborhood_api.cases.service import find_case
from neighborhood_api.cases.workflow import IN_HAND, Move, State
from neighborhood_api.files.links import Links, Variant
from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.names import post_name
from neighborhood_api.grid.schemas import PositionOut
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.service import masked
from neighborhood_api.issues.categories.views import duration_text
from neighborhood_api.issues.models import ReportChannel
from neighborhood_api.issues.names import MOVE_NAMES
from neighborhood_api.issues.queries import (
    DETAIL,
    ONE_ISSUE,
    TIMELINE,
    DetailRow,
    EntryRow,
    IssueRow,
)
from neighborhood_api.issues.schemas import (
    EntryOut,
    ExtraTimeOut,
    HandOut,
    IssueDetailOut,
    IssueOut,
    PhotoOut,
    ReporterOut,
)
from neighborhood_api.issues.settling.evidence import before_photos_of
from neighborhood_api.issues.settling.rights import without_settled
from neighborhood_api.issues.watching.rights import without_watched
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.schedules.clocks import Clock

_STATES = {state.value: (state, name) for state, name in ISSUE.names.items()}
_ROLES = {role.value: role for role in Role}
_LEVELS = tuple(Level)


def issue_view(row: IssueRow, links: Links, *, now: datetime) -> IssueOut:
    """Show an issue as lists do."""
    state, state_name = _STATES[row.state]
    return IssueOut(
        id=row.id,
        code=row.code,
        category_code=row.category_code,
        category_name=row.category_name,
        text=row.text,
        state=state,
        state_name=state_name,
        lane_id=row.lane_id,
        lane_name=row.lane_name,
        location=row.location,
        photos=show_photos(row.photo_ids, links, now),
        hand=_hand(row),
        reported_at=row.opened_at,
        respond_due_at=row.respond_due_at,
        resolve_due_at=row.resolve_due_at,
        overdue=_overdue(row, state, now),
        times_reopened=row.times_reopened,
        rating=row.rating,
        version=row.version,
    )


async def read_issue_row(tx: ReadTx, issue_id: UUID) -> IssueRow:
    """Return one issue as lists show it.

    Raises: CaseNotFound.
    """
    row = await ONE_ISSUE.first(tx, issue_id=issue_id)
    if row is None:
        raise CaseNotFound
    return row


async def read_issue(
    tx: ReadTx, actor: Actor, issue_id: UUID, links: Links, *, now: datetime
) -> IssueDetailOut:
    """Show an issue with its timeline; for whoever may not see it, it does not exist.

    Raises: CaseNotFound.
    """
    case = await find_case(tx, ISSUE, issue_id)
    if not may_read(ISSUE, case, actor):
        raise CaseNotFound
    return await show_issue(tx, actor, case, links, now=now)


async def show_issue(
    tx: ReadTx, actor: Actor, case: Case, links: Links, *, now: datetime
) -> IssueDetailOut:
    """Show an issue to somebody who may see it, or who has just given it out of her sight.

    Raises: CaseNotFound.
    """
    row = await read_issue_row(tx, case.id)
    detail = await DETAIL.first(tx, issue_id=case.id)
    if detail is None:
        raise CaseNotFound
    staff = reads_as_staff(ISSUE, case, actor)
    entries = await TIMELINE.all(tx, issue_id=case.id)
    return IssueDetailOut(
        **dict(issue_view(row, links, now=now)),
        position=_position(detail),
        reporter=_reporter(detail) if staff else None,
        rating_text=detail.rating_text,
        moves=await _moves(tx, case, actor, now),
        timeline=[
            entry_view(entry, links, now, staff=staff)
            for entry in entries
            if (staff or not entry.internal) and not _others_rating(entry, case, actor)
        ],
    )


def _others_rating(entry: EntryRow, case: Case, actor: Actor) -> bool:
    """Tell whether a line says how a department was rated, to another one."""
    if entry.move != Move.RATE_CALL.value:
        return False
    rated = (entry.detail or {}).get("call_id")
    calls = (call for call in case.calls if str(call.id) == rated)
    return not any(reads_rating(ISSUE, case, call, actor) for call in calls)


async def _moves(tx: ReadTx, case: Case, actor: Actor, now: datetime) -> list[Move]:
    """Return the buttons to show: what the caller could do at this moment."""
    moves = moves_for(ISSUE, case, actor)
    if Move.ESCALATE in moves and await is_highest(tx, case, now=now):
        moves.remove(Move.ESCALATE)
    moves = await without_impossible(tx, case, actor, moves)
    moves = await without_settled(tx, case, actor, moves, now=now)
    return await without_watched(tx, case, actor, moves, now=now)


def hand_name(row: IssueRow) -> str:
    """Say whose hands hold an issue: the department, or the post of a place."""
    post = post_name(row.hand_role, row.hand_role_name)
    return row.organization or f"{row.hand_node_name} {post}"


def _hand(row: IssueRow) -> HandOut:
    return HandOut(
        level=_LEVELS[row.hand_level],
        node_id=row.hand_node_id,
        node_name=row.hand_node_name,
        role=_ROLES[row.hand_role],
        role_name=post_name(row.hand_role, row.hand_role_name),
        person_name=row.hand_person_name,
        organization=row.organization,
    )


def _overdue(row: IssueRow, state: State, now: datetime) -> bool:
    unanswered = row.first_responded_at is None
    late_answer = unanswered and _passed(row.respond_due_at, now)
    return state in IN_HAND and (late_answer or _passed(row.resolve_due_at, now))


def _passed(due_at: datetime | None, now: datetime) -> bool:
    return due_at is not None and due_at < now


def show_photos(
    ids: Sequence[UUID], links: Links, now: datetime, *, public: bool = False
) -> list[PhotoOut]:
    """Show photos behind signed links, which end within minutes where the public sees them."""
    return [
        PhotoOut(
            id=file_id,
            url=links.sign(file_id, Variant.PHOTO, now, public=public).url,
            thumbnail_url=links.sign(file_id, Variant.THUMBNAIL, now, public=public).url,
        )
        for file_id in ids
    ]


def _position(detail: DetailRow) -> PositionOut | None:
    if detail.given_longitude is None or detail.given_latitude is None:
        return None
    return PositionOut(
        longitude=detail.given_longitude,
        latitude=detail.given_latitude,
        coordinate_system=CoordinateSystem(detail.coordinate_system or "wgs84"),
    )


def _reporter(detail: DetailRow) -> ReporterOut:
    """Show who reported; the whole number is shown by an operation that records it."""
    by_phone = detail.caller_phone is not None
    phone = detail.caller_phone if by_phone else detail.reporter_phone
    return ReporterOut(
        name=detail.caller_name if by_phone else detail.reporter_name,
        phone=masked(phone),
        anonymous=detail.anonymous,
        by_phone=by_phone,
        channel=ReportChannel(detail.channel),
        account=detail.reporter_id is not None,
    )


def entry_view(row: EntryRow, links: Links, now: datetime, *, staff: bool) -> EntryOut:
    """Show a line of the timeline; notes and details are for staff."""
    role = None if row.role is None else post_name(row.role, row.role_name)
    hand = None if row.hand_role is None else post_name(row.hand_role, row.hand_role_name)
    return EntryOut(
        id=row.id,
        at=row.recorded_at,
        move=Move(row.move),
        move_name=MOVE_NAMES[Move(row.move)],
        by=row.by,
        who=None if role is None else f"{role} {row.person_name or ''}".strip(),
        from_state=None if row.from_state is None else State(row.from_state),
        to_state=State(row.to_state),
        text=row.text,
        note=row.note if staff else None,
        photos=show_photos(row.file_ids, links, now),
        before_photos=show_photos(before_photos_of(row.detail), links, now),
        detail=row.detail if staff else None,
        internal=row.internal,
        rating=row.rating,
        now_with=None if hand is None else f"{row.hand_node_name} {hand}",
        sent_to=(row.detail or {}).get("sent_to"),
        until=_until(row),
        extended_by=_extended_by(row),
    )


def _until(row: EntryRow) -> datetime | None:
    until = (row.detail or {}).get("until") if row.move == Move.SUSPEND.value else None
    return None if until is None else datetime.fromisoformat(until)


def _extended_by(row: EntryRow) -> ExtraTimeOut | None:
    granted = row.detail or {}
    if row.move != Move.EXTEND.value or "clock" not in granted:
        return None
    clock, amount = Clock(granted["clock"]), granted["amount"]
    return ExtraTimeOut(clock=clock, amount=amount, text=duration_text(clock, amount))
