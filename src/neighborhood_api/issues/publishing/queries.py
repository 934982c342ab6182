"""The reads of what the public sees, of moderation, and of who looked at a number."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Uuid,
    bindparam,
    case,
    func,
    inspect,
    join,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from neighborhood_api.cases.models import Case, Entry
from neighborhood_api.cases.workflow import Move
from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Node, Organization
from neighborhood_api.grid.queries import DAY, exists_on
from neighborhood_api.identity.access import GRANTED, Actor, Forbidden, Permission
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.publishing.models import Look, Publication, PublicState
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.reads import Query

Lane = aliased(Node)
Community = aliased(Node)
HandNode = aliased(Node)
Reporter = aliased(Person)

_TELLS_A_RESULT = or_(
    *(Entry.move == move.value for move in (Move.RESOLVE, Move.REJECT, Move.FOLLOW))
)
_RESULT = (
    select(Entry.text)
    .where(Entry.case_id == Case.id, _TELLS_A_RESULT, Entry.internal.is_(False))
    .order_by(Entry.id.desc())
    .limit(1)
    .correlate(Case)
    .scalar_subquery()
)


class PublicRow(NamedTuple):
    """What an issue's public face is made from."""

    id: UUID
    code: str
    category_code: str
    category_name: str
    state: str
    settled: bool | None
    text: str
    public_text: str | None
    photo_ids: list[UUID]
    photos_shown: bool
    lane_id: UUID | None
    lane_name: str | None
    community_name: str | None
    longitude: float | None
    latitude: float | None
    lane_longitude: float | None
    lane_latitude: float | None
    anonymous: bool
    reporter_name: str | None
    hand_node_name: str
    hand_role: str
    hand_role_name: str | None
    organization: str | None
    opened_at: datetime
    first_responded_at: datetime | None
    settled_at: datetime | None
    result: str | None
    supporters: int
    published_at: datetime | None
    publication_state: str
    reason: str | None
    decided_at: datetime | None
    version: int


_COLUMNS: list[Any] = [
    Case.id,
    Case.code,
    Issue.category_code,
    Category.name.label("category_name"),
    Case.state,
    Case.settled,
    Issue.text,
    Publication.public_text,
    Issue.photo_ids,
    Publication.photos_shown,
    Case.lane_id,
    Lane.name.label("lane_name"),
    Community.name.label("community_name"),
    Issue.longitude,
    Issue.latitude,
    Lane.longitude.label("lane_longitude"),
    Lane.latitude.label("lane_latitude"),
    Issue.anonymous,
    case((Issue.caller_phone.is_not(None), Issue.caller_name), else_=Reporter.name).label(
        "reporter_name"
    ),
    HandNode.name.label("hand_node_name"),
    Case.hand_role,
    called(Case.hand_role, Case.district_id).label("hand_role_name"),
    Organization.name.label("organization"),
    Case.opened_at,
    Case.first_responded_at,
    func.coalesce(Case.resolved_at, Case.closed_at).label("settled_at"),
    case((Case.settled.is_(True), _RESULT), else_=None).label("result"),
    Issue.supporters,
    Case.published_at,
    Publication.state.label("publication_state"),
    Publication.reason,
    Publication.decided_at,
    Publication.version,
]


def _faces(source: FromClause) -> Select[*tuple[Any, ...]]:
    return (
        select(*_COLUMNS)
        .select_from(source)
        .join(Publication, Publication.case_id == Case.id)
        .join(Issue, Issue.case_id == Case.id)
        .join(Category, Category.code == Issue.category_code)
        .join(HandNode, HandNode.id == Case.hand_node_id)
        .outerjoin(Lane, Lane.id == Case.lane_id)
        .outerjoin(Community, Community.id == Case.community_id)
        .outerjoin(Organization, Organization.id == Case.organization_id)
        .outerjoin(Reporter, Reporter.id == Case.reporter_id)
    )


_PUBLIC: tuple[ColumnElement[bool], ...] = (
    Case.published_at.is_not(None),
    Case.confidential.is_(False),
)
_SHOWN: ColumnElement[str] = literal_column(f"'{PublicState.SHOWN.value}'")
_PENDING: ColumnElement[str] = literal_column(f"'{PublicState.PENDING.value}'")
"""Written out, as the partial indexes have them."""
_CASES: FromClause = inspect(Case).local_table
ONE_FACE = Query(_faces(_CASES).where(Case.id == bindparam("issue_id")), PublicRow)
"""How the public sees an issue, or would if it did."""
ONE_PUBLIC = Query(
    _faces(_CASES).where(Case.id == bindparam("issue_id"), *_PUBLIC, Case.settled.is_not(None)),
    PublicRow,
)


