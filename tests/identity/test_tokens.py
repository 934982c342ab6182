"""Access tokens: what they say, who can verify them, and what is not one."""

import base64
import json
from asyncio import sleep
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from fastapi import FastAPI
from httpx import AsyncClient
from jose import jws, jwt
from jose.constants import ALGORITHMS

from neighborhood_api.identity.access import Post, Role
from neighborhood_api.identity.keys import Keyring, make_key
from neighborhood_api.identity.places import Level, Place
from neighborhood_api.identity.tokens import LIFETIME, NotSignedIn, Standing, Tokens
from tests.support.people import Callers
from tests.support.places import Town


@pytest.fixture
def tokens(app: FastAPI) -> Tokens:
    tokens: Tokens = app.state.gate.tokens
    return tokens


@pytest.fixture
async def good(callers: Callers, town: Town) -> str:
    """A token that the API takes."""
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    return chief.headers["authorization"].removeprefix("Bearer ")


async def answer_to(http: AsyncClient, token: str) -> tuple[int, str | None]:
    answer = await http.get("/me", headers={"authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("code")


async def test_a_third_party_verifies_a_token_with_the_published_keys_alone(
    http: AsyncClient, callers: Callers, town: Town
) -> None:
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    token = chief.headers["authorization"].removeprefix("Bearer ")
    published = (await http.get("http://api/.well-known/jwks.json")).json()
    assert {"d", "p", "q"}.isdisjoint(name for key in published["keys"] for name in key)

    claims = jwt.decode(token, published, algorithms=["ES256"], issuer="neighborhood-api")

    header = jwt.get_unverified_header(token)
    assert header["alg"] == "ES256"
    assert header["kid"] in [key["kid"] for key in published["keys"]]
    assert claims["sub"] == str(chief.person_id)
    lane = town.at(1, 1, 1, 1)
    assert claims["posts"] == [{"role": "lane_chief", "level": 4, "node": str(lane.id)}]
    assert claims["exp"] - claims["iat"] == 15 * 60


async def test_a_token_carries_where_its_person_lives(
    callers: Callers, town: Town, http: AsyncClient
) -> None:
    home = town.place(1, 1, 1, 1)
    resident = await callers.resident(home)
    token = resident.headers["authorization"].removeprefix("Bearer ")
    published = (await http.get("http://api/.well-known/jwks.json")).json()
    claims = jwt.decode(token, published, algorithms=["ES256"])
    assert list(claims["place"]) == ["district", "street", "community", "grid", "lane"]
    assert tuple(claims["place"].values()) == tuple(map(str, home))


def test_what_is_written_is_read_back(tokens: Tokens) -> None:
    person, sign_in, node, body = uuid4(), uuid4(), uuid4(), uuid4()
    standing = Standing(
        posts=(
            Post(Role.STREET_DISPATCHER, Level.STREET, node),
            Post(Role.DEPARTMENT_OFFICER, Level.STREET, node, body),
        ),
        residence=Place.of(uuid4(), uuid4()),
    )
    read = tokens.read(tokens.make(person, sign_in, 7, standing, datetime.now(UTC)))
    assert (read.actor.person_id, read.actor.sign_in_id, read.epoch) == (person, sign_in, 7)
    assert (read.actor.posts, read.actor.residence) == (standing.posts, standing.residence)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.get_unverified_claims(token)
    return claims


def signed(
    tokens: Tokens, claims: dict[str, Any], headers: dict[str, Any] | None = None
) -> str:
    key = tokens.keyring.signing
    headers = {"kid": key.kid} if headers is None else headers
    token: str = jwt.encode(claims, key.pem, "ES256", headers=headers)
    return token


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(token: str, tokens: Tokens) -> str:
    kid = tokens.keyring.signing.kid
    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': kid})}.{part(claims_of(token))}."


def signed_with_the_public_key_as_a_secret(token: str, tokens: Tokens) -> str:
    key = tokens.keyring.signing
    public = load_pem_private_key(key.pem.encode(), None).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    # By hand: the library itself refuses to use a public key so.
    secret = base64.urlsafe_b64encode(pem).decode()
    forged: str = jws.sign(
        claims_of(token),
        {"kty": "oct", "k": secret, "alg": "HS256"},
        headers={"kid": key.kid},
        algorithm=ALGORITHMS.HS256,
    )
    return forged


def tampered(token: str, _: Tokens) -> str:
    header, __, signature = token.split(".")
    return f"{header}.{part(claims_of(token) | {'sub': str(uuid4())})}.{signature}"


FORGERIES: dict[str, Callable[[str, Tokens], str]] = {
    "unsigned": unsigned,
    "public key as secret": signed_with_the_public_key_as_a_secret,
    "tampered": tampered,
    "no signature": lambda token, _: token.rsplit(".", 1)[0] + ".",
    "cut short": lambda token, _: token[:-4],
    "other issuer": lambda token, t: signed(t, claims_of(token) | {"iss": "other"}),
    "no issuer": lambda token, t: signed(
        t, {k: v for k, v in claims_of(token).items() if k != "iss"}
    ),
    "no key id": lambda token, t: signed(t, claims_of(token), headers={}),
    "unknown key id": lambda token, t: signed(t, claims_of(token), headers={"kid": "other"}),
    "number as key id": lambda token, t: signed(t, claims_of(token), headers={"kid": 7}),
    "list as key id": lambda token, t: signed(t, claims_of(token), headers={"kid": ["x"]}),
    "no expiry": lambda token, t: signed(
        t, {k: v for k, v in claims_of(token).items() if k != "exp"}
    ),
    "no person": lambda token, t: signed(
        t, {k: v for k, v in claims_of(token).items() if k != "sub"}
    ),
    "person is no id": lambda token, t: signed(t, claims_of(token) | {"sub": "root"}),
    "unknown role": lambda token, t: signed(
        t, claims_of(token) | {"posts": [{"role": "emperor", "level": 0, "node": str(uuid4())}]}
    ),
    "not a token": lambda _, __: "not a token",
    "three dots": lambda _, __: "..",
    "not text": lambda _, __: "\xff\xfe.\xff.\xff",
    "deep header": lambda _, __: base64.urlsafe_b64encode(b"[" * 30_000).decode() + ".e30.e30",
    "header is a list": lambda _, __: f"{part([1])}.{part({})}.e30",
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_token_is_401_and_never_500(
    forgery: str, good: str, http: AsyncClient, tokens: Tokens
) -> None:
    assert (await answer_to(http, good))[0] == 200
    token = FORGERIES[forgery](good, tokens)
    answer = await http.get(
        "/me", headers={b"authorization": b"Bearer " + token.encode("latin-1")}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Token x", "bearer"])
async def test_another_kind_of_credentials_is_none(header: str, http: AsyncClient) -> None:
    answer = await http.get("/me", headers={"authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


async def test_a_token_runs_out(http: AsyncClient, tokens: Tokens) -> None:
    long_ago = datetime.now(UTC) - LIFETIME - timedelta(seconds=1)
    token = tokens.make(uuid4(), uuid4(), 0, Standing(), long_ago)
    assert await answer_to(http, token) == (401, "token_expired")
    assert await answer_to(http, token) == (401, "token_expired")


async def test_a_remembered_token_runs_out_too(
    http: AsyncClient, tokens: Tokens, callers: Callers
) -> None:
    resident = await callers.resident()
    soon_over = datetime.now(UTC) - LIFETIME + timedelta(seconds=1.2)
    token = tokens.make(resident.person_id, uuid4(), 0, Standing(), soon_over)
    known = tokens.read(token)
    assert tokens.read(token) is known
    await sleep(1.3)
    assert await answer_to(http, token) == (401, "token_expired")


def test_forgetting_what_was_verified_changes_nothing(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neighborhood_api.identity.tokens.REMEMBERED", 2)
    now = datetime.now(UTC)
    fresh = Tokens(tokens.keyring)
    made = [fresh.make(uuid4(), uuid4(), n, Standing(), now) for n in range(5)]
    for _ in range(2):
        assert [fresh.read(token).epoch for token in made] == [0, 1, 2, 3, 4]


def test_a_token_of_another_deployment_is_not_ours(tokens: Tokens, tmp_path: Path) -> None:
    make_key(tmp_path)
    other = Tokens(Keyring.from_folder(tmp_path))
    token = other.make(uuid4(), uuid4(), 0, Standing(), datetime.now(UTC))
    assert other.read(token).epoch == 0
    with pytest.raises(NotSignedIn):
        tokens.read(token)
