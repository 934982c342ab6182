"""What a copy shows of issues and pictures."""

from sqlalchemy import or_

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.models import Entry as CaseEntry
from neighborhood_api.files.models import File
from neighborhood_api.issues.categories.models import Category
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.settling.models import Rating
from neighborhood_api.issues.together.models import Support
from neighborhood_api.privacy.sections.shape import Section

ISSUES = (
    Section(
        "issues",
        "我的诉求",
        (
            ("code", "编号", Case.code),
            ("category", "类别", Category.name),
            ("state", "状态", Case.state),
            ("text", "内容", Issue.text),
            ("location", "位置", Issue.location),
            ("longitude", "经度", Issue.given_longitude),
            ("latitude", "纬度", Issue.given_latitude),
            ("channel", "来源", Issue.channel),
            ("caller_name", "来电人", Issue.caller_name),
            ("caller_phone", "来电号码", Issue.caller_phone),
            ("anonymous", "对公众匿名", Issue.anonymous),
            ("opened_at", "上报时间", Case.opened_at),
            ("closed_at", "办结时间", Case.closed_at),
        ),
        lambda columns, ids: (
            columns.join(Issue, Issue.case_id == Case.id)
            .join(Category, Category.code == Issue.category_code)
            .where(Case.reporter_id.in_(ids))
            .order_by(Case.id)
        ),
    ),
    Section(
        "issue_timeline",
        "诉求办理过程",
        (
            ("code", "编号", Case.code),
            ("at", "时间", CaseEntry.recorded_at),
            ("move", "动作", CaseEntry.move),
            ("by", "由谁", CaseEntry.by),
            ("role", "岗位", CaseEntry.role),
            ("to_state", "之后状态", CaseEntry.to_state),
            ("text", "内容", CaseEntry.text),
        ),
        # What reporters see: no lines for staff alone, no notes, no details.
        lambda columns, ids: (
            columns.join(Case, Case.id == CaseEntry.case_id)
            .where(Case.reporter_id.in_(ids), CaseEntry.internal.is_(False))
            .order_by(CaseEntry.case_id, CaseEntry.id)
        ),
        district=Case.district_id,
    ),
    Section(
        "ratings",
        "我的评价",
        (
            ("code", "编号", Case.code),
            ("rating", "评分", Rating.rating),
            ("text", "评语", Rating.text),
            ("items", "分项", Rating.items),
            ("rated_at", "评价时间", Rating.rated_at),
        ),
        lambda columns, ids: (
            columns.join(Case, Case.id == Rating.case_id)
            .where(or_(Rating.person_id.in_(ids), Case.reporter_id.in_(ids)))
            .order_by(Rating.id)
        ),
    ),
    Section(
        "supports",
        "我附议的诉求",
        (
            ("code", "编号", Case.code),
            ("supported_at", "附议时间", Support.supported_at),
        ),
        lambda columns, ids: columns.join(Case, Case.id == Support.case_id).where(
            Support.person_id.in_(ids)
        ),
    ),
    Section(
        "files",
        "我上传的图片",
        (
            ("id", "图片编号", File.id),
            ("media_type", "格式", File.media_type),
            ("size_bytes", "大小（字节）", File.size_bytes),
            ("created_at", "上传时间", File.created_at),
        ),
        lambda columns, ids: columns.where(File.uploaded_by.in_(ids)).order_by(File.id),
    ),
)
