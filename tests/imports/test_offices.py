"""Tables as a county's offices keep them: in the words of the district, posts beside places."""

import pytest
from sqlalchemy import select

from neighborhood_api.grid.layers.models import Profile
from neighborhood_api.grid.layers.ready import READY
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.imports.planning import raw_connection
from neighborhood_api.imports.reports import write_report
from neighborhood_api.imports.staging import Source
from tests.imports.bringing import sheets_of
from tests.imports.county import DOORS, FRESH, NODES, POSTS, County, outcomes
from tests.imports.reading.raw import row, workbook, worksheet

WIDE = "社区,社区书记,电话,社区书记值班电话,网格,网格长,电话,网格员,电话,值班电话"
CHOSEN = f"{POSTS},产生方式,产生日期,赞成票,实到票数,文号"


def phone(number: int) -> str:
    return f"154000{number:05}"


async def test_posts_beside_their_places_become_appointments(county: County) -> None:
    secretary = ("观华社区", "赵书记", phone(1), "0752-6000009")
    rows = (
        (*secretary, "第一网格", "钱长", phone(2), "孙员", phone(3), "0752-6000001"),
        (*secretary, "第一网格", "钱长", phone(2), "李员", phone(4), "0752-6000001"),
        (*secretary, "第二网格", "", "", "周员", phone(5), "0752-6000002"),
    )
    file = county.file("网格", WIDE, *rows)
    plan = await county.plan(file)
    assert not plan.faults, await county.said()
    assert outcomes(plan, "nodes") == {"new": 1, "unchanged": 2}
    assert outcomes(plan, "posts") == {"new": 5}
    path = county.folder / "report.xlsx"
    await write_report(await raw_connection(county.tx), plan, path)
    _, lines, *_ = sheets_of(path.read_bytes())
    told = [*secretary, "第二网格", "周员", phone(5), "0752-6000002"]
    assert lines[3][-8:] == told

    await county.bring(file)
    held = {(one.role, one.duty_phone, one.is_primary) for one in await county.open_posts()}
    assert held == {
        ("community_secretary", "0752-6000009", False),
        ("grid_leader", "0752-6000001", False),
        ("grid_worker", "0752-6000001", True),
        ("grid_worker", "0752-6000001", False),
        ("grid_worker", "0752-6000002", True),
    }
    again = await county.bring(file)
    assert (again.changes, again.faults) == (0, 0)


@pytest.mark.parametrize(
    ("head", "line", "said"),
    [
        ("网格,楼栋长,电话", "第一网格,赵六,15400000001", "楼栋长：这一行没有本次导入的街巷"),
        (
            "网格,网格长,电话",
            "第一网格,赵六,15400000001",
            "网格长：缺少值班电话（公开），请加一列“网格长值班电话”",
        ),
        (
            "社区,社区书记,电话,网格,值班电话",
            "观华社区,赵六,15400000001,第一网格,07526000001",
            "社区书记：缺少值班电话",
        ),
        ("网格,网格长,电话,值班电话", "第一网格,赵六,,07526000001", "网格长：缺少本人手机号"),
        (
            "网格,网格长1,电话,网格长2,电话,值班电话",
            "第一网格,赵六,15400000001,钱七,15400000002,07526000001",
            "网格长：网格长只能由一人担任",
        ),
    ],
)
async def test_a_post_beside_its_place_that_cannot_be_taken_says_which(
    county: County, head: str, line: str, said: str
) -> None:
    plan = await county.plan(county.file("网格", head, line.split(",")))
    assert outcomes(plan, "posts")["fault"] == 1
    (found,) = await county.said()
    assert found.startswith(said)


