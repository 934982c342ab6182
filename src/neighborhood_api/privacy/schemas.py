"""What the operations on people's own data accept and return."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from neighborhood_api.identity.schemas import Mobile
from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.privacy.models import ErasureState

ConsentKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]
Words = Annotated[Line, Field(max_length=500)]


class ConsentDocumentIn(In):
    """A version of a text that people are asked to agree to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "privacy_policy",
                    "version": "2026-12",
                    "title": "隐私政策",
                    "text": "我们收集您的手机号，用于……",
                    "needed": True,
                    "effective_from": "2026-12-01T00:00:00+08:00",
                }
            ]
        }
    )
    kind: ConsentKind
    """类别，如 privacy_policy、user_agreement、personal_notices · One consent each."""
    version: Annotated[Line, Field(max_length=40)]
    """版本号 · What the office calls the version."""
    title: Annotated[Line, Field(max_length=60)]
    """标题 · Title."""
    text: Annotated[Line, Field(max_length=60_000)]
    """全文 · The whole text."""
    needed: bool = False
    """登录后是否需要请用户阅读 · Whether the mini-program asks at sign-in."""
    effective_from: datetime | None = None
    """生效时间，不填为立即 · Now when left out."""


class ConsentDocumentOut(Out):
    """A version of a text."""

    id: UUID
    """编号，同意时带上 · Send it back when agreeing."""
    kind: str
    """类别 · Kind."""
    version: str
    """版本号 · Version."""
    title: str
    """标题 · Title."""
    text: str
    """全文 · The whole text."""
    needed: bool
    """登录后是否需要请用户阅读 · Whether the mini-program asks at sign-in."""
    effective_from: Moment
    """生效时间 · In force since."""


class ConsentDocumentList(Out):
    """The texts in force."""

    items: list[ConsentDocumentOut]
    """现行文本 · One of each kind."""


class MyConsentIn(In):
    """Agreement to a version of a text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"document_id": "01993a4b-0000-7000-8000-000000000001"}]
        }
    )
    document_id: UUID
    """所同意文本的编号 · Which text, in which version."""


class MyConsentOut(Out):
    """A text, and what the caller said to it."""

    kind: str
    """类别 · Kind; child for a child's registration."""
    title: str
    """标题 · Title."""
    version: str
    """现行版本 · The version in force."""
    needed: bool
    """登录后是否需要请用户阅读 · Whether the mini-program asks at sign-in."""
    asked: bool
    """现在是否需要询问：新文本或新版本，且未表示不同意 · Whether to ask now."""
    agreed: bool
    """是否同意现行版本 · Whether the caller agrees to the version in force."""
    agreed_version: str | None
    """同意的版本 · Which version she agrees to."""
    agreed_at: Moment | None
    """同意时间 · When she agreed."""
    ended_at: Moment | None
    """撤回时间 · When that ended."""
    document_id: UUID | None
    """现行文本的编号 · The text in force; null for a child's."""
    child_id: UUID | None = None
    """孩子的编号（监护人同意书在孩子登记里管理）· Of a child's consent."""


class MyConsentList(Out):
    """The caller's consents."""

    items: list[MyConsentOut]
    """每类文本一条，每个孩子一条 · One for each kind, and one for each child."""


class DataExportState(StrEnum):
    """How far a copy is."""

    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"


EXPORT_NAMES: dict[DataExportState, str] = {
    DataExportState.QUEUED: "生成中",
    DataExportState.DONE: "已完成",
    DataExportState.FAILED: "未完成",
}


class DataExportOut(Out):
    """A copy of everything about the caller."""

    id: UUID
    """编号 · Id."""
    state: DataExportState
    """进度 · How far it is."""
    state_name: str = named("state", EXPORT_NAMES)
    """进度 · The same in Chinese, to be shown as it is."""
    requested_at: Moment
    """申请时间 · When it was asked for."""
    expires_at: Moment | None
    """文件保留到 · Until when it can be downloaded."""
    html_url: str | None
    """网页版下载链接，10 分钟有效 · To read; good for ten minutes."""
    json_url: str | None
    """数据版下载链接，10 分钟有效 · To take elsewhere; good for ten minutes."""


class CorrectionAbout(StrEnum):
    """What somebody says is wrong about her."""

    REGISTER = "register"
    """人口登记"""
    ADDRESS = "address"
    """住址、户"""
    ISSUE = "issue"
    """诉求记录"""
    OTHER = "other"


ABOUT_NAMES: dict[CorrectionAbout, str] = {
    CorrectionAbout.REGISTER: "人口登记",
    CorrectionAbout.ADDRESS: "住址、户",
    CorrectionAbout.ISSUE: "诉求记录",
    CorrectionAbout.OTHER: "其他",
}


class CorrectionWish(StrEnum):
    """What she wants."""

    CORRECT = "correct"
    DELETE = "delete"


