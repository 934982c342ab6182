"""Rules of calling departments to an issue, beyond those of every kind of case."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists

from neighborhood_api.cases import attending, whistles
from neighborhood_api.cases.attending import Spot
from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call, Whistle
from neighborhood_api.cases.recipients import officers_of, street_of, unique
from neighborhood_api.cases.sweeps import sweep_cases
from neighborhood_api.files.service import claim_files
from neighborhood_api.grid.areas.coordinates import Point, to_wgs84
from neighborhood_api.grid.schemas import PositionIn
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden
from neighborhood_api.issues.whistling.events import CheckInOverdue, DepartmentCalled
from neighborhood_api.issues.whistling.queries import SPOT
from neighborhood_api.issues.whistling.schemas import CheckInIn, ReportIn, WhistleIn
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Database, ReadTx, Tx
from neighborhood_api.kit.outbox import emit


async def whistle(tx: Tx, case: Case, actor: Actor, wish: WhistleIn, *, now: datetime) -> None:
    """Call departments to a locked issue.

    Raises: whatever `blow_whistle` raises.
    Emits: DepartmentCalled.
    """
    departments = [
        whistles.Wanted(one.organization_id, one.lead, one.task, one.check_in_minutes)
        for one in wish.departments
    ]
    need = whistles.Need(wish.reason, departments, wish.meet_at, wish.meeting_place)
    for call in await whistles.blow_whistle(tx, ISSUE, case, actor, need, now=now):
        emit(
            tx,
            DepartmentCalled(
                issue_id=case.id,
                call_id=call.id,
                organization_id=call.organization_id,
                lead=call.lead,
                check_in_by=call.check_in_by,
                recipient_ids=await officers_of(tx, call.organization_id, now=now),
            ),
        )


async def check_in(
    tx: Tx, case: Case, actor: Actor, call_id: UUID, wish: CheckInIn, *, now: datetime
) -> None:
    """Note that a called department has come to a locked issue.

    Raises: whatever `attending.check_in` raises.
    """
    officer = None if wish.position is None else _point(wish.position)
    spot = Spot(officer, await _spot_of(tx, case))
    await attending.check_in(tx, ISSUE, case, actor, call_id, spot, now=now)


async def report_work(
    tx: Tx, case: Case, actor: Actor, call_id: UUID, wish: ReportIn, *, now: datetime
) -> None:
    """Tell what a called department did.

    Raises: FilesNotUsable, and whatever `attending.report_work` raises.
    """
    await attending.report_work(
        tx, ISSUE, case, actor, call_id, text=wish.text, file_ids=wish.photo_ids, now=now
    )
    await claim_files(tx, actor.person_id, wish.photo_ids, now=now)


def departments_of(actor: Actor) -> Sequence[UUID]:
    """Return the departments that the caller is an officer of.

    Raises: Forbidden for everybody else.
    """
    mine = [
        post.organization_id
        for post in actor.posts
        if post.organization_id is not None and ISSUE.handle in GRANTED[post.role]
    ]
    if not mine:
        raise Forbidden
    return mine


async def miss_check_ins(database: Database, *, now: datetime) -> int:
    """Note every check-in that is overdue, once; return how many issues are concerned.

    Emits: CheckInOverdue.
    """

    async def note(tx: Tx, case: Case) -> None:
        for call in await whistles.miss_check_ins(tx, ISSUE, case, now=now):
            emit(tx, await _overdue(tx, case, call, now))

    late = exists().where(
        Call.case_id == Case.id,
        Call.check_in_by < now,
        Call.checked_in_at.is_(None),
        Call.released_at.is_(None),
        Call.missed_at.is_(None),
    )
    return await sweep_cases(database, ISSUE, late, note)


async def _overdue(tx: ReadTx, case: Case, call: Call, now: datetime) -> CheckInOverdue:
    whistled = await tx.get_one(Whistle, call.whistle_id)
    officers = await officers_of(tx, call.organization_id, now=now)
    street = await street_of(tx, case, now=now)
    return CheckInOverdue(
        issue_id=case.id,
        call_id=call.id,
        organization_id=call.organization_id,
        check_in_by=call.check_in_by,
        recipient_ids=unique([*officers, *street, whistled.whistled_by_id]),
    )


async def _spot_of(tx: ReadTx, case: Case) -> Point | None:
    found = await SPOT.first(tx, issue_id=case.id)
    if found is None or found.longitude is None or found.latitude is None:
        return None
    return Point(found.longitude, found.latitude)


def _point(given: PositionIn) -> Point:
    return to_wgs84(Point(given.longitude, given.latitude), given.coordinate_system)