async def test_a_district_names_kinds_and_posts_in_its_own_words(county: County) -> None:
    ready = next(one for one in READY if one.code == "yuetang")
    profile = Profile(
        district_id=county.district.id,
        level_names=[*ready.level_names],
        kinds=[[*kinds] for kinds in ready.kinds],
        role_names={role.value: name for role, name in ready.role_names.items()},
    )
    county.tx.add(profile)
    await county.tx.flush()
    compound = f"{county.community}009"
    nodes = county.file(
        "地点",
        NODES,
        (compound, "荔园", "小区", county.community),
        (f"{compound}001", "1栋", "", compound),
        (f"{county.community}008", "八网格", "网格", county.community),
        (county.lane, "桂枝巷", "街巷", ""),
    )
    posts = county.file(
        "任职",
        POSTS,
        (compound, "赵六", "小区党支部书记", phone(11), "0752-6000001"),
        (f"{compound}001", "钱七", "楼栋长", phone(12), "0752-6000001"),
        (f"{compound}001", "孙八", "居民代表", phone(13), "0752-6000001"),
    )
    wide = county.file("小区", "小区,小区党支部书记,电话,备注", ("荔园", "赵六", phone(11), ""))
    plan = await county.plan(nodes, posts, wide)
    assert outcomes(plan, "nodes") == {"new": 2, "unchanged": 2, "fault": 1}
    assert outcomes(plan, "posts") == {"new": 2, "fault": 2}
    said = await county.said()
    assert "本区县的小区，类型只能是小区，请修改类型" in said
    assert "岗位只能是楼栋党小组长、网格员、小区党支部书记" in "".join(said)
    assert any("出现多次" in one for one in said)
    kinds = {spot.name: spot.kind for spot in plan.nodes.new}
    assert kinds == {"荔园": "compound", "1栋": "building"}


async def test_a_place_renamed_by_the_file_is_found_by_its_new_name_in_the_same_import(
    county: County,
) -> None:
    plan = await county.plan(
        county.file("地点", "编码,名称", (county.lane, "书香巷")),
        county.file("住户", "街巷,门牌号", ("书香巷", "1号"), ("桂枝巷", "2号")),
    )
    assert (plan.faults, outcomes(plan, "households")) == (0, {"new": 2})


async def test_each_new_lane_can_have_its_plate(county: County) -> None:
    codes = [f"{county.grid}{number:03}" for number in (11, 12)]
    head = f"{NODES},启用日期"
    lanes = [(code, f"{code[-2:]}号巷", "街巷", county.grid, "2024-03-01") for code in codes]
    grid = (f"{county.community}007", "七网格", "网格", county.community, "")
    await county.bring(county.file("地点", head, *lanes, grid))
    found = select(Node).where(Node.code.in_((*codes, grid[0]))).order_by(Node.code)
    other, *new = (await county.tx.scalars(found, execution_options=FRESH)).all()[::-1]
    assert other.plate_code is None
    plates = {one.plate_code for one in new}
    assert len(plates) == 2
    assert all(code is not None and code.startswith("P") for code in plates)
    assert {one.valid_from.isoformat() for one in new} == {"2024-03-01"}


LONG = "长" * 700


@pytest.mark.parametrize(
    ("name", "head", "line", "said"),
    [
        ("住户", DOORS, ("{lane}", LONG, ""), "门牌超过 60 字"),
        ("住户", f"{DOORS},备注", ("{lane}", "1号", "", LONG), "备注超过 200 字"),
        ("住户", f"{DOORS},户主", ("{lane}", "1号", "", LONG), "户主姓名超过 30 字"),
        (
            "住户",
            f"{DOORS},核实日期",
            ("{lane}", "1号", "", "2027-01-01"),
            "核实日期不能晚于今天",
        ),
        ("人口", "街巷编码,门牌号,姓名,性别", ("{lane}", "1号", LONG, ""), "姓名超过 30 字"),
        (
            "人口",
            "街巷编码,门牌号,姓名,出生年月",
            ("{lane}", "1号", "张三", "2027"),
            "出生日期不能",
        ),
        (
            "人口",
            "街巷编码,门牌号,姓名,迁入日期",
            ("{lane}", "1号", "张三", "2027-1-1"),
            "迁入日期",
        ),
        ("地点", NODES, ("", LONG, "街巷", "{grid}"), "名称超过 60 字"),
        (
            "地点",
            f"{NODES},启用日期",
            ("", "新巷", "街巷", "{grid}", "2027-1-1"),
            "启用日期不能",
        ),
        ("部门", "所属地点编码,部门名称", ("{street}", LONG), "部门名称超过 60 字"),
        ("部门", "所属地点编码,部门名称", ("{lane}", "老王店"), "请填在“单位”表"),
    ],
)
async def test_what_no_register_can_hold_is_told_by_the_dry_run(
    county: County, name: str, head: str, line: tuple[str, ...], said: str
) -> None:
    codes = {"grid": county.grid, "lane": county.lane, "street": county.street}
    plan = await county.plan(county.file(name, head, [one.format(**codes) for one in line]))
    assert plan.faults == 1
    (found,) = await county.said()
    assert found.startswith(said) or said in found


