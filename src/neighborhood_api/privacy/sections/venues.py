"""What a copy shows of bookings, children and calendars."""

from sqlalchemy import and_, or_

from neighborhood_api.privacy.sections.shape import Section
from neighborhood_api.registrations.histories import CheckIn, Strike
from neighborhood_api.registrations.histories import Entry as RegistrationEntry
from neighborhood_api.registrations.models import Registration, Resource
from neighborhood_api.venues.children.models import Child, PickUpPerson
from neighborhood_api.venues.feeds.models import CalendarFeed
from neighborhood_api.venues.sessions.models import Teacher

VENUES = (
    Section(
        "bookings",
        "我的预约和报名",
        (
            ("number", "编号", Registration.number),
            ("name", "场地或活动", Resource.name),
            ("state", "状态", Registration.state),
            ("starts_at", "开始", Registration.starts_at),
            ("ends_at", "结束", Registration.ends_at),
            ("seats", "人数", Registration.seats),
            ("purpose", "用途", Registration.purpose),
            ("guest_name", "代约姓名", Registration.guest_name),
            ("guest_phone", "代约电话", Registration.guest_phone),
            ("child", "孩子编号", Registration.participant_id),
            ("cancel_reason", "取消原因", Registration.cancel_reason),
            ("created_at", "预约时间", Registration.created_at),
        ),
        lambda columns, ids: (
            columns.join(Resource, Resource.id == Registration.resource_id)
            .where(Registration.person_id.in_(ids))
            .order_by(Registration.id)
        ),
    ),
    Section(
        "booking_history",
        "预约过程",
        (
            ("number", "编号", Registration.number),
            ("at", "时间", RegistrationEntry.acted_at),
            ("act", "动作", RegistrationEntry.act),
            ("state", "之后状态", RegistrationEntry.state),
            ("text", "说明", RegistrationEntry.text),
        ),
        lambda columns, ids: (
            columns.join(Registration, Registration.id == RegistrationEntry.registration_id)
            .where(Registration.person_id.in_(ids))
            .order_by(RegistrationEntry.id)
        ),
    ),
    Section(
        "check_ins",
        "签到签退",
        (
            ("number", "编号", Registration.number),
            ("direction", "签到/签退", CheckIn.direction),
            ("method", "方式", CheckIn.method),
            ("at", "时间", CheckIn.server_at),
            ("longitude", "经度", CheckIn.longitude),
            ("latitude", "纬度", CheckIn.latitude),
            ("picked_up_by", "接走人", CheckIn.picked_up_by),
        ),
        lambda columns, ids: (
            columns.join(Registration, Registration.id == CheckIn.registration_id)
            .where(or_(Registration.person_id.in_(ids), CheckIn.by_id.in_(ids)))
            .order_by(CheckIn.id)
        ),
    ),
    Section(
        "strikes",
        "失约记录",
        (
            ("reason", "原因", Strike.reason),
            ("struck_at", "时间", Strike.struck_at),
            ("expires_at", "失效时间", Strike.expires_at),
            ("appeal", "申诉", Strike.appeal),
            ("answer", "答复", Strike.answer),
            ("lifted_at", "撤销时间", Strike.lifted_at),
        ),
        lambda columns, ids: columns.where(Strike.person_id.in_(ids)).order_by(Strike.id),
    ),
    Section(
        "children",
        "我登记的孩子",
        (
            ("id", "编号", Child.id),
            ("name", "姓名", Child.name),
            ("birth_month", "出生年月", Child.birth_month),
            ("school_entry_year", "入学年份", Child.school_entry_year),
            ("note", "备注", Child.note),
            ("consent_version", "同意书版本", Child.consent_version),
            ("consented_at", "同意时间", Child.consented_at),
        ),
        lambda columns, ids: columns.where(Child.guardian_id.in_(ids)).order_by(Child.id),
    ),
    Section(
        "pick_up_persons",
        "接送人",
        (
            ("child", "孩子", Child.name),
            ("name", "姓名", PickUpPerson.name),
            ("relation", "关系", PickUpPerson.relation),
            ("phone", "手机号", PickUpPerson.phone),
        ),
        lambda columns, ids: columns.join(Child, Child.id == PickUpPerson.child_id).where(
            Child.guardian_id.in_(ids)
        ),
    ),
    Section(
        "feeds",
        "日历订阅",
        (
            ("made_at", "建立时间", CalendarFeed.made_at),
            ("revoked_at", "停用时间", CalendarFeed.revoked_at),
        ),
        lambda columns, ids: columns.where(
            or_(
                CalendarFeed.made_by_id.in_(ids),
                and_(CalendarFeed.of == "person", CalendarFeed.owner_id.in_(ids)),
            )
        ),
    ),
    Section(
        "teaching",
        "授课老师资料",
        (
            ("name", "姓名", Teacher.name),
            ("phone", "电话", Teacher.phone),
            ("subjects", "科目", Teacher.subjects),
            ("active", "在任", Teacher.active),
        ),
        lambda columns, ids: columns.where(Teacher.person_id.in_(ids)),
    ),
)
