"""Every error is a problem document that says what to do; what people send is never a 500."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from pydantic import BaseModel

from neighborhood_api.kit.db import Database, TxDep, WriterDep, run
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.ids import new_id
from tests.support.people import Callers
from tests.support.probe import Probe, create_probe, probe_over

ENGLISH = {"accept-language": "en-GB,en;q=0.9,zh;q=0.5"}


def problem(answer: Response) -> dict[str, Any]:
    """The body of an answer that is a problem document in every respect."""
    body: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code >= 400
    assert body["type"] == "/problems/" + body["code"].replace("_", "-")
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["title"]
    assert body["message"]
    return body


async def send(probe: Probe, content: bytes, path: str = "/note") -> Response:
    headers = {"content-type": "application/json"}
    return await probe.post(path, content=content, headers=headers)


FRAMEWORK = {
    ("GET", "/nothing"): (404, "not_found"),
    ("DELETE", "/note"): (405, "method_not_allowed"),
    ("PATCH", "/note"): (405, "method_not_allowed"),
    ("HEAD", "/shown"): (405, "method_not_allowed"),
    ("POST", "/note"): (422, "invalid_request"),
}


@pytest.mark.parametrize(("method", "path"), FRAMEWORK)
async def test_the_frameworks_own_errors_are_problems_too(
    probe: Probe, method: str, path: str
) -> None:
    answer = await probe.request(method, path)
    status, code = FRAMEWORK[method, path]
    assert answer.status_code == status
    if method != "HEAD":
        assert problem(answer)["code"] == code
    if status == 405:
        assert answer.headers["allow"] in {"GET", "POST"}


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_long_is_413(probe: Probe, *, declared: bool) -> None:
    async def parts() -> Any:  # noqa: ANN401
        for _ in range(12):
            yield b" " * 10_000

    content = b" " * 120_000 if declared else parts()
    answer = await probe.post(
        "/note", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert problem(answer)["code"] == "body_too_large"


@pytest.mark.parametrize(
    "path", ["/note", "/nothing", "/health"], ids=["operation", "nowhere", "nowhere else"]
)
async def test_a_long_body_never_makes_a_500(probe: Probe, path: str) -> None:
    key = {"idempotency-key": new_id().hex}
    answer = await probe.post(path, content=b" " * 120_000, headers=key)
    assert answer.status_code in {404, 413, 422}
    problem(answer)


UNREADABLE = {
    "no JSON": (b"{", 422),
    "no UTF-8": (b'{"words": "\xff"}', 400),
    "too deep": (b'{"words":' + b"[" * 40_000, 400),
    "deep object": (b'{"words":' + b'{"a":' * 15_000, 400),
    "a number of 5000 digits": (b'{"words": "a", "number": ' + b"9" * 5000 + b"}", 400),
    "a list": (b"[]", 422),
    "a text": (b'"words"', 422),
    "null": (b"null", 422),
    "an unknown field": (b'{"words": "a", "wrods": "b"}', 422),
    "an unknown field of half a character": (b'{"words": "a", "\\ud800": 1}', 422),
    "not a number": (b'{"words": "a", "number": NaN}', 422),
    "endless": (b'{"words": "a", "number": -Infinity}', 422),
    "NUL in a text": (b'{"words": "a\\u0000b"}', 422),
    "a raw NUL": (b'{"words": "a\x00b"}', 422),
    "half a character": (b'{"words": "\\ud83d"}', 422),
    "a number larger than the column": (b'{"words": "large", "number": 2147483648}', 422),
    "a number larger than any": (b'{"words": "larger", "number": 1000000000000000000000}', 422),
}


@pytest.mark.parametrize("sent", UNREADABLE)
@pytest.mark.parametrize("keyed", [False, True], ids=["", "keyed"])
async def test_what_cannot_be_read_or_stored_is_said_clearly(
    probe: Probe, kind: str, sent: str, *, keyed: bool
) -> None:
    content, status = UNREADABLE[sent]
    headers = {"content-type": "application/json"}
    if keyed:
        headers["idempotency-key"] = new_id().hex
    answer = await probe.post(f"{kind}/note", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert problem(answer)["code"] in {"bad_request", "invalid_request", "unstorable_text"}
    assert probe.borrowed == 0


@pytest.mark.parametrize(
    "path",
    ["/words/a%00b", "/words/a?also=%00", "/words/%ED%A0%80", "/words/%ff", "/words/ok%0a"],
)
async def test_odd_characters_in_an_address_are_no_defect(probe: Probe, path: str) -> None:
    answer = await probe.get(path)
    assert answer.status_code == (422 if "%00" in path else 200), answer.text
    if answer.status_code != 200:
        body = problem(answer)
        assert (body["code"], body["message"]) == (
            "unstorable_text",
            "文字中有无法保存的特殊字符，请删除后再提交",
        )


@pytest.mark.parametrize("number", [2**31, -(2**63), 10**30])
async def test_a_large_number_in_an_address_is_no_defect(probe: Probe, number: int) -> None:
    answer = await probe.get(f"/number/{number}")
    assert answer.status_code == 422
    assert problem(answer)["code"] == "invalid_request"


async def test_each_field_that_does_not_fit_is_pointed_at(probe: Probe) -> None:
    content = json.dumps({"number": "x", "parent_id": "y", "a/b~c": 1}).encode()
    errors = problem(await send(probe, content))["errors"]
    assert {e["pointer"]: (e["code"], e["message"]) for e in errors} == {
        "#/body/words": ("missing", "必填"),
        "#/body/number": ("int_parsing", "应为整数"),
        "#/body/parent_id": ("uuid_parsing", "编号格式不正确"),
        "#/body/a~1b~0c": ("extra_forbidden", "没有这一项，请检查名称"),
    }


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b'{"words": "a",', "application/json", "不是有效的 JSON"),
        (
            b'{"words": "a"}',
            "application/x-www-form-urlencoded",
            "应为 JSON 对象，并以 Content-Type: application/json 提交",
        ),
    ],
)
async def test_a_body_that_is_no_json_is_told_so_and_not_where(
    probe: Probe, content: bytes, kind: str, message: str
) -> None:
    answer = await probe.post("/note", content=content, headers={"content-type": kind})
    (error,) = problem(answer)["errors"]
    assert (error["pointer"], error["message"]) == ("#/body", message)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "填写的内容有误，请检查后再提交"),
        ({"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}, "填写的内容有误，请检查后再提交"),
        (ENGLISH, "The request does not match the API description"),
    ],
)
async def test_messages_are_chinese_unless_english_is_asked_for(
    probe: Probe, sent: dict[str, str], message: str
) -> None:
    body = problem(await probe.post("/note", json={"words": 1}, headers=sent))
    assert body["message"] == message
    assert body["errors"][0]["message"].isascii() == message.isascii()
    refused = problem(await probe.post("/refused", json={"words": new_id().hex}, headers=sent))
    assert refused["message"] == ("Refused" if sent == ENGLISH else "不行")


async def test_a_constraint_that_nobody_explained_is_a_defect_without_details(
    probe: Probe, kind: str
) -> None:
    words = f"秘密{new_id().hex}"
    await probe.post(f"{kind}/note", json={"words": words})
    answer = await probe.post(f"{kind}/note", json={"words": words})
    assert answer.status_code == 500
    assert problem(answer)["code"] == "internal_error"
    assert words not in answer.text
    assert "uq_" not in answer.text


async def test_a_constraint_that_is_explained_is_a_refusal(probe: Probe, kind: str) -> None:
    note, path = {"words": new_id().hex}, f"{kind}/guarded"
    await probe.post(path, json=note)
    assert problem(await probe.post(path, json=note))["code"] == "words_taken"


AWAY = ["postgresql://u:p@127.0.0.1:1/none", "postgresql://u:p@no-such-host.invalid/none"]


@pytest.mark.parametrize("url", AWAY, ids=["closed port", "unknown host"])
async def test_a_database_that_is_away_is_503_and_says_when_to_come_back(
    url: str, kind: str
) -> None:
    database = Database(url, pool_size=2)
    await database.writers.open()
    async with probe_over(database) as probe:
        for _ in range(4):  # more than the pool has
            answer = await probe.post(f"{kind}/note", json={"words": "a"})
            body = problem(answer)
            assert (body["status"], body["code"]) == (503, "database_unavailable")
            assert answer.headers["retry-after"] == str(body["retry_after_seconds"])
        keyed = await probe.post(
            f"{kind}/note", json={"words": "a"}, headers={"idempotency-key": "away"}
        )
        assert problem(keyed)["code"] == "database_unavailable"
        assert probe.borrowed == 0


@pytest.mark.parametrize("dependency", [TxDep, WriterDep], ids=["session", "writer"])
async def test_two_changes_that_lock_each_other_out_may_be_sent_again(
    probe: Probe,
    dependency: Any,  # noqa: ANN401  (as FastAPI takes it)
) -> None:
    """One of the two waits for the other's row, which waits for its: the database ends one."""
    one, two = new_id().hex, new_id().hex
    app = create_probe(probe.database)
    _add_crossing(app, asyncio.Barrier(2), dependency)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://probe") as http:
        answers = await asyncio.gather(
            http.post("/cross", json={"words": one, "then": two}),
            http.post("/cross", json={"words": two, "then": one}),
        )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 503]
    loser = next(answer for answer in answers if answer.status_code == 503)
    assert problem(loser)["code"] == "try_again"


class Cross(BaseModel):
    words: str
    then: str


def _add_crossing(
    app: FastAPI,
    meet: asyncio.Barrier,
    dependency: Any,  # noqa: ANN401  (as FastAPI takes it)
) -> None:
    router = new_router(tags=["probe"])
    insert = "INSERT INTO probe.note VALUES (gen_random_uuid(), $1)"

    @router.post("/cross")
    async def cross(body: Cross, tx: dependency) -> dict[str, bool]:
        await run(tx, insert, body.words)
        await meet.wait()
        await run(tx, insert, body.then)
        return {"done": True}

    app.include_router(router)


async def test_the_real_api_answers_its_errors_the_same_way(
    http: AsyncClient, callers: Callers
) -> None:
    resident = await callers.resident()
    assert problem(await http.get("/me"))["code"] == "not_signed_in"
    assert problem(await resident.get("/nowhere"))["code"] == "not_found"
    assert problem(await resident.delete("/me/grid"))["code"] == "method_not_allowed"
    long = await resident.put(
        "/me", content=b" " * 1_100_000, headers={"content-type": "application/json"}
    )
    assert problem(long)["code"] == "body_too_large"
