"""Every operation on people's own data against every caller."""

from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Response

from tests.authorization.attempts import Operations, attempted, operations_of
from tests.authorization.cast import (
    EVERYBODY,
    FROM_COMMUNITY,
    POSTS,
    STAFF,
    shown,
)
from tests.authorization.world import World

pytestmark = pytest.mark.slow

OFFICES = {
    name
    for name in (*POSTS, "far dispatcher", "far operator", "chief operator")
    if name.split()[-1] in {"clerk", "head", "dispatcher", "secretary", "operator"}
}
"""Whoever answers requests, wherever."""
HERE = FROM_COMMUNITY | {"own operator"}
"""Who answers those of the first lane."""
WISH = {"about": "register", "text": "我的出生年份应为 1968"}
ANSWER = {"granted": False, "answer": "与户口簿一致"}
TEXT = {"kind": "user_agreement", "version": "1", "title": "用户协议", "text": "……"}
CALLER = {"phone": "17712300009", "reason": "本人来电要求"}


@pytest.fixture(scope="module")
async def asked(world: World) -> dict[str, str]:
    """What the reporter asked for, and a text that is in force."""
    correction = await world.cast["reporter"].post("/me/corrections", json=WISH)
    copy = await world.cast["reporter"].post("/me/data-export")
    document = await world.cast["chief operator"].post("/consents", json=TEXT)
    for answer in (correction, copy, document):
        assert answer.status_code == 200, answer.text
    return {
        "correction_id": correction.json()["id"],
        "export_id": copy.json()["id"],
        "document_id": document.json()["id"],
        "kind": "user_agreement",
    }


ALL = dict.fromkeys(EVERYBODY, 200) | {"nobody": 401}
SPECIAL: dict[str, dict[str, int]] = {
    "list_current_consents": {"nobody": 200},
    "publish_consent_document": dict.fromkeys(EVERYBODY, 403) | {"chief operator": 200},
    "answer_correction": dict.fromkeys(EVERYBODY, 404) | dict.fromkeys(HERE, 200),
    "erase_caller": dict.fromkeys(EVERYBODY, 403) | dict.fromkeys(OFFICES, 200),
    "read_data_export": dict.fromkeys(EVERYBODY, 404) | {"reporter": 200},
    "request_data_export": {"reporter": 409},
    "download_data_export": dict.fromkeys([*EVERYBODY, "nobody"], 403),
    "ask_for_correction": dict.fromkeys(STAFF, 404),
    # The reporter has told something about a person, which is still being looked into.
    "request_erasure": dict.fromkeys([*STAFF, "reporter"], 409),
    "read_erasure": dict.fromkeys(EVERYBODY, 409),
    "withdraw_erasure": dict.fromkeys(EVERYBODY, 409),
}
"""What callers are answered where it is not 200 for all and 401 for nobody."""
BODIES: dict[str, dict[str, Any]] = {
    "publish_consent_document": TEXT | {"version": "2"},
    "agree_to_consent": {"document_id": "{document_id}"},
    "ask_for_correction": WISH,
    "answer_correction": ANSWER,
    "erase_caller": CALLER,
}
LINK = {"format": "json", "expires": "1", "signature": "x"}


@pytest.fixture(scope="module")
def operations(app: FastAPI) -> Operations:
    return operations_of(app, ".privacy.")


async def ask(
    world: World,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    query: dict[str, str] | None,
    who: str,
) -> Response:
    return await world.client(who).request(method, "http://api" + path, json=body, params=query)


async def test_everybody_is_answered_as_the_table_says(
    world: World, asked: dict[str, str], operations: Operations
) -> None:
    assert len(operations) >= 17
    for operation, (method, path) in operations.items():
        body = {
            name: asked["document_id"] if value == "{document_id}" else value
            for name, value in BODIES.get(operation, {}).items()
        }
        wanted = ALL | SPECIAL.get(operation, {})
        assert wanted.keys() == EVERYBODY | {"nobody"}
        query = LINK if operation == "download_data_export" else None
        attempt = partial(ask, world, method, path.format(**asked), body or None, query)
        answers = await attempted(world.connection, wanted, attempt)
        for who, status in wanted.items():
            answer = answers[who]
            assert answer.status_code == status, (operation, who, answer.text[:300])


async def test_a_request_is_listed_for_the_staff_of_its_place_alone(
    world: World, asked: dict[str, str]
) -> None:
    seen = set()
    for who in EVERYBODY:
        items = (await world.client(who).get("/staff/corrections")).json()["items"]
        if any(one["id"] == asked["correction_id"] for one in items):
            seen.add(who)
    assert seen == HERE, shown(seen ^ HERE)
