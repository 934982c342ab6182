"""What the issues API accepts and returns."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator

from neighborhood_api.cases.workflow import Move, State
from neighborhood_api.grid.schemas import PositionIn, PositionOut
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.schemas import Mobile
from neighborhood_api.issues.models import ReportChannel
from neighborhood_api.issues.names import CHANNEL_NAMES
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.schema import In, Line, Moment, Out, named
from neighborhood_api.schedules.clocks import Clock

Text = Annotated[Line, Field(max_length=2000)]
Photos = Annotated[list[UUID], Field(max_length=9)]


class CallerIn(In):
    """Somebody who telephoned or came to the counter."""

    name: Annotated[Line, Field(max_length=30)]
    """来电人称呼 · What the caller is called."""
    phone: Mobile
    """来电人手机号 · The caller's mobile number."""
    channel: Literal[ReportChannel.TELEPHONE, ReportChannel.COUNTER] = ReportChannel.TELEPHONE
    """来电或到窗口 · By telephone, or at the counter."""


class IssueIn(In):
    """Something that should be put right."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "category_code": "env.garbage",
                    "text": "巷口垃圾桶满了两天没人清，有异味。",
                    "lane_id": "0198c0de-0000-7000-8000-000000000001",
                    "location": "3号门口",
                    "photo_ids": [],
                    "anonymous": True,
                }
            ]
        }
    )
    category_code: Annotated[str, Field(max_length=60)]
    """诉求类别，见 GET /issue-categories · Category."""
    text: Annotated[Line, Field(min_length=5, max_length=2000)]
    """诉求内容,5–2000 字 · What is wrong, 5–2000 characters."""
    lane_id: UUID | None = None
    """事发街巷；不填按 position 定位，再不填用住址 · Lane; else by position, else home."""
    position: PositionIn | None = None
    """事发位置 · Where, as the phone gives it."""
    location: Annotated[Line, Field(max_length=200)] | None = None
    """详细位置，如 3号门口 · Where exactly, in words."""
    photo_ids: Photos = Field(default=[])
    """照片，先用 POST /files 上传，最多 9 张 · Uploaded before with `POST /files`; up to 9."""
    anonymous: bool = True
    """对公众匿名，默认是（承办人员仍可见）· Hidden from the public; handling staff see who."""
    on_behalf_of: CallerIn | None = None
    """代来电或来访群众登记（工作人员）· For staff: whom the issue is entered for."""
    to_district: bool = False
    """反映的是本街道负责人时选 true，由区级纪检监察直接受理，街道看不到。

    Only for reports on persons, about the street's own heads: the district's discipline
    officers take it, and nobody at the street sees it."""

    @field_validator("photo_ids")
    @classmethod
    def _photos_once(cls, given: list[UUID]) -> list[UUID]:
        if len(set(given)) != len(given):
            raise ValueError("照片重复，请去掉重复的")
        return given


class WordsIn(In):
    """A move that needs an explanation."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "今天上午已到现场查看。"}]}
    )
    text: Text
    """说明，诉求人可见 · Explanation; the reporter reads it."""


class AcceptIn(In):
    """Taking an issue on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "已收到，下午到现场。"}]}
    )
    text: Text | None = None
    """给诉求人的话，可不填 · A word to the reporter, if any."""


class AnswerIn(In):
    """What the reporter adds when she was asked."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "在3号门口左边。", "photo_ids": []}]}
    )
    text: Text
    """补充的情况 · The answer."""
    photo_ids: Photos = Field(default=[])
    """补充的照片 · More photos."""


class CommentIn(In):
    """A remark on the timeline."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "今天又堆满了。"}]})
    text: Text
    """内容 · The remark."""
    internal: bool = False
    """仅工作人员可见（工作人员才能用）· For staff's eyes only."""
    photo_ids: Photos = Field(default=[])
    """补充的照片 · More photos."""


