"""What the registers accept and return."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from neighborhood_api.grid.models import Occupancy
from neighborhood_api.identity.schemas import Mobile
from neighborhood_api.kit.schema import In, Line, Out, named
from neighborhood_api.registers.models import EstablishmentKind
from neighborhood_api.registers.names import ESTABLISHMENT_NAMES, OCCUPANCY_NAMES

SOME_ID = "0198c0de-0000-7000-8000-000000000001"
Door = Annotated[Line, Field(max_length=60)]
PersonName = Annotated[Line, Field(max_length=30)]
Relation = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)]
Year = Annotated[int, Field(ge=1880, le=2200)]
ContactPhone = Annotated[str, StringConstraints(pattern=r"^[0-9][0-9-]{4,16}$")]
Why = Annotated[Line, Field(min_length=2, max_length=200)]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


def example(**values: Any) -> ConfigDict:  # noqa: ANN401  (JSON)
    """Show a body in the description of the API."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class WarningCode(StrEnum):
    """What looks wrong in a register."""

    NO_RESIDENTS = "no_residents"
    NO_HEAD = "no_head"
    SAME_NAME = "same_name"
    SAME_PHONE = "same_phone"


class RegisterWarningOut(Out):
    """Something that looks wrong; it was not refused, please look at it."""

    code: WarningCode
    """no_residents 无人、no_head 无户主、same_name 重名、same_phone 号码重复 · What it is."""
    message: str
    """提示（中文），直接显示 · Show it as it is."""
    entry_id: UUID | None
    """与之重复的登记 · The other entry, when there is one."""


class HouseholdIn(In):
    """A dwelling to be registered."""

    model_config = example(lane_id=SOME_ID, address="3栋2单元501", occupancy="rented")
    lane_id: UUID
    """街巷或楼栋 · The lane or building."""
    address: Door
    """门牌，如 12号、3栋2单元501 · Door within the lane."""
    occupancy: Occupancy = Occupancy.UNKNOWN
    """unknown 不详 owned 自住 rented 出租 vacant 空置 other 其他 · How it is used."""
    note: Remark = ""
    """备注，不写个人信息 · About the dwelling, never about people."""


class HouseholdChangeIn(In):
    """A dwelling as it is to be."""

    model_config = example(address="3栋2单元501", occupancy="vacant", note="", version=1)
    address: Door
    """门牌 · Door within the lane."""
    occupancy: Occupancy
    """unknown 不详 owned 自住 rented 出租 vacant 空置 other 其他 · How it is used."""
    note: Remark
    """备注，不写个人信息 · About the dwelling, never about people."""
    version: int
    """读到的版本号 · The version that was read."""


class EndEntryIn(In):
    """The end of an entry."""

    model_config = example(version=1, on="2026-11-22")
    version: int
    """读到的版本号 · The version that was read."""
    on: date | None = None
    """从哪天起不在，不填为今天 · First day on which it is not true; today when left out."""


class EraseEntryIn(In):
    """Why an entry is deleted for good."""

    model_config = example(version=1, reason="本人申请删除，已核对")
    version: int
    """读到的版本号 · The version that was read."""
    reason: Why
    """依据，2–200 字，会留痕；请勿写姓名电话 · Why; it is recorded, so without names."""


class VerifyHouseholdIn(In):
    """That a dwelling was visited and is as registered."""

    model_config = example(with_residents=True)
    with_residents: bool = False
    """同时核实户内在册人员 · Whether its residents were verified at the same visit."""


class RegisterHouseholdOut(Out):
    """A dwelling of the register."""

    id: UUID
    lane_id: UUID
    lane_name: str
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    address: str
    """门牌 · Door within the lane."""
    occupancy: Occupancy
    """unknown 不详 owned 自住 rented 出租 vacant 空置 other 其他 · How it is used."""
    occupancy_name: str = named("occupancy", OCCUPANCY_NAMES)
    """用途名称 · The same in Chinese, to be shown as it is."""
    note: str
    residents: int
    """在册人数 · How many people are registered here now."""
    verified_on: date | None
    """最近核实日期 · When it was last verified; null for never."""
    ended_on: date | None
    """注销日期 · Since when it is no more."""
    version: int


