"""What the grid API accepts and returns."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr, StringConstraints

from neighborhood_api.grid.areas.coordinates import CoordinateSystem
from neighborhood_api.grid.layers.chain_schemas import LayerChainOut
from neighborhood_api.grid.posts.choosing import SelectionIn, SelectionOut
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.identity.schemas import Mobile
from neighborhood_api.kit.schema import In, Line, Moment, Out, Whole

Corner = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
"""Degrees east and north."""
DutyPhone = Annotated[str, StringConstraints(pattern=r"^[0-9][0-9-]{4,16}$")]


class PositionIn(In):
    """A position as the phone gives it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"longitude": 114.2862, "latitude": 23.1727}]}
    )
    longitude: Annotated[float, Field(ge=-180, le=180)]
    """经度 · Degrees east."""
    latitude: Annotated[float, Field(ge=-90, le=90)]
    """纬度 · Degrees north."""
    coordinate_system: CoordinateSystem = CoordinateSystem.GCJ02
    """坐标系，手机定位默认 gcj02 · How it was measured; phones in China give gcj02."""


class PositionOut(Out):
    """A position, in the system it was given in."""

    longitude: float
    latitude: float
    coordinate_system: CoordinateSystem


class NodeOut(Out):
    """A place of the grid."""

    id: UUID
    level: Level
    """0 区县 1 街道 2 社区 3 网格 4 街巷 · Level, from the district down."""
    kind: str
    """类型 · district, street, town, community, village, grid, compound, lane or building."""
    code: str
    """编码:12 位区划码，网格、街巷各加 3 位 · National code, plus 3 digits per level below."""
    name: str
    """名称 · Name."""


class NodePositionOut(NodeOut):
    """A place of the grid in a list, with a point for maps."""

    parent_id: UUID | None
    longitude: float | None
    """经度(WGS-84)· Degrees east, WGS-84."""
    latitude: float | None
    """纬度(WGS-84)· Degrees north, WGS-84."""


class NodeTodayOut(NodePositionOut):
    """A place of the grid, or what became of it."""

    succeeded_by: list[NodePositionOut] = Field(default_factory=list)
    """已调整时，现在由这些地点承接 · What it has become; empty for a place of today."""


class ContactOut(Out):
    """Somebody in office, with her public duty phone."""

    role: Role
    """岗位 · Post."""
    role_name: str
    """岗位名称 · What the post is called."""
    name: str | None
    """姓名 · Name of the person acting today."""
    duty_phone: str
    """值班电话（公开）· Public duty phone."""
    stands_in_for: str | None
    """代班时为原任者姓名 · Whose place is taken today, null normally."""
    organization: str | None
    """所属部门 · Department, for its officers."""


class OnCallPersonOut(Out):
    """Somebody on call now."""

    rostered: bool
    """按值班表，否则为在岗人员 · By the roster; otherwise she holds the post."""
    role: Role
    """岗位 · Post."""
    role_name: str
    name: str | None
    """姓名 · Name."""
    duty_phone: str | None
    """值班电话（公开）· Public duty phone."""
    until: Moment | None
    """值班至 · End of the shift; null without a roster."""


class OnCallOut(OnCallPersonOut):
    """Who is on call for a place now, and where."""

    node: NodeOut
    """应答的地点；本地无人时为上一级 · Where; above the place if nobody is there."""


class NodeContactsOut(Out):
    """A place and who answers for it."""

    node: NodeOut
    contacts: list[ContactOut]
    """在岗人员；空表示岗位空缺 · Everyone in office; empty when every post is vacant."""


class MyGridOut(Out):
    """Where the caller lives, and who is responsible there."""

    address: str
    """门牌 · Door within the lane."""
    household_id: UUID | None
    """登记户号；地址与登记册一致时才有 · The register's household, when the address is one."""
    lane_chief: ContactOut | None
    """巷长 · The lane chief; null while the post is vacant."""
    grid_leader: ContactOut | None
    """网格长 · The grid leader; null while the post is vacant."""
    on_call: OnCallPersonOut | None
    """此刻值班的人，从网格起逐级 · On call now, from the grid up; null if nobody is."""
    levels: list[NodeContactsOut]
    """从街巷到区县逐级的负责人 · From the lane up to the district."""
    layers: list[LayerChainOut]
    """另设的责任体系中的负责人 · Who else answers, in second layers of responsibility."""
    version: int
    """版本号，修改住址时带上 · Send it back when changing the residence."""


class PlateOut(Out):
    """What the plate of a lane shows when scanned."""

    plate_code: str
    """公示牌编号 · Code of the plate."""
    lane: NodeOut
    lane_chief: ContactOut | None
    """巷长 · The lane chief; null while the post is vacant."""
    grid_leader: ContactOut | None
    """网格长 · The grid leader; null while the post is vacant."""
    levels: list[NodeContactsOut]
    """从街巷到区县逐级的负责人 · From the lane up to the district."""


