"""Who of the staff looked at somebody's data, as she may see it.

Every domain keeps its own looks, in the transaction that shows the data, because each has its
own reasons to show them; here they are read as one list. She sees the post and its place, the
moment and the reason, and never the name: it was the post that looked. Those above see the name
where the domain shows it to them, and so does the audit trail.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Text, Uuid, cast, func, literal, null, select, union_all

from neighborhood_api.cases.models import Case
from neighborhood_api.grid.layers.chains import called
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.names import post_name
from neighborhood_api.identity.places import COLUMNS
from neighborhood_api.issues.publishing.models import Look
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.privacy.exporting import ids_of
from neighborhood_api.privacy.schemas import DataLookOut
from neighborhood_api.privacy.sections.looks import (
    EXPORTS,
    WHY_SEEN,
    phone_was_shown,
    register_was_exported,
    sign_ins_were_seen,
)
from neighborhood_api.registers.models import RegisterLook, Resident
from neighborhood_api.registrations.histories import Entry as RegistrationEntry
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.venues.children.models import ChildLook

WHAT_NAMES = {
    "issue_phone": "诉求人电话",
    "child": "孩子的记录",
    "resident": "人口登记",
    "care": "关爱登记",
    "booking_phone": "预约人电话",
    "register_export": "人口登记（整册导出）",
    "sign_ins": "登录记录",
}
_STAFF = "staff"
"""Of a look that says who looked, and not in which post."""
_OTHER_ROLES = {"teacher": "授课老师", _STAFF: "工作人员"}


class LookRow(NamedTuple):
    """One look, of whichever domain."""

    id: UUID
    what: str
    subject_id: UUID
    role: str
    node_id: UUID | None
    reason: str | None
    looked_at: datetime
    node_name: str | None
    role_name: str | None
    """What the district calls the post; None as usual, or where no place is known."""


def _sources(ids: Sequence[UUID]) -> tuple[Select[*tuple[Any, ...]], ...]:
    """Select the looks of every domain at the data of a person."""
    nowhere, unsaid = cast(null(), Uuid), cast(null(), Text)
    return (
        select(
            Look.id,
            literal("issue_phone").label("what"),
            Look.case_id.label("subject_id"),
            Look.role,
            Look.node_id.label("node_id"),
            unsaid.label("reason"),
            Look.looked_at,
        )
        .join(Case, Case.id == Look.case_id)
        .where(Case.reporter_id.in_(ids)),
        select(
            ChildLook.id,
            literal("child"),
            ChildLook.child_id,
            ChildLook.role,
            nowhere,
            ChildLook.reason,
            ChildLook.looked_at,
        ).where(ChildLook.guardian_id.in_(ids)),
        select(
            RegisterLook.id,
            RegisterLook.what,
            RegisterLook.subject_id,
            RegisterLook.role,
            RegisterLook.node_id,
            RegisterLook.reason,
            RegisterLook.looked_at,
        )
        .join(Resident, Resident.id == RegisterLook.subject_id)
        .where(Resident.person_id.in_(ids)),
        *_other_sources(ids),
    )


def _other_sources(ids: Sequence[UUID]) -> tuple[Select[*tuple[Any, ...]], ...]:
    """Select the looks that stand in a history or in the audit trail."""
    nowhere = cast(null(), Uuid)
    venue = func.coalesce(*(getattr(Resource, name) for name in reversed(COLUMNS)))
    return (
        select(
            RegistrationEntry.id,
            literal("booking_phone"),
            RegistrationEntry.registration_id,
            literal(_STAFF),
            venue,
            RegistrationEntry.text,
            RegistrationEntry.acted_at,
        )
        .join(Registration, Registration.id == RegistrationEntry.registration_id)
        .join(Resource, Resource.id == Registration.resource_id)
        .where(phone_was_shown(ids)),
        select(
            EXPORTS.c.id,
            literal("register_export"),
            EXPORTS.c.id,
            func.coalesce(RegisterLook.role, _STAFF),
            EXPORTS.c.node_id,
            RegisterLook.reason,
            EXPORTS.c.requested_at,
        )
        .outerjoin_from(EXPORTS, RegisterLook, RegisterLook.subject_id == EXPORTS.c.id)
        .where(register_was_exported(ids)),
        select(
            Act.id,
            literal("sign_ins"),
            cast(Act.subject, Uuid),
            literal("operator"),
            nowhere,
            WHY_SEEN,
            Act.acted_at,
        ).where(sign_ins_were_seen(ids)),
    )


async def looks_at(tx: ReadTx, person_id: UUID, page: PageRequest) -> list[LookRow]:
    """Return a page of the looks at a person's data, newest first.

    Raises: BadCursor.
    """
    looks = union_all(*_sources(await ids_of(tx, person_id))).subquery()
    rows = (
        select(looks, Node.name, called(looks.c.role, Node.district_id))
        .join(Node, Node.id == looks.c.node_id, isouter=True)
        .where(looks.c.id < page.below)
        .order_by(looks.c.id.desc())
        .limit(page.fetch)
    )
    return [LookRow(*row) for row in await tx.execute(rows)]


def data_look_view(row: LookRow) -> DataLookOut:
    """Show a look with what things are called."""
    return DataLookOut(
        id=row.id,
        what=row.what,
        what_name=WHAT_NAMES.get(row.what, "个人信息"),
        subject_id=row.subject_id,
        role=row.role,
        role_name=_OTHER_ROLES.get(row.role) or post_name(row.role, row.role_name),
        node_id=row.node_id,
        node_name=row.node_name,
        reason=row.reason,
        looked_at=row.looked_at,
    )
