"""What a dry run says of rows as offices write them; nothing is written by it."""

import pytest

from neighborhood_api.grid.posts.choosing import SELECTION_NAMES
from neighborhood_api.imports import choices, establishments, staging
from neighborhood_api.kit.sealing import SealingKey, Seals, seals, use_seals
from neighborhood_api.registers.names import ESTABLISHMENT_NAMES, OCCUPANCY_NAMES
from tests.imports.county import DOORS, NODES, PEOPLE, POSTS, County, outcomes


def test_what_answers_call_a_code_is_taken_from_a_file() -> None:
    for shown, taken in (
        (OCCUPANCY_NAMES, staging.OCCUPANCIES),
        (ESTABLISHMENT_NAMES, establishments.KINDS),
        (SELECTION_NAMES, choices.HOW),
    ):
        assert {code: taken.get(name) for code, name in shown.items()} == {
            code: code for code in shown
        }


async def test_a_dry_run_writes_nothing(county: County) -> None:
    before = await county.written()
    plan = await county.plan(
        county.file("地点", NODES, (f"{county.grid}009", "九号巷", "街巷", county.grid)),
        county.file("住户", DOORS, (county.lane, "1号", "出租")),
        county.file(
            "任职", POSTS, (county.lane, "赵六", "巷长", "15400000105", "0752-6000001")
        ),
    )
    assert plan.changes == 3
    assert await county.written() == before


async def test_places_are_found_by_names_and_other_spellings_are_told(county: County) -> None:
    head = "街道,社区,网格,街巷,门牌号"
    found = county.file("住户", head, ("迎曦街道", "观华社区", "第一 网格", "桂枝巷", "5号"))
    plan = await county.plan(found)
    assert outcomes(plan, "households") == {"new": 1}
    wrong = county.file(
        "住户",
        head,
        ("迎曦街道", "", "", "无名巷", "5号"),
        ("迎曦街道", "观华社区", "", "", "5号"),
        ("别的街道", "观华社区", "第一网格", "桂枝巷", "5号"),
    )
    plan = await county.plan(wrong)
    assert outcomes(plan, "households") == {"fault": 3}
    first, second, third = await county.said()
    assert "迎曦街道/无名巷" in first
    assert "不是街巷或楼栋" in second
    assert "没有找到" in third
    county.add(
        county.by_code[county.community], f"{county.community}002", "grid", "荔园（一期）"
    )
    spelled = county.file(
        "地点",
        "编码,名称",
        (f"{county.community}002", "荔园 (一期)"),
        (county.grid, "第十网格"),
    )
    plan = await county.plan(spelled)
    assert outcomes(plan, "nodes") == {"changed": 1, "unchanged": 1}
    assert plan.totals["nodes"]["warning"] == 1
    assert await county.said("warning") == ["名称写法与登记不同，登记为“荔园（一期）”"]
    assert await county.said("changed") == ["名称由“第一网格”改为“第十网格”"]


async def test_a_tree_that_would_be_rebuilt_is_refused(county: County) -> None:
    other = f"{county.stem}001002"
    plan = await county.plan(
        county.file(
            "地点",
            NODES,
            (other, "新社区", "社区", county.street),
            (county.grid, "第一网格", "网格", other),
            (county.lane, "桂枝巷", "网格", county.community),
            (f"{other}001", "网格", "街巷", other),
            (f"{other}02", "短码网格", "网格", other),
            ("", "无码社区", "社区", county.street),
            (f"{other}003", "孤巷网格", "网格", f"{county.stem}009009"),
            (county.next_lane, "书灯巷", "街巷", county.grid),
            (county.next_lane, "书灯巷", "街巷", county.grid),
        )
    )
    assert outcomes(plan, "nodes") == {"new": 1, "fault": 7, "unchanged": 1}
    moved, level, deep, short, codeless, orphan, twice = await county.said()
    assert "网格重组" in moved
    assert "不能改变层级" in level
    assert "没有找到上级" in deep
    assert "15 位" in short
    assert "缺少国家统一编码" in codeless
    assert "没有找到上级" in orphan
    assert "出现多次" in twice


