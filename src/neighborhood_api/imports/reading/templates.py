"""What offices fill in: a sheet for each kind, with an example and what to write."""

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import Final, NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from neighborhood_api.imports.reading.heads import SHEET_NAMES
from neighborhood_api.imports.reading.rows import EXAMPLE
from neighborhood_api.imports.reading.tables import Field, Kind
from neighborhood_api.kit.sheets import TEXT_ONLY, SheetFormat, harmless, table

EXPLANATION = "填表说明"
SERIAL = "序号"
_TITLE = "{name}表：从第 4 行开始填写；带 * 的列必填；第 3 行是示例，导入时会跳过"
_ADVICE = (
    "每张工作表填一类数据，工作表名称请不要修改；用不到的工作表可以删除。",
    "带 * 的列必填，其他列没有内容就留空；列的先后可以调整，不认识的列不会读取。",
    "编码和电话请按文本填写（模板已设好格式），不要让 Excel 变成数字。",
    "日期写成 2024-03-01。请不要填写身份证号，系统不保存证件号码。",
)
_NODE_CODES = "国家编码 12 位，往下每级加 3 位"
_AS_LISTED = "与“地点”表的编码一致"
_NODE_KINDS = "区县、街道、镇、社区、村、网格、小区、街巷或楼栋"
_PLACES = "街巷或网格的编码，与“地点”表一致"
_ORGANIZATION_KINDS = "商户、企业、机关事业单位、学校、社会组织、物业或其他"
_DAY = "写成 2024-03-01"


class TemplateColumn(NamedTuple):
    """A column as the product itself writes it, in templates and exports."""

    field: Field
    head: str
    example: str
    required: bool = False
    advice: str = ""
    width: int = 16


_C = TemplateColumn
_M = partial(TemplateColumn, required=True)
_WHERE = (
    _M(Field.LANE_CODE, "街巷编码", "441322001001001001", advice=_AS_LISTED, width=22),
    _C(Field.COMMUNITY, "社区", "观华社区", advice="填了编码可以不填，只用来核对"),
    _C(Field.GRID, "网格", "第一网格", advice="填了编码可以不填，只用来核对"),
    _C(Field.LANE, "街巷", "和平巷", advice="填了编码可以不填，只用来核对"),
)
_VERIFIED = _C(Field.VERIFIED_ON, "核实日期", "2024-03-01", advice=f"最近一次上门核实；{_DAY}")
_NOTE = _C(Field.NOTE, "备注", "", width=24)
COLUMNS: Final = {
    Kind.NODES: (
        _M(Field.CODE, "编码", "441322001001001", advice=_NODE_CODES, width=22),
        _M(Field.NAME, "名称", "第一网格"),
        _M(Field.NODE_KIND, "类型", "网格", advice=_NODE_KINDS),
        _C(Field.PARENT_CODE, "上级编码", "441322001001", advice="区县不填", width=22),
        _C(Field.PARENT, "上级名称", "观华社区", advice="填了编码可以不填，只用来核对"),
        _C(Field.LONGITUDE, "经度", "114.289634", advice="WGS-84 坐标，小数"),
        _C(Field.LATITUDE, "纬度", "23.172799", advice="WGS-84 坐标，小数"),
        _C(Field.VALID_FROM, "启用日期", "2024-03-01", advice=f"只用于新增的地点；{_DAY}"),
        _C(Field.CODE_PREFIX, "编号前缀", "", advice="大写字母，不填时与上级相同"),
        _C(Field.PLATE_CODE, "公示牌编号", "", advice="只有街巷、楼栋有；不填时自动编号"),
    ),
    Kind.HOUSEHOLDS: (
        *_WHERE,
        _M(Field.ADDRESS, "门牌号", "3栋2单元501", advice="街巷以内的门牌，同一街巷里不重复"),
        _C(Field.HEAD, "户主", "张三"),
        _C(Field.PHONE, "联系电话", "13800138000", advice="只写一个号码"),
        _C(Field.HOUSE_USE, "房屋用途", "自住", advice="自住、出租、空置等"),
        _VERIFIED,
        _NOTE,
    ),
    Kind.PEOPLE: (
        *_WHERE,
        _M(Field.ADDRESS, "门牌号", "3栋2单元501", advice="与“住户”表的门牌号一致"),
        _M(Field.NAME, "姓名", "张三"),
        _C(Field.PHONE, "联系电话", "13800138000", advice="只写一个号码"),
        _C(Field.RELATION, "与户主关系", "户主", advice="户主、配偶、子女等"),
        _C(Field.BORN_ON, "出生日期", "1960-03-01", advice=_DAY),
        _C(Field.MOVED_IN_ON, "迁入日期", "2020-03-01", advice=_DAY),
        _VERIFIED,
    ),
    Kind.POSTS: (
        _M(Field.PLACE_CODE, "任职地点编码", "441322001001001", advice=_AS_LISTED, width=22),
        _C(Field.PLACE, "任职地点", "第一网格", advice="填了编码可以不填，只用来核对"),
        _M(Field.NAME, "姓名", "李四"),
        _M(Field.POST, "职务", "网格员", advice="网格员、网格长、巷长、社区书记等"),
        _M(Field.PHONE, "手机号码", "13800138000", advice="本人手机，用来登录，不公开"),
        _M(Field.DUTY_PHONE, "值班电话", "0752-6622333", advice="公开给居民"),
        _C(Field.STARTS_ON, "任职时间", "2024-03-01", advice=_DAY),
        _C(Field.ENDS_ON, "结束日期", "", advice=f"没有任期就不填；{_DAY}"),
        _C(Field.ORGANIZATION, "部门", "", advice="部门承办人必填"),
        _C(Field.PRIMARY, "主责网格员", "是", advice="一个网格只有一名主责：是或否"),
        _C(Field.SELECTED_HOW, "产生方式", "推选", advice="推选、提名、招聘或任命"),
        _C(Field.SELECTED_ON, "产生日期", "2024-02-20", advice=f"填了产生方式时必填；{_DAY}"),
        _C(Field.VOTES_FOR, "赞成票", "", advice="只写数字"),
        _C(Field.VOTES_CAST, "实到票数", "", advice="只写数字"),
        _C(Field.VOTES_ELIGIBLE, "应到票数", "", advice="只写数字"),
        _C(Field.SELECTED_BY, "提名或任命单位", ""),
        _C(Field.DOCUMENT_NUMBER, "文号", ""),
        _C(Field.SELECTION_NOTE, "产生说明", ""),
    ),
    Kind.ORGANIZATIONS: (
        _M(Field.PLACE_CODE, "所属地点编码", "441322001000", advice=_AS_LISTED, width=22),
        _C(Field.PLACE, "所属地点", "罗阳街道", advice="区县或街道；填了编码可以不填"),
        _M(Field.NAME, "部门名称", "城市管理办公室", advice="承办诉求的部门", width=28),
    ),
    Kind.ESTABLISHMENTS: (
        _M(Field.PLACE_CODE, "所属地点编码", "441322001001001001", advice=_PLACES, width=22),
        _C(Field.PLACE, "所属地点", "和平巷", advice="填了编码可以不填，只用来核对"),
        _M(Field.NAME, "单位名称", "老王小吃店", width=28),
        _M(Field.ORGANIZATION_KIND, "单位类型", "商户", advice=_ORGANIZATION_KINDS),
        _M(Field.ADDRESS, "单位地址", "12号一楼", advice="街巷以内的门牌"),
        _C(Field.CONTACT, "联系人", "王五"),
        _C(Field.PHONE, "联系电话", "0752-6622333", advice="只写一个号码"),
        _VERIFIED,
    ),
}  # fmt: skip
"""What the product writes for each kind, in this order, after 序号."""


