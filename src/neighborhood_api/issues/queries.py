"""The reads of issues, each compiled once."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, bindparam, func, select
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import CASE_NUMBER, Case, Entry
from neighborhood_api.grid.models import Node, Organization
from neighborhood_api.grid.queries import DAY, exists_on
from neighborhood_api.identity.models import Person
from neighborhood_api.issues.models import Category, Issue
from neighborhood_api.kit.reads import Query

HandNode = aliased(Node)
HandPerson = aliased(Person)
Reporter = aliased(Person)


class IssueRow(NamedTuple):
    """An issue with the names that lists show."""

    id: UUID
    code: str
    category_code: str
    category_name: str
    text: str
    state: str
    lane_id: UUID | None
    lane_name: str
    location: str | None
    photo_ids: list[UUID]
    hand_level: int
    hand_node_id: UUID
    hand_node_name: str
    hand_role: str
    hand_person_name: str | None
    organization: str | None
    opened_at: datetime
    respond_due_at: datetime
    resolve_due_at: datetime
    first_responded_at: datetime | None
    times_reopened: int
    rating: int | None
    version: int


ISSUE_COLUMNS: list[Any] = [
    Case.id,
    Case.code,
    Issue.category_code,
    Category.name.label("category_name"),
    Issue.text,
    Case.state,
    Case.lane_id,
    Node.name.label("lane_name"),
    Issue.location,
    Issue.photo_ids,
    Case.hand_level,
    Case.hand_node_id,
    HandNode.name.label("hand_node_name"),
    Case.hand_role,
    HandPerson.name.label("hand_person_name"),
    Organization.name.label("organization"),
    Case.opened_at,
    Case.respond_due_at,
    Case.resolve_due_at,
    Case.first_responded_at,
    Case.times_reopened,
    Issue.rating,
    Case.version,
]


def issue_rows() -> Select[*tuple[Any, ...]]:
    """Select issues with their names, in no order yet."""
    return (
        select(*ISSUE_COLUMNS)
        .select_from(Case)
        .join(Issue, Issue.case_id == Case.id)
        .join(Category, Category.code == Issue.category_code)
        .join(Node, Node.id == func.coalesce(Case.lane_id, Case.hand_node_id))
        .join(HandNode, HandNode.id == Case.hand_node_id)
        .outerjoin(HandPerson, HandPerson.id == Case.hand_person_id)
        .outerjoin(Organization, Organization.id == Case.organization_id)
    )


MY_ISSUES = Query(
    issue_rows()
    .where(Case.reporter_id == bindparam("person_id"))
    .where(Case.id < bindparam("below", type_=Uuid))
    .order_by(Case.id.desc())
    .limit(bindparam("limit", type_=Integer)),
    IssueRow,
)
"""What the caller reported, newest first."""


class DetailRow(NamedTuple):
    """What the detail of an issue shows beyond its row."""

    given_longitude: float | None
    given_latitude: float | None
    coordinate_system: str | None
    anonymous: bool
    caller_name: str | None
    caller_phone: str | None
    rating_text: str | None
    reporter_name: str | None
    reporter_phone: str | None


DETAIL = Query(
    select(
        Issue.given_longitude,
        Issue.given_latitude,
        Issue.coordinate_system,
        Issue.anonymous,
        Issue.caller_name,
        Issue.caller_phone,
        Issue.rating_text,
        Reporter.name.label("reporter_name"),
        Reporter.phone.label("reporter_phone"),
    )
    .join(Case, Case.id == Issue.case_id)
    .outerjoin(Reporter, Reporter.id == Case.reporter_id)
    .where(Issue.case_id == bindparam("issue_id")),
    DetailRow,
)
ONE_ISSUE = Query(issue_rows().where(Case.id == bindparam("issue_id")), IssueRow)


class EntryRow(NamedTuple):
    """A line of the timeline with the names that it shows."""

    id: UUID
    move: str
    by: str
    to_state: str
    recorded_at: datetime
    from_state: str | None
    role: str | None
    text: str | None
    internal: bool
    file_ids: list[UUID]
    rating: int | None
    hand_role: str | None
    hand_node_name: str | None
    person_name: str | None


TIMELINE = Query(
    select(
        Entry.id,
        Entry.move,
        Entry.by,
        Entry.to_state,
        Entry.recorded_at,
        Entry.from_state,
        Entry.role,
        Entry.text,
        Entry.internal,
        Entry.file_ids,
        Entry.rating,
        Entry.hand_role,
        HandNode.name.label("hand_node_name"),
        Person.name.label("person_name"),
    )
    .outerjoin(Person, Person.id == Entry.person_id)
    .outerjoin(HandNode, HandNode.id == Entry.hand_node_id)
    .where(Entry.case_id == bindparam("issue_id"))
    .order_by(Entry.id),
    EntryRow,
)


class ReportContext(NamedTuple):
    """What a report needs to know of its lane and category, and its number."""

    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None
    level: int
    code_prefix: str
    respond_minutes: int
    resolve_minutes: int
    number: int


REPORT_CONTEXT = Query(
    select(
        Node.district_id,
        Node.street_id,
        Node.community_id,
        Node.grid_id,
        Node.lane_id,
        Node.level,
        Node.code_prefix,
        Category.respond_minutes,
        Category.resolve_minutes,
        func.next_value(CASE_NUMBER).label("number"),
    )
    .join(Category, Category.code == bindparam("category_code"))
    .where(Node.id == bindparam("lane_id"), Category.active, exists_on(DAY)),
    ReportContext,
)

CATEGORIES: Query[dict[str, Any]] = Query(
    select(
        Category.code,
        Category.name,
        Category.group_code,
        Category.group_name,
        Category.hint,
        Category.respond_minutes,
        Category.resolve_minutes,
        Category.photo_required,
    )
    .where(Category.active)
    .order_by(Category.position, Category.code),
    dict,
)