class ResidentOut(Out):
    """Somebody of the register, masked."""

    id: UUID
    household_id: UUID
    lane_id: UUID
    lane_name: str
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    address: str
    """门牌 · Door within the lane."""
    name: str
    """姓名，只显示姓（王*）· Masked."""
    phone: str | None
    """手机号，中间四位隐藏 · Masked."""
    relation: str
    """与户主关系 · To the head of the household."""
    is_head: bool
    """是否户主 · Whether she is the head."""
    has_account: bool
    """是否已绑定小程序账号 · Whether an account is known to be hers."""
    moved_in_on: date | None
    verified_on: date | None
    """最近核实日期 · When it was last verified; null for never."""
    moved_out_on: date | None
    """迁出日期 · Since when she does not live here any more."""
    version: int


class MemberOut(Out):
    """Somebody with an account whose residence in the household is confirmed."""

    id: UUID
    """人员编号 · Person's id, to make her the representative."""
    name: str | None
    """称呼，只显示姓 · Masked."""
    is_representative: bool
    """是否户代表 · Whether she speaks for the household."""


class HouseholdRecordOut(RegisterHouseholdOut):
    """A dwelling with everybody who is registered there, masked."""

    people: list[ResidentOut]
    """在册人员 · Who is registered here now."""
    members: list[MemberOut]
    """住址已确认的账号 · Accounts whose residence here is confirmed."""
    warnings: list[RegisterWarningOut]


class ResidentIn(In):
    """Somebody to be registered."""

    model_config = example(
        household_id=SOME_ID,
        name="王小明",
        phone="13900000000",
        birth_year=1958,
        relation="户主",
        is_head=True,
        moved_in_on="2020-05-01",
    )
    household_id: UUID
    """户 · The household."""
    name: PersonName
    """姓名 · Name."""
    phone: Mobile | None = None
    """手机号；账号的已验证号码与之相同即确认住址 · Mobile number, by which accounts match."""
    birth_year: Year | None = None
    """出生年份 · Year of birth."""
    relation: Relation = ""
    """与户主关系，如 配偶、子、租客 · To the head of the household."""
    is_head: bool = False
    """是否户主，一户一位 · Whether she is the head; one in a household."""
    moved_in_on: date | None = None
    """入住日期 · Since when she lives here."""


class ResidentChangeIn(In):
    """A change of an entry; what is left out stays, null empties it."""

    model_config = example(phone="13900000001", version=1)
    name: PersonName | None = None
    """姓名 · Name."""
    phone: Mobile | None = None
    """手机号 · Mobile number."""
    birth_year: Year | None = None
    """出生年份 · Year of birth."""
    relation: Relation | None = None
    """与户主关系 · To the head of the household."""
    is_head: bool | None = None
    """是否户主 · Whether she is the head."""
    moved_in_on: date | None = None
    """入住日期 · Since when she lives here."""
    version: int
    """读到的版本号 · The version that was read."""


class KeptResidentOut(ResidentOut):
    """An entry as it is after a change, masked, with what looks wrong."""

    warnings: list[RegisterWarningOut]


class LookAtEntryIn(In):
    """Why a whole entry is to be shown."""

    model_config = example(reason="上门核实居住情况")
    reason: Why
    """查看理由，2–200 字，会留痕 · Why; it is recorded."""


