"""What a copy shows of an account, of homes, and of the registers."""

from sqlalchemy import or_, select

from neighborhood_api.grid.models import (
    Household,
    PastResidence,
    Residence,
)
from neighborhood_api.identity.models import Person, SignIn
from neighborhood_api.identity.sessions.models import SignInAttempt
from neighborhood_api.privacy.sections.shape import Place, Section
from neighborhood_api.registers.models import CareFlag, Resident

ACCOUNT = (
    Section(
        "account",
        "账号",
        (
            ("id", "账号编号", Person.id),
            ("name", "称呼", Person.name),
            ("phone", "手机号", Person.phone),
            ("wechat_openid", "微信标识", Person.openid),
            ("wechat_unionid", "微信统一标识", Person.unionid),
            ("created_at", "注册时间", Person.created_at),
            ("merged_into", "已并入的账号", Person.merged_into_id),
        ),
        lambda columns, ids: columns.where(Person.id.in_(ids)),
    ),
    Section(
        "sign_ins",
        "登录记录",
        (
            ("at", "登录时间", SignIn.created_at),
            ("kind", "方式", SignIn.kind),
            ("device", "设备", SignIn.device),
            ("network", "网络", SignIn.network),
            ("last_used_at", "最近使用", SignIn.last_used_at),
            ("ended_at", "退出时间", SignIn.ended_at),
            ("end_reason", "退出原因", SignIn.end_reason),
        ),
        lambda columns, ids: columns.where(SignIn.person_id.in_(ids)).order_by(SignIn.id),
    ),
    Section(
        "sign_in_attempts",
        "登录尝试",
        (
            ("at", "时间", SignInAttempt.at),
            ("kind", "方式", SignInAttempt.kind),
            ("outcome", "结果", SignInAttempt.outcome),
            ("device", "设备", SignInAttempt.device),
            ("network", "网络", SignInAttempt.network),
        ),
        lambda columns, ids: columns.where(SignInAttempt.person_id.in_(ids)).order_by(
            SignInAttempt.id
        ),
    ),
    Section(
        "residence",
        "住址",
        (
            ("lane", "街巷", Place.name),
            ("address", "门牌", Residence.address),
            ("stated_at", "填写时间", Residence.stated_at),
            ("confirmed_at", "确认时间", Residence.confirmed_at),
            ("confirmed_how", "如何确认", Residence.confirmed_how),
            ("refused_at", "未通过时间", Residence.refused_at),
            ("refusal", "未通过原因", Residence.refusal),
        ),
        lambda columns, ids: columns.join(Place, Place.id == Residence.lane_id).where(
            Residence.person_id.in_(ids)
        ),
    ),
    Section(
        "past_residences",
        "以前的住址",
        (
            ("lane", "街巷", Place.name),
            ("address", "门牌", PastResidence.address),
            ("began_at", "起", PastResidence.began_at),
            ("ended_at", "止", PastResidence.ended_at),
            ("refused", "未通过确认", PastResidence.refused_by_id.is_not(None)),
        ),
        lambda columns, ids: (
            columns.join(Place, Place.id == PastResidence.lane_id)
            .where(PastResidence.person_id.in_(ids))
            .order_by(PastResidence.id)
        ),
    ),
    Section(
        "representing",
        "我代表的户",
        (("lane", "街巷", Place.name), ("address", "门牌", Household.address)),
        lambda columns, ids: columns.join(Place, Place.id == Household.lane_id).where(
            or_(
                Household.representative_id.in_(ids),
                Household.id.in_(
                    select(Residence.household_id).where(
                        Residence.chosen_representative_id.in_(ids)
                    )
                ),
            )
        ),
    ),
    Section(
        "register",
        "人口登记（由社区登记）",
        (
            ("lane", "街巷", Place.name),
            ("name", "姓名", Resident.name),
            ("phone", "手机号", Resident.phone),
            ("birth_year", "出生年份", Resident.birth_year),
            ("relation", "与户主关系", Resident.relation),
            ("moved_in_on", "迁入日期", Resident.moved_in_on),
            ("moved_out_on", "迁出日期", Resident.moved_out_on),
            ("verified_on", "核实日期", Resident.verified_on),
        ),
        lambda columns, ids: columns.join(Place, Place.id == Resident.lane_id).where(
            Resident.person_id.in_(ids)
        ),
    ),
    Section(
        "care",
        "关爱登记",
        (
            ("kind", "类别", CareFlag.kind),
            ("since_on", "起始日期", CareFlag.since_on),
            ("note", "说明", CareFlag.note),
            ("ended_on", "结束日期", CareFlag.ended_on),
        ),
        lambda columns, ids: columns.join(Resident, Resident.id == CareFlag.resident_id).where(
            Resident.person_id.in_(ids)
        ),
    ),
)
