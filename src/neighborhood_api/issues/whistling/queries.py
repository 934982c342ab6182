"""The reads of calls."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Call, Whistle
from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Node, Organization
from neighborhood_api.identity.models import Person
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.reads import Query

Whistler, Officer, Releaser = aliased(Person), aliased(Person), aliased(Person)


class CallRow(NamedTuple):
    """A call with the names that it shows, and in short the issue that it is about."""

    id: UUID
    whistle_id: UUID
    reason: str
    meet_at: datetime | None
    meeting_place: str | None
    organization_id: UUID
    organization: str
    lead: bool
    task: str | None
    called_at: datetime
    whistler_role: str
    whistler_role_name: str | None
    whistler: str | None
    check_in_by: datetime
    checked_in_at: datetime | None
    checked_in_by: str | None
    longitude: float | None
    latitude: float | None
    metres_away: int | None
    far: bool
    late: bool
    report: str | None
    report_file_ids: list[UUID]
    reported_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None
    rating: int | None
    rating_text: str | None
    rated_at: datetime | None
    issue_id: UUID
    issue_code: str
    category_name: str
    issue_text: str
    state: str
    lane_name: str
    location: str | None


_COLUMNS: list[Any] = [
    Call.id,
    Call.whistle_id,
    Whistle.reason,
    Whistle.meet_at,
    Whistle.meeting_place,
    Call.organization_id,
    Organization.name.label("organization"),
    Call.lead,
    Call.task,
    Call.called_at,
    Whistle.role.label("whistler_role"),
    called(Whistle.role, Case.district_id).label("whistler_role_name"),
    Whistler.name.label("whistler"),
    Call.check_in_by,
    Call.checked_in_at,
    Officer.name.label("checked_in_by"),
    Call.longitude,
    Call.latitude,
    Call.metres_away,
    Call.far,
    Call.late,
    Call.report,
    Call.report_file_ids,
    Call.reported_at,
    Call.released_at,
    Releaser.name.label("released_by"),
    Call.release_reason,
    Call.rating,
    Call.rating_text,
    Call.rated_at,
    Case.id.label("issue_id"),
    Case.code.label("issue_code"),
    Category.name.label("category_name"),
    Issue.text.label("issue_text"),
    Case.state,
    Node.name.label("lane_name"),
    Issue.location,
]


def _call_rows() -> Select[*tuple[Any, ...]]:
    return (
        select(*_COLUMNS)
        .select_from(Call)
        .join(Whistle, Whistle.id == Call.whistle_id)
        .join(Organization, Organization.id == Call.organization_id)
        .join(Case, Case.id == Call.case_id)
        .join(Issue, Issue.case_id == Case.id)
        .join(Category, Category.code == Issue.category_code)
        .join(Node, Node.id == func.coalesce(Case.lane_id, Case.hand_node_id))
        .join(Whistler, Whistler.id == Whistle.whistled_by_id)
        .outerjoin(Officer, Officer.id == Call.checked_in_by_id)
        .outerjoin(Releaser, Releaser.id == Call.released_by_id)
    )


CALLS_OF_ISSUE = Query(
    _call_rows().where(Call.case_id == bindparam("issue_id")).order_by(Call.id), CallRow
)


class Spot(NamedTuple):
    """Where an issue is: where its reporter stood, or else its lane (WGS-84)."""

    longitude: float | None
    latitude: float | None


SPOT = Query(
    select(
        func.coalesce(Issue.longitude, Node.longitude).label("longitude"),
        func.coalesce(Issue.latitude, Node.latitude).label("latitude"),
    )
    .select_from(Issue)
    .join(Case, Case.id == Issue.case_id)
    .outerjoin(Node, Node.id == Case.lane_id)
    .where(Issue.case_id == bindparam("issue_id")),
    Spot,
)


class Listed(NamedTuple):
    """A call in the list of its department; `id` is where it stands there."""

    id: UUID
    call: CallRow


_OPEN = 1 << 127
"""UUIDv7 begins with the time, and so with a zero bit for some millennia to come."""
_LAST = _OPEN - 1


async def list_calls(
    tx: ReadTx, organization_ids: list[UUID], page: PageRequest
) -> list[Listed]:
    """Return one page of the departments' calls: open ones first, then those released.

    In both parts the newest come first. The place in the list is the id, with its first bit
    set while the call is open; so one key pages through both.
    """
    below = page.below.int
    listed: list[Listed] = []
    if below & _OPEN:
        newest = Call.id < UUID(int=below & _LAST)
        open_ones = _part(organization_ids, page.fetch).where(_IS_OPEN, newest)
        listed += [
            Listed(UUID(int=row.id.int | _OPEN), CallRow(*row))
            for row in await tx.execute(open_ones)
        ]
        below = _LAST
    if len(listed) < page.fetch:
        newest = Call.id < UUID(int=below)
        released = _part(organization_ids, page.fetch - len(listed)).where(~_IS_OPEN, newest)
        listed += [Listed(row.id, CallRow(*row)) for row in await tx.execute(released)]
    return listed


_IS_OPEN = Call.released_at.is_(None)


def _part(organization_ids: list[UUID], limit: int) -> Select[*tuple[Any, ...]]:
    mine = Call.organization_id.in_(organization_ids)
    return _call_rows().where(mine).order_by(Call.id.desc()).limit(limit)
