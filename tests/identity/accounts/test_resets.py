"""Resets by superiors: the old way in is gone at once, the new one is the owner's alone."""

from datetime import UTC, datetime, timedelta

from httpx import AsyncClient
from pydantic import SecretStr
from sqlalchemy import select, update

from neighborhood_api.cli.operator import Wish, create_operator
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.notifications.accounts.jobs import tell_account_reset
from neighborhood_api.notifications.models import Notification
from tests.identity.accounts.conftest import (
    NEW,
    Newcomer,
    code_of,
    invited,
    reset,
    stored,
)
from tests.identity.conftest import PASSWORD, bearer, is_refused, sign_in
from tests.support.clock import Clock
from tests.support.jobs import job_context
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, somebody
from tests.support.wechat import Phones


async def let_in(newcomer: Newcomer, tx: Tx, password_hash: str) -> None:
    (await stored(tx, newcomer.person_id)).password_hash = password_hash
    await tx.commit()


async def test_a_reset_voids_the_password_and_every_device_and_the_code_gives_a_new_one(
    newcomer: Newcomer, secretary: Caller, tx: Tx, password_hash: str, phones: Phones
) -> None:
    await let_in(newcomer, tx, password_hash)
    (await stored(tx, newcomer.person_id)).openid = openid = f"o{new_id().hex}"
    await tx.commit()
    devices = [
        (await newcomer.sign_in(PASSWORD)).json(),
        await sign_in(newcomer.http, phones, openid),
    ]

    made = await reset(secretary, newcomer.person_id)

    for one in devices:
        assert await is_refused(newcomer.http, one)
        again = {"refresh_token": one["refresh_token"]}
        refused = await newcomer.http.post("/auth/refresh", json=again)
        assert code_of(refused) == (401, "refresh_token_invalid")
    assert code_of(await newcomer.sign_in(PASSWORD)) == (401, "wrong_phone_or_password")
    repeated = await newcomer.accept(made["code"], password=PASSWORD)
    assert code_of(repeated) == (422, "password_used_before")
    assert code_of(await newcomer.accept(made["code"])) == (200, "ok")
    assert code_of(await newcomer.sign_in()) == (200, "ok")
    assert (await stored(tx, newcomer.person_id)).openid == openid


async def test_a_reset_takes_a_stolen_wechat_account_away_where_asked(
    newcomer: Newcomer, secretary: Caller, tx: Tx, phones: Phones
) -> None:
    (await stored(tx, newcomer.person_id)).openid = openid = f"o{new_id().hex}"
    await tx.commit()
    made = await reset(secretary, newcomer.person_id, unbind=True)
    phone = await sign_in(newcomer.http, phones, openid)
    assert phone["me"]["id"] != str(newcomer.person_id)
    number, headers = await phones.phone_code(newcomer.phone), bearer(phone)
    thief = await newcomer.http.post("/me/phone", json={"code": number}, headers=headers)
    assert code_of(thief) == (409, "code_needed")
    assert (await stored(tx, newcomer.person_id)).openid is None
    body = {"code": made["code"], "phone": newcomer.phone}
    owner = await newcomer.http.post("/me/staff-account", json=body, headers=headers)
    assert owner.json()["me"]["id"] == str(newcomer.person_id)
    assert (await stored(tx, newcomer.person_id)).openid == openid


async def test_a_reset_is_kept_and_both_are_told_once(
    newcomer: Newcomer, secretary: Caller, tx: Tx, rolled_back: Database
) -> None:
    made = await reset(secretary, newcomer.person_id)
    acts = select(Act).where(Act.subject == str(newcomer.person_id))
    (act,) = (await tx.scalars(acts)).all()
    assert (act.what, act.person_id) == ("identity.account_reset", secretary.person_id)
    ways = {"password": False, "wechat": False}
    assert act.detail == {"invitation_id": made["id"], "before": ways, "after": ways}
    context = job_context(rolled_back, "identity.tell_account_reset")
    ids = {"person_id": str(newcomer.person_id), "by_id": str(secretary.person_id)}
    for _ in range(2):
        await tell_account_reset(context, **ids, invitation_id=made["id"])
    for who, begins in (
        (newcomer.person_id, "您的账号已被重置"),
        (secretary.person_id, "您重置了何小妹"),
    ):
        told = select(Notification).where(
            Notification.person_id == who, Notification.kind == "identity.account_reset"
        )
        (notice,) = (await tx.scalars(told)).all()
        assert notice.title.startswith(begins)
        assert made["code"] not in notice.body


async def test_the_command_line_resets_an_operator_as_a_superior_would_and_it_is_seen(
    operator: Caller, tx: Tx, town: Town, http: AsyncClient, password_hash: str
) -> None:
    person = await stored(tx, operator.person_id)
    person.password_hash = password_hash
    await tx.commit()
    thief = {"phone": person.phone, "password": PASSWORD}
    device = (await http.post("/auth/staff", json=thief)).json()
    renamed = update(Node).where(Node.id == town.at().id)
    await tx.execute(renamed.values(code="990001000000"))
    wish = Wish(
        name="管理员",
        phone=str(person.phone),
        password=SecretStr(NEW),
        duty_phone="0752-9100000",
        district_code="990001000000",
    )
    await create_operator(tx, wish, now=datetime.now(UTC))
    await tx.commit()
    assert await is_refused(http, device)
    again = await http.post("/auth/refresh", json={"refresh_token": device["refresh_token"]})
    assert code_of(again) == (401, "refresh_token_invalid")
    me = (await http.post("/auth/staff", json=thief | {"password": NEW})).json()
    listed = f"/grid/nodes/{town.at().id}/acts?subject={person.id}"
    acts = (await http.get(listed, headers=bearer(me))).json()["items"]
    assert [act["what"] for act in acts] == ["identity.account_reset"]