def template(kinds: Sequence[Kind] = tuple(Kind)) -> bytes:
    """Return an XLSX with an empty sheet for each kind, and a page that explains them."""
    written = BytesIO()
    book = Workbook(written, {"in_memory": True, **TEXT_ONLY})
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    plain = book.add_format({"num_format": "@"})
    grey = book.add_format({"num_format": "@", "italic": True, "font_color": "#7F7F7F"})
    for kind in kinds:
        _write_sheet(book.add_worksheet(SHEET_NAMES[kind]), kind, bold, plain, grey)
    _write_explanation(book.add_worksheet(EXPLANATION), kinds, bold)
    book.close()
    return written.getvalue()


def text_template(kind: Kind) -> bytes:
    """Return a CSV with the heads of a kind and an example."""
    heads = {SERIAL: 8} | {shown_head(column): column.width for column in COLUMNS[kind]}
    example = [EXAMPLE, *(column.example for column in COLUMNS[kind])]
    return table(SHEET_NAMES[kind], heads, [example], SheetFormat.CSV)


def shown_head(column: TemplateColumn) -> str:
    """Return a head with the star of those that must be filled in."""
    return f"{column.head}*" if column.required else column.head


def _write_sheet(
    sheet: Worksheet, kind: Kind, bold: Format, plain: Format, grey: Format
) -> None:
    columns = COLUMNS[kind]
    sheet.merge_range(0, 0, 0, len(columns), _TITLE.format(name=SHEET_NAMES[kind]))
    sheet.set_column(0, 0, 8, plain)
    sheet.write_string(1, 0, SERIAL, bold)
    sheet.write_string(2, 0, EXAMPLE, grey)
    for at, column in enumerate(columns, start=1):
        sheet.set_column(at, at, column.width, plain)  # text, or Excel makes numbers of codes
        sheet.write_string(1, at, shown_head(column), bold)
        sheet.write_string(2, at, harmless(column.example), grey)
        if column.advice:
            sheet.write_comment(1, at, column.advice)
    sheet.freeze_panes(2, 0)


def _write_explanation(sheet: Worksheet, kinds: Sequence[Kind], bold: Format) -> None:
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1, 24)
    sheet.set_column(2, 2, 8)
    sheet.set_column(3, 3, 60)
    line = 0
    for advice in _ADVICE:
        sheet.write_string(line, 0, advice)
        line += 1
    for at, head in enumerate(("工作表", "列", "必填", "怎样填写")):
        sheet.write_string(line + 1, at, head, bold)
    line += 2
    for kind in kinds:
        for column in COLUMNS[kind]:
            required = "是" if column.required else ""
            advice = (
                column.advice or f"例如 {column.example}" if column.example else column.advice
            )
            for at, text in enumerate((SHEET_NAMES[kind], column.head, required, advice)):
                sheet.write_string(line, at, text)
            line += 1