async def test_what_no_text_may_hold_is_shown_in_the_report(county: County) -> None:
    lines = [
        row(1, "街巷编码", "门牌号", "户主"),
        row(2, county.lane, "1号", "张_x0000_三"),
        row(3, county.lane, "2号", "李_xD800_四"),
    ]
    path = county.folder / "hostile.xlsx"
    path.write_bytes(workbook({"𠮷" * 31: worksheet(lines)}).read())
    plan = await county.plan(Source("hostile.xlsx", path))
    assert outcomes(plan, "households") == {"fault": 2}
    report = county.folder / "told.xlsx"
    await write_report(await raw_connection(county.tx), plan, report)
    _, rows, *_ = sheets_of(report.read_bytes())
    assert ["控制字符" in line[2] for line in rows[1:]] == [True, True]


async def test_how_a_holder_was_chosen_and_who_is_primary_come_with_the_appointment(
    county: County,
) -> None:
    head = f"{CHOSEN},主责网格员"
    first = (county.grid, "赵六", "网格员", phone(21), "0752-6000001")
    second = (county.grid, "钱七", "网格员", phone(22), "0752-6000002")
    chosen = ("推选", "2026-11-01", "41", "52", "罗阳居字〔2026〕7号")
    await county.bring(
        county.file("任职", head, (*first, *[""] * 5, ""), (*second, *chosen, "是"))
    )
    posts = {one.duty_phone: one for one in await county.open_posts()}
    assert {tel: one.is_primary for tel, one in posts.items()} == {
        "0752-6000001": False,
        "0752-6000002": True,
    }
    kept = await county.tx.get_one(Selection, posts["0752-6000002"].id)
    assert (kept.kind, kept.votes_for, kept.votes_cast) == ("elected", 41, 52)
    assert (kept.decided_on.isoformat(), kept.document_number) == ("2026-11-01", chosen[-1])

    change = county.file(
        "任职",
        head,
        (*first, "任命", "2026-11-20", "", "", "", "是"),
        (*second, "", "", "42", "", "", ""),
    )
    plan = await county.bring(change)
    assert outcomes(plan, "posts") == {"changed": 2}
    said = await county.said("changed")
    assert said == ["主责网格员由钱七改为赵六", "补记产生方式", "产生方式有变"]
    posts = {one.duty_phone: one for one in await county.open_posts()}
    assert {tel: one.is_primary for tel, one in posts.items()} == {
        "0752-6000001": True,
        "0752-6000002": False,
    }
    kept = await county.tx.get_one(Selection, kept.appointment_id, populate_existing=True)
    assert (kept.votes_for, kept.votes_cast, kept.version) == (42, 52, 2)
    again = await county.bring(change)
    assert (again.changes, again.faults) == (0, 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("{lane}", "巷长", "", "", "", "", "", "是"), "只有网格员可设为主责"),
        (
            ("{grid}", "网格员", "抽签", "", "", "", "", ""),
            "产生方式只能是推选、提名、招聘、任命",
        ),
        (("{grid}", "网格员", "推选", "", "", "", "", ""), "请填写产生日期"),
        (("{grid}", "网格员", "", "2026-11-01", "", "", "", ""), "请填写产生方式"),
        (("{grid}", "网格员", "推选", "2026-11-01", "9", "8", "", ""), "票数不符"),
        (("{grid}", "网格员", "推选", "2026-11-01", "", "", LONG, ""), "文号超过 60 字"),
        (("{grid}", "网格员", "", "", "", "", "", "也许"), "请填写“是”或“否”"),
    ],
)
async def test_a_choice_against_the_rules_is_a_fault(
    county: County, line: tuple[str, ...], said: str
) -> None:
    codes = {"grid": county.grid, "lane": county.lane}
    place, post, *rest = (one.format(**codes) for one in line)
    row_ = (place, "赵六", post, phone(31), "0752-6000001", *rest)
    plan = await county.plan(county.file("任职", f"{CHOSEN},主责网格员", row_))
    assert outcomes(plan, "posts") == {"fault": 1}
    (found,) = await county.said()
    assert said in found