async def test_whoever_holds_a_post_elsewhere_too_is_reset_by_none_of_both_places(
    newcomer: Newcomer,
    callers: Callers,
    secretary: Caller,
    town: Town,
    tx: Tx,
) -> None:
    await appoint(tx, town.at(1, 2, 1), Role.GRID_WORKER, newcomer.person_id)
    await tx.commit()
    other = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 2)
    for one in (secretary, other):
        refused = await one.post(f"/people/{newcomer.person_id}/reset", json={})
        assert code_of(refused) == (403, "not_below_you")
    street = await callers.staff(town, Role.STREET_SECRETARY, 1)
    await reset(street, newcomer.person_id)


async def test_a_post_to_come_and_a_post_stood_in_for_count_as_well(
    newcomer: Newcomer, secretary: Caller, town: Town, clock: Clock, tx: Tx
) -> None:
    path = f"/people/{newcomer.person_id}/reset"
    later = clock.now.date() + timedelta(days=20)
    coming = await appoint(
        tx, town.at(1), Role.DISCIPLINE_OFFICER, newcomer.person_id, starts_on=later
    )
    await tx.commit()
    assert code_of(await secretary.post(path, json={})) == (403, "not_below_you")
    coming.ended_at = clock.now
    holder = await somebody(tx)
    held = await appoint(tx, town.at(2), Role.DISCIPLINE_OFFICER, holder.id)
    held.stand_in_id, held.stand_in_phone = newcomer.person_id, "0752-9100002"
    await tx.commit()
    assert code_of(await secretary.post(path, json={})) == (403, "not_below_you")
    held.stand_in_id, held.stand_in_phone = None, None
    await tx.commit()
    assert code_of(await secretary.post(path, json={})) == (200, "ok")


async def test_nobody_resets_herself_or_somebody_without_a_post(
    secretary: Caller, operator: Caller, callers: Callers, town: Town
) -> None:
    own = await secretary.post(f"/people/{secretary.person_id}/reset", json={})
    assert code_of(own) == (403, "not_below_you")
    resident = await callers.resident(town.place(1, 1, 1, 1))
    answers = []
    for whom in (resident.person_id, new_id()):
        answer = await operator.post(f"/people/{whom}/reset", json={})
        answers.append(answer.json() | {"request_id": None})
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "person_not_found"


async def test_an_account_is_reset_three_times_a_day_at_most(
    newcomer: Newcomer, secretary: Caller, callers: Callers, town: Town
) -> None:
    *_, last = [await reset(secretary, newcomer.person_id) for _ in range(3)]
    street = await callers.staff(town, Role.STREET_SECRETARY, 1)
    path = f"/people/{newcomer.person_id}/reset"
    assert code_of(await street.post(path, json={})) == (429, "too_many_codes")
    assert code_of(await newcomer.accept(last["code"])) == (200, "ok")
    assert code_of(await newcomer.sign_in(NEW)) == (200, "ok")


async def test_a_superior_sees_how_somebody_can_sign_in_and_not_from_where(
    newcomer: Newcomer, secretary: Caller, tx: Tx, password_hash: str
) -> None:
    path = f"/people/{newcomer.person_id}/account"
    assert (await secretary.get(path)).json()["has_password"] is False
    await invited(secretary, newcomer.person_id)
    assert (await secretary.get(path)).json()["invited_until"] is not None
    await let_in(newcomer, tx, password_hash)
    for _ in range(5):
        await newcomer.sign_in("Wrong-2026")
    seen = (await secretary.get(path)).json()
    assert (seen["has_password"], seen["failures_of_30_days"]) == (True, 5)
    assert seen["locked_until"] is not None
    assert "network" not in str(seen)


async def test_operators_look_at_sign_ins_and_that_is_kept(
    newcomer: Newcomer, secretary: Caller, operator: Caller, tx: Tx, password_hash: str
) -> None:
    await let_in(newcomer, tx, password_hash)
    await newcomer.sign_in("Wrong-2026")
    path, why = f"/people/{newcomer.person_id}/sign-ins/look", {"reason": "account_misuse"}
    assert code_of(await secretary.post(path, json=why)) == (403, "forbidden")
    shown = (await operator.post(path, json=why)).json()["items"]
    assert [one["outcome"] for one in shown] == ["wrong_password"]
    acts = (await tx.scalars(select(Act).where(Act.subject == str(newcomer.person_id)))).all()
    assert [(act.what, act.person_id, act.detail) for act in acts] == [
        ("identity.sign_ins_seen", operator.person_id, why)
    ]


async def test_an_office_makes_sixty_codes_an_hour_at_most(
    newcomer: Newcomer, secretary: Caller, clock: Clock
) -> None:
    for _ in range(60):
        await invited(secretary, newcomer.person_id)
    path = f"/people/{newcomer.person_id}/invitation"
    refused = await secretary.post(path)
    assert code_of(refused) == (429, "too_many_codes")
    assert refused.json()["retry_after_seconds"] > 0
    clock.forward(hours=1, seconds=1)
    await invited(secretary, newcomer.person_id)
