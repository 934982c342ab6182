"""Invitations: who appointed somebody gives her a code, and with it she comes in."""

from datetime import UTC, datetime

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.accounts.models import Invitation
from neighborhood_api.identity.models import Person, SignIn
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.outbox import OutboxRow
from tests.identity.accounts.conftest import (
    NEW,
    Newcomer,
    code_of,
    in_full_width,
    invited,
    reset,
    stored,
)
from tests.identity.conftest import bearer, is_refused, sign_in
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, appointment_at, phone_number, somebody
from tests.support.wechat import Phones

INVALID = (422, "invitation_invalid")


async def test_an_invited_person_chooses_a_password_and_is_signed_in(
    newcomer: Newcomer, secretary: Caller, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    assert made["link"].endswith(f"#{made['code']}")
    typed = made["code"].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    typed = in_full_width(typed[:7]) + typed[7:]
    answer = await newcomer.accept(typed)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["me"]["posts"][0]["role"] == "grid_worker"
    assert not body["password_change_needed"]
    assert not await is_refused(newcomer.http, body)
    assert code_of(await newcomer.sign_in()) == (200, "ok")
    assert code_of(await newcomer.accept(made["code"])) == INVALID
    assert (await stored(tx, newcomer.person_id)).password_set_at is not None


async def test_the_code_is_stored_nowhere(
    newcomer: Newcomer, secretary: Caller, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    await newcomer.accept(made["code"])
    row = await tx.get_one(Invitation, made["id"])
    kept = [row.digest.hex()]
    acts = select(Act).where(Act.subject == str(newcomer.person_id))
    kept += [str(act.detail) for act in await tx.scalars(acts)]
    kept += [str(one) for one in await tx.scalars(select(OutboxRow.payload))]
    assert len(kept) > 3
    for secret in (made["code"], made["code"].replace("-", ""), NEW, newcomer.phone):
        assert not any(secret in text for text in kept)


async def test_inviting_and_accepting_are_announced_and_kept(
    newcomer: Newcomer, secretary: Caller, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    await newcomer.accept(made["code"])
    query = select(OutboxRow).where(OutboxRow.payload["invitation_id"].astext == made["id"])
    names = [row.name for row in await tx.scalars(query.order_by(OutboxRow.id))]
    assert names == ["identity.account_invited", "identity.invitation_accepted"]
    acts = (await tx.scalars(select(Act).where(Act.subject == str(newcomer.person_id)))).all()
    assert [(act.what, act.person_id) for act in acts] == [
        ("identity.account_invited", secretary.person_id)
    ]


async def test_a_code_is_refused_alike_whatever_is_wrong_with_it(
    newcomer: Newcomer, secretary: Caller, clock: Clock, tx: Tx
) -> None:
    """Unknown, of another number, replaced, revoked, too old: one answer for all."""
    first = await invited(secretary, newcomer.person_id)
    second = await invited(secretary, newcomer.person_id)
    answers = [
        await newcomer.accept("AAAA-BBBB-CCCC"),
        await newcomer.accept(second["code"], phone=phone_number()),
        await newcomer.accept(first["code"]),
    ]
    await secretary.post(f"/account-invitations/{second['id']}/revoke")
    answers.append(await newcomer.accept(second["code"]))
    third = await invited(secretary, newcomer.person_id)
    clock.forward(hours=72, seconds=1)
    answers.append(await newcomer.accept(third["code"]))
    bodies = [answer.json() | {"request_id": None} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert code_of(answers[0]) == INVALID
    assert (await stored(tx, newcomer.person_id)).password_hash is None
    assert (
        await tx.scalar(select(func.count()).where(SignIn.person_id == newcomer.person_id)) == 0
    )


async def test_a_code_that_came_with_five_wrong_numbers_is_void(
    newcomer: Newcomer, secretary: Caller, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    for _ in range(4):
        await newcomer.accept(made["code"], phone=phone_number())
    row = await tx.get_one(Invitation, made["id"], populate_existing=True)
    assert (row.failures, row.closed_at) == (4, None)
    await newcomer.accept(made["code"], phone=phone_number())
    assert code_of(await newcomer.accept(made["code"])) == INVALID
    row = await tx.get_one(Invitation, made["id"], populate_existing=True)
    assert (row.failures, row.closed_how) == (5, "guessed")


async def test_a_found_code_binds_no_wechat_account_without_the_number(
    newcomer: Newcomer, secretary: Caller, phones: Phones, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    headers = bearer(await sign_in(newcomer.http, phones))
    for number in [*(phone_number() for _ in range(5)), newcomer.phone]:
        body = {"code": made["code"], "phone": number}
        answer = await newcomer.http.post("/me/staff-account", json=body, headers=headers)
        assert code_of(answer) == INVALID
    assert (await stored(tx, newcomer.person_id)).openid is None
    row = await tx.get_one(Invitation, made["id"], populate_existing=True)
    assert (row.failures, row.closed_how) == (5, "guessed")


@pytest.mark.parametrize("kind", ["invitation", "reset"])
async def test_a_code_is_worth_no_more_than_whoever_made_it(
    kind: str,
    newcomer: Newcomer,
    secretary: Caller,
    operator: Caller,
    phones: Phones,
    town: Town,
    tx: Tx,
) -> None:
    """She knows it: her colleague's rise, or her own dismissal, must not make it a way in."""
    path = f"/people/{newcomer.person_id}/{kind}"
    made = (await secretary.post(path)).json()
    rise = await appoint(tx, town.at(1), Role.DISCIPLINE_OFFICER, newcomer.person_id)
    await tx.commit()
    headers = bearer(await sign_in(newcomer.http, phones))
    bound = await newcomer.http.post(
        "/me/staff-account", json=newcomer.with_code(made), headers=headers
    )
    assert [code_of(await newcomer.accept(made["code"])), code_of(bound)] == [INVALID] * 2
    rise.ended_at = datetime.now(UTC)
    own = await appointment_at(tx, town.at(1, 1), Role.COMMUNITY_SECRETARY)
    own.ended_at = rise.ended_at
    await tx.commit()
    assert code_of(await newcomer.accept(made["code"])) == INVALID
    assert (await stored(tx, newcomer.person_id)).password_hash is None
    fresh = (await operator.post(path)).json()
    assert code_of(await newcomer.accept(fresh["code"])) == (200, "ok")


async def test_a_weak_password_leaves_the_code_to_be_used(
    newcomer: Newcomer, secretary: Caller
) -> None:
    made = await invited(secretary, newcomer.person_id)
    weak = await newcomer.accept(made["code"], password="rain-rain")
    assert code_of(weak) == (422, "password_too_weak")
    assert code_of(await newcomer.accept(made["code"])) == (200, "ok")


async def test_whoever_can_sign_in_is_not_invited(
    newcomer: Newcomer, secretary: Caller, tx: Tx
) -> None:
    await newcomer.accept((await invited(secretary, newcomer.person_id))["code"])
    again = await secretary.post(f"/people/{newcomer.person_id}/invitation")
    assert code_of(again) == (409, "account_in_use")
    person = await stored(tx, newcomer.person_id)
    person.password_hash, person.openid = None, f"o{person.id.hex}"
    await tx.commit()
    again = await secretary.post(f"/people/{newcomer.person_id}/invitation")
    assert code_of(again) == (409, "account_in_use")


async def test_an_operator_invites_a_colleague_whom_she_may_appoint_but_never_resets_her(
    operator: Caller, tx: Tx, town: Town
) -> None:
    colleague = await somebody(tx, "同事", phone=phone_number())
    await appoint(tx, town.at(), Role.OPERATOR, colleague.id)
    await tx.commit()
    await invited(operator, colleague.id)
    refused = await operator.post(f"/people/{colleague.id}/reset", json={})
    assert code_of(refused) == (403, "not_below_you")


async def test_a_code_binds_wechat_to_the_staff_account(
    newcomer: Newcomer, secretary: Caller, phones: Phones, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    resident = await sign_in(newcomer.http, phones)
    answer = await newcomer.http.post(
        "/me/staff-account", json=newcomer.with_code(made), headers=bearer(resident)
    )
    assert answer.status_code == 200, answer.text
    me = answer.json()["me"]
    assert (me["id"], me["phone"]) == (str(newcomer.person_id), newcomer.phone)
    assert await is_refused(newcomer.http, resident)
    person = await stored(tx, newcomer.person_id)
    assert person.openid is not None
    again = await sign_in(newcomer.http, phones, person.openid)
    assert again["me"]["id"] == str(newcomer.person_id)
    assert (await stored(tx, resident["me"]["id"])).merged_into_id == newcomer.person_id
    assert code_of(await newcomer.accept(made["code"])) == INVALID


async def test_binding_the_registered_number_closes_the_invitation(
    newcomer: Newcomer, secretary: Caller, phones: Phones, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    resident = await sign_in(newcomer.http, phones)
    code = await phones.phone_code(newcomer.phone)
    bound = await newcomer.http.post("/me/phone", json={"code": code}, headers=bearer(resident))
    assert bound.json()["signed_in"]["me"]["id"] == str(newcomer.person_id)
    assert code_of(await newcomer.accept(made["code"])) == INVALID
    assert (await stored(tx, newcomer.person_id)).password_hash is None


async def test_two_accounts_are_never_joined_by_a_code_alone_where_the_numbers_differ(
    newcomer: Newcomer, secretary: Caller, phones: Phones, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    other = await sign_in(newcomer.http, phones)
    (await stored(tx, other["me"]["id"])).phone = phone_number()
    await tx.commit()
    answer = await newcomer.http.post(
        "/me/staff-account", json=newcomer.with_code(made), headers=bearer(other)
    )
    assert code_of(answer) == (409, "other_number_bound")
    assert (await stored(tx, newcomer.person_id)).openid is None
    assert code_of(await newcomer.accept(made["code"])) == (200, "ok")


async def test_whoever_holds_a_post_or_has_no_wechat_does_not_become_another(
    newcomer: Newcomer, secretary: Caller, operator: Caller, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    answer = await operator.post("/me/staff-account", json=newcomer.with_code(made))
    assert code_of(answer) == (409, "we_chat_needed")
    (await stored(tx, operator.person_id)).openid = f"o{operator.person_id.hex}"
    await tx.commit()
    answer = await operator.post("/me/staff-account", json=newcomer.with_code(made))
    assert code_of(answer)[0] == 409
    assert (await stored(tx, operator.person_id)).merged_into_id is None


async def test_a_wechat_account_is_not_put_over_another(
    newcomer: Newcomer, secretary: Caller, phones: Phones, tx: Tx
) -> None:
    person = await stored(tx, newcomer.person_id)
    person.openid = f"o{person.id.hex}"
    await tx.commit()
    made = await reset(secretary, newcomer.person_id)
    other = await sign_in(newcomer.http, phones)
    answer = await newcomer.http.post(
        "/me/staff-account", json=newcomer.with_code(made), headers=bearer(other)
    )
    assert code_of(answer) == (409, "phone_taken")
    assert (await stored(tx, newcomer.person_id)).openid == f"o{newcomer.person_id.hex}"


async def test_the_list_of_pending_codes_shows_who_is_invited_and_never_the_code(
    newcomer: Newcomer, secretary: Caller, callers: Callers, town: Town, clock: Clock
) -> None:
    made = await invited(secretary, newcomer.person_id)
    listed = (await secretary.get("/account-invitations")).json()
    mine = [one for one in listed["items"] if one["id"] == made["id"]]
    assert [one["name"] for one in mine] == ["何小妹"]
    assert mine[0]["phone"] == f"{newcomer.phone[:3]}****{newcomer.phone[-4:]}"
    assert made["code"] not in str(listed)
    neighbour = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 2)
    worker = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
    for other in (neighbour, worker):
        assert (await other.get("/account-invitations")).json()["items"] == []
    clock.forward(hours=73)
    later = (await secretary.get("/account-invitations")).json()["items"]
    assert made["id"] not in [one["id"] for one in later]


async def test_a_code_is_revoked_by_a_superior_and_by_nobody_else(
    newcomer: Newcomer, secretary: Caller, callers: Callers, town: Town, tx: Tx
) -> None:
    made = await invited(secretary, newcomer.person_id)
    path = f"/account-invitations/{made['id']}/revoke"
    for role, place in (
        (Role.COMMUNITY_SECRETARY, (1, 2)),
        (Role.STREET_SECRETARY, (2,)),
    ):
        other = await callers.staff(town, role, *place)
        assert code_of(await other.post(path)) == (404, "invitation_not_found")
    leader = await callers.staff(town, Role.GRID_LEADER, 1, 1, 1)
    assert code_of(await leader.post(path)) == (403, "forbidden")
    street = await callers.staff(town, Role.STREET_SECRETARY, 1)
    assert code_of(await street.post(path)) == (200, "ok")
    assert code_of(await secretary.post(path)) == (404, "invitation_not_found")
    assert code_of(await newcomer.accept(made["code"])) == INVALID
    row = await tx.get_one(Invitation, made["id"], populate_existing=True)
    assert row.closed_how == "revoked"


async def test_a_password_that_the_office_chose_opens_nothing_until_it_is_changed(
    http: AsyncClient, operator: Caller, town: Town, tx: Tx
) -> None:
    number = phone_number()
    wish = {
        "node_id": str(town.at(1, 1).id),
        "role": "community_worker",
        "person": {"name": "新同事", "phone": number, "initial_password": "First-2026"},
        "duty_phone": "0752-9100001",
        "starts_on": "2026-01-01",
    }
    assert (await operator.post("/appointments", json=wish)).status_code == 200
    person = Newcomer(
        (await tx.scalars(select(Person.id).where(Person.phone == number))).one(), number, http
    )
    first = (await person.sign_in("First-2026")).json()
    assert first["password_change_needed"]
    held = bearer(first)
    for path in ("/me/grid", "/account-invitations"):
        refused = await http.get(path, headers=held)
        assert code_of(refused) == (403, "password_change_needed")
        assert "修改密码" in refused.json()["message"]
    assert (await http.get("/me", headers=held)).status_code == 200
    body = {"old_password": "First-2026", "new_password": NEW}
    assert (await http.put("/me/password", json=body, headers=held)).status_code == 200
    again = await http.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert not again.json()["password_change_needed"]
    free = bearer(again.json())
    assert (await http.get("/account-invitations", headers=free)).status_code == 200
