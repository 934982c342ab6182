"""Binding the phone number that WeChat vouches for."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select

from neighborhood_api.grid.models import Appointment, Leave, Node
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.identity.conftest import Staff, bearer, is_refused, sign_in
from tests.support.places import Town
from tests.support.posts import appoint, appointment_at, phone_number, somebody, vacate
from tests.support.wechat import Phones, new_openid


async def bind(
    http: AsyncClient, phones: Phones, signed_in: dict[str, Any], number: str
) -> Response:
    code = await phones.phone_code(number)
    return await http.post("/me/phone", json={"code": code}, headers=bearer(signed_in))


async def test_the_number_is_bound_and_the_tokens_stay(
    http: AsyncClient, phones: Phones, tx: Tx
) -> None:
    resident, number = await sign_in(http, phones), phone_number()
    answer = await bind(http, phones, resident, number)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"phone": number, "signed_in": None}
    person = await tx.get_one(Person, resident["me"]["id"])
    assert (person.phone, person.version) == (number, 2)
    assert not await is_refused(http, resident)


async def test_whoever_binds_a_number_that_staff_registered_becomes_that_person(
    http: AsyncClient, phones: Phones, tx: Tx, town: Town
) -> None:
    number, openid = phone_number(), new_openid()
    chief = await somebody(tx, "巷长老周", phone=number)
    lane = town.at(1, 1, 1, 1)
    held = select(Appointment).where(Appointment.node_id == lane.id)
    (await tx.scalars(held)).one().ended_at = chief.created_at
    await appoint(tx, lane, Role.LANE_CHIEF, chief.id, starts_on=date(2025, 1, 1))
    await tx.commit()
    before = await sign_in(http, phones, openid)

    answer = await bind(http, phones, before, number)

    became = answer.json()["signed_in"]
    assert became["me"]["id"] == str(chief.id)
    assert [post["role"] for post in became["me"]["posts"]] == ["lane_chief"]
    assert await is_refused(http, before)
    assert not await is_refused(http, became)
    refreshed = await http.post(
        "/auth/refresh", json={"refresh_token": before["refresh_token"]}
    )
    assert refreshed.json()["code"] == "refresh_token_invalid"
    again = await sign_in(http, phones, openid)
    assert again["me"]["id"] == str(chief.id)
    old = await tx.get_one(Person, before["me"]["id"])
    assert (old.merged_into_id, old.openid) == (chief.id, None)
    events = select(OutboxRow.payload).where(OutboxRow.name == "identity.person_merged")
    assert (await tx.scalars(events)).one() == {
        "from_person_id": before["me"]["id"],
        "into_person_id": str(chief.id),
    }


async def test_the_number_of_another_wechat_account_is_taken(
    http: AsyncClient, phones: Phones, tx: Tx
) -> None:
    number = phone_number()
    first, second = await sign_in(http, phones), await sign_in(http, phones)
    await bind(http, phones, first, number)
    answer = await bind(http, phones, second, number)
    assert (answer.status_code, answer.json()["code"]) == (409, "phone_taken")
    assert (await tx.get_one(Person, second["me"]["id"])).phone is None
    assert not await is_refused(http, second)


async def test_a_number_given_up_by_becoming_somebody_else_is_free_again(
    http: AsyncClient, phones: Phones, staff: Staff
) -> None:
    private = phone_number()
    first = await sign_in(http, phones)
    await bind(http, phones, first, private)
    became = (await bind(http, phones, first, staff.phone)).json()["signed_in"]
    assert became["me"]["phone"] == staff.phone
    neighbour = await sign_in(http, phones)
    answer = await bind(http, phones, neighbour, private)
    assert (answer.status_code, answer.json()["signed_in"]) == (200, None)


async def test_a_number_may_be_changed_and_bound_twice(
    http: AsyncClient, phones: Phones, tx: Tx
) -> None:
    resident, old, new = await sign_in(http, phones), phone_number(), phone_number()
    for number in (old, old, new):
        assert (await bind(http, phones, resident, number)).status_code == 200
    person = await tx.get_one(Person, resident["me"]["id"])
    assert (person.phone, person.version) == (new, 3)


async def test_a_login_code_binds_nothing(http: AsyncClient, phones: Phones, tx: Tx) -> None:
    resident = await sign_in(http, phones)
    code = await phones.login_code(new_openid())
    answer = await http.post("/me/phone", json={"code": code}, headers=bearer(resident))
    assert (answer.status_code, answer.json()["code"]) == (422, "wechat_code_rejected")
    assert (await tx.get_one(Person, resident["me"]["id"])).phone is None


async def test_a_number_from_abroad_is_refused(http: AsyncClient, phones: Phones) -> None:
    answer = await bind(http, phones, await sign_in(http, phones), "5551234")
    assert (answer.status_code, answer.json()["code"]) == (422, "phone_not_mainland")


async def chief_on_wechat(
    http: AsyncClient, phones: Phones, tx: Tx, node: Node, **duty: object
) -> tuple[dict[str, Any], Appointment]:
    """Somebody who signed in by WeChat, bound her number, and has the post of a lane chief."""
    chief = await sign_in(http, phones)
    await bind(http, phones, chief, phone_number())
    await vacate(tx, node)
    holder = UUID(chief["me"]["id"]) if duty.get("holds", True) else (await somebody(tx)).id
    held = await appoint(tx, node, Role.LANE_CHIEF, holder)
    for name, value in duty.items():
        if name != "holds":
            setattr(held, name, UUID(chief["me"]["id"]) if value == "her" else value)
    await tx.commit()
    return chief, held


@pytest.mark.parametrize(
    "duty",
    [
        {},
        {"starts_on": date(2090, 1, 1)},
        {"holds": False, "stand_in_id": "her"},
        {"holds": False, "stand_in_id": "her", "starts_on": date(2090, 1, 1)},
    ],
    ids=["a post", "a post to come", "a stand-in's post", "a stand-in's post to come"],
)
async def test_whoever_has_a_post_does_not_become_somebody_else(
    duty: dict[str, object], http: AsyncClient, phones: Phones, tx: Tx, town: Town, staff: Staff
) -> None:
    chief, held = await chief_on_wechat(http, phones, tx, town.at(1, 1, 1, 1), **duty)
    answer = await bind(http, phones, chief, staff.phone)
    assert (answer.status_code, answer.json()["code"]) == (409, "posts_would_be_lost")
    assert "岗位" in answer.json()["message"]
    assert not await is_refused(http, chief)
    me = await tx.get_one(Person, chief["me"]["id"], populate_existing=True)
    other = await tx.get_one(Person, staff.person_id, populate_existing=True)
    assert (me.merged_into_id, other.openid) == (None, None)
    assert me.openid is not None

    held.ended_at = datetime.now(UTC)
    await tx.commit()
    became = (await bind(http, phones, chief, staff.phone)).json()["signed_in"]
    assert became["me"]["id"] == str(staff.person_id)


async def test_whoever_is_promised_for_somebodys_leave_does_not_become_another(
    http: AsyncClient, phones: Phones, tx: Tx, town: Town, staff: Staff
) -> None:
    helper = await sign_in(http, phones)
    held = await appointment_at(tx, town.at(1, 1, 1, 1), Role.LANE_CHIEF)
    leave = Leave(
        appointment_id=held.id,
        person_id=held.person_id,
        first_on=date(2090, 1, 1),
        last_on=date(2090, 1, 2),
        granted_by_id=staff.person_id,
        granted_at=datetime.now(UTC),
        stand_in_id=UUID(helper["me"]["id"]),
    )
    tx.add(leave)
    await tx.commit()
    answer = await bind(http, phones, helper, staff.phone)
    assert (answer.status_code, answer.json()["code"]) == (409, "posts_would_be_lost")
    leave.ended_at = datetime.now(UTC)
    await tx.commit()
    assert (await bind(http, phones, helper, staff.phone)).status_code == 200
