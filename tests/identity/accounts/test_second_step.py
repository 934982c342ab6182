"""One-time codes: as the standard computes them, and as the second step of signing in."""

from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy import func, select, text

from neighborhood_api.cli.refusals import Refused
from neighborhood_api.cli.second_step import take_off_by_phone
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import SignIn
from neighborhood_api.identity.second_step.challenges import forget_past_challenges
from neighborhood_api.identity.second_step.models import Challenge, RecoveryCode
from neighborhood_api.identity.second_step.totp import code_at, step_matching, step_of
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.settings import Settings
from tests.identity.accounts.conftest import NEW, code_of, in_full_width, stored
from tests.identity.conftest import PASSWORD, Staff, bearer, is_refused
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.posts import appoint, chief_operator, phone_number
from tests.support.wechat import Phones

RFC_SECRET = b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238, appendix B, for SHA-1."""
    step = step_of(datetime.fromtimestamp(seconds, UTC))
    assert code_at(RFC_SECRET, step, digits=8) == code
    assert code_at(RFC_SECRET, step) == code[2:]


def test_a_clock_may_be_one_step_away_and_a_step_is_taken_once() -> None:
    now = datetime.fromtimestamp(1111111111, UTC)
    here = step_of(now)
    for away, taken in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = code_at(RFC_SECRET, here + away)
        assert (step_matching(RFC_SECRET, code, now, after=0) is not None) is taken
    assert step_matching(RFC_SECRET, code_at(RFC_SECRET, here), now, after=here) is None
    assert step_matching(RFC_SECRET, "１２３４５６", now, after=0) is None


@dataclass
class Guarded:
    """Staff who sign in with an authenticator app."""

    staff: Staff
    secret: str
    recovery_codes: list[str]
    clock: Clock

    def code(self) -> str:
        """The code of a step that was not used yet."""
        self.clock.forward(seconds=30)
        return code_at(self.secret, step_of(self.clock.now))

    async def first(self, password: str = PASSWORD) -> str:
        answer = await self.staff.sign_in(password)
        assert code_of(answer) == (401, "second_step_needed")
        challenge: str = answer.json()["challenge"]
        return challenge

    async def second(self, challenge: str, code: str) -> Response:
        body = {"challenge": challenge, "code": code}
        return await self.staff.http.post("/auth/second-step", json=body)


@pytest.fixture
async def officer(staff: Staff, town: Town, tx: Tx) -> Staff:
    await appoint(tx, town.at(), Role.OPERATOR, staff.person_id)
    await tx.commit()
    return staff


@pytest.fixture
async def guarded(officer: Staff, clock: Clock) -> Guarded:
    held = bearer((await officer.sign_in()).json())
    return await set_up(officer, clock, held)


async def set_up(staff: Staff, clock: Clock, held: dict[str, str]) -> Guarded:
    body = {"password": PASSWORD}
    begun = await staff.http.post("/me/totp", json=body, headers=held)
    assert begun.status_code == 200, begun.text
    guarded = Guarded(staff, begun.json()["secret"], [], clock)
    body = {"code": guarded.code()}
    on = await staff.http.post("/me/totp/confirm", json=body, headers=held)
    assert on.status_code == 200, on.text
    guarded.recovery_codes = on.json()["recovery_codes"]
    return guarded


@pytest.fixture
def required(app: FastAPI) -> Iterator[None]:
    before: Settings = app.state.settings
    app.state.settings = before.model_copy(update={"require_second_step": True})
    yield
    app.state.settings = before


async def test_a_sign_in_needs_the_code_and_a_code_is_taken_once(guarded: Guarded) -> None:
    challenge, code = await guarded.first(), guarded.code()
    done = await guarded.second(challenge, in_full_width(f"{code[:3]} {code[3:]}"))
    assert done.status_code == 200, done.text
    assert not await is_refused(guarded.staff.http, done.json())
    assert code_of(await guarded.second(challenge, code)) == (401, "challenge_invalid")
    replayed = await guarded.second(await guarded.first(), code)
    assert code_of(replayed) == (422, "wrong_second_step_code")


async def test_until_the_second_step_nobody_is_signed_in(guarded: Guarded, tx: Tx) -> None:
    count = select(func.count()).where(SignIn.person_id == guarded.staff.person_id)
    before = await tx.scalar(count)
    await guarded.second(await guarded.first(), "000000")
    assert await tx.scalar(count) == before


async def test_secrets_are_sealed_or_digests(guarded: Guarded, tx: Tx) -> None:
    challenge = await guarded.first()
    kept = (await tx.execute(text("SELECT secret FROM authenticator"))).scalars().all()
    assert kept
    assert all(one.startswith("s1.") and guarded.secret not in one for one in kept)
    mine = select(RecoveryCode.digest).where(RecoveryCode.person_id == guarded.staff.person_id)
    digests = [one.hex() for one in await tx.scalars(mine)]
    assert len(digests) == len(set(guarded.recovery_codes)) == 10
    acts = select(Act.detail).where(Act.subject == str(guarded.staff.person_id))
    texts = [*digests, *map(str, await tx.scalars(acts))]
    texts += [row.hex() for row in await tx.scalars(select(Challenge.digest))]
    for secret in (guarded.secret, challenge, *guarded.recovery_codes):
        assert not any(secret in one for one in texts)


async def test_wechat_does_not_get_round_the_second_step(
    guarded: Guarded, phones: Phones, tx: Tx
) -> None:
    (await stored(tx, guarded.staff.person_id)).openid = openid = f"o{new_id().hex}"
    await tx.commit()
    code = await phones.login_code(openid)
    answer = await guarded.staff.http.post("/auth/wechat", json={"code": code})
    assert code_of(answer) == (401, "second_step_needed")
    done = await guarded.second(answer.json()["challenge"], guarded.code())
    assert done.json()["me"]["id"] == str(guarded.staff.person_id)


async def test_wrong_codes_lock_the_account_though_the_password_was_right_each_time(
    guarded: Guarded, clock: Clock
) -> None:
    """Whoever knows the password must not guess codes for ever by sending it again."""
    codes = [
        code_of(await guarded.second(await guarded.first(), "000000"))[1] for _ in range(5)
    ]
    assert codes == ["wrong_second_step_code"] * 4 + ["account_locked"]
    assert code_of(await guarded.staff.sign_in()) == (429, "account_locked")
    clock.forward(minutes=15, seconds=1)
    done = await guarded.second(await guarded.first(), guarded.code())
    assert done.status_code == 200
    kinds = await guarded.staff.http.get("/me/sign-ins", headers=bearer(done.json()))
    outcomes = [(one["kind"], one["outcome"]) for one in kinds.json()["items"][:3]]
    assert outcomes == [
        ("password", "succeeded"),
        ("second_step", "locked"),
        ("second_step", "wrong_code"),
    ]


async def test_a_challenge_ends_after_five_minutes_and_is_deleted(
    guarded: Guarded, clock: Clock, tx: Tx
) -> None:
    challenge = await guarded.first()
    clock.forward(minutes=5)
    answer = await guarded.second(challenge, guarded.code())
    assert code_of(answer) == (401, "challenge_invalid")
    assert code_of(await guarded.second("nobody's", "123456")) == (401, "challenge_invalid")
    await forget_past_challenges(tx, now=clock.now)
    mine = select(func.count()).where(Challenge.person_id == guarded.staff.person_id)
    assert await tx.scalar(mine) == 0


async def test_a_recovery_code_works_once(guarded: Guarded) -> None:
    one = guarded.recovery_codes[0]
    done = await guarded.second(await guarded.first(), one.lower().replace("-", " "))
    assert done.status_code == 200, done.text
    state = await guarded.staff.http.get("/me/totp", headers=bearer(done.json()))
    assert state.json()["recovery_codes_left"] == 9
    again = await guarded.second(await guarded.first(), one)
    assert code_of(again) == (422, "wrong_second_step_code")


async def test_setting_up_needs_the_password_and_a_right_code(officer: Staff) -> None:
    http, held = officer.http, bearer((await officer.sign_in()).json())
    for wrong in ({}, {"password": "Wrong-2026"}):
        refused = await http.post("/me/totp", json=wrong, headers=held)
        assert code_of(refused) == (422, "wrong_old_password")
    begun = await http.post("/me/totp", json={"password": PASSWORD}, headers=held)
    uri = urlsplit(begun.json()["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [begun.json()["secret"]]
    assert officer.phone not in begun.json()["uri"]
    wrong_code = await http.post("/me/totp/confirm", json={"code": "000000"}, headers=held)
    assert code_of(wrong_code) == (422, "wrong_second_step_code")
    assert code_of(await officer.sign_in()) == (200, "ok")


async def test_turning_it_on_signs_the_other_devices_out_and_it_is_turned_off_with_a_code(
    officer: Staff, clock: Clock
) -> None:
    http = officer.http
    here, there = [(await officer.sign_in()).json() for _ in range(2)]
    guarded = await set_up(officer, clock, bearer(here))
    assert await is_refused(http, there)
    assert not await is_refused(http, here)
    again = await http.post("/me/totp", json={"password": PASSWORD}, headers=bearer(here))
    assert code_of(again) == (409, "second_step_already_on")
    path = "/me/totp/turn-off"
    wrong = await http.post(path, json={"code": "000000"}, headers=bearer(here))
    assert code_of(wrong) == (422, "wrong_second_step_code")
    off = await http.post(path, json={"code": guarded.code()}, headers=bearer(here))
    assert code_of(off) == (200, "ok")
    assert code_of(await officer.sign_in()) == (200, "ok")


async def test_residents_have_no_second_step(callers: Callers, town: Town) -> None:
    resident = await callers.resident(town.place(1, 1, 1, 1))
    answer = await resident.post("/me/totp", json={})
    assert code_of(answer) == (403, "second_step_is_for_staff")


@pytest.mark.usefixtures("required")
async def test_where_it_is_required_operators_set_it_up_before_anything_else(
    officer: Staff, clock: Clock
) -> None:
    http = officer.http
    signed_in: dict[str, Any] = (await officer.sign_in()).json()
    assert signed_in["second_step_setup_needed"]
    held = bearer(signed_in)
    for path in ("/me/grid", "/account-invitations"):
        answer = await http.get(path, headers=held)
        assert code_of(answer) == (403, "second_step_setup_needed")
    guarded = await set_up(officer, clock, held)
    refresh = {"refresh_token": signed_in["refresh_token"]}
    free = (await http.post("/auth/refresh", json=refresh)).json()
    assert not free["second_step_setup_needed"]
    assert (await http.get("/account-invitations", headers=bearer(free))).status_code == 200
    off = {"code": guarded.code()}
    kept = await http.post("/me/totp/turn-off", json=off, headers=bearer(free))
    assert code_of(kept) == (409, "second_step_required")


@pytest.mark.usefixtures("required")
async def test_where_it_is_required_others_sign_in_as_before(staff: Staff) -> None:
    assert not (await staff.sign_in()).json()["second_step_setup_needed"]


async def test_a_chief_operator_takes_it_off_and_nobody_else_does(
    guarded: Guarded, callers: Callers, town: Town, tx: Tx
) -> None:
    path = f"/people/{guarded.staff.person_id}/totp/reset"
    for role, place in ((Role.OPERATOR, ()), (Role.STREET_SECRETARY, (1,))):
        other = await callers.staff(town, role, *place)
        assert code_of(await other.post(path)) == (403, "forbidden")
    chief: Caller = await callers.person(await chief_operator(tx, town.at()))
    waiting = await guarded.first()
    assert code_of(await chief.post(path)) == (200, "ok")
    assert code_of(await guarded.second(waiting, guarded.code())) == (401, "challenge_invalid")
    assert code_of(await guarded.staff.sign_in()) == (200, "ok")
    assert code_of(await chief.post(path)) == (409, "second_step_off")
    own = await chief.post(f"/people/{chief.person_id}/totp/reset")
    assert code_of(own) == (403, "not_below_you")


async def test_the_command_line_takes_it_off_by_number(
    guarded: Guarded, tx: Tx, clock: Clock
) -> None:
    with pytest.raises(Refused, match="Nobody"):
        await take_off_by_phone(tx, phone_number(), now=clock.now)
    said = await take_off_by_phone(tx, guarded.staff.phone, now=clock.now)
    await tx.commit()
    assert "signed out" in said
    assert code_of(await guarded.staff.sign_in()) == (200, "ok")
    with pytest.raises(Refused, match="already"):
        await take_off_by_phone(tx, guarded.staff.phone, now=clock.now)


async def test_a_reset_password_does_not_get_round_the_second_step(
    guarded: Guarded, callers: Callers, town: Town, tx: Tx
) -> None:
    chief: Caller = await callers.person(await chief_operator(tx, town.at()))
    path = f"/people/{guarded.staff.person_id}/reset"
    made = (await chief.post(path, json={})).json()
    body = {"code": made["code"], "phone": guarded.staff.phone, "password": NEW}
    http: AsyncClient = guarded.staff.http
    answer = await http.post("/auth/invitations/accept", json=body)
    assert code_of(answer) == (401, "second_step_needed")
    done = await guarded.second(answer.json()["challenge"], guarded.code())
    assert done.json()["me"]["id"] == str(guarded.staff.person_id)
