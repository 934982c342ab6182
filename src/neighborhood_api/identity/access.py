"""The caller, and the one-line policy check.

A post grants its role's permissions over its node and everything below it. `require` and
`reach` read the same grants; a test proves that they agree.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_

from neighborhood_api.identity.places import COLUMNS, Level, Place
from neighborhood_api.kit.problems import Problem


class Permission(StrEnum):
    """What a post may do at its node and below."""

    ISSUE_READ = "issue:read"
    ISSUE_HANDLE = "issue:handle"
    ISSUE_DISPATCH = "issue:dispatch"
    ISSUE_INTAKE = "issue:intake"
    ISSUE_CONFIDENTIAL = "issue:confidential"
    ISSUE_MODERATE = "issue:moderate"
    REPLY_MANAGE = "reply:manage"
    CATEGORY_MANAGE = "category:manage"
    CALENDAR_MANAGE = "calendar:manage"
    GRID_MANAGE = "grid:manage"
    APPOINTMENT_MANAGE = "appointment:manage"
    LEAVE_GRANT = "leave:grant"
    ROSTER_READ = "roster:read"
    ROSTER_MANAGE = "roster:manage"
    """To say who is on call when."""
    HOUSEHOLD_READ = "household:read"
    """To find entries of the registers, with names and numbers masked."""
    REGISTER_MANAGE = "register:manage"
    """To keep the registers, and to see a whole entry; each look is recorded."""
    RESIDENCE_DECIDE = "residence:decide"
    """To confirm that somebody lives where she says, or to refuse it."""
    CARE_READ = "care:read"
    """To know who needs special care; each look at a person is recorded."""
    HOUSEHOLD_IMPORT = "household:import"
    """To bring households and people as a file; with `register:manage`, to take them out."""
    VENUE_MANAGE = "venue:manage"
    BOOKING_READ = "booking:read"
    BOOKING_MANAGE = "booking:manage"
    CHILD_LOOK = "child:look"
    AUDIT_READ = "audit:read"
    STATISTICS_READ = "statistics:read"
    STATISTICS_MANAGE = "statistics:manage"
    CONSENT_MANAGE = "consent:manage"
    DATA_REQUEST_ANSWER = "data_request:answer"
    """To answer what people ask about their data: corrections, and callers to be erased."""
    ACCOUNT_MANAGE = "account:manage"
    """To invite and to reset the accounts of staff below."""
    SIGN_IN_LOOK = "sign_in:look"
    """To see when and from where staff below signed in; each look is recorded."""
    EVERYWHERE_MANAGE = "everywhere:manage"
    """To change with another permission what holds in every district."""


class Role(StrEnum):
    """What kind of post a person holds."""

    LANE_CHIEF = "lane_chief"
    GRID_WORKER = "grid_worker"
    GRID_LEADER = "grid_leader"
    COMMUNITY_WORKER = "community_worker"
    COMMUNITY_SECRETARY = "community_secretary"
    STREET_DISPATCHER = "street_dispatcher"
    STREET_SECRETARY = "street_secretary"
    DISCIPLINE_OFFICER = "discipline_officer"
    """Of the discipline inspection (纪检监察): for reports on persons, and nothing else."""
    DEPARTMENT_OFFICER = "department_officer"
    OPERATOR = "operator"
    CHIEF_OPERATOR = "chief_operator"
    """An operator who also changes what holds in every district; named on the command line."""


_FIELD = frozenset({Permission.ISSUE_READ, Permission.ISSUE_HANDLE, Permission.HOUSEHOLD_READ})
_REGISTERS = frozenset(
    {Permission.REGISTER_MANAGE, Permission.RESIDENCE_DECIDE, Permission.CARE_READ}
)
"""Of who visits the households. A lane's chief is a neighbour of theirs; street and district do
not need to know who is ill or poor."""
_OFFICE = _FIELD | {
    Permission.ISSUE_INTAKE,
    Permission.ISSUE_MODERATE,
    Permission.ROSTER_READ,
    Permission.VENUE_MANAGE,
    Permission.BOOKING_READ,
    Permission.BOOKING_MANAGE,
    Permission.CHILD_LOOK,
    Permission.STATISTICS_READ,
    Permission.DATA_REQUEST_ANSWER,
}
_STREET = _OFFICE | {Permission.ISSUE_DISPATCH}

_OPERATOR = frozenset(
    {
        Permission.AUDIT_READ,
        Permission.ISSUE_READ,
        Permission.REPLY_MANAGE,
        Permission.CATEGORY_MANAGE,
        Permission.CALENDAR_MANAGE,
        Permission.GRID_MANAGE,
        Permission.APPOINTMENT_MANAGE,
        Permission.LEAVE_GRANT,
        Permission.ROSTER_READ,
        Permission.ROSTER_MANAGE,
        Permission.HOUSEHOLD_READ,
        Permission.HOUSEHOLD_IMPORT,
        Permission.VENUE_MANAGE,
        Permission.BOOKING_READ,
        Permission.BOOKING_MANAGE,
        Permission.STATISTICS_READ,
        Permission.STATISTICS_MANAGE,
        Permission.CONSENT_MANAGE,
        Permission.DATA_REQUEST_ANSWER,
        Permission.ACCOUNT_MANAGE,
        Permission.SIGN_IN_LOOK,
    }
)

OPERATORS = frozenset({Role.OPERATOR, Role.CHIEF_OPERATOR})
"""Those whose accounts open most."""

GRANTED: dict[Role, frozenset[Permission]] = {
    Role.LANE_CHIEF: _FIELD | {Permission.RESIDENCE_DECIDE},
    Role.GRID_WORKER: _FIELD | _REGISTERS,
    Role.GRID_LEADER: _FIELD
    | _REGISTERS
    | {
        Permission.LEAVE_GRANT,
        Permission.ROSTER_READ,
        Permission.ROSTER_MANAGE,
        Permission.STATISTICS_READ,
    },
    Role.COMMUNITY_WORKER: _OFFICE | _REGISTERS | {Permission.HOUSEHOLD_IMPORT},
    Role.COMMUNITY_SECRETARY: _OFFICE
    | _REGISTERS
    | {
        Permission.LEAVE_GRANT,
        Permission.ROSTER_MANAGE,
        Permission.ACCOUNT_MANAGE,
        Permission.HOUSEHOLD_IMPORT,
    },
    Role.STREET_DISPATCHER: _STREET | {Permission.REPLY_MANAGE},
    Role.STREET_SECRETARY: _STREET
    | {
        Permission.ISSUE_CONFIDENTIAL,
        Permission.LEAVE_GRANT,
        Permission.ROSTER_MANAGE,
        Permission.ACCOUNT_MANAGE,
    },
    Role.DISCIPLINE_OFFICER: frozenset({Permission.ISSUE_CONFIDENTIAL, Permission.AUDIT_READ}),
    Role.DEPARTMENT_OFFICER: frozenset(
        {Permission.ISSUE_READ, Permission.ISSUE_HANDLE, Permission.STATISTICS_READ}
    ),
    Role.OPERATOR: _OPERATOR,
    Role.CHIEF_OPERATOR: _OPERATOR | {Permission.EVERYWHERE_MANAGE},
}

LEVEL_OF: dict[Role, tuple[Level, ...]] = {
    Role.LANE_CHIEF: (Level.LANE,),
    Role.GRID_WORKER: (Level.GRID,),
    Role.GRID_LEADER: (Level.GRID,),
    Role.COMMUNITY_WORKER: (Level.COMMUNITY,),
    Role.COMMUNITY_SECRETARY: (Level.COMMUNITY,),
    Role.STREET_DISPATCHER: (Level.STREET,),
    Role.STREET_SECRETARY: (Level.STREET,),
    Role.DISCIPLINE_OFFICER: (Level.STREET, Level.DISTRICT),
    Role.DEPARTMENT_OFFICER: (Level.STREET, Level.DISTRICT),
    Role.OPERATOR: (Level.DISTRICT,),
    Role.CHIEF_OPERATOR: (Level.DISTRICT,),
}
"""At which levels each post exists."""


class Forbidden(Problem):
    """The caller is known but lacks a permission here."""

    status = HTTPStatus.FORBIDDEN
    title = "You may not do this in this grid"
    message = "您没有在这里办理此事的权限"


class Post(NamedTuple):
    """A post that the caller holds now."""

    role: Role
    level: Level
    node_id: UUID
    organization_id: UUID | None = None
    """Set for officers of a department: they act for it, and not for the whole node."""

    def covers(self, place: Place, organizations: Collection[UUID]) -> bool:
        """Tell whether the post's grants hold at `place`, for work of `organizations`."""
        if self.organization_id is not None:
            return self.organization_id in organizations
        return place.at(self.level) == self.node_id