class ResidenceIn(In):
    """Where the caller lives."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"lane_id": "0198c0de-0000-7000-8000-000000000001", "address": "12号"}]
        }
    )
    lane_id: UUID
    """街巷 · The lane or building."""
    address: Annotated[Line, Field(max_length=60)]
    """门牌，如 12号、3栋2单元501 · Door within the lane."""
    version: int | None = None
    """修改已有住址时带上读到的版本号 · The version read, when a residence is changed."""


class AppointeeIn(In):
    """Who is appointed; the phone number says whether she is known."""

    name: Annotated[Line, Field(max_length=30)]
    """姓名 · Name."""
    phone: Mobile
    """本人手机号，绑定微信后即生效 · Own number; binding it in WeChat gives her the post."""
    initial_password: Annotated[SecretStr, Field(min_length=8, max_length=128)] | None = None
    """初始密码，可不设；仅限有任命权的人为新登记的人设置，须在72小时内登录修改，
    逾期或再任新岗即失效 · For a new person only, by who may appoint at the place. She changes
    it when she first signs in, within 72 hours; then, or when she gets another post, it is
    void. Better left out: WeChat or an invitation lets her in."""


class AppointmentIn(In):
    """A wish to appoint somebody to a post."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "node_id": "0198c0de-0000-7000-8000-000000000001",
                    "role": "lane_chief",
                    "person": {"name": "周巷长", "phone": "15400000009"},
                    "duty_phone": "0752-6000001",
                    "starts_on": "2026-12-01",
                }
            ]
        }
    )
    node_id: UUID
    """任职的地点 · The node of the post."""
    role: Role
    """岗位 · Kind of post."""
    person: AppointeeIn
    """任职人 · Who is appointed."""
    duty_phone: DutyPhone
    """公开的值班电话 · Public duty phone."""
    starts_on: date
    """任期首日 · First day of the term."""
    ends_on: date | None = None
    """任期末日，不填为长期 · Last day of the term; open when left out."""
    organization_id: UUID | None = None
    """部门承办人所属部门 · The department, for its officers only."""
    primary: bool | None = None
    """网格员是否主责，不填则首位网格员为主责 · Responsible worker; by default the first is."""
    selection: SelectionIn | None = None
    """推选或任命记录 · How she was chosen."""


class AppointmentChangeIn(Whole):
    """What of an appointment can change while it lasts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"duty_phone": "0752-6000002", "ends_on": "2029-12-31", "version": 1}]
        }
    )
    duty_phone: DutyPhone
    """公开的值班电话 · Public duty phone."""
    ends_on: date | None
    """任期末日（含当天），空为长期 · Last day of the term; null for an open one."""
    version: int
    """读到的版本号 · The version that was read."""


class StandInIn(In):
    """A wish to let somebody stand in (代班)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"person": {"name": "周巷长", "phone": "15400000009"}, "until": "2026-12-31"}
            ]
        }
    )
    person: AppointeeIn
    """代班人 · Who stands in."""
    duty_phone: DutyPhone | None = None
    """代班期间的值班电话，不填沿用原号 · Duty phone meanwhile; the old one when left out."""
    until: date | None = None
    """代班末日，不填为另行通知 · Last day; until further notice when left out."""


class AppointmentOut(Out):
    """An appointment."""

    id: UUID
    node_id: UUID
    role: Role
    role_name: str
    person_id: UUID
    name: str | None
    duty_phone: str
    starts_on: date
    ends_on: date | None
    ended: bool
    """是否已结束 · Whether it was ended."""
    stand_in_id: UUID | None
    stand_in_until: date | None
    organization_id: UUID | None
    primary: bool = False
    """是否该网格的主责网格员 · Whether she is the grid's responsible worker."""
    selection: SelectionOut | None = None
    """推选或任命记录；名册中才有 · How she was chosen; in the roster of posts only."""
    version: int


class WorkOut(Out):
    """Open work in the hands of the holder of a post."""

    issues: int = 0
    """在办诉求 · Issues."""
    shifts: int = 0
    """今后的值班 · Shifts to come."""


class AppointmentEndedOut(AppointmentOut):
    """An appointment that was ended, and what went to others with it."""

    handed_over: WorkOut
    """已移交 · What was handed over."""


class AppointmentList(Out):
    """Who holds the posts of a place, now or later."""

    items: list[AppointmentOut]


class OrganizationOut(Out):
    """A department that issues can be given to."""

    id: UUID
    node_id: UUID
    name: str


class OrganizationList(Out):
    """The departments of a place and of the places above it."""

    items: list[OrganizationOut]


class HouseholdOut(Out):
    """A dwelling of the register."""

    id: UUID
    lane_id: UUID
    lane_name: str
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    address: str
    """门牌 · Door within the lane."""
    residents: int
    """填报住在此处的人数，不含未通过的 · How many people say that they live here.

    Whom staff refused is not among them.
    """
