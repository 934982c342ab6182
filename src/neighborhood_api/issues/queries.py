"""The reads of issues, each compiled once."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, bindparam, func, select, true
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import CASE_NUMBER, Case, Entry
from neighborhood_api.grid.layers.chains import all_called, called
from neighborhood_api.grid.models import Node, Organization, Residence
from neighborhood_api.grid.queries import DAY, exists_on
from neighborhood_api.grid.residences.standing import Deed, confirmed_only
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Place
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.categories.queries import rule_in_force
from neighborhood_api.issues.models import Issue
from neighborhood_api.kit.reads import Query
from neighborhood_api.schedules.working import CALENDAR_VERSION

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
    hand_role_name: str | None
    """What the district calls the post; None for the usual name."""
    hand_person_name: str | None
    organization: str | None
    opened_at: datetime
    respond_due_at: datetime | None
    resolve_due_at: datetime | None
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
    called(Case.hand_role, Case.district_id).label("hand_role_name"),
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
    channel: str
    reporter_id: UUID | None
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
        Issue.channel,
        Case.reporter_id,
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
    note: str | None
    detail: dict[str, Any] | None
    internal: bool
    file_ids: list[UUID]
    rating: int | None
    hand_role: str | None
    hand_node_name: str | None
    person_name: str | None
    role_name: str | None
    hand_role_name: str | None


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
        Entry.note,
        Entry.detail,
        Entry.internal,
        Entry.file_ids,
        Entry.rating,
        Entry.hand_role,
        HandNode.name.label("hand_node_name"),
        Person.name.label("person_name"),
        called(Entry.role, Case.district_id).label("role_name"),
        called(Entry.hand_role, Case.district_id).label("hand_role_name"),
    )
    .join(Case, Case.id == Entry.case_id)
    .outerjoin(Person, Person.id == Entry.person_id)
    .outerjoin(HandNode, HandNode.id == Entry.hand_node_id)
    .where(Entry.case_id == bindparam("issue_id"))
    .order_by(Entry.id),
    EntryRow,
)


class ReportContext(NamedTuple):
    """What a report needs to know of its lane, its number, and what rule is in force there."""

    district_id: UUID
    street_id: UUID | None
    community_id: UUID | None
    grid_id: UUID | None
    lane_id: UUID | None
    level: int
    code_prefix: str
    number: int
    calendar_version: int
    rule_id: UUID
    first_level: int
    accept_minutes: int
    respond_clock: str
    respond_amount: int
    resolve_clock: str
    resolve_amount: int
    check_in_minutes: int
    verify_clock: str
    verify_amount: int
    urgency: str
    evidence: list[str]
    publicity: str
    confidential: bool
    verification: bool
    reopen_days: int
    silence_days: int
    reopen_by: list[str]
    returns_allowed: int
    extension_amount: int
    department_ids: list[UUID]
    lane_name: str
    category_name: str
    confirmed_only: bool
    """Whether only residents whose residence is confirmed report here."""
    role_names: dict[str, str] | None
    """What the district calls its posts, as far as it has names of its own."""

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place.of(*self[:5])


_RULE = rule_in_force(Category.code, Node)

REPORT_CONTEXT = Query(
    select(
        Node.district_id,
        Node.street_id,
        Node.community_id,
        Node.grid_id,
        Node.lane_id,
        Node.level,
        Node.code_prefix,
        func.next_value(CASE_NUMBER).label("number"),
        CALENDAR_VERSION.label("calendar_version"),
        _RULE.c.id.label("rule_id"),
        *[_RULE.c[name] for name in ReportContext._fields[10:-4]],
        Node.name.label("lane_name"),
        Category.name.label("category_name"),
        confirmed_only(Deed.REPORT, Node.district_id).label("confirmed_only"),
        all_called(Node.district_id).label("role_names"),
    )
    .select_from(Node)
    .join(Category, Category.code == bindparam("category_code"))
    .join(_RULE, true())
    .where(Node.id == bindparam("lane_id"), Category.active, exists_on(DAY)),
    ReportContext,
)


class _Home(NamedTuple):
    lane_id: UUID | None


class _Known(NamedTuple):
    id: UUID


HOME = Query(
    select(Residence.lane_id).where(Residence.person_id == bindparam("person_id")), _Home
)
"""Where the caller lives."""
KNOWN_CALLER = Query(select(Person.id).where(Person.phone == bindparam("phone")), _Known)
"""Who has the number of somebody that telephoned."""