async def test_grids_and_lanes_without_a_code_get_the_next_one_and_are_known_again(
    county: County,
) -> None:
    file = county.file(
        "街巷",
        "社区,网格,街巷",
        ("观华社区", "第一网格", "新巷"),
        ("观华社区", "第一网格", "书灯巷"),
    )
    plan = await county.bring(file)
    assert outcomes(plan, "nodes") == {"new": 1, "unchanged": 1}
    assert await county.said("new") == [f"编码自动编为 {county.grid}003"]
    assert outcomes(await county.plan(file), "nodes") == {"unchanged": 2}


async def test_rows_that_mean_the_same_household_or_person_are_told(county: County) -> None:
    plan = await county.plan(
        county.file(
            "住户",
            DOORS,
            (county.lane, "1号", "自住"),
            (county.lane, " １号", "自住"),
            (county.lane, "1号", "出租"),
            (county.lane, "", "自住"),
            (county.lane, "2号", "别墅"),
        ),
        county.file(
            "人口",
            PEOPLE,
            (county.lane, "1号", "张三", "户主", "15400000201", ""),
            (county.lane, "1号", "张 三", "户主", "15400000201", ""),
            (county.lane, "1号", "李四", "户主", "", "1980-01-01"),
            (county.lane, "1号", "王五", "", "1540", ""),
        ),
    )
    assert outcomes(plan, "households") == {"new": 1, "unchanged": 1, "fault": 3}
    assert outcomes(plan, "people")["fault"] == 3
    said = "\n".join(await county.said())
    for words in (
        "同一户，但内容不同",
        "缺少门牌",
        "房屋用途只能是",
        "一户只能有一位户主",
        "手机号码",
    ):
        assert words in said
    assert "与第 2 行重复，只取一次" in await county.said("warning")


async def test_a_person_is_known_by_household_and_name_with_phone_or_birth(
    county: County,
) -> None:
    await county.bring(
        county.file(
            "人口",
            PEOPLE,
            (county.lane, "1号", "张三", "户主", "15400000201", "1950-01-01"),
            (county.lane, "1号", "李四", "配偶", "15400000202", ""),
        )
    )
    plan = await county.plan(
        county.file(
            "人口",
            PEOPLE,
            (county.lane, "1号", "张三", "户主", "15400000209", "1950-06-01"),
            (county.lane, "1号", "李四", "配偶", "15400000202", "1955-01-01"),
            (county.lane, "1号", "李四", "", "15400000203", "1990-01-01"),
            (county.lane, "1号", "李似", "", "15400000202", ""),
            (county.next_lane, "1号", "张三", "", "15400000201", "1950-01-01"),
        )
    )
    assert outcomes(plan, "people") == {"changed": 2, "new": 3}
    assert await county.said("changed") == ["修改电话", "修改出生年份"]
    same_name, same_phone, implied = await county.said("warning")
    assert "同名" in same_name
    assert "姓名不同" in same_phone
    assert "将一并新建" in implied


