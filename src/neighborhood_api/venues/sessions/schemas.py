"""What the API accepts and returns about sessions."""

from datetime import timedelta
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, model_validator

from neighborhood_api.kit.schema import In, Line, Moment, Out, Whole, named
from neighborhood_api.registrations.names import STATE_NAMES
from neighborhood_api.registrations.policies import Terms
from neighborhood_api.registrations.states import State
from neighborhood_api.schedules.openings.schemas import WholeMinute
from neighborhood_api.venues.bookings.schemas import (
    BirthMonth,
    GuestIn,
    PartySize,
    Purpose,
    Why,
)
from neighborhood_api.venues.names import SESSION_NAMES, TEACHER_ROLE_NAMES
from neighborhood_api.venues.sessions.models import SessionKind, TeacherRole
from neighborhood_api.venues.sessions.shapes import Shape, Teaching

Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
MOST_TEACHERS = 20


class TeachingIn(In):
    """Who teaches or helps in a session."""

    teacher_id: UUID
    """老师或助教 · Who."""
    role: TeacherRole = TeacherRole.HELPER
    """主讲或助教 · Who leads, or helps."""
    stands_in_for_id: UUID | None = None
    """代谁上课 · Whom a substitute replaces."""


class SessionPlan(In):
    """What a session is like, apart from its time."""

    title: Annotated[Line, Field(max_length=60)]
    """标题 · Title."""
    subject: Annotated[Line, Field(max_length=40)]
    """科目或内容 · What it is about."""
    grade: Annotated[Line, Field(max_length=40)]
    """适合对象 · For whom, in words."""
    about: Paragraph = ""
    """说明 · What to know before coming."""
    capacity: Annotated[int, Field(ge=1, le=10_000)]
    """名额；减少时按报名先后，后来的退回候补 · Seats; with fewer the latest wait."""
    room_id: UUID | None = None
    """活动室，整间占用；不占用则不填 · The room it takes, whole."""
    teachers: Annotated[tuple[TeachingIn, ...], Field(max_length=MOST_TEACHERS)] = ()
    """老师和助教 · Who teaches and helps."""
    fewest: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """最低人数，到时不足自动取消 · With fewer it is called off by itself."""
    children_per_helper: Annotated[int, Field(ge=1, le=1000)] | None = None
    """每名老师或助教最多照看几人 · How many one teacher or helper minds at most."""
    accepts_enrolments: bool = True
    """是否接受报名 · Off while nobody new is taken."""
    policy: Terms = Terms(horizon_days=30)
    """报名规则；改后只对新报名生效 · Rules; a change holds for new enrolments only."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.fewest is not None and self.fewest > self.capacity:
            raise ValueError("最低人数不能多于名额")
        if len({one.teacher_id for one in self.teachers}) < len(self.teachers):
            raise ValueError("同一位老师不能重复安排")
        return self

    @property
    def teaching(self) -> frozenset[Teaching]:
        """Who teaches and helps."""
        return frozenset(
            Teaching(one.teacher_id, one.role, one.stands_in_for_id) for one in self.teachers
        )


class TimedPlan(SessionPlan):
    """What a session is like, with its time."""

    starts_at: WholeMinute
    """开始时间（带时区，整分）· First moment, with offset, whole minutes."""
    ends_at: WholeMinute
    """结束时间 · Last moment."""
    enrol_from: WholeMinute | None = None
    """何时开始报名，不填按规则的提前天数 · By the policy's horizon when left out."""
    enrol_until: WholeMinute | None = None
    """报名截止，不填按规则的提前时间 · By the policy's notice when left out."""
    decide_at: WholeMinute | None = None
    """何时判断是否达到最低人数，须早于开始 · When it is seen whether enough have enrolled."""

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if not timedelta(0) < self.ends_at - self.starts_at <= timedelta(hours=12):
            raise ValueError("结束时间要晚于开始时间，最长12小时")
        if (self.fewest is None) != (self.decide_at is None):
            raise ValueError("最低人数和判断时间要一起填写")
        if self.decide_at is not None and self.decide_at >= self.starts_at:
            raise ValueError("判断时间要早于开始时间")
        if self.enrol_until is not None and self.enrol_until > self.starts_at:
            raise ValueError("报名截止不能晚于开始时间")
        since, until = self.enrol_from, self.enrol_until or self.starts_at
        if since is not None and since >= until:
            raise ValueError("开始报名要早于报名截止")
        return self

    def shape(self) -> Shape:
        """Return the session as it shall be."""
        return Shape(
            title=self.title,
            subject=self.subject,
            grade=self.grade,
            about=self.about,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            room_id=self.room_id,
            teachers=self.teaching,
            capacity=self.capacity,
            children_per_helper=self.children_per_helper,
            fewest=self.fewest,
            decide_before=None if self.decide_at is None else self.starts_at - self.decide_at,
            enrol_from=self.enrol_from,
            enrol_until=self.enrol_until,
            open=self.accepts_enrolments,
            policy=self.policy,
        )