class ResidentRecordOut(Out):
    """Somebody's whole entry; that it was shown is recorded."""

    look_id: UUID
    """查看记录编号 · What the log says of this look."""
    id: UUID
    household_id: UUID
    lane_id: UUID
    lane_name: str
    """街巷或楼栋名称 · What the lane is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    address: str
    """门牌 · Door within the lane."""
    name: str
    phone: str | None
    """手机号（完整）· Unmasked."""
    birth_year: int | None
    relation: str
    is_head: bool
    moved_in_on: date | None
    verified_on: date | None
    moved_out_on: date | None
    version: int


class EstablishmentIn(In):
    """An organisation to be registered."""

    model_config = example(
        node_id=SOME_ID,
        name="老王小吃店",
        kind="shop",
        address="12号一楼",
        contact_name="王老板",
        contact_phone="13900000000",
    )
    node_id: UUID
    """街巷或网格 · The lane or grid."""
    name: Annotated[Line, Field(max_length=60)]
    """名称 · Name."""
    kind: EstablishmentKind
    """shop 商户 company 企业 institution 机关事业单位 school 学校 property 物业 … · Kind."""
    address: Door
    """门牌 · Where it is found."""
    contact_name: PersonName | None = None
    """联系人 · Who to ask for."""
    contact_phone: ContactPhone | None = None
    """联系电话 · Number of the contact."""


class EstablishmentChangeIn(In):
    """A change of an organisation's entry; what is left out stays, null empties it."""

    model_config = example(contact_phone="0752-6000001", version=1)
    name: Annotated[Line, Field(max_length=60)] | None = None
    """名称 · Name."""
    kind: EstablishmentKind | None = None
    """shop 商户 company 企业 institution 机关事业单位 school 学校 property 物业 … · Kind."""
    address: Door | None = None
    """门牌 · Where it is found."""
    contact_name: PersonName | None = None
    """联系人 · Who to ask for."""
    contact_phone: ContactPhone | None = None
    """联系电话 · Number of the contact."""
    version: int
    """读到的版本号 · The version that was read."""


class EstablishmentOut(Out):
    """An organisation of the register, its contact masked."""

    id: UUID
    node_id: UUID
    node_name: str
    """街巷或网格名称 · What the lane or grid is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    name: str
    kind: EstablishmentKind
    kind_name: str = named("kind", ESTABLISHMENT_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    address: str
    contact_name: str | None
    """联系人，只显示姓 · Masked."""
    contact_phone: str | None
    """联系电话，部分隐藏 · Masked."""
    verified_on: date | None
    """最近核实日期 · When it was last verified; null for never."""
    ended_on: date | None
    version: int


class KeptEstablishmentOut(EstablishmentOut):
    """An entry as it is after a change, masked, with what looks wrong."""

    warnings: list[RegisterWarningOut]


class EstablishmentRecordOut(Out):
    """An organisation's whole entry; that it was shown is recorded."""

    look_id: UUID
    """查看记录编号 · What the log says of this look."""
    id: UUID
    node_id: UUID
    node_name: str
    """街巷或网格名称 · What the lane or grid is called."""
    community_name: str
    """所在社区名称 · What its community is called."""
    name: str
    kind: EstablishmentKind
    kind_name: str = named("kind", ESTABLISHMENT_NAMES)
    """类别名称 · The same in Chinese, to be shown as it is."""
    address: str
    contact_name: str | None
    contact_phone: str | None
    """联系电话（完整）· Unmasked."""
    verified_on: date | None
    ended_on: date | None
    version: int


class RegisterSearchIn(In):
    """What to find: exactly one of a number and a door, as it is written."""

    model_config = example(node_id=SOME_ID, phone="13900000000")
    node_id: UUID
    """在哪个地点及其下级查找 · Where to look: a place and everything below."""
    phone: ContactPhone | None = None
    """完整号码 · The whole number."""
    address: Door | None = None
    """完整门牌 · The whole door."""


class RegisterFoundOut(Out):
    """What was found, masked; at most fifty of each."""

    households: list[RegisterHouseholdOut]
    residents: list[ResidentOut]
    establishments: list[EstablishmentOut]
