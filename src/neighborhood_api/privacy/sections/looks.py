"""What a copy shows of who looked."""

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    cast,
    column,
    exists,
    or_,
    table,
)

from neighborhood_api.cases.models import Case
from neighborhood_api.issues.publishing.models import Look
from neighborhood_api.kit.acts import Act
from neighborhood_api.privacy.sections.shape import Ids, Place, Section
from neighborhood_api.registers.models import RegisterLook, Resident
from neighborhood_api.registrations.histories import Entry as RegistrationEntry
from neighborhood_api.registrations.models import Registration
from neighborhood_api.registrations.states import Act as Step
from neighborhood_api.venues.children.models import ChildLook

EXPORTS = table(
    "grid_export",
    column("id", Uuid),
    column("node_id", Uuid),
    column("requested_at", DateTime(timezone=True)),
    column("state", Text),
)
"""Registers that staff took out as a file; imports know nothing of us, nor we of them."""
WHY_SEEN = Act.detail.op("->>", return_type=Text())("reason")


def phone_was_shown(ids: Ids) -> ColumnElement[bool]:
    """Hold for the lines of bookings that say that staff read their holder's number."""
    shown = RegistrationEntry.act == Step.SHOW_PHONE.value
    return shown & Registration.person_id.in_(ids)


def sign_ins_were_seen(ids: Ids) -> ColumnElement[bool]:
    """Hold for the acts by which superiors saw when and where somebody signed in."""
    hers = Act.subject.in_([str(one) for one in ids])
    return hers & (Act.what == "identity.sign_ins_seen")


def register_was_exported(ids: Ids) -> ColumnElement[bool]:
    """Hold for the files in which somebody's entry of the register was, in full."""
    exported = exists().where(
        Act.subject == cast(EXPORTS.c.id, Text),
        Act.what == "imports.grid_exported",
        Act.detail["kinds"].contains(["people"]),
    )
    ended_since = exists().where(  # the day on which she moved out may be put back
        Act.subject == cast(Resident.id, Text),
        Act.what == "registers.resident_ended",
        Act.acted_at > EXPORTS.c.requested_at,
    )
    entry = exists().where(
        Resident.person_id.in_(ids),
        Resident.id < EXPORTS.c.id,  # both ids tell when they were made
        or_(Resident.moved_out_on.is_(None), ended_since),
        EXPORTS.c.node_id.in_(
            [Resident.district_id, Resident.street_id, Resident.community_id]
        ),
    )
    return (EXPORTS.c.state == "done") & exported & entry


LOOKS = (
    Section(
        "phone_looks",
        "谁看过我的电话",
        (
            ("code", "诉求", Case.code),
            ("role", "岗位", Look.role),
            ("place", "地点", Place.name),
            ("at", "时间", Look.looked_at),
        ),
        lambda columns, ids: (
            columns.join(Case, Case.id == Look.case_id)
            .join(Place, Place.id == Look.node_id)
            .where(Case.reporter_id.in_(ids))
            .order_by(Look.id)
        ),
        district=Case.district_id,
    ),
    Section(
        "child_looks",
        "谁看过孩子的记录",
        (
            ("child", "孩子编号", ChildLook.child_id),
            ("role", "岗位", ChildLook.role),
            ("reason", "理由", ChildLook.reason),
            ("at", "时间", ChildLook.looked_at),
        ),
        lambda columns, ids: columns.where(ChildLook.guardian_id.in_(ids)).order_by(
            ChildLook.id
        ),
    ),
    Section(
        "register_looks",
        "谁看过我的登记",
        (
            ("what", "内容", RegisterLook.what),
            ("role", "岗位", RegisterLook.role),
            ("place", "地点", Place.name),
            ("reason", "理由", RegisterLook.reason),
            ("at", "时间", RegisterLook.looked_at),
        ),
        lambda columns, ids: (
            columns.join(Resident, Resident.id == RegisterLook.subject_id)
            .join(Place, Place.id == RegisterLook.node_id)
            .where(Resident.person_id.in_(ids))
            .order_by(RegisterLook.id)
        ),
        district=Place.district_id,
    ),
    Section(
        "register_exports",
        "谁导出过我的登记",
        (
            ("role", "岗位", RegisterLook.role),
            ("place", "范围", Place.name),
            ("reason", "理由", RegisterLook.reason),
            ("at", "时间", EXPORTS.c.requested_at),
        ),
        lambda columns, ids: (
            columns.select_from(EXPORTS)
            .join(Place, Place.id == EXPORTS.c.node_id)
            .outerjoin(RegisterLook, RegisterLook.subject_id == EXPORTS.c.id)
            .where(register_was_exported(ids))
            .order_by(EXPORTS.c.id)
        ),
        district=Place.district_id,
    ),
    Section(
        "booking_phone_looks",
        "谁看过我预约时的电话",
        (
            ("number", "编号", Registration.number),
            ("reason", "理由", RegistrationEntry.text),
            ("at", "时间", RegistrationEntry.acted_at),
        ),
        lambda columns, ids: (
            columns.join(Registration, Registration.id == RegistrationEntry.registration_id)
            .where(phone_was_shown(ids))
            .order_by(RegistrationEntry.id)
        ),
    ),
    Section(
        "sign_in_looks",
        "谁看过我的登录记录",
        (("reason", "理由", WHY_SEEN), ("at", "时间", Act.acted_at)),
        lambda columns, ids: columns.where(sign_ins_were_seen(ids)).order_by(Act.id),
    ),
)