class ConfirmIn(In):
    """The reporter says that it is settled."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "已解决，谢谢。"}]})
    text: Text | None = None
    """给办理人的话，可不填 · A word to whoever handled it."""


class PhotoOut(Out):
    """A photo behind a signed, expiring link."""

    id: UUID
    url: str
    """相对地址，一小时后失效，公开页面上的五分钟后失效。

    Relative address; expires after an hour, where the public sees it after five minutes."""
    thumbnail_url: str
    """缩略图地址 · Smaller picture (the photo itself until it has been made)."""


class HandOut(Out):
    """Whose turn it is."""

    level: Level
    """所在层级 · Level of the node that holds it."""
    node_id: UUID
    node_name: str
    role: Role
    role_name: str
    """岗位 · The post that must act."""
    person_name: str | None
    """经办人；空缺时为 null · Who acts in it; null while every post is vacant."""
    organization: str | None
    """承办部门 · The department, when one holds it."""


class IssueOut(Out):
    """An issue, as lists show it."""

    id: UUID
    code: str
    """诉求编号 · What people call it."""
    category_code: str
    category_name: str
    text: str
    state: State
    state_name: str
    """状态（中文）· What residents read."""
    lane_id: UUID | None
    lane_name: str
    """事发街巷 · The lane."""
    location: str | None
    photos: list[PhotoOut]
    hand: HandOut
    reported_at: Moment
    respond_due_at: Moment | None
    """应在此前首次回应 · By when somebody must answer."""
    resolve_due_at: Moment | None
    """应在此前办结；暂停计时时为 null · By when it must be settled; null while it rests."""
    overdue: bool
    """是否超时 · Whether a deadline has passed without the act."""
    times_reopened: int
    rating: int | None
    version: int


class ReporterOut(Out):
    """Who reported, for staff."""

    name: str | None
    phone: str | None
    """已遮盖；承办人用 reporter-phone 查看 · Masked; the hands ask `reporter-phone` for it."""
    anonymous: bool
    """对公众匿名 · Hidden from the public."""
    by_phone: bool
    """代来电群众登记 · Entered by staff for a caller."""
    channel: ReportChannel
    """上报渠道 · How it was reported."""
    channel_name: str = named("channel", CHANNEL_NAMES)
    """上报渠道 · The same in Chinese, to be shown as it is."""
    account: bool
    """有账号；没有的可代其补充、确认、重办、评价 · Without one, intake staff speak for her."""


class ExtraTimeOut(Out):
    """The time that an extension added."""

    clock: Clock
    """calendar 自然时间、working_hours 工作时、working_days 工作日 · What is counted."""
    amount: int
    """working_days 为天数，其余为分钟 · Days for `working_days`, minutes for the others."""
    text: str
    """可直接显示，如 2 个工作日 · To show as it is."""


class EntryOut(Out):
    """One line of the timeline."""

    id: UUID
    at: Moment
    move: Move
    move_name: str
    """动作（中文）· What happened."""
    by: str
    """reporter、supporter（附议人）、staff 或 system · Reporter, supporter, staff or system."""
    who: str | None
    """经办岗位和姓名 · Post and name of staff."""
    from_state: State | None
    from_state_name: str | None = named("from_state", ISSUE.names)
    """之前的状态名称 · The same in Chinese, to be shown as it is."""
    to_state: State
    to_state_name: str = named("to_state", ISSUE.names)
    """之后的状态名称 · The same in Chinese, to be shown as it is."""
    text: str | None
    note: str | None
    """仅工作人员可见的说明 · What only staff read."""
    photos: list[PhotoOut]
    before_photos: list[PhotoOut]
    """办结时附的处理前照片 · How it was before, where a result shows that."""
    detail: dict[str, Any] | None
    """此动作特有的内容，如退单原因代码 · What belongs to this kind of move."""
    internal: bool
    """是否仅工作人员可见 · Whether only staff see it."""
    rating: int | None
    now_with: str | None
    """转到谁手上 · Whose hands it came into, where they changed."""
    sent_to: str | None
    """派遣、转办、裁定给谁 · The department or place that it was sent to."""
    until: Moment | None
    """挂账到什么时候 · Until when it was put on file."""
    extended_by: ExtraTimeOut | None
    """延期多少 · The time that was added."""


class IssueDetailOut(IssueOut):
    """An issue with everything the caller may know of it."""

    position: PositionOut | None
    reporter: ReporterOut | None
    """诉求人（仅工作人员可见）· Only for staff."""
    rating_text: str | None
    moves: list[Move]
    """当前可进行的操作 · What the caller may do now: one button each."""
    timeline: list[EntryOut]
    """办理过程，从旧到新 · Oldest first."""