WISH_NAMES: dict[CorrectionWish, str] = {
    CorrectionWish.CORRECT: "更正",
    CorrectionWish.DELETE: "删除",
}


class CorrectionIn(In):
    """A request for correction or deletion."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"about": "register", "wish": "correct", "text": "我的出生年份应为 1968"}
            ]
        }
    )
    about: CorrectionAbout
    """关于什么 · What about."""
    wish: CorrectionWish = CorrectionWish.CORRECT
    """更正或删除 · To correct or to delete."""
    text: Words
    """哪里不对，应为什么 · What is wrong, and what is right."""
    lane_id: UUID | None = None
    """所在街巷，不填为本人住址 · The caller's own lane when left out."""


class CorrectionAnswerIn(In):
    """The answer to a request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"granted": True, "answer": "已按户口簿更正"}]}
    )
    granted: bool
    """是否照办 · Whether it was done."""
    answer: Words
    """怎么处理的，或不能处理的理由 · What was done, or why not."""


class CorrectionOut(Out):
    """A request for correction, as its person and staff see it."""

    id: UUID
    """编号 · Id."""
    about: CorrectionAbout
    """关于什么 · What about."""
    about_name: str = named("about", ABOUT_NAMES)
    """关于什么 · The same in Chinese, to be shown as it is."""
    wish: CorrectionWish
    """更正或删除 · To correct or to delete."""
    wish_name: str = named("wish", WISH_NAMES)
    """更正或删除 · The same in Chinese, to be shown as it is."""
    text: str
    """申请内容 · What is wrong, and what is right."""
    asked_at: Moment
    """申请时间 · When it was asked."""
    due_at: Moment
    """答复期限 · By when it is answered."""
    granted: bool | None
    """是否照办 · Whether it was done; null while it waits."""
    answer: str | None
    """答复 · The answer."""
    answered_at: Moment | None
    """答复时间 · When it was answered."""


class StaffCorrectionOut(CorrectionOut):
    """A request for correction, with who asks."""

    person_id: UUID
    """申请人编号 · Who asks."""
    name: str | None
    """申请人称呼 · Her name."""
    phone: str | None
    """申请人手机号（打码）· Her number, masked."""
    lane_id: UUID | None
    """所在街巷 · Her lane."""
    lane_name: str | None
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str | None
    """所在社区名称 · What its community is called."""


ERASURE_NAMES: dict[ErasureState, str] = {
    ErasureState.COOLING: "冷静期",
    ErasureState.WITHDRAWN: "已撤回",
    ErasureState.DONE: "已注销",
}


class ErasureOut(Out):
    """The cancellation of an account."""

    id: UUID
    """编号 · Id."""
    state: ErasureState
    """进度 · How far it is."""
    state_name: str = named("state", ERASURE_NAMES)
    """进度 · The same in Chinese, to be shown as it is."""
    requested_at: Moment
    """申请时间 · When it was asked for."""
    due_at: Moment
    """冷静期结束、开始删除的时间 · Until then it can be withdrawn."""
    ended_at: Moment | None
    """完成或撤回的时间 · When it was done or withdrawn."""
    hindered_by: str | None
    """到期未能删除的原因代码 · What kept it from being done when it was due."""
    hindrance: str | None
    """到期未能删除的原因和办法（中文），直接显示 · The same in words; show it as it is."""


class CallerErasureIn(In):
    """A caller without an account who wants to be forgotten."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"phone": "15400000011", "reason": "本人来电要求删除"}]}
    )
    phone: Mobile
    """来电人手机号 · The caller's number."""
    reason: Annotated[Line, Field(max_length=200)]
    """依据，如本人来电要求；请勿写姓名电话 · Why; without names and numbers."""


class CallerErasureOut(Out):
    """What was erased of a caller."""

    issues: int
    """删除了姓名电话的诉求数 · Issues that lost the caller's name and number."""
    registrations: int
    """删除了姓名电话的预约数 · Bookings that lost them."""
    open_issues: int
    """仍在办理、办结后再删的诉求数 · Issues still in hand: ask again when they are over."""
    open_registrations: int
    """尚未结束的预约数 · Bookings that are not over."""


class DataLookOut(Out):
    """Somebody of the staff looked at data of the caller."""

    id: UUID
    """编号 · Id."""
    what: str
    """看了什么：issue_phone、booking_phone、child、resident、care、register_export、sign_ins ·
    What was looked at."""
    what_name: str
    """看了什么（中文）· In Chinese."""
    subject_id: UUID
    """相关诉求、孩子或登记的编号 · Of the issue, child or entry."""
    role: str
    """查看人的岗位 · The post of who looked; never the name."""
    role_name: str
    """岗位（中文）· In Chinese."""
    node_id: UUID | None
    """岗位所在地点 · Where that post is."""
    node_name: str | None
    """地点名称 · How the place is called."""
    reason: str | None
    """理由 · Why."""
    looked_at: Moment
    """时间 · When."""
