"""What a copy shows of what somebody was told, agreed to and asked for."""

from neighborhood_api.notifications.models import Notification, Subscription
from neighborhood_api.privacy.models import (
    Consent,
    ConsentDocument,
    Correction,
    DataExport,
    Erasure,
)
from neighborhood_api.privacy.sections.shape import Section

MESSAGES = (
    Section(
        "notifications",
        "通知",
        (
            ("at", "时间", Notification.created_at),
            ("title", "标题", Notification.title),
            ("body", "内容", Notification.body),
            ("read_at", "阅读时间", Notification.read_at),
        ),
        lambda columns, ids: columns.where(Notification.person_id.in_(ids)).order_by(
            Notification.id
        ),
    ),
    Section(
        "wechat_messages",
        "微信提醒授权",
        (
            ("template", "类别", Subscription.template),
            ("remaining", "剩余次数", Subscription.remaining),
            ("agreed_at", "授权时间", Subscription.agreed_at),
        ),
        lambda columns, ids: columns.where(Subscription.person_id.in_(ids)),
    ),
    Section(
        "consents",
        "同意记录",
        (
            ("kind", "类别", Consent.kind),
            ("title", "文本", ConsentDocument.title),
            ("version", "版本", ConsentDocument.version),
            ("agreed_at", "同意时间", Consent.agreed_at),
            ("ended_at", "结束时间", Consent.ended_at),
            ("withdrawn", "已撤回", Consent.withdrawn),
        ),
        lambda columns, ids: (
            columns.join(ConsentDocument, ConsentDocument.id == Consent.document_id)
            .where(Consent.person_id.in_(ids))
            .order_by(Consent.id)
        ),
    ),
    Section(
        "requests",
        "更正申请",
        (
            ("about", "关于", Correction.about),
            ("wish", "要求", Correction.wish),
            ("text", "内容", Correction.text),
            ("asked_at", "申请时间", Correction.asked_at),
            ("granted", "是否照办", Correction.granted),
            ("answer", "答复", Correction.answer),
            ("answered_at", "答复时间", Correction.answered_at),
        ),
        lambda columns, ids: columns.where(Correction.person_id.in_(ids)).order_by(
            Correction.id
        ),
    ),
    Section(
        "copies",
        "信息副本申请",
        (
            ("requested_at", "申请时间", DataExport.requested_at),
            ("state", "状态", DataExport.state),
            ("expires_at", "保留到", DataExport.expires_at),
        ),
        lambda columns, ids: columns.where(DataExport.person_id.in_(ids)).order_by(
            DataExport.id
        ),
    ),
    Section(
        "cancellations",
        "注销申请",
        (
            ("requested_at", "申请时间", Erasure.requested_at),
            ("due_at", "冷静期结束", Erasure.due_at),
            ("state", "状态", Erasure.state),
        ),
        lambda columns, ids: columns.where(Erasure.person_id.in_(ids)).order_by(Erasure.id),
    ),
)
