"""She sees which post looked at her data, where, when and why; and never the name."""

from datetime import datetime, timedelta

from sqlalchemy import select

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.registers.models import Resident
from tests.privacy.arranging import Traces, done, own_names, traces
from tests.support.clock import Clock
from tests.support.issues import Street


async def test_the_looks_of_all_domains_are_one_list(
    street: Street, tx: Tx, clock: Clock
) -> None:
    her = await traces(street, tx, now=clock.now)
    first = (await her.caller.get("/me/data-looks", params={"limit": 3})).json()
    rest = (
        await her.caller.get("/me/data-looks", params={"limit": 3, "after": first["next"]})
    ).json()
    items = first["items"] + rest["items"]
    found = {one["what"]: one for one in items}
    rare = {"booking_phone", "register_export", "sign_ins"}
    assert len(items) == 6
    assert found.keys() == {"issue_phone", "child", "resident"} | rare
    assert found["booking_phone"]["reason"] == "空调检修，改期"
    assert "异常登录" in found["sign_ins"]["reason"]
    exported = found["register_export"]
    assert exported["what_name"] == "人口登记（整册导出）"
    assert exported["node_id"] == str(street.town.at(1, 1).id)
    assert (exported["role_name"], exported["reason"]) == ("社区书记", "年度人口核对")
    assert rest["next"] is None
    phone = found["issue_phone"]
    assert (phone["role_name"], phone["node_name"]) == ("巷长", "1号巷")
    assert phone["subject_id"] == her.issue_id
    clock.forward(minutes=1)
    await _moves_out(tx, street, her, long_ago=clock.now - timedelta(days=30))
    await own_names(tx, street.town)
    own = (await her.caller.get("/me/data-looks")).json()["items"]
    assert {one["role_name"] for one in own if one["what"] == "issue_phone"} == {"邻长"}
    assert exported["id"] in {one["id"] for one in own}
    assert (found["child"]["reason"], found["child"]["role"]) == (
        "联系家长",
        "community_worker",
    )
    chief = await tx.scalar(select(Person.name).where(Person.id == street.chief.person_id))
    assert str(chief) not in str(found)


async def _moves_out(tx: Tx, street: Street, her: Traces, *, long_ago: datetime) -> None:
    """Let the office find out later that she has not lived there for long."""
    entries = select(Resident).where(Resident.person_id == her.caller.person_id)
    entry = (await tx.scalars(entries)).one()
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    wish = {"on": long_ago.date().isoformat(), "version": entry.version}
    await done(worker, f"/registers/residents/{entry.id}/end", **wish)


async def test_looks_at_others_are_not_hers(street: Street, tx: Tx, clock: Clock) -> None:
    await traces(street, tx, now=clock.now)
    for caller in (
        street.chief,
        await street.callers.resident(street.town.place(1, 1, 1, 1)),
        await street.staff(Role.COMMUNITY_WORKER, 1, 1),
    ):
        assert (await caller.get("/me/data-looks")).json()["items"] == []


async def test_looks_outlive_the_child(street: Street, tx: Tx, clock: Clock) -> None:
    her = await traces(street, tx, now=clock.now)
    path = f"/children/{her.child_id}/withdraw-consent"
    await done(her.caller, path, cancel_enrolments=True)
    looks = (await her.caller.get("/me/data-looks")).json()["items"]
    assert "child" in {one["what"] for one in looks}