@cache
def public_page(level: Level | None, *, by_category: bool) -> Query[PublicRow]:
    """Return the statement for a page of the public list, newest first.

    What is open and what is settled come from an index each, up to `open_limit` and
    `settled_limit`, so that a filter never walks over what it leaves out.
    """
    page = _page(
        [
            _side(level, by_category=by_category, settled=False),
            _side(level, by_category=by_category, settled=True),
        ],
        bindparam("limit", type_=Integer),
    )
    faces = _faces(join(page, Case, Case.id == page.c.id))
    return Query(faces.order_by(page.c.id.desc()), PublicRow)


def _page(parts: Sequence[Select[UUID]], limit: int | ColumnElement[int]) -> CTE:
    """Return the ids of one page out of several sorted parts, as a table to begin with.

    As a mere condition, or joined last, PostgreSQL reads every issue there is beside it: of
    more than eight tables it keeps the order in which they are joined.
    """
    ids = union_all(*parts).subquery()
    (key,) = ids.c
    return select(key.label("id")).order_by(key.desc()).limit(limit).cte("page")


def _side(level: Level | None, *, by_category: bool, settled: bool) -> Select[UUID]:
    below = bindparam("below", type_=Uuid)
    source = Publication if by_category else Case
    key = Publication.case_id if by_category else Case.id
    page = select(key).where(*_PUBLIC, Case.settled.is_(settled), key < below)
    if by_category:
        page = page.join(Case, Case.id == Publication.case_id).where(
            Publication.state == _SHOWN,
            Publication.category_code == bindparam("category_code"),
        )
    if level is not None:
        node_id = bindparam("node_id", type_=Uuid)
        page = page.where(getattr(source, COLUMNS[level]) == node_id)
    limit = bindparam("settled_limit" if settled else "open_limit", type_=Integer)
    return page.order_by(key.desc()).limit(limit)


class LevelRow(NamedTuple):
    """At which level a node stands."""

    level: int


LEVEL = Query(
    select(Node.level).where(Node.id == bindparam("node_id"), exists_on(DAY)), LevelRow
)


class PendingRow(NamedTuple):
    """An issue that waits for a moderator."""

    id: UUID
    code: str
    category_name: str
    lane_name: str | None
    text: str
    photo_ids: list[UUID]
    reported_at: datetime
    version: int


async def list_pending(tx: ReadTx, actor: Actor, page: PageRequest) -> list[PendingRow]:
    """Return one page of what waits for the caller's decision, newest first.

    Raises: Forbidden for callers who moderate nowhere, BadCursor.
    """
    moderating = [
        replace(actor, posts=(post,))
        for post in actor.posts
        if Permission.ISSUE_MODERATE in GRANTED[post.role]
    ]
    if not moderating:
        raise Forbidden(permission=Permission.ISSUE_MODERATE.value)
    waiting = _page([_pending_page(one, page) for one in moderating], page.fetch)
    found = await tx.execute(
        select(
            Case.id,
            Case.code,
            Category.name,
            Lane.name,
            Issue.text,
            Issue.photo_ids,
            Case.opened_at,
            Publication.version,
        )
        .select_from(join(waiting, Case, Case.id == waiting.c.id))
        .join(Publication, Publication.case_id == Case.id)
        .join(Issue, Issue.case_id == Case.id)
        .join(Category, Category.code == Issue.category_code)
        .outerjoin(Lane, Lane.id == Case.lane_id)
        .order_by(waiting.c.id.desc())
    )
    return [PendingRow(*row) for row in found]


def _pending_page(actor: Actor, page: PageRequest) -> Select[UUID]:
    return (
        select(Publication.case_id)
        .join(Case, Case.id == Publication.case_id)
        .where(Publication.state == _PENDING, Publication.case_id < page.below)
        .where(actor.reach(Permission.ISSUE_MODERATE, Publication))
        .where(Case.confidential.is_(False), Case.settled.is_not(None))
        .order_by(Publication.case_id.desc())
        .limit(page.fetch)
    )


class LookRow(NamedTuple):
    """A look at a number, with the names that it shows."""

    id: UUID
    role: str
    role_name: str | None
    node_name: str
    organization: str | None
    person_name: str | None
    looked_at: datetime


LOOKS = Query(
    select(
        Look.id,
        Look.role,
        called(Look.role, Node.district_id).label("role_name"),
        Node.name.label("node_name"),
        Organization.name.label("organization"),
        Person.name.label("person_name"),
        Look.looked_at,
    )
    .join(Node, Node.id == Look.node_id)
    .join(Person, Person.id == Look.person_id)
    .outerjoin(Organization, Organization.id == Look.organization_id)
    .where(Look.case_id == bindparam("issue_id"))
    .where(Look.id < bindparam("below", type_=Uuid))
    .order_by(Look.id.desc())
    .limit(bindparam("limit", type_=Integer)),
    LookRow,
)


async def place_of_nodes(tx: ReadTx, node_ids: Sequence[UUID]) -> set[UUID]:
    """Return nodes together with everything above them."""
    columns = [getattr(Node, name) for name in COLUMNS]
    found = await tx.execute(select(*columns).where(Node.id.in_(node_ids)))
    return {node_id for row in found for node_id in row if node_id is not None}