async def test_two_primaries_of_one_grid_are_a_fault_and_one_cannot_just_step_down(
    county: County,
) -> None:
    head = f"{POSTS},主责"
    first = (county.grid, "赵六", "网格员", phone(41), "0752-6000001")
    await county.bring(county.file("任职", POSTS, first))
    second = (county.grid, "钱七", "网格员", phone(42), "0752-6000001")
    plan = await county.plan(county.file("任职", head, (*first, "是"), (*second, "是")))
    assert outcomes(plan, "posts")["fault"] == 1
    plan = await county.plan(county.file("任职", head, (*first, "否")))
    assert await county.said() == ["现为主责网格员；请在接任主责的一行填“是”"]


SHOPS = "所属地点编码,单位名称,单位类型,单位地址,联系人,联系电话"


async def test_organisations_at_places_are_brought_changed_and_known_again(
    county: County,
) -> None:
    first = county.file(
        "单位",
        SHOPS,
        (county.lane, "老王小吃店", "经营户", "12 号", "王五", "13800138009"),
        (county.grid, "桂枝小学", "学校", "1号", "", "07526622333"),
        (county.lane, "便利店", "", "3号", "", ""),
        (county.lane, "便利店", "商户", "5号", "", ""),
    )
    plan = await county.bring(first)
    assert outcomes(plan, "establishments") == {"new": 4}
    assert await county.said("warning") == ["没有填单位类型，登记为其他"]
    kept = {(one.name, one.address): one for one in await county.establishments()}
    school, shop = kept["桂枝小学", "1号"], kept["老王小吃店", "12号"]
    assert (school.kind, school.lane_id, school.contact_phone) == (
        *("school", None, "0752-6622333"),
    )
    assert (shop.kind, shop.contact_name, shop.contact_phone) == (
        *("shop", "王五", "13800138009"),
    )
    again = await county.bring(first)
    assert (again.changes, again.faults) == (0, 0)

    second = county.file(
        "单位",
        SHOPS,
        (county.lane, "老王小吃店", "", "14号", "", "13800138008"),
        (county.lane, "便利店", "商户", "3号", "", ""),
    )
    plan = await county.bring(second)
    assert outcomes(plan, "establishments") == {"changed": 2}
    assert plan.totals["establishments"]["missing"] == 1
    assert await county.said("changed") == ["修改地址、联系电话", "修改单位类型"]
    moved = next(one for one in await county.establishments() if one.id == shop.id)
    assert (moved.address, moved.contact_name, moved.contact_phone, moved.version) == (
        *("14号", "王五", "13800138008", 2),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("{street}", "老王店", "商户", "1号", "", ""), "单位要登记在街巷或网格"),
        (("{lane}", "老王店", "小摊", "1号", "", ""), "单位类型只能是商户、企业"),
        (("{lane}", "", "商户", "1号", "", ""), "缺少单位名称"),
        (("{lane}", "老王店", "商户", LONG, "", ""), "超过 60 字"),
        (("{lane}", "老王店", "商户", "1号", LONG, ""), "联系人超过 30 字"),
        (("{lane}9", "老王店", "商户", "1号", "", ""), "没有找到"),
    ],
)
async def test_an_organisation_that_cannot_be_registered_is_a_fault(
    county: County, line: tuple[str, ...], said: str
) -> None:
    codes = {"lane": county.lane, "street": county.street}
    lines = [one.format(**codes) for one in line]
    plan = await county.plan(county.file("单位", SHOPS, lines), by=county.actor())
    assert outcomes(plan, "establishments") == {"fault": 1}
    (found,) = await county.said()
    assert said in found


async def test_a_community_brings_its_own_organisations(county: County) -> None:
    file = county.file("单位", SHOPS, (county.lane, "老王店", "商户", "1号", "", ""))
    plan = await county.plan(file, file, at=county.community, by=county.clerk())
    assert outcomes(plan, "establishments") == {"new": 1, "fault": 1}
