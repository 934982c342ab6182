"""What offices call their columns, and which kind of sheet the columns make."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from neighborhood_api.imports.reading.tables import Field, Kind
from neighborhood_api.imports.reading.values import Unclear, clean

LONGEST_HEAD = 60
PHONES = (
    "联系电话 手机号码 手机号 手机 电话 电话号码 联系方式 联系手机 移动电话 本人电话 本人手机 "
    "个人电话 联系号码 手机电话 户主电话 户主联系电话 户主手机 业主电话"
)
OWN_PHONES = frozenset({"户主电话", "户主联系电话", "户主手机", "业主电话"})
"""Which of them say whose they are."""
DUTY_PHONES = "值班电话 公示电话 对外电话 办公电话 服务电话 值守电话 公开电话"
_ADDRESSES = (
    "门牌 门牌号 门牌号码 门牌地址 地址 详细地址 家庭住址 家庭地址 住址 现住址 现住地址 "
    "居住地址 "
    "房屋地址 房屋坐落 具体地址 常住地址 居住地 现居住地址 现居住地"
)
_ROOMS = "房号 室号 室 房间号 房间 房屋号 门号 户号 房屋编号"
_CARE = (
    "特殊人群 重点人群 特殊群体 重点群体 关爱类型 关爱对象 关爱标签 特殊情况 困难类型 人群类别 "
    "人员类别 人群标签 特殊人群类别 特殊人群类型 关爱人群"
)
_VERIFIED = (
    "核实日期 核实时间 最近核实日期 最后核实日期 最近核实 走访日期 最近走访日期 采集日期 "
    "采集时间 "
    "更新日期 更新时间 登记日期 登记时间"
)
_EVERYWHERE: Final = {
    Field.DISTRICT: "区县 县区 县 区 县市区 区县名称 行政区 市区 县名称",
    Field.DISTRICT_CODE: "区县编码 区县代码 县编码 区编码",
    Field.STREET: "街道 镇街 街镇 乡镇 镇 乡镇街道 街道乡镇 镇街道 街道名称 镇街名称 乡镇名称 "
    "街道办 街道办事处 街区",
    Field.STREET_CODE: "街道编码 街道代码 镇街编码 镇街代码 乡镇编码 乡镇代码 街道编号",
    Field.COMMUNITY: "社区 社区名称 居委会 村居 村社区 社区村 村 村委会 村居名称 社区居委会 "
    "居村委会 村居委会 行政村 村名",
    Field.COMMUNITY_CODE: "社区编码 社区代码 社区编号 村居编码 村居代码 居委会代码 村编码",
    Field.GRID: "网格 网格名称 综合网格 小区 小区名称 片区 片区名称 网格名 小区网格 居民小组 "
    "村民小组",
    Field.GRID_CODE: "网格编号 网格编码 网格代码 网格号 小区编码 小区编号 小区代码 片区编码",
    Field.LANE: "街巷 街巷名称 巷 巷名 巷道 路巷 街路巷 道路 楼栋 楼栋名称 楼栋号 楼号 栋号 楼 "
    "栋 楼幢 幢号 街巷楼栋 巷楼栋 楼宇 楼宇名称",
    Field.LANE_CODE: "街巷编码 街巷编号 街巷代码 楼栋编码 楼栋编号 楼栋代码 巷编码",
    Field.PLACE: "区域 地点 管辖区域 责任区域 责任区 包干区域 负责区域 任职地点 服务区域 "
    "任职区域 管理区域 辖区",
    Field.PLACE_CODE: "区域编码 区域代码 地点编码 地点代码 任职地点编码 责任区编码",
    Field.NOTE: "备注 备注说明 说明 其他",
}
_OF_ORGANIZATIONS: Final = {
    Field.CREDIT_CODE: "统一社会信用代码 社会信用代码 信用代码 统一信用代码",
    Field.ORGANIZATION_KIND: "单位类型 机构类型 单位类别 企业类型 单位性质 部门类型 "
    "组织类型 "
    "类型 类别",
    Field.CONTACT: "联系人 联系人姓名 负责人 负责人姓名 法定代表人 法人 经营者 "
    "经营者姓名 法人代表",
    Field.PHONE: PHONES + " 负责人电话 联系人电话 单位电话 法人电话 办公电话 负责人手机",
    Field.ADDRESS: "单位地址 经营地址 办公地址 注册地址 经营场所 " + _ADDRESSES,
    Field.VERIFIED_ON: _VERIFIED,
}
_OWN: Final[Mapping[Kind, Mapping[Field, str]]] = {
    Kind.NODES: {
        Field.NAME: "名称 地点名称 区域名称 节点名称 全称",
        Field.CODE: "编码 代码 编号 地点编码 地点代码 节点编码 区域编码 区域代码 行政区划代码 "
        "区划代码 行政区划编码 统计代码",
        Field.NODE_KIND: "类型 类别 地点类型 区域类型 级别 层级 节点类型",
        Field.PARENT: "上级 上级名称 上级区域 上级地点 上级单位 父级 父级名称 上级节点",
        Field.PARENT_CODE: "上级编码 上级代码 上级编号 父级编码 父级代码 上级地点编码 "
        "上级区域编码",
        Field.CODE_PREFIX: "编号前缀 工单前缀 前缀",
        Field.PLATE_CODE: "公示牌编号 公示牌编码 公示牌号 公示牌",
        Field.LONGITUDE: "经度 地理经度 中心点经度",
        Field.LATITUDE: "纬度 地理纬度 中心点纬度",
        Field.VALID_FROM: "启用日期 启用时间 成立日期 设立日期 设立时间 生效日期 成立时间",
        Field.VALID_UNTIL: "停用日期 停用时间 撤销日期 失效日期 撤销时间",
    },
    Kind.HOUSEHOLDS: {
        Field.ADDRESS: _ADDRESSES,
        Field.UNIT: "单元 单元号",
        Field.ROOM: _ROOMS,
        Field.HEAD: "户主 户主姓名 户代表 户代表姓名 业主 业主姓名 房主 住户姓名 房主姓名 姓名 "
        "联系人 联系人姓名",
        Field.PHONE: PHONES,
        Field.HOUSE_USE: "房屋用途 居住状态 房屋状态 使用状态 房屋性质 居住情况 入住情况 "
        "房屋类型 使用情况 房屋使用情况 居住性质 住房性质",
        Field.RESIDENTS: "人数 人口数 家庭人口 家庭人数 居住人数 常住人数 家庭人口数 人口 "
        "在住人数 实住人数 居住人口 户内人数",
        Field.CARE: _CARE,
        Field.VERIFIED_ON: _VERIFIED,
    },
    Kind.PEOPLE: {
        Field.NAME: "姓名 居民姓名 人员姓名 名字 家庭成员 家庭成员姓名 成员姓名",
        Field.PHONE: PHONES,
        Field.GENDER: "性别",
        Field.BORN_ON: "出生日期 出生年月日 生日 出生时间 出生年月",
        Field.RELATION: "与户主关系 户主关系 与户主的关系 家庭关系 关系 和户主关系",
        Field.HEAD: "户主 户主姓名",
        Field.ADDRESS: _ADDRESSES,
        Field.UNIT: "单元 单元号",
        Field.ROOM: _ROOMS,
        Field.CARE: _CARE,
        Field.MOVED_IN_ON: "迁入日期 迁入时间 入住日期 入住时间 搬入日期 搬入时间",
        Field.MOVED_OUT_ON: "迁出日期 迁出时间 搬离日期 搬离时间 搬出日期",
        Field.VERIFIED_ON: _VERIFIED,
    },
    Kind.POSTS: {
        Field.NAME: "姓名 人员姓名 任职人员 任职人 任职人姓名 网格员姓名 名字 负责人 "
        "负责人姓名 "
        "联系人",
        Field.POST: "职务 岗位 职位 岗位名称 担任职务 职务名称 任职岗位 岗位职务 网格职务 "
        "现任职务",
        Field.PHONE: PHONES,
        Field.DUTY_PHONE: DUTY_PHONES,
        Field.STARTS_ON: "任职时间 任职日期 开始日期 开始时间 任职开始日期 任职开始时间 "
        "上任时间 "
        "上任日期 聘用日期 到岗时间 到岗日期 起始日期 任期开始 任期起",
        Field.ENDS_ON: "结束日期 结束时间 任期结束 离任日期 离任时间 到期日期 任期至 截止日期 "
        "任职结束日期 任期止 任职结束时间 卸任日期",
        Field.ORGANIZATION: "部门 单位 工作单位 部门单位 科室 工作部门 单位名称 部门名称",
        Field.STAND_IN: "代班人 代班人姓名 代班 替班人 替班人姓名 代班人员",
        Field.STAND_IN_PHONE: "代班人电话 代班电话 代班人手机 替班人电话 代班人联系电话",
        Field.PRIMARY: "主责网格员 主责 是否主责 是否主责网格员 专职网格员 专职 是否专职 "
        "是否专职网格员",
        Field.SELECTED_HOW: "产生方式 选任方式 任职方式 聘任方式",
        Field.SELECTED_ON: "产生日期 产生时间 推选日期 推选时间 选举日期 任命日期 任命时间",
        Field.VOTES_FOR: "赞成票 赞成票数 得票 得票数",
        Field.VOTES_CAST: "实到票数 实投票数 实到人数 投票人数",
        Field.VOTES_ELIGIBLE: "应到票数 应投票数 应到人数",
        Field.SELECTED_BY: "提名或任命单位 提名单位 任命单位 推荐单位",
        Field.DOCUMENT_NUMBER: "文号 任命文号 批文号",
        Field.SELECTION_NOTE: "产生说明 推选说明 选任说明",
    },
    Kind.ORGANIZATIONS: {
        Field.NAME: "部门名称 机构名称 组织名称 单位名称 单位全称 名称 部门 单位",
        **_OF_ORGANIZATIONS,
    },
    Kind.ESTABLISHMENTS: {
        Field.NAME: "单位名称 机构名称 企业名称 组织名称 公司名称 商户名称 店铺名称 商铺名称 "
        "门店名称 经营户 经营户名称 字号 字号名称 单位全称 店名 名称 单位 商户",
        **_OF_ORGANIZATIONS,
    },
}
_SERIAL = frozenset({"序号", "序", "编号", "行号", "顺序号", "NO", "NO.", "№"})
UNWANTED = frozenset(
    {
        "身份证", "身份证号", "身份证号码", "公民身份号码", "证件号码", "证件号",
        "身份证件号码", "居民身份证号",
    }
)  # fmt: skip
"""Numbers that the product does not keep; the column is left out."""
WORDS: Final = {
    kind: {
        head: (field, rank)
        for field, heads in (*_EVERYWHERE.items(), *own.items())
        for rank, head in enumerate(heads.split())
    }
    for kind, own in _OWN.items()
}
"""What a head means in a sheet of a kind, and how far down its list it stands."""
_KNOWN = frozenset(head for words in WORDS.values() for head in words) | _SERIAL | UNWANTED
NOT_KEPT: Final[Mapping[Kind, frozenset[Field]]] = {
    Kind.NODES: frozenset({Field.NOTE}),
    Kind.HOUSEHOLDS: frozenset({Field.RESIDENTS, Field.CARE}),
    Kind.PEOPLE: frozenset({Field.GENDER, Field.NOTE}),
    Kind.POSTS: frozenset({Field.NOTE}),
    Kind.ORGANIZATIONS: frozenset({*_OF_ORGANIZATIONS, Field.NOTE}),
    Kind.ESTABLISHMENTS: frozenset({Field.CREDIT_CODE, Field.NOTE}),
}
"""What no register holds, though it tells the kind of a sheet; that it is left out is told."""
_BRACKETS = re.compile(r"（[^（）]*）|\([^()]*\)|【[^【】]*】|\[[^\[\]]*\]")
_TRIMMINGS = re.compile(r"[\s*＊★:：、。]+")
BELONGING = re.compile(r"^(?:所属|所在|现|本人|本)(?=.)")
_GROUPING = re.compile(r"(?:基本)?(?:信息|情况|资料)$")
SHEET_NAMES: Final = {
    Kind.NODES: "地点",
    Kind.HOUSEHOLDS: "住户",
    Kind.PEOPLE: "人口",
    Kind.POSTS: "任职",
    Kind.ORGANIZATIONS: "部门",
    Kind.ESTABLISHMENTS: "单位",
}
"""What the templates call their sheets."""
_HINTS: Final = (
    (Kind.POSTS, re.compile("任职|岗位|网格员|网格长|巷长|楼长|楼栋长|邻长|职务|队伍|干部")),
    (Kind.PEOPLE, re.compile("人口|居民|村民|人员|家庭成员")),
    (Kind.ORGANIZATIONS, re.compile("部门")),
    (Kind.ESTABLISHMENTS, re.compile("单位|机构|企业|商户|商铺|店铺|门店|组织|经营户")),
    (Kind.HOUSEHOLDS, re.compile("户|房屋|住宅|门牌")),
    (Kind.NODES, re.compile("网格|街巷|楼栋|地点|区划|社区|区域")),
)
PLACES = frozenset(
    {Field.DISTRICT, Field.STREET, Field.COMMUNITY, Field.GRID, Field.LANE, Field.PLACE}
)
PLACE_CODES = frozenset(
    {
        Field.DISTRICT_CODE, Field.STREET_CODE, Field.COMMUNITY_CODE, Field.GRID_CODE,
        Field.LANE_CODE, Field.PLACE_CODE,
    }
)  # fmt: skip
PERSONS = frozenset({"姓名", "居民姓名", "人员姓名", "名字", "户主", "户主姓名"})
_SHOPS = frozenset(
    {
        "企业名称", "公司名称", "商户名称", "店铺名称", "商铺名称", "门店名称", "经营户",
        "经营户名称", "字号", "字号名称", "店名", "商户",
    }
)  # fmt: skip
_ORGANIZATIONS = _SHOPS | {"部门名称", "机构名称", "组织名称", "单位名称", "单位全称"}
_HEADS_OF_HOUSEHOLDS = frozenset(
    {"户主", "户主姓名", "户代表", "业主", "业主姓名", "房主", "住户姓名"}
)


def normal(head: str) -> str:
    """Return a head without spaces, brackets, stars and colons: `联系 电话（必填）*`."""
    try:
        text = clean(head, LONGEST_HEAD)
    except Unclear:
        return ""
    text = _TRIMMINGS.sub("", text)
    return _BRACKETS.sub("", text) or text


def word(*lines: str) -> str | None:
    """Return the known head that the lines of a column make, from top to bottom.

    A head of two lines is known by both together (户主信息 + 姓名: 户主姓名), or by its last.
    """
    bottom = lines[-1]
    tries = [bottom]
    if len(lines) > 1 and lines[0] and lines[0] != bottom:
        top = lines[0]
        joined = (top + bottom, _GROUPING.sub("", top) + bottom) if bottom else (top,)
        tries = [*joined, bottom]
    for text in tries:
        for form in (text, BELONGING.sub("", text)):
            if form.upper() in _KNOWN:
                return form.upper()
    return None


def is_serial(head: str, kind: Kind) -> bool:
    """Tell whether a column only counts the lines."""
    return head in _SERIAL and head not in WORDS[kind]


def kind_of(sheet: str, heads: Collection[str]) -> Kind | None:
    """Guess what the rows of a sheet are from the columns, then from the name of the sheet."""
    possible = {kind for kind in Kind if _enough(kind, heads)}
    named = next((kind for kind, name in SHEET_NAMES.items() if name == sheet), None)
    if named in possible:
        return named
    told = next((kind for kind in _TOLD if kind in possible and _tells(kind, heads)), None)
    if told is not None:
        return told
    hinted = next((kind for kind, hint in _HINTS if hint.search(sheet)), None)
    return hinted if hinted in possible else None


def is_of_places(heads: Collection[str]) -> bool:
    """Tell whether the columns are enough for a sheet of places, and name nobody."""
    return _enough(Kind.NODES, heads) and not PERSONS.intersection(heads)


_TOLD = (
    *(Kind.POSTS, Kind.PEOPLE, Kind.ESTABLISHMENTS),
    *(Kind.ORGANIZATIONS, Kind.HOUSEHOLDS, Kind.NODES),
)
"""In this order: a post also has a person, a person a door, a door a place."""


def _fields(kind: Kind, heads: Collection[str]) -> set[Field]:
    return {WORDS[kind][head][0] for head in heads if head in WORDS[kind]}


def _enough(kind: Kind, heads: Collection[str]) -> bool:
    """Tell whether the columns without which rows of a kind mean nothing are there."""
    found = _fields(kind, heads)
    match kind:
        case Kind.NODES:
            return bool(found & (PLACES | PLACE_CODES | {Field.NAME, Field.CODE}))
        case Kind.HOUSEHOLDS:
            return bool(found & {Field.ADDRESS, Field.ROOM})
        case Kind.POSTS:
            return {Field.NAME, Field.POST} <= found
        case Kind.ESTABLISHMENTS:
            own = found & {Field.ADDRESS, Field.CREDIT_CODE} or _SHOPS.intersection(heads)
            return Field.NAME in found and bool(own)
        case Kind.PEOPLE | Kind.ORGANIZATIONS:
            return Field.NAME in found


def _tells(kind: Kind, heads: Collection[str]) -> bool:
    """Tell whether the columns are those of a kind, and of no other."""
    found, given = _fields(kind, heads), set(heads)
    match kind:
        case Kind.POSTS:
            return True
        case Kind.PEOPLE:
            telling = {Field.GENDER, Field.BORN_ON, Field.RELATION, Field.MOVED_IN_ON}
            return bool(
                found & telling or (given & UNWANTED and not given & _HEADS_OF_HOUSEHOLDS)
            )
        case Kind.ORGANIZATIONS | Kind.ESTABLISHMENTS:
            return Field.CREDIT_CODE in found or bool(given & _ORGANIZATIONS)
        case Kind.HOUSEHOLDS:
            telling = {Field.HOUSE_USE, Field.RESIDENTS, Field.UNIT, Field.ROOM}
            persons = given & PERSONS
            return bool(given & _HEADS_OF_HOUSEHOLDS or found & telling or not persons)
        case Kind.NODES:
            own = found & {Field.NODE_KIND, Field.PARENT, Field.PARENT_CODE, Field.CODE}
            several = len(found & (PLACES | PLACE_CODES)) > 1
            return not given & PERSONS and bool(own or several)