@dataclass(frozen=True, slots=True)
class Actor:
    """The authenticated caller."""

    person_id: UUID
    sign_in_id: UUID
    posts: tuple[Post, ...] = ()
    residence: Place | None = None
    """Where the caller lived when the token was made; rules that matter ask the database."""

    def may(
        self, permission: Permission, *, at: Place, organizations: Collection[UUID] = ()
    ) -> bool:
        """Tell whether some post grants `permission` at `at`."""
        return any(
            permission in GRANTED[post.role] and post.covers(at, organizations)
            for post in self.posts
        )

    def require(
        self, permission: Permission, *, at: Place, organizations: Collection[UUID] = ()
    ) -> None:
        """Refuse unless some post grants `permission` at `at`.

        Raises: Forbidden.
        """
        if not self.may(permission, at=at, organizations=organizations):
            raise Forbidden(permission=permission.value)

    def may_for_all(self, permission: Permission) -> bool:
        """Tell whether some post grants `permission` in every district."""
        wanted = {permission, Permission.EVERYWHERE_MANAGE}
        return any(wanted <= GRANTED[post.role] for post in self.posts)

    def require_for_all(self, permission: Permission) -> None:
        """Refuse unless some post grants `permission` in every district.

        For what has no place and holds everywhere, such as categories.

        Raises: Forbidden.
        """
        if not self.may_for_all(permission):
            raise Forbidden(permission=permission.value)

    def reach(self, permission: Permission, table: type) -> ColumnElement[bool]:
        """Return the WHERE clause for the rows of `table` that `require` would let through.

        Departments reach the rows that the table's own `seen_by` gives them, where it has one.
        """
        clauses: list[ColumnElement[bool]] = []
        for post in self.posts:
            if permission not in GRANTED[post.role]:
                continue
            if post.organization_id is None:
                clauses.append(getattr(table, COLUMNS[post.level]) == post.node_id)
            elif hasattr(table, "seen_by"):
                clauses.append(table.seen_by(post.organization_id))
        return or_(false(), *clauses)
