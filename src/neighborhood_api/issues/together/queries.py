"""The reads of shared issues."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    Text,
    Uuid,
    any_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.workflow import IN_HAND, State
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.publishing.models import Publication
from neighborhood_api.issues.together.models import Support
from neighborhood_api.kit.reads import Query

GOING_ON = IN_HAND | {State.VERIFYING, State.RESOLVED}
"""States in which others may join an issue."""
LOOKED_AT = 200
"""Candidates that are compared for one report."""

_Mine = aliased(Support)
_SUPPORTED = exists().where(
    _Mine.case_id == Case.id, _Mine.person_id == bindparam("person_id", type_=Uuid)
)


class SharedRow(NamedTuple):
    """An issue as it is shown to others, with what likeness is computed from."""

    id: UUID
    code: str
    category_code: str
    category_name: str
    text: str
    public_text: str | None
    """What a moderator made of it."""
    state: str
    lane_id: UUID | None
    lane_name: str
    longitude: float | None
    latitude: float | None
    photo_ids: list[UUID]
    opened_at: datetime
    supporters: int
    reporter_id: UUID | None
    supported: bool
    published: bool


_COLUMNS = (
    Case.id,
    Case.code,
    Issue.category_code,
    Category.name.label("category_name"),
    Issue.text,
    Publication.public_text,
    Case.state,
    Case.lane_id,
    Node.name.label("lane_name"),
    Issue.longitude,
    Issue.latitude,
    Issue.photo_ids,
    Case.opened_at,
    Issue.supporters,
    Case.reporter_id,
    _SUPPORTED.label("supported"),
    Case.published_at.is_not(None).label("published"),
)
_SHARED = (
    select(*_COLUMNS)
    .select_from(Case)
    .join(Issue, Issue.case_id == Case.id)
    .join(Category, Category.code == Issue.category_code)
    .join(Node, Node.id == func.coalesce(Case.lane_id, Case.hand_node_id))
    .outerjoin(Publication, Publication.case_id == Case.id)
)

_READS = bindparam("reads", type_=ARRAY(Uuid))
"""The places where the caller reads issues as staff."""

CANDIDATES = Query(
    _SHARED.where(
        Case.community_id == bindparam("community_id", type_=Uuid),
        Case.id >= bindparam("since", type_=Uuid),
        Case.kind == "issue",
        Case.state.in_([literal_column(f"'{state}'") for state in sorted(GOING_ON)]),
        Case.confidential.is_(False),
        Category.group_code == bindparam("group_code", type_=Text),
        or_(
            Case.published_at.is_not(None),
            Case.reporter_id == bindparam("person_id", type_=Uuid),
            *(getattr(Case, column) == any_(_READS) for column in COLUMNS),
        ),
    )
    .order_by(Case.id.desc())
    .limit(LOOKED_AT),
    SharedRow,
)
"""What goes on in the community and group of a report: what the caller may see of it."""

ONE_SHARED = Query(_SHARED.where(Case.id == bindparam("issue_id", type_=Uuid)), SharedRow)

MY_SUPPORTED = Query(
    _SHARED.join(Support, Support.case_id == Case.id)
    .where(
        Support.person_id == bindparam("person_id", type_=Uuid),
        Support.case_id < bindparam("below", type_=Uuid),
    )
    .order_by(Support.case_id.desc())
    .limit(bindparam("limit", type_=Integer)),
    SharedRow,
)
"""What the caller supports, the newest report first."""


class MergedRow(NamedTuple):
    """An issue that is handled with another."""

    id: UUID
    code: str
    text: str
    state: str
    opened_at: datetime
    photo_ids: list[UUID]


MERGED = Query(
    select(Case.id, Case.code, Issue.text, Case.state, Case.opened_at, Issue.photo_ids)
    .join(Issue, Issue.case_id == Case.id)
    .where(Case.main_id == bindparam("main_id", type_=Uuid))
    .order_by(Case.id),
    MergedRow,
)
