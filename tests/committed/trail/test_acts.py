"""What operators and superiors decide stays in the audit trail, and betrays its changes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Database
from neighborhood_api.kit.trail import Fault, seal_trail
from tests.committed.trail.tampering import faults, run
from tests.issues.categories.arranging import rule
from tests.support.issues import Street
from tests.support.people import Caller
from tests.support.posts import appoint, appointment_at, phone_number, somebody


@pytest.fixture
async def operator(street: Street) -> Caller:
    return await street.staff(Role.OPERATOR)


async def acts(database: Database, what: str) -> list[Act]:
    async with database.transaction() as tx:
        mine = select(Act).where(Act.what == what).order_by(Act.id)
        return list(await tx.scalars(mine))


async def done(answer: Any) -> Any:  # noqa: ANN401
    assert answer.status_code == 200, answer.text
    return answer.json()


async def saved_rule(operator: Caller, street: Street, **changes: Any) -> Any:  # noqa: ANN401
    body = {
        "node_id": str(street.town.at(1).id),
        "version": None,
        "reason": "试行",
        "rule": rule(),
    }
    return await done(
        await operator.put("/issue-categories/env.garbage/rule", json=body | changes)
    )


async def test_who_saves_and_withdraws_a_rule_is_kept_with_what_it_said(
    operator: Caller, street: Street, database: Database
) -> None:
    made = await saved_rule(operator, street)
    withdrawal = {
        "node_id": str(street.town.at(1).id),
        "version": made["version"],
        "reason": "到期",
    }
    path = "/issue-categories/env.garbage/rule/withdraw"
    await done(await operator.post(path, json=withdrawal))
    first, second = await acts(database, "issues.rule_changed")
    assert (first.subject, first.person_id) == (made["id"], operator.person_id)
    assert first.detail["rule"] == rule()
    assert first.detail["in_force"] is True
    assert (second.subject, second.detail["in_force"]) == (made["id"], False)
    assert await faults(database) == []


async def test_categories_posts_leaves_calendars_and_moderation_are_kept(
    operator: Caller, street: Street, database: Database
) -> None:
    category: dict[str, Any] = {
        "name": "垃圾",
        "group_name": "env",
        "aliases": [],
        "hint": None,
        "position": 1,
        "active": True,
        "standard_code": None,
        "version": 1,
    }
    async with database.transaction() as tx:
        chief = await somebody(tx, "总管理员")
        await appoint(tx, street.town.at(), Role.CHIEF_OPERATOR, chief.id)
    everywhere = await street.callers.person(chief.id)
    await done(await everywhere.put("/issue-categories/env.garbage", json=category))
    lane = street.town.at(1, 1, 1, 1)
    async with database.transaction() as tx:
        held = await appointment_at(tx, lane, Role.LANE_CHIEF)
    day = local_day(datetime.now(UTC)).isoformat()
    leave = await done(
        await operator.post(
            f"/appointments/{held.id}/leaves", json={"first_on": day, "last_on": day}
        )
    )
    await done(await operator.post(f"/appointments/{held.id}/end"))
    wish = {
        "node_id": str(lane.id),
        "role": "lane_chief",
        "person": {"name": "新巷长", "phone": phone_number()},
        "duty_phone": "0752-9100001",
        "starts_on": day,
    }
    made = await done(await operator.post("/appointments", json=wish))
    district = str(street.town.at().id)
    windows = [{"weekday": n, "opens_at": "08:00", "closes_at": "12:00"} for n in range(1, 6)]
    hours = {"district_id": district, "valid_from": day, "windows": windows, "version": 0}
    await done(await operator.put("/working-calendar/office-hours", json=hours))
    issue_id = await street.reported()
    secretary = await street.staff(Role.COMMUNITY_SECRETARY, 1, 1)
    shown = {"show": True, "text": "垃圾没人清", "photos": False, "version": 1}
    await done(await secretary.post(f"/issues/{issue_id}/moderate", json=shown))
    async with database.transaction() as tx:
        kept = [(a.what, a.subject, a.person_id) for a in await tx.scalars(select(Act))]
    mine = operator.person_id
    assert sorted(kept) == sorted(
        [
            ("issues.category_changed", "env.garbage", chief.id),
            ("grid.leave_granted", leave["id"], mine),
            ("grid.appointment_ended", str(held.id), mine),
            ("grid.appointment_made", made["id"], mine),
            ("schedules.office_hours_set", district, mine),
            ("issues.publication_decided", issue_id, secretary.person_id),
        ]
    )
    async with database.transaction() as tx:
        details = str([a.detail for a in await tx.scalars(select(Act))])
    assert wish["person"]["phone"] not in details  # type: ignore[index]
    assert "新巷长" not in details
    assert await faults(database) == []


async def test_a_refused_decision_leaves_nothing(
    operator: Caller, street: Street, database: Database
) -> None:
    hours = {"district_id": str(street.town.at().id), "valid_from": "2020-01-01"}
    windows = [{"weekday": 1, "opens_at": "08:00", "closes_at": "12:00"}]
    body = hours | {"windows": windows, "version": 0}
    answer = await operator.put("/working-calendar/office-hours", json=body)
    assert answer.status_code == 422, answer.text
    assert await acts(database, "schedules.office_hours_set") == []


@pytest.mark.parametrize("sealed", [False, True])
async def test_a_changed_act_and_a_deleted_one_are_found(
    operator: Caller, street: Street, database: Database, *, sealed: bool
) -> None:
    made = await saved_rule(operator, street)
    await saved_rule(operator, street, version=made["version"], rule=rule(returns_allowed=1))
    first, second = (one.id for one in await acts(database, "issues.rule_changed"))
    if sealed:
        async with database.transaction() as tx:
            await seal_trail(tx)
    change = "UPDATE act SET detail = jsonb_set(detail, '{rule,reopen_days}', '99')"
    await run(database, f"{change} WHERE id = :id", id=first)
    await run(database, "DELETE FROM act WHERE id = :id", id=second)
    assert sorted(await faults(database)) == sorted(
        [(Fault.CHANGED, first), (Fault.GONE, second)]
    )


async def test_the_database_itself_refuses_to_change_an_act(
    operator: Caller, street: Street, database: Database
) -> None:
    await saved_rule(operator, street)
    for sql in ("UPDATE act SET what = 'x'", "DELETE FROM act", "TRUNCATE act"):
        with pytest.raises(DBAPIError, match="never changed"):
            async with database.transaction() as tx:
                await tx.execute(text(sql))
    assert len(await acts(database, "issues.rule_changed")) == 1


async def test_canned_replies_and_the_weights_of_the_rates_are_kept(
    operator: Caller, street: Street, database: Database
) -> None:
    wish = {"move": "respond", "title": "已派人", "text": "您好，已派人处理。"}
    whole = wish | {"category_code": None, "position": 0}
    here = {"node_id": str(street.town.at(1).id)}
    made = await done(await operator.post("/canned-replies", json=wish | here))
    path = f"/canned-replies/{made['id']}"
    await done(await operator.put(path, json=whole | {"title": "马上到", "version": 1}))
    await done(await operator.post(f"{path}/withdraw", json={"version": 2}))
    district = {"district_id": str(street.town.at().id), "reason": "考核办法", "version": 0}
    weights = {"response": 30, "solution": 40, "satisfaction": 30}
    await done(await operator.put("/statistics/weights", json=district | weights))
    kept = await acts(database, "issues.canned_reply_changed")
    assert [(one.subject, one.detail["version"], one.detail["active"]) for one in kept] == [
        (made["id"], 1, True),
        (made["id"], 2, True),
        (made["id"], 3, False),
    ]
    assert len({one.detail["words"] for one in kept}) == 2  # other words, another digest
    (weighed,) = await acts(database, "statistics.weights_changed")
    assert {name: weighed.detail[name] for name in weights} == weights
    assert weighed.person_id == operator.person_id
    assert await faults(database) == []


async def test_a_rule_that_was_changed_in_the_database_is_found(
    operator: Caller, street: Street, database: Database
) -> None:
    made = await saved_rule(operator, street)
    assert await faults(database) == []
    await run(
        database, "UPDATE handling_rule SET resolve_amount = 99 WHERE id = :id", id=made["id"]
    )
    assert await faults(database) == [(Fault.CHANGED, UUID(made["id"]))]