PLAN_EXAMPLE: dict[str, JsonValue] = {
    "title": "四点半课堂·三年级数学",
    "subject": "数学",
    "grade": "三年级",
    "about": "请带作业和水杯",
    "capacity": 12,
    "room_id": "0198c0de-0000-7000-8000-000000000021",
    "teachers": [{"teacher_id": "0198c0de-0000-7000-8000-000000000041", "role": "lead"}],
    "children_per_helper": 12,
    "policy": {
        "horizon_days": 14,
        "audience": {"youngest": 7, "oldest": 11},
        "quotas": [{"owner": "person", "window": "week", "limit": 3}],
        "waitlist": {"longest": 10},
    },
}
TIMES_EXAMPLE: dict[str, JsonValue] = {
    "starts_at": "2026-11-24T16:30:00+08:00",
    "ends_at": "2026-11-24T18:00:00+08:00",
}
PLAN_WHOLE: dict[str, JsonValue] = {**PLAN_EXAMPLE, "fewest": 3, "accepts_enrolments": True}
TIMES_WHOLE: dict[str, JsonValue] = {
    **TIMES_EXAMPLE,
    "enrol_from": "2026-11-10T08:00:00+08:00",
    "enrol_until": "2026-11-23T20:00:00+08:00",
    "decide_at": "2026-11-23T20:00:00+08:00",
}


class SessionIn(TimedPlan):
    """A tutoring session or activity."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "tutoring", "for_children": True, **TIMES_EXAMPLE, **PLAN_EXAMPLE}
            ]
        }
    )
    kind: SessionKind
    """辅导或活动 · What it is."""
    for_children: bool = False
    """是否由监护人为孩子报名 · Whether guardians enrol children."""
    draw_at: WholeMinute | None = None
    """抽签时间，不抽签不填，之后不能加或撤 · When seats are drawn by lot; fixed from now on."""
    outside_hours: bool = False
    """确认在非开放时间举行；停用和临时关闭的日子除外 · Hold it outside the opening hours."""

    @model_validator(mode="after")
    def _draws_first(self) -> Self:
        if self.draw_at is None:
            return self
        if self.draw_at >= self.starts_at:
            raise ValueError("抽签时间要早于开始时间")
        if self.decide_at is not None and self.draw_at > self.decide_at:
            raise ValueError("抽签时间不能晚于判断最低人数的时间")
        return self


class SessionChangeIn(Whole, TimedPlan):
    """A session as it shall be from now on, whole."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 1, **TIMES_WHOLE, **PLAN_WHOLE}]}
    )
    may_be_left_out: ClassVar = frozenset({"cancel_conflicting", "outside_hours"})
    version: int
    """读到的版本号 · The version read."""
    cancel_conflicting: bool = False
    """改时间后有人冲突时，取消这些报名 · Cancel those who are elsewhere then."""
    outside_hours: bool = False
    """确认在非开放时间举行；停用和临时关闭的日子除外 · Hold it outside the opening hours."""


class CallOffIn(In):
    """Why a session does not take place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "台风停课"}]})
    reason: Why
    """原因，报名的人会看到 · Why; whoever is enrolled reads it."""


class DropOutIn(In):
    """Who cannot come to teach or help, and perhaps who does instead."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"teacher_id": "0198c0de-0000-7000-8000-000000000041"}]}
    )
    teacher_id: UUID
    """不能来的老师或助教 · Who cannot come."""
    substitute_id: UUID | None = None
    """代课的老师，仅工作人员可指定 · Who comes instead; for staff to say."""


class EnrolIn(In):
    """A wish to take part."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"child_id": "0198c0de-0000-7000-8000-000000000051", "wait": True}]
        }
    )
    child_id: UUID | None = None
    """参加的孩子，先登记并同意 · The caller's child, where guardians enrol children."""
    party_size: PartySize = 1
    """参加人数 · How many people come."""
    purpose: Purpose = "报名"
    """备注，工作人员可见 · A note; shown to the venue's staff."""
    wait: bool = False
    """名额满时加入候补 · Join the waitlist when it is full."""
    birth_month: BirthMonth | None = None
    """出生年月，对年龄有要求时填写，不保存 · Where an age is asked for; it is not kept."""
    on_behalf_of: GuestIn | None = None
    """工作人员代来电、来访群众报名 · Staff enrol somebody who telephoned or came."""


