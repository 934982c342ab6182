"""What residents write leads to the category that they mean."""

import pytest

from neighborhood_api.issues.categories.queries import CategoryRow
from neighborhood_api.issues.categories.seed import category_seeds, rule_seeds
from neighborhood_api.issues.categories.suggestions import MOST, suggest
from tests.support.people import Caller
from tests.support.refusals import refused

SENTENCES = [
    ("巷口垃圾桶满了两天没人清，太臭了", "env.garbage"),
    ("芦花巷第二盏路灯昨晚开始不亮了", "road.light"),
    ("楼上半夜还在拖桌椅，吵得睡不着", "noise.neighbour"),
    ("有车堵在巷口，我家车出不去", "order.parking"),
    ("邻居遛狗不牵绳，狗屎也不捡", "animal.dog"),
    ("小区里有狗咬人，小孩被咬了", "animal.bite"),
    ("门口的井盖不见了，晚上很危险", "facility.manhole"),
    ("下雨后巷子积水到脚踝，下水道堵了", "facility.drain"),
    ("闻到很大的煤气味，是不是漏气了", "utility.gas"),
    ("三楼的独居老人两天没出门，敲门没反应，联系不上", "care.elder"),
    ("楼上漏水，天花板滴水，对方不管", "home.leak"),
    ("有人把电动车推上楼充电，太危险", "safety.fire"),
    ("隔壁在天台搭建铁皮棚", "home.illegal_build"),
    ("工地半夜还在施工，打桩声音很大", "noise.works"),
    ("老板拖欠工资三个月不给", "labour.wages"),
    ("网格员态度差，一直推诿", "staff.attitude"),
    ("电梯坏了，有人被困在电梯里", "estate.lift"),
    ("家里停水一天了，什么时候来水", "utility.water"),
    ("大风把树枝掉下来砸到车，树要倒了", "safety.tree"),
    ("餐馆的菜里吃出虫子，很不卫生", "market.food"),
    ("楼道堆满东西，鞋柜杂物占楼道", "order.clutter"),
    ("墙上贴满牛皮癣小广告", "order.advert"),
    ("想给妈妈办残疾证要去哪里办", "care.disabled"),
    ("广场舞音响太大，每晚到十点", "noise.square"),
]


def rows() -> list[CategoryRow]:
    rules = rule_seeds()
    return [
        CategoryRow(
            code=seed.code,
            name=seed.name,
            group_code=seed.group_code,
            group_name=seed.group_name,
            aliases=list(seed.aliases),
            hint=seed.hint,
            urgency=rule.urgency,
            respond_clock=rule.respond.clock,
            respond_amount=rule.respond.amount,
            resolve_clock=rule.resolve.clock,
            resolve_amount=rule.resolve.amount,
            evidence=[*rule.evidence],
            publicity=rule.publicity,
            confidential=rule.confidential,
        )
        for seed in category_seeds()
        for rule in [rules[seed.rule][0]]
    ]


@pytest.mark.parametrize(("text", "code"), SENTENCES)
def test_a_sentence_leads_to_its_category(text: str, code: str) -> None:
    found = suggest(text, rows())
    assert [one.category.code for one in found][:1] == [code]
    assert len(found) <= MOST


@pytest.mark.parametrize("text", ["今天天气很好", "。。。", "12345", "hello world"])
def test_what_points_nowhere_leads_nowhere(text: str) -> None:
    assert suggest(text, rows()) == []


def test_width_case_and_spaces_make_no_difference() -> None:
    plain = suggest("楼下露天K歌太吵", rows())
    odd = suggest("楼下 露天Ｋ歌　太 吵", rows())
    assert plain[0].category.code == "noise.square"
    assert [one.category.code for one in odd] == [one.category.code for one in plain]


def test_a_word_inside_a_longer_one_is_not_counted_twice() -> None:
    best = suggest("垃圾桶满了", rows())[0]
    assert (best.category.code, best.matched) == ("env.garbage", ["垃圾桶满"])


async def test_the_api_suggests_with_limits_and_reasons(operator: Caller) -> None:
    text = "巷口的井盖不见了，下水道也堵了"
    answer = await operator.get("/issue-categories/suggest", params={"text": text})
    items = answer.json()["items"]
    assert {"facility.manhole", "facility.drain"} <= {one["code"] for one in items}
    hole = next(one for one in items if one["code"] == "facility.manhole")
    assert hole["matched"] == ["井盖"]
    assert hole["resolve"]["text"] == "2 小时内"
    assert hole["urgency"] == "emergency"


async def test_a_suggestion_needs_a_text(operator: Caller) -> None:
    refused(await operator.get("/issue-categories/suggest?text="), 422, "invalid_request")
