"""What the columns are called, where their heads stand, and what kind of sheet they make."""

from io import BytesIO

import pytest

from neighborhood_api.imports.reading.book import read_tables
from neighborhood_api.imports.reading.problems import NothingToRead
from neighborhood_api.imports.reading.tables import Field, Kind, Skipped
from tests.imports.reading.reading import read_all, read_one


def heads(line: str, sheet: str = "表") -> tuple[Kind, list[Field]]:
    table, _ = read_one(f"{line}\n".encode(), f"{sheet}.csv")
    return table.kind, [column.field for column in table.columns]


@pytest.mark.parametrize(
    ("line", "sheet", "kind", "fields"),
    [
        (
            "序号,所属社区,网格编号,网格名称",
            "表",
            Kind.NODES,
            "community grid_code grid",
        ),
        ("编码,名称,类型,上级编码", "表", Kind.NODES, "code name node_kind parent_code"),
        ("街道,社区,网格,街巷", "表", Kind.NODES, "street community grid lane"),
        (
            "居委会,网格代码,户主,门牌号,联系电话",
            "表",
            Kind.HOUSEHOLDS,
            "community grid_code head address phone",
        ),
        ("楼栋,单元,房号,业主姓名,手机", "表", Kind.HOUSEHOLDS, "lane unit room head phone"),
        ("姓名,详细地址,电话", "2024年住户花名册", Kind.HOUSEHOLDS, "head address phone"),
        ("姓名,详细地址,电话", "居民", Kind.PEOPLE, "name address phone"),
        ("姓名,性别,出生日期,家庭住址", "表", Kind.PEOPLE, "name born_on address"),
        ("户主,姓名,与户主关系,门牌", "表", Kind.PEOPLE, "head name relation address"),
        (
            "姓名,职务,手机号码,值班电话,任职时间,网格编码",
            "网格",
            Kind.POSTS,
            "name post phone duty_phone starts_on grid_code",
        ),
        (
            "单位名称,统一社会信用代码,负责人,联系电话,地址",
            "表",
            Kind.ESTABLISHMENTS,
            "name contact phone address",
        ),
        ("名称,联系人,电话", "部门", Kind.ORGANIZATIONS, "name"),
        ("商户名称,经营者,手机,网格", "表", Kind.ESTABLISHMENTS, "name contact phone grid"),
        ("联系 电话（必填）*,户　主：,＊门牌号", "表", Kind.HOUSEHOLDS, "phone head address"),
    ],
)
def test_columns_are_known_by_many_names(
    line: str, sheet: str, kind: Kind, fields: str
) -> None:
    assert heads(line, sheet) == (kind, fields.split())


def test_a_sheet_of_no_clear_kind_is_refused_and_says_how_to_name_it() -> None:
    file = "姓名,地址,电话\n张三,1号,13800138000\n".encode()

    with pytest.raises(NothingToRead):
        read_all(file, "表.csv")
    assert read_one_kind(file, {"表": Kind.PEOPLE}) is Kind.PEOPLE
    assert read_one_kind(file, {"": Kind.HOUSEHOLDS}) is Kind.HOUSEHOLDS


def read_one_kind(file: bytes, kinds: dict[str, Kind]) -> Kind:
    found = read_all(file, "表.csv", kinds=kinds)[0]
    assert isinstance(found, tuple)
    return found[0].kind


def only_refusal(file: str, name: str = "表.csv") -> Skipped:
    found = next(iter(read_tables(BytesIO(file.encode()), name)))
    assert isinstance(found, Skipped)
    return found


def test_an_unclear_sheet_names_what_it_knows() -> None:
    refused = only_refusal("姓名,地址,电话\n张三,1号,13800138000\n")

    assert refused.wrong
    assert "认识的列：姓名、地址、电话" in refused.message
    assert "“住户”、“人口”" in refused.message


def test_a_sheet_without_known_heads_is_refused() -> None:
    refused = only_refusal("甲,乙,丙\n1,2,3\n")

    assert refused.wrong
    assert "没有找到认识的表头" in refused.message


def test_two_columns_of_one_name_are_refused_by_their_letters() -> None:
    refused = only_refusal("户主,联系电话,门牌号,联系电话\n")

    assert refused.wrong
    assert refused.message == "B 列和 D 列都是“联系电话”，请只保留一列，或改成不同的列名"


def test_of_two_columns_of_one_meaning_the_plainer_is_read_and_the_other_named() -> None:
    table, rows = read_one("联系人,户主,门牌号\n李四,张三,1号\n".encode(), "住户.csv")

    assert rows[0].get(Field.HEAD) == "张三"
    assert table.notes == ["A 列“联系人”没有读取：与 B 列“户主”意思相同"]


def test_identity_numbers_are_not_read() -> None:
    file = "姓名,身份证号,性别\n张三,441322199001011234,男\n".encode()

    table, rows = read_one(file, "人口.csv")

    assert dict(rows[0].values) == {Field.NAME: "张三"}
    assert table.notes == [
        "B 列“身份证号”没有读取：系统不保存证件号码",
        "C 列“性别”没有读取：这张表不登记这一项",
    ]


def test_unknown_columns_are_named() -> None:
    table, _ = read_one("户主,政治面貌,门牌号,爱好\n".encode(), "住户.csv")

    assert table.notes == ["这些列没有读取（不认识的列名）：B 列“政治面貌”、D 列“爱好”"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "，", "；"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_texts_are_read_in_every_encoding_and_separation(
    encoding: str, separator: str, newline: str
) -> None:
    lines = [("网格", "户主", "门牌号"), ("第一网格", "张三", "3栋,2;1"), ("", "李四", "2号")]
    quoted = newline.join(separator.join(f'"{cell}"' for cell in line) for line in lines)

    table, rows = read_one(quoted.encode(encoding), "观华社区住户.csv")

    assert (table.kind, table.sheet) == (Kind.HOUSEHOLDS, "观华社区住户")
    assert [(row.number, dict(row.values)) for row in rows] == [
        (2, {Field.GRID: "第一网格", Field.HEAD: "张三", Field.ADDRESS: "3栋,2;1"}),
        (3, {Field.HEAD: "李四", Field.ADDRESS: "2号"}),
    ]


def test_a_short_text_that_is_also_utf_8_is_read_as_the_rest_is() -> None:
    file = "单位名称,联系人,备注\n联通,张三,联通\n移动公司,李四,无\n".encode("gbk")

    _, rows = read_one(file, "单位.csv")

    assert [row.get(Field.NAME) for row in rows] == ["联通", "移动公司"]
