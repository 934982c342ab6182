"""Places as the country has them: every kind, and the plates that hang in their lanes."""

from sqlalchemy import select

from neighborhood_api.grid.layers.models import Profile
from neighborhood_api.grid.layers.ready import READY
from neighborhood_api.grid.models import Node
from tests.imports.county import DOORS, NODES, POSTS, County, outcomes


async def test_the_code_of_a_plate_comes_with_its_lane_and_is_given_once(
    county: County,
) -> None:
    head, end = f"{NODES},公示牌编号", "街巷"
    codes = [f"{county.grid}{number:03}" for number in range(11, 15)]
    first, second, third, fourth = [(code, "巷", end, county.grid) for code in codes]
    known, grid = (county.lane, "桂枝巷", end, ""), (county.grid, "第一网格", "网格", "")
    brought = await county.bring(
        county.file("地点", head, (*first, "oldtown1"), (*known, "LANE-1"), (*second, ""))
    )
    assert await county.said("changed") == ["公示牌编号设为 LANE-1"]
    assert outcomes(brought, "nodes") == {"new": 2, "changed": 1}
    found = select(Node.code, Node.plate_code).where(Node.code.in_((*codes, county.lane)))
    plates = {row[0]: row[1] for row in await county.tx.execute(found)}
    assert (plates[codes[0]], plates[county.lane]) == ("OLDTOWN1", "LANE-1")
    again = await county.plan(
        county.file("地点", head, (*first, "OLDTOWN1"), (*known, "LANE-2"))
    )
    assert (again.changes, again.faults) == (0, 0)
    assert await county.said("warning") == ["公示牌编号登记为 LANE-1，不随表修改"]
    rows = ((*third, "LANE-1"), (*fourth, "NEW-1"), (*second, "X"), (*grid, "GRID-1"))
    plan = await county.plan(
        county.file("地点", head, *rows, (f"{codes[3]}", "", "", "", "NEW-2"))
    )
    assert await county.said() == [
        "公示牌编号 LANE-1 已被其他地点使用，请核对，或清空后自动编号",
        "公示牌编号应为 4 至 30 位大写字母或数字，请修改",
        "只有街巷或楼栋有公示牌，请清空公示牌编号",
        "同一地点在文件中出现多次，请只留一行",
    ]
    assert plan.faults == 4


async def test_every_kind_of_place_of_the_country_can_be_brought_under_a_profile(
    county: County,
) -> None:
    ready = next(one for one in READY if one.code == "boluo")
    profile = Profile(
        district_id=county.district.id,
        level_names=[*ready.level_names],
        kinds=[[*kinds] for kinds in ready.kinds],
        role_names={"lane_chief": "片长", "operator": "县管理员"},
    )
    county.tx.add(profile)
    await county.tx.flush()
    words = ("管理区", "农场", "林场", "开发区", "旅游度假区", "矿区", "镇")
    rows = [
        (f"{county.stem}5{number:02}000", f"罗浮山{word}", word, county.district.code)
        for number, word in enumerate(words)
    ]
    living = (f"{county.stem}502001", "林场生活区", "生活区", rows[2][0])
    await county.bring(county.file("地点", NODES, *rows, living))
    found = select(Node.name, Node.kind).where(Node.name.like("罗浮山%") | (Node.level == 2))
    found = found.where(Node.district_id == county.district.id)
    kinds = {row[0].removeprefix("罗浮山"): row[1] for row in await county.tx.execute(found)}
    assert kinds["林场生活区"] == "living_area"
    assert [kinds[word] for word in words] == [
        *("management_area", "farm", "forest_farm", "development_zone", "development_zone"),
        *("mining_area", "town"),
    ]
    holder = (county.lane, "赵六", "邻居", "15400000021", "0752-6000001")
    again = await county.plan(
        county.file("住户", DOORS.replace("街巷", "网格"), (county.grid, "1号", "")),
        county.file("任职", POSTS, holder, (*holder[:2], "片长", *holder[3:])),
    )
    assert outcomes(again, "posts") == {"new": 1, "fault": 1}
    said = " ".join(await county.said())
    assert "住户要登记在街巷" in said
    assert "岗位只能是片长、网格员" in said