async def test_what_the_file_leaves_out_is_listed_and_stays(county: County) -> None:
    doors = [(county.lane, f"{n}号", "自住") for n in (1, 2)] + [(county.next_lane, "3号", "")]
    await county.bring(county.file("住户", DOORS, *doors))
    people = [(county.lane, "1号", name, "", "", "") for name in ("张三", "李四")]
    await county.bring(county.file("人口", PEOPLE, *people))
    plan = await county.bring(
        county.file("住户", DOORS, doors[0]), county.file("人口", PEOPLE, people[0])
    )
    assert plan.totals["households"]["missing"] == 1
    assert plan.totals["people"]["missing"] == 1
    assert len(await county.households()) == 3
    assert len(await county.residents()) == 2


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("{grid}", "赵六", "巷长", "15400000301", "0752-6000001"), "不属于这一层级"),
        (("{lane}", "赵六", "总管理员", "15400000301", "0752-6000001"), "命令行"),
        (("{lane}", "赵六", "大王", "15400000301", "0752-6000001"), "岗位只能是"),
        (("{lane}", "赵六", "巷长", "0752-6000001", "0752-6000001"), "手机号"),
        (("{lane}", "赵六", "巷长", "15400000301", ""), "值班电话"),
        (("{street}", "赵六", "部门承办人", "15400000301", "0752-6000001"), "所属部门"),
        (("{lane}9", "赵六", "巷长", "15400000301", "0752-6000001"), "没有找到"),
    ],
)
async def test_an_appointment_against_the_rules_of_posts_is_a_fault(
    county: County, row: tuple[str, ...], words: str
) -> None:
    codes = {"grid": county.grid, "lane": county.lane, "street": county.street}
    plan = await county.plan(county.file("任职", POSTS, [cell.format(**codes) for cell in row]))
    assert outcomes(plan, "posts") == {"fault": 1}
    (said,) = await county.said()
    assert words in said


async def test_two_holders_of_one_seat_in_a_file_are_a_fault(county: County) -> None:
    plan = await county.plan(
        county.file(
            "任职",
            POSTS,
            (county.lane, "赵六", "巷长", "15400000301", "0752-6000001"),
            (county.lane, "钱七", "巷长", "15400000302", "0752-6000001"),
            (county.grid, "赵六", "网格员", "15400000301", "0752-6000001"),
            (county.grid, "钱七", "网格员", "15400000302", "0752-6000001"),
        )
    )
    assert outcomes(plan, "posts") == {"new": 3, "fault": 1}


async def test_a_community_brings_households_and_people_of_its_own_and_nothing_else(
    county: County,
) -> None:
    other = county.add(
        county.by_code[county.street], f"{county.stem}001002", "community", "文魁社区"
    )
    grid = county.add(other, f"{other.code}001", "grid", "第一网格")
    county.add(grid, f"{grid.code}001", "lane", "文魁巷")
    plan = await county.plan(
        county.file("住户", DOORS, (county.lane, "1号", ""), (f"{grid.code}001", "1号", "")),
        county.file("人口", PEOPLE, (f"{grid.code}001", "2号", "张三", "", "", "")),
        county.file("地点", NODES, (f"{county.grid}009", "九号巷", "街巷", county.grid)),
        county.file(
            "任职", POSTS, (county.lane, "赵六", "巷长", "15400000301", "0752-6000001")
        ),
        at=county.community,
        by=county.clerk(),
    )
    found = {kind: outcomes(plan, kind) for kind in plan.totals}
    assert found == {
        "households": {"new": 1, "fault": 1},
        "people": {"fault": 1},
        "nodes": {"fault": 1},
        "posts": {"fault": 1},
    }


async def test_rows_that_an_older_key_sealed_are_known_too(county: County) -> None:
    file = county.file("人口", PEOPLE, (county.lane, "1号", "张三", "", "15400000401", ""))
    doors = county.file("住户", DOORS, (county.lane, "1号", "自住"))
    await county.bring(file, doors)
    before = seals()
    newer = [SealingKey(bytes([number]) * 64) for number in (9,)]
    old = before._ciphers  # noqa: SLF001  (a key ring of a test)
    rotated = Seals(newer)
    rotated._ciphers += old  # noqa: SLF001
    rotated._by_mark |= dict(old)  # noqa: SLF001
    use_seals(rotated)
    try:
        again = await county.plan(file, doors)
        assert {kind: outcomes(again, kind) for kind in again.totals} == {
            "people": {"unchanged": 1},
            "households": {"unchanged": 1},
        }
    finally:
        use_seals(before)