class SessionOut(Out):
    """A tutoring session or activity."""

    id: UUID
    kind: SessionKind
    kind_name: str = named("kind", SESSION_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    title: str
    subject: str
    """科目或内容 · What it is about."""
    grade: str
    """适合对象 · For whom."""
    teacher_names: str | None
    """授课志愿者 · Who leads it and helps."""
    about: str
    """说明 · What to know before coming."""
    venue_id: UUID
    venue_name: str
    venue_address: str
    room_name: str | None
    starts_at: Moment
    ends_at: Moment
    capacity: int
    """名额 · How many may take part."""
    taken: int
    """已报名人数 · How many have a seat."""
    for_children: bool
    """是否由监护人为孩子报名 · Whether guardians enrol children."""
    draw_at: Moment | None
    """抽签时间，不抽签为空 · When seats are, or were, drawn by lot; null without a draw."""
    drawn_at: Moment | None
    """已抽签的时间，未抽为空 · When they were drawn; null before."""
    draw_commitment: str | None
    """抽签种子的指纹，见“抽签结果” · Promises the seed of the draw; null without one."""
    cancelled_at: Moment | None
    """取消时间 · When it was called off."""


class TeachingOut(Out):
    """Who teaches or helps in a session."""

    teacher_id: UUID
    name: str
    role: TeacherRole
    role_name: str = named("role", TEACHER_ROLE_NAMES)
    """主讲或助教 · The same in Chinese, to be shown as it is."""
    stands_in_for_id: UUID | None
    """代谁上课 · Whom a substitute replaces."""


class WhyNotOut(Out):
    """Why something cannot be had; the numbers behind it are further members."""

    model_config = ConfigDict(extra="allow")
    code: str
    """原因代码，与报名被拒绝时的 `reasons` 相同 · As in the `reasons` of a refusal."""
    message: str
    """原因 · Why, in words."""


class MyPlaceOut(Out):
    """What the caller has in a session."""

    booking_id: UUID
    code: str
    state: State
    state_name: str = named("state", STATE_NAMES)
    """状态名称 · The same in Chinese, to be shown as it is."""
    child_name: str | None
    """参加的孩子 · The child that takes part."""
    waits_at: int | None
    """候补第几位 · Place in the waitlist; null when not waiting."""


class FaultOut(Out):
    """What is wrong with a session, for staff to mend."""

    code: str
    """`too_few_helpers` 人手不足；`no_lead` 没有主讲 · What it is."""
    message: str
    """说明 · In words."""
    teachers: int
    """现有老师和助教 · How many teach and help."""
    most: int | None
    """按照看比例最多可收几人 · How many they may mind; null without a limit."""


class SessionDetailOut(SessionOut):
    """A session whole, and what it means for the caller."""

    room_id: UUID | None
    series_id: UUID | None
    """所属系列 · The weekly series it belongs to."""
    teachers: list[TeachingOut]
    """老师和助教 · Who teaches and helps."""
    seats_left: int
    """剩余名额 · Seats nobody has."""
    waiting: int
    """候补人数 · How many wait."""
    can_wait: bool
    """能否加入候补 · Whether the waitlist takes one more."""
    enrol_from: Moment
    """何时起可报名 · From when on one may enrol."""
    enrol_until: Moment
    """报名截止 · Until when."""
    fewest: int | None
    """最低人数 · With fewer it does not take place."""
    decide_at: Moment | None
    """何时判断 · When that is seen."""
    settled: bool
    """是否已确定如期举行 · Whether enough had enrolled then."""
    children_per_helper: int | None
    """每名老师或助教最多照看几人 · How many one teacher or helper minds at most."""
    accepts_enrolments: bool
    """是否接受报名 · Off while nobody new is taken."""
    cancel_reason: str | None
    """取消原因 · Why it was called off."""
    policy: Terms
    """报名规则 · The rules."""
    mine: list[MyPlaceOut]
    """本人或孩子的报名 · What the caller and her children have here."""
    reasons: list[WhyNotOut]
    """本人（或 `child_id`）现在不能报名的原因，可以则为空 · Why the caller cannot enrol now."""
    faults: list[FaultOut] | None
    """需要处理的问题，仅工作人员可见 · What is wrong; null for others than staff."""
    version: int
    """版本号，修改时带上 · Send it back when changing it."""
