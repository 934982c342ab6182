"""Where one is signed in, the history of sign-ins, and signing a device out from afar."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select

from neighborhood_api.identity.jobs import forget_expired
from neighborhood_api.identity.sessions.devices import family_of, network_of
from neighborhood_api.identity.sessions.history import forget_attempts
from neighborhood_api.identity.sessions.models import SignInAttempt
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.settings import Settings
from tests.identity.accounts.conftest import code_of, stored
from tests.identity.conftest import PASSWORD, Staff, bearer, is_refused, sign_in
from tests.support.clock import Clock
from tests.support.jobs import job_context
from tests.support.people import Caller, Callers
from tests.support.wechat import Phones

WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/zh_CN"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        (WECHAT, "WeChat on iPhone"),
        (EDGE, "Edge on Windows"),
        ("Dalvik/2.1.0 (Linux; U; Android 15; ABC-1234)", "Android"),
        ("Mozilla/5.0 (Phone; OpenHarmony 5.0) ArkWeb/4 MicroMessenger", "WeChat on HarmonyOS"),
        ("curl/8.9", "other"),
        ("", "other"),
    ],
)
def test_of_a_device_only_the_family_is_kept(user_agent: str, family: str) -> None:
    assert family_of(user_agent) == family


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unknown", None),
    ],
)
def test_of_an_address_only_the_network_is_kept(address: str, network: str | None) -> None:
    assert network_of(address) == network


async def history(http: AsyncClient, signed_in: dict[str, Any]) -> list[tuple[str, str]]:
    answer = await http.get("/me/sign-ins", headers=bearer(signed_in))
    return [(one["kind"], one["outcome"]) for one in answer.json()["items"]]


async def test_the_history_tells_every_success_and_failure_newest_first(
    http: AsyncClient, staff: Staff, phones: Phones, clock: Clock, tx: Tx
) -> None:
    (await stored(tx, staff.person_id)).openid = openid = f"o{new_id().hex}"
    await tx.commit()
    first = (await staff.sign_in()).json()
    for _ in range(5):
        await staff.sign_in("Wrong-2026")
    await staff.sign_in("Wrong-2026")  # at a locked account nothing is tried
    clock.forward(minutes=16)
    last = await sign_in(http, phones, openid)
    wrong = ("password", "wrong_password")
    assert await history(http, last) == [
        ("wechat", "succeeded"),
        ("password", "locked"),
        *[wrong] * 4,
        ("password", "succeeded"),
    ]
    once = {"refresh_token": first["refresh_token"]}
    assert (await http.post("/auth/refresh", json=once)).status_code == 200
    clock.forward(minutes=1)
    copied = await http.post("/auth/refresh", json=once)
    assert code_of(copied) == (401, "refresh_token_reused")
    assert (await history(http, last))[0] == ("refresh", "reused")


async def test_the_history_carries_device_and_network_and_is_read_by_pages(
    http: AsyncClient, staff: Staff, tx: Tx
) -> None:
    body, edge = {"phone": staff.phone, "password": PASSWORD}, {"user-agent": EDGE}
    answers = [await http.post("/auth/staff", json=body, headers=edge) for _ in range(3)]
    mine = bearer(answers[-1].json())
    page = (await http.get("/me/sign-ins?limit=2", headers=mine)).json()
    assert [one["device"] for one in page["items"]] == ["Edge on Windows"] * 2
    assert page["items"][0]["network"] == "127.0.0.0/24"
    rest = (await http.get(f"/me/sign-ins?after={page['next']}", headers=mine)).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    rows = (await tx.execute(SignInAttempt.__table__.select())).mappings().all()
    assert not any("127.0.0.1" in str(dict(row)) or EDGE in str(dict(row)) for row in rows)


async def test_history_is_forgotten_after_its_time_and_not_before(
    staff: Staff, clock: Clock, tx: Tx
) -> None:
    await staff.sign_in("Wrong-2026")
    count = select(func.count()).where(SignInAttempt.person_id == staff.person_id)
    year = timedelta(days=365)
    await forget_attempts(tx, before=clock.now - year)
    assert await tx.scalar(count) == 1
    await forget_attempts(tx, before=clock.forward(days=365, seconds=1) - year)
    assert await tx.scalar(count) == 0


async def test_devices_are_listed_and_this_one_is_marked(
    http: AsyncClient, staff: Staff, clock: Clock
) -> None:
    old = (await staff.sign_in()).json()
    clock.forward(days=29)
    here, there = [(await staff.sign_in()).json() for _ in range(2)]
    await http.post("/auth/logout", json={"refresh_token": there["refresh_token"]})
    clock.forward(minutes=5)
    renewed = await http.post("/auth/refresh", json={"refresh_token": here["refresh_token"]})
    listed = (await http.get("/me/sessions", headers=bearer(renewed.json()))).json()["items"]
    assert [one["this_one"] for one in listed] == [True, False]
    assert listed[0]["last_used_at"] > listed[0]["signed_in_at"]
    clock.forward(days=2)
    fresh = (await staff.sign_in()).json()
    listed = (await http.get("/me/sessions", headers=bearer(fresh))).json()["items"]
    assert len(listed) == 2, "the old one can no longer renew its tokens"
    assert old["me"]["id"] == str(staff.person_id)


async def test_a_device_is_signed_out_from_afar_at_once(
    http: AsyncClient, staff: Staff, callers: Callers
) -> None:
    here, there, third = [(await staff.sign_in()).json() for _ in range(3)]
    listed = (await http.get("/me/sessions", headers=bearer(here))).json()["items"]
    path = f"/me/sessions/{listed[1]['id']}/end"
    stranger: Caller = await callers.resident()
    assert code_of(await stranger.post(path)) == (404, "device_sign_in_not_found")
    assert not await is_refused(http, there)
    assert code_of(await http.post(path, headers=bearer(here))) == (200, "ok")
    assert await is_refused(http, there)
    assert not await is_refused(http, third)
    again = await http.post(path, headers=bearer(here))
    assert code_of(again) == (404, "device_sign_in_not_found")
    ended = await http.post("/me/sessions/end-others", headers=bearer(here))
    assert ended.json() == {"ended": 1}
    assert await is_refused(http, third)
    assert not await is_refused(http, here)


async def test_housekeeping_keeps_what_a_deployment_asks_for(
    staff: Staff, tx: Tx, rolled_back: Database, settings: Settings
) -> None:
    now = datetime.now(UTC)
    for days in (364, 366):
        at = now - timedelta(days=days)
        row = {"kind": "password", "outcome": "succeeded", "device": "other"}
        tx.add(SignInAttempt(person_id=staff.person_id, at=at, **row))
    await tx.commit()
    context = job_context(rolled_back, "identity.forget_expired")
    context.additional_context["settings"] = settings
    await forget_expired(context, 0)
    mine = select(SignInAttempt.at).where(SignInAttempt.person_id == staff.person_id)
    kept = (await tx.scalars(mine)).all()
    assert [(now - at).days for at in kept] == [364]
