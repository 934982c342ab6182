"""What a copy shows of what somebody did in a post."""

from sqlalchemy import or_

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.models import Entry as CaseEntry
from neighborhood_api.grid.layers.models import Layer, LayerNode, LayerPost
from neighborhood_api.grid.models import (
    Appointment,
    Leave,
)
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.issues.worklists.models import IssueExport, SavedFilter
from neighborhood_api.kit.acts import Act
from neighborhood_api.privacy.sections.shape import Place, Section

WORK = (
    Section(
        "appointments",
        "任职",
        (
            ("role", "岗位", Appointment.role),
            ("place", "地点", Place.name),
            ("duty_phone", "值班电话", Appointment.duty_phone),
            ("starts_on", "起", Appointment.starts_on),
            ("ends_on", "止", Appointment.ends_on),
            ("ended_at", "结束时间", Appointment.ended_at),
        ),
        lambda columns, ids: (
            columns.join(Place, Place.id == Appointment.node_id)
            .where(or_(Appointment.person_id.in_(ids), Appointment.stand_in_id.in_(ids)))
            .order_by(Appointment.id)
        ),
        district=Place.district_id,
    ),
    Section(
        "selections",
        "任职的推选和任命",
        (
            ("role", "岗位", Appointment.role),
            ("kind", "方式", Selection.kind),
            ("decided_on", "日期", Selection.decided_on),
            ("votes_for", "得票", Selection.votes_for),
            ("votes_cast", "投票人数", Selection.votes_cast),
            ("nominated_by", "提名单位", Selection.nominated_by),
            ("document_number", "文号", Selection.document_number),
            ("note", "备注", Selection.note),
        ),
        lambda columns, ids: (
            columns.join(Appointment, Appointment.id == Selection.appointment_id)
            .join(Place, Place.id == Appointment.node_id)
            .where(Appointment.person_id.in_(ids))
            .order_by(Appointment.id)
        ),
        district=Place.district_id,
    ),
    Section(
        "layer_posts",
        "责任体系任职",
        (
            ("layer", "责任体系", Layer.name),
            ("place", "责任单元", LayerNode.name),
            ("duty_phone", "值班电话", LayerPost.duty_phone),
            ("starts_on", "起", LayerPost.starts_on),
            ("ends_on", "止", LayerPost.ends_on),
            ("ended_at", "结束时间", LayerPost.ended_at),
        ),
        lambda columns, ids: (
            columns.select_from(LayerPost)
            .join(LayerNode, LayerNode.id == LayerPost.layer_node_id)
            .join(Layer, Layer.id == LayerNode.layer_id)
            .where(LayerPost.person_id.in_(ids))
            .order_by(LayerPost.id)
        ),
    ),
    Section(
        "leaves",
        "请假和代班",
        (
            ("first_on", "起", Leave.first_on),
            ("last_on", "止", Leave.last_on),
            ("stand_in_phone", "代班电话", Leave.stand_in_phone),
        ),
        lambda columns, ids: columns.where(
            or_(Leave.person_id.in_(ids), Leave.stand_in_id.in_(ids))
        ).order_by(Leave.id),
    ),
    Section(
        "case_work",
        "我在诉求上的动作",
        (
            ("code", "诉求", Case.code),
            ("at", "时间", CaseEntry.recorded_at),
            ("move", "动作", CaseEntry.move),
            ("role", "岗位", CaseEntry.role),
        ),
        lambda columns, ids: (
            columns.join(Case, Case.id == CaseEntry.case_id)
            .where(CaseEntry.person_id.in_(ids))
            .order_by(CaseEntry.id)
        ),
        district=Case.district_id,
    ),
    Section(
        "acts",
        "我的管理操作（审计）",
        (
            ("what", "动作", Act.what),
            ("subject", "对象", Act.subject),
            ("at", "时间", Act.acted_at),
        ),
        lambda columns, ids: columns.where(Act.person_id.in_(ids)).order_by(Act.id),
    ),
    Section(
        "saved_filters",
        "我保存的筛选",
        (("name", "名称", SavedFilter.name), ("filter", "条件", SavedFilter.filter)),
        lambda columns, ids: columns.where(SavedFilter.person_id.in_(ids)),
    ),
    Section(
        "issue_exports",
        "我导出过的诉求清单",
        (
            ("requested_at", "时间", IssueExport.requested_at),
            ("filter", "条件", IssueExport.filter),
            ("rows", "条数", IssueExport.rows_done),
        ),
        lambda columns, ids: columns.where(IssueExport.person_id.in_(ids)).order_by(
            IssueExport.id
        ),
    ),
)
