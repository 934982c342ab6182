"""Sheets of places that name who holds the posts there, in columns of their own."""

from io import BytesIO

import pytest

from neighborhood_api.identity.access import LEVEL_OF
from neighborhood_api.imports.reading.book import read_tables
from neighborhood_api.imports.reading.seats import TITLES
from neighborhood_api.imports.reading.tables import Field, Kind, Table
from neighborhood_api.imports.wording import ROLES
from tests.imports.reading.reading import read_one

ZHANG, LI = "13800138001", "13800138002"


def test_every_title_is_a_post_of_one_level() -> None:
    assert {title for title in TITLES if len(LEVEL_OF[ROLES[title]]) == 1} == TITLES


@pytest.mark.parametrize(
    "lines",
    [
        ("网格,网格长,电话,网格员,电话", f"一网格,张三,{ZHANG},李四,{LI}"),
        (
            "序号,社区名称,网格名称,网格长姓名,网格长联系电话,网格员,网格员手机号码",
            f"1,观华社区,一网格,张三,{ZHANG},李四,{LI}",
        ),
        (
            "观华社区网格员信息表,,,,",
            "网格,网格长,,网格员,",
            ",姓名,电话,姓名,联系方式",
            f"一网格,张三,{ZHANG},李四,{LI}",
        ),
        (
            "网格,责任人,,,",
            ",网格长,手机,网格员,手机",
            f"一网格,张三,{ZHANG},李四,{LI}",
        ),
    ],
)
def test_posts_beside_places_are_read_in_any_layout(lines: tuple[str, ...]) -> None:
    table, rows = read_one("\n".join(lines).encode(), "网格员名册.csv")

    assert table.kind is Kind.NODES
    (found,) = rows
    assert found.get(Field.GRID) == "一网格"
    assert [(seat.title, dict(seat.values)) for seat in found.seats] == [
        ("网格长", {Field.NAME: "张三", Field.PHONE: ZHANG}),
        ("网格员", {Field.NAME: "李四", Field.PHONE: LI}),
    ]


def test_several_of_one_post_vacant_ones_and_a_shared_duty_phone_are_told_apart() -> None:
    head = "网格,网格员1,网格员1电话,网格员2,网格员2电话,网格长,值班电话"
    file = f"{head}\n一网格,张三,{ZHANG},李四,{LI},空缺,07526622333\n二网格,同上,同上,无,,,\n"

    table, rows = read_one(file.encode(), "表.csv")

    assert table.notes == []
    assert [[dict(seat.values) for seat in row.seats] for row in rows] == [
        [{Field.NAME: "张三", Field.PHONE: ZHANG}, {Field.NAME: "李四", Field.PHONE: LI}],
        [{Field.NAME: "张三", Field.PHONE: ZHANG}],
    ]
    assert rows[0].get(Field.DUTY_PHONE) == "0752-6622333"


def test_a_wrong_phone_is_a_fault_of_its_own_column() -> None:
    _, rows = read_one("网格,网格长,电话,网格员,电话\n一,张三,138,李四,1\n".encode(), "表.csv")

    assert [(fault.column, fault.seat) for fault in rows[0].faults] == [
        ("C 电话", 1),
        ("E 电话", 2),
    ]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("网格,姓名,职务,网格员,电话", Kind.POSTS),
        ("网格,网格员,门牌号,户主,电话", Kind.HOUSEHOLDS),
        ("网格,网格员姓名,职务,电话", Kind.POSTS),
    ],
)
def test_other_sheets_that_mention_a_post_stay_what_they_are(head: str, kind: Kind) -> None:
    table, _ = read_one(f"{head}\n".encode(), "表.csv")

    assert table.kind is kind
    assert not [column for column in table.columns if column.seat is not None]


@pytest.mark.parametrize(
    ("head", "line", "own", "left"),
    [
        ("门牌号,户主,网格员,电话", f"1号,张三,李四,{LI}", None, "CD"),
        ("门牌号,户主,联系电话,网格员,联系电话", f"1号,张三,{ZHANG},李四,{LI}", ZHANG, "DE"),
        ("门牌号,户主,网格员,户主电话", f"1号,张三,李四,{ZHANG}", ZHANG, "C"),
        (
            "门牌号,户主,,网格员,\n,姓名,电话,姓名,电话",
            f"1号,张三,{ZHANG},李四,{LI}",
            ZHANG,
            "DE",
        ),
    ],
)
def test_a_phone_beside_a_post_is_not_the_households(
    head: str, line: str, own: str | None, left: str
) -> None:
    table, (row,) = read_one(f"{head}\n{line}\n".encode(), "户册.csv")

    assert table.kind is Kind.HOUSEHOLDS
    assert (row.get(Field.HEAD), row.get(Field.PHONE), row.faults) == ("张三", own, ())
    told = [note for note in table.notes if "这是网格员的" in note]
    assert "".join(note[0] for note in told) == left


def test_posts_have_the_names_of_the_district_too() -> None:
    file = f"社区,小区,小区党支部书记,电话\n观华,一小区,张三,{ZHANG}\n".encode()
    for titles, seats in ((), 0), (("小区党支部书记",), 1):
        (table,) = read_tables(BytesIO(file), "小区.csv", titles=titles)
        assert isinstance(table, Table)
        (row,) = table.rows
        assert len(row.seats) == seats
