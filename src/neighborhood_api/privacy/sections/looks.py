"""What a copy shows of who looked."""

from neighborhood_api.cases.models import Case
from neighborhood_api.issues.publishing.models import Look
from neighborhood_api.privacy.sections.shape import Place, Section
from neighborhood_api.registers.models import RegisterLook, Resident
from neighborhood_api.venues.children.models import ChildLook

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
    ),
)
