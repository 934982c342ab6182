"""What is written: everything of a plan, once, and by the rules of posts."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from neighborhood_api.grid.models import Appointment, Node, Residence, Vacancy
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person, Revocation
from neighborhood_api.identity.places import columns_of
from neighborhood_api.imports.applying import APPLIED, write_plan
from neighborhood_api.imports.refusals import FaultsRemain, GroundChanged
from neighborhood_api.imports.staging import Source
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.reorganisation.models import Reorganisation, ReorganisedNode
from tests.imports.county import DOORS, NODES, NOW, PEOPLE, POSTS, TODAY, County, outcomes
from tests.support.posts import somebody


async def test_everything_new_is_written_from_files_in_any_order(county: County) -> None:
    new_grid = f"{county.grid[:-3]}002"
    people = county.file(
        "人口",
        PEOPLE,
        (f"{new_grid}001", "3栋501", "张三", "户主", "15400000101", "1950-03-01"),
        (f"{new_grid}001", "３栋 501", "李四", "配偶", "", ""),
        (county.lane, "9号", "王五", "户主", "", "1990-01-01"),
    )
    posts = county.file(
        "任职", POSTS, (new_grid, "赵六", "网格员", "15400000102", "0752-6000001")
    )
    doors = county.file(
        "住户", DOORS, (county.lane, "1 号", "自住"), (f"{new_grid}001", "3栋501", "")
    )
    nodes = county.file(
        "地点",
        NODES,
        (f"{new_grid}001", "新巷", "街巷", new_grid),
        (new_grid, "第二网格", "网格", county.community),
    )
    plan = await county.bring(people, posts, doors, nodes)

    assert {kind: outcomes(plan, kind) for kind in plan.totals} == {
        "nodes": {"new": 2},
        "posts": {"new": 1},
        "households": {"new": 3},
        "people": {"new": 3},
    }
    lane = (await county.tx.scalars(select(Node).where(Node.code == f"{new_grid}001"))).one()
    assert lane.place[:3] == county.by_code[county.community].place[:3]
    found = {(h.lane_id, h.address, h.occupancy) for h in await county.households()}
    own = county.by_code[county.lane].id
    assert found == {
        (own, "1号", "owned"),
        (lane.id, "3栋501", "unknown"),
        (own, "9号", "unknown"),
    }
    who = {(r.name, r.phone, r.birth_year, r.is_head) for r in await county.residents()}
    assert who == {
        ("张三", "15400000101", 1950, True),
        ("李四", None, None, False),
        ("王五", None, 1990, True),
    }
    (made,) = await county.open_posts()
    holder = await county.tx.get_one(Person, made.person_id)
    assert (made.role, holder.name, holder.phone) == ("grid_worker", "赵六", "15400000102")
    announced = select(OutboxRow.payload).where(OutboxRow.name == "grid.appointment_made")
    ids = {payload["appointment_id"] for payload in await county.tx.scalars(announced)}
    assert str(made.id) in ids


async def test_the_same_files_once_more_change_nothing(county: County) -> None:
    sources = (
        county.file("地点", NODES, (f"{county.grid}009", "九号巷", "街巷", county.grid)),
        county.file(
            "住户",
            DOORS + ",户主,联系电话,核实日期",
            (county.lane, "1号", "出租", "张三", "15400000103", "2026-05-01"),
        ),
        county.file(
            "人口", PEOPLE, (county.lane, "2号", "李四", "", "15400000104", "1980-02-03")
        ),
        county.file(
            "任职", POSTS, (county.lane, "赵六", "巷长", "15400000105", "0752-6000001")
        ),
        county.file("部门", "部门名称,所属地点编码", ("城管办", county.street)),
    )
    first = await county.bring(*sources)
    before = await county.written()
    again = await county.bring(*sources)

    assert first.changes == 7
    assert again.changes == again.faults == 0
    assert {o for kind in again.totals for o in outcomes(again, kind)} == {"unchanged"}
    assert await county.written() == before


async def test_a_head_who_comes_with_her_household_was_seen_when_it_was(
    county: County,
) -> None:
    head = f"{DOORS},户主,联系电话,核实日期"
    mine = (county.lane, "1号", "出租", "张三", "15400000103")

    async def stands(
        day: str, *, of_her: str | None = None
    ) -> set[tuple[str, str, date | None]]:
        sources = [county.file("住户", head, (*mine, day))]
        if of_her is not None:
            person = (county.lane, "1号", "张三", "户主", "15400000103", "", of_her)
            sources = [county.file("人口", PEOPLE + ",核实日期", person)]
        await county.bring(*sources)
        return {
            (one.name, one.relation, one.verified_on)
            for one in await county.residents()
            if one.is_head
        }

    assert await stands("2026-05-01") == {("张三", "户主", date(2026, 5, 1))}
    assert await stands("2026-06-01") == {("张三", "户主", date(2026, 6, 1))}
    assert await stands("2026-05-20") == {("张三", "户主", date(2026, 6, 1))}
    assert await stands("", of_her="2026-05-15") == {("张三", "户主", date(2026, 5, 15))}


async def test_another_holder_of_a_single_seat_takes_it_and_the_power_is_gone_at_once(
    county: County,
) -> None:
    first = county.file(
        "任职", POSTS, (county.lane, "赵六", "巷长", "15400000111", "0752-6000001")
    )
    await county.bring(first)
    (old,) = await county.open_posts()
    second = county.file(
        "任职", POSTS, (county.lane, "钱七", "巷长", "15400000112", "0752-6000002")
    )
    plan = await county.plan(second)
    assert outcomes(plan, "posts") == {"changed": 1}
    assert await county.said("changed") == ["换人：赵六的巷长任职即时结束，由钱七接任"]
    await county.bring(second)

    (now_held,) = await county.open_posts()
    assert now_held.id != old.id
    assert (now_held.duty_phone, now_held.starts_on) == ("0752-6000002", TODAY)
    ended = await county.tx.get_one(Appointment, old.id, populate_existing=True)
    assert ended.ended_at == NOW
    assert await county.tx.get(Revocation, old.person_id) is not None
    assert await county.tx.get(Revocation, now_held.person_id) is None
    here = Vacancy.node_id == county.by_code[county.lane].id
    assert (await county.tx.scalars(select(Vacancy).where(here))).all() == []
    names = select(OutboxRow.name).order_by(OutboxRow.id.desc()).limit(2)
    assert set(await county.tx.scalars(names)) == {
        "grid.appointment_ended",
        "grid.appointment_made",
    }
    again = await county.plan(first, at=None)
    assert outcomes(again, "posts") == {"changed": 1}


async def test_an_appointment_that_fills_a_vacant_post_calls_the_alarm_off(
    county: County,
) -> None:
    lane = county.by_code[county.lane]
    county.tx.add(Vacancy(node_id=lane.id, role=Role.LANE_CHIEF.value, since=NOW))
    await county.tx.flush()
    await county.bring(
        county.file("任职", POSTS, (county.lane, "赵六", "巷长", "15400000121", "0752-6000001"))
    )
    filled = select(Vacancy.filled_at).where(Vacancy.node_id == lane.id)
    assert (await county.tx.scalars(filled)).all() == [NOW]
    last = select(OutboxRow.name).order_by(OutboxRow.id.desc()).limit(1)
    assert await county.tx.scalar(last) == "grid.post_filled"


async def test_what_is_different_is_changed_and_blank_cells_keep_what_is_there(
    county: County,
) -> None:
    head = f"{DOORS},备注,核实日期"
    await county.bring(
        county.file("住户", head, (county.lane, "1号", "自住", "西边门", "2026-01-01")),
        county.file(
            "人口", PEOPLE, (county.lane, "1号", "张三", "户主", "15400000131", "1950-01-01")
        ),
        county.file("人口", PEOPLE, (county.lane, "1号", "李四", "配偶", "15400000132", "")),
        county.file(
            "任职", POSTS, (county.grid, "赵六", "网格员", "15400000133", "0752-6000001")
        ),
    )
    (held,) = await county.open_posts()
    today, later = await _shifts(county, held)
    plan = await county.bring(
        county.file("住户", head, (county.lane, "1号", "出租", "", "")),
        county.file("人口", PEOPLE, (county.lane, "1号", "张三", "父亲", "15400000131", "")),
        county.file(
            "人口", PEOPLE, (county.lane, "1号", "李四", "户主", "15400000132", "1955-01-01")
        ),
        county.file(
            "任职",
            POSTS + ",结束日期",
            (county.grid, "赵六", "网格员", "15400000133", "0752-6000009", str(TODAY)),
        ),
    )
    assert {kind: outcomes(plan, kind) for kind in plan.totals} == {
        "households": {"changed": 1},
        "people": {"changed": 2},
        "posts": {"changed": 1},
    }
    (home,) = await county.households()
    assert (home.occupancy, home.note, home.version) == ("rented", "西边门", 2)
    assert home.verified_on == date(2026, 1, 1)
    who = {
        (r.name, r.relation, r.is_head, r.birth_year, r.version)
        for r in await county.residents()
    }
    assert who == {("张三", "父亲", False, 1950, 2), ("李四", "户主", True, 1955, 2)}
    (post,) = await county.open_posts()
    assert (post.duty_phone, post.version, post.is_primary) == ("0752-6000009", 2, True)
    today, later = [await county.tx.get_one(Shift, one.id) for one in (today, later)]
    assert today.duty_phone == later.duty_phone == "0752-6000009"
    assert (today.cancelled_at, later.cancelled_at) == (None, NOW)
    told = select(OutboxRow.payload).where(OutboxRow.name == "grid.appointment_amended")
    ids = {payload["appointment_id"] for payload in await county.tx.scalars(told)}
    assert str(held.id) in ids


async def _shifts(county: County, held: Appointment) -> list[Shift]:
    """Two shifts of whoever holds a post: today, and the day after."""
    shifts = [
        Shift(
            node_id=held.node_id,
            person_id=held.person_id,
            role=held.role,
            duty_phone=held.duty_phone,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=2),
            made_by_id=held.person_id,
        )
        for starts_at in (NOW + timedelta(hours=1), NOW + timedelta(days=1))
    ]
    county.tx.add_all(shifts)
    await county.tx.flush()
    return shifts


async def test_nothing_is_written_while_one_row_has_a_fault(county: County) -> None:
    before = await county.written()
    file = county.file("住户", DOORS, (county.lane, "1号", ""), (county.lane, "", ""))
    with pytest.raises(FaultsRemain) as refused:
        await county.bring(file)
    assert refused.value.members == {"faults": 1}
    assert await county.written() == before


async def test_the_act_has_counts_and_nothing_of_anybody(county: County) -> None:
    await county.bring(
        county.file(
            "人口", PEOPLE, (county.lane, "1号", "张三", "", "15400000141", "1950-01-01")
        )
    )
    applied = select(Act.detail).where(Act.what == APPLIED).order_by(Act.id.desc())
    detail = str(await county.tx.scalar(applied.limit(1)))
    assert "'people': {'new': 1" in detail
    for secret in ("张三", "15400000141", "1号"):
        assert secret not in detail


async def test_of_many_appointments_each_post_is_settled_as_one_by_one(county: County) -> None:
    grid = county.by_code[county.grid]
    lanes = [
        county.add(grid, f"{county.grid}{n:03}", "lane", f"{n}号巷") for n in range(10, 35)
    ]
    await county.tx.flush()
    county.tx.add(Vacancy(node_id=lanes[0].id, role=Role.LANE_CHIEF.value, since=NOW))
    await county.tx.flush()
    rows = [
        (lane.code, f"巷长{n}", "巷长", f"154000009{n:02}", "0752-6000001", "2026-11-01")
        for n, lane in enumerate(lanes)
    ]
    rows[1] = (*rows[1][:5], "2027-01-01")
    await county.bring(county.file("任职", f"{POSTS},任职时间", *rows))
    told = select(OutboxRow.name, OutboxRow.payload).where(
        OutboxRow.name.in_(("grid.post_filled", "grid.post_vacant")),
        OutboxRow.payload["node_id"].astext.in_([str(lane.id) for lane in lanes]),
    )
    found = {(name, payload["node_id"]) for name, payload in await county.tx.execute(told)}
    assert found == {
        ("grid.post_filled", str(lanes[0].id)),
        ("grid.post_vacant", str(lanes[1].id)),
    }
    assert len(await county.open_posts()) == 25


async def test_who_said_a_door_before_it_was_registered_belongs_to_it(county: County) -> None:
    lane = county.by_code[county.lane]
    person = await somebody(county.tx, phone="15400000151")
    at_home: dict[str, Any] = {**columns_of(lane.place)}
    home = Residence(person_id=person.id, address="5号", stated_at=NOW, **at_home)
    county.tx.add(home)
    await county.tx.flush()
    await county.bring(
        county.file("人口", PEOPLE, (county.lane, "5号", "张三", "", "15400000151", ""))
    )
    (household,) = await county.households()
    here = await county.tx.get_one(Residence, person.id, populate_existing=True)
    assert (here.household_id, here.version) == (household.id, 2)
    asked = "SELECT args->>'district_id' FROM procrastinate_jobs WHERE task_name = :name"
    jobs = await county.tx.scalars(text(asked), {"name": "registers.match_district"})
    assert str(county.district.id) in jobs.all()


async def test_an_entry_whose_number_a_file_puts_right_is_not_the_strangers_any_more(
    county: County,
) -> None:
    born = {"张三": "1950-01-01", "李四": "1955-01-01", "王五": "1960-01-01"}

    def people(*numbers: str) -> Source:
        rows = [
            (county.lane, "5号", name, "", number, born[name])
            for name, number in zip(born, numbers, strict=True)
        ]
        return county.file("人口", PEOPLE, *rows)

    await county.bring(people("15400000161", "15400000162", ""))
    entries = {one.name: one for one in await county.residents()}
    stranger, seen, same = [
        await somebody(county.tx, phone=f"1540000016{number}") for number in (1, 2, 3)
    ]
    hows = ("phone", "staff", "phone")
    for name, person, how in zip(born, (stranger, seen, same), hows, strict=True):
        entry = entries[name]
        at_home: dict[str, Any] = {**columns_of(entry.place)}
        home = Residence(person_id=person.id, address="5号", stated_at=NOW, **at_home)
        home.household_id = entry.household_id
        home.confirmed_at, home.confirmed_how = NOW, how
        home.confirmed_by_id = same.id if how == "staff" else None
        county.tx.add(home)
        entry.person_id = person.id
    await county.tx.flush()
    plan = await county.bring(people("15400000168", "15400000169", "15400000163"))
    assert outcomes(plan, "people") == {"changed": 3}
    kept = {one.name: one.person_id for one in await county.residents()}
    assert kept == {"张三": None, "李四": seen.id, "王五": same.id}


async def test_what_was_planned_in_the_old_grid_is_to_be_checked_again(county: County) -> None:
    """A reorganisation ended the grid and its lanes between the plan and the writing."""
    known = county.file("住户", DOORS, (county.lane, "1号", "自住"))
    shops = "所属地点编码,单位名称,单位类型,单位地址"
    sources = (
        county.file("地点", NODES, (f"{county.grid}009", "九号巷", "街巷", county.grid)),
        county.file("住户", DOORS, (county.lane, "7号", "自住")),
        county.file("人口", PEOPLE, (county.lane, "1号", "李四", "", "", "1980-02-03")),
        county.file(
            "任职", POSTS, (county.lane, "赵六", "巷长", "15400000105", "0752-6000001")
        ),
        county.file("单位", shops, (county.lane, "老王小吃店", "商户", "3号")),
    )
    await county.bring(known)
    tx, ended = county.tx, [county.by_code[code].id for code in (county.grid, county.lane)]
    done = Reorganisation(
        district_id=county.district.id,
        name="调整",
        effective_on=TODAY,
        operations=[],
        created_by_id=(await somebody(tx)).id,
        created_at=NOW,
    )
    tx.add(done)
    await tx.flush()
    closing = update(Node).where(Node.id.in_(ended))
    for source in sources:
        plan = await county.plan(source)
        assert (plan.changes, plan.faults) == (1, 0), source.name
        async with tx.begin_nested() as meanwhile:
            tx.add_all(
                ReorganisedNode(reorganisation_id=done.id, node_id=one, made=False, before={})
                for one in ended
            )
            await tx.execute(closing.values(valid_until=TODAY, version=2))
            with pytest.raises(GroundChanged):
                await write_plan(tx, plan, county.actor(), subject=done.id, now=NOW)
            await meanwhile.rollback()
