"""A repeated POST is answered the same and done once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from httpx import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from neighborhood_api.kit.idempotency import (
    LONGEST_KEY,
    BadIdempotencyKey,
    IdempotencyRow,
    forget_before,
    require_sane,
)
from neighborhood_api.kit.ids import new_id
from tests.support.probe import Probe


def fresh() -> str:
    return new_id().hex


async def post(
    probe: Probe, path: str, words: str, key: str, *, caller: str = "li", query: str = ""
) -> Response:
    headers = {"idempotency-key": key, "x-caller": caller}
    return await probe.post(path + query, json={"words": words}, headers=headers)


async def test_a_repeat_gets_the_same_bytes_and_changes_nothing(
    probe: Probe, kind: str
) -> None:
    words, key = fresh(), fresh()
    answers = [await post(probe, f"{kind}/guarded", words, key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["content-type"] for answer in answers}) == 1
    assert await probe.stored(words) == 1


async def test_a_repeat_that_fails_for_what_it_did_itself_is_recalled_too(
    probe: Probe, kind: str
) -> None:
    words, key = fresh(), fresh()
    first = await post(probe, f"{kind}/note", words, key)  # its constraint maps to no problem
    again = await post(probe, f"{kind}/note", words, key)
    assert again.content == first.content


async def test_an_operation_without_a_database_is_recalled(probe: Probe) -> None:
    key = fresh()
    assert (await post(probe, "/missing", "a", key)).status_code == 200
    assert (await post(probe, "/missing", "a", key)).json() == {"done": True}
    assert (await post(probe, "/missing", "b", key)).status_code == 422


async def test_another_body_under_the_key_is_refused_and_not_done(
    probe: Probe, kind: str
) -> None:
    one, other, key = fresh(), fresh(), fresh()
    await post(probe, f"{kind}/note", one, key)
    answer = await post(probe, f"{kind}/note", other, key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await probe.stored(other) == 0


async def test_another_query_under_the_key_is_another_request(probe: Probe) -> None:
    words, key = fresh(), fresh()
    await post(probe, "/guarded", words, key, query="?dry_run=true")
    answer = await post(probe, "/guarded", words, key, query="?dry_run=false")
    assert answer.json()["code"] == "idempotency_key_reused"


async def test_the_key_of_another_caller_or_operation_is_another_key(probe: Probe) -> None:
    key = fresh()
    mine = await post(probe, "/note", fresh(), key)
    hers = await post(probe, "/note", fresh(), key, caller="wang")
    elsewhere = await post(probe, "/guarded", fresh(), key)
    assert [a.status_code for a in (mine, hers, elsewhere)] == [200] * 3
    assert len({a.json()["id"] for a in (mine, hers, elsewhere)}) == 3


@pytest.mark.parametrize("path", ["/refused", "/crash", "/unreadable"])
async def test_a_key_is_free_again_after_a_failure(probe: Probe, kind: str, path: str) -> None:
    words, key = fresh(), fresh()
    failed = [await post(probe, kind + path, words, key) for _ in range(2)]
    assert failed[0].status_code == failed[1].status_code >= 409
    async with probe.database.transaction() as tx:
        before = await tx.scalar(select(func.count()).select_from(IdempotencyRow))
    assert (await post(probe, f"{kind}/note", words, key)).status_code == 200
    async with probe.database.transaction() as tx:
        after = await tx.scalar(select(func.count()).select_from(IdempotencyRow))
    assert (before, after) == (before, (before or 0) + 1)


async def test_a_remembered_refusal_keeps_its_change_each_time(probe: Probe, kind: str) -> None:
    words, key = fresh(), fresh()
    assert (await post(probe, f"{kind}/counted", words, key)).status_code == 409
    assert await probe.stored(words) == 1


async def test_twenty_at_once_are_done_once_and_answered_the_same(
    probe: Probe, kind: str
) -> None:
    words, key, path = fresh(), fresh(), f"{kind}/guarded"
    answers = await asyncio.gather(*[post(probe, path, words, key) for _ in range(20)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert await probe.stored(words) == 1
    assert probe.borrowed == 0


async def test_twenty_whose_rows_wait_for_the_commit_are_done_once_too(
    probe: Probe, kind: str
) -> None:
    words, key, path = fresh(), fresh(), f"{kind}/told"
    answers = await asyncio.gather(*[post(probe, path, words, key) for _ in range(20)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert await probe.told(words) == 1
    assert probe.borrowed == 0


async def test_twenty_refusals_at_once_do_not_starve_the_pool(probe: Probe, kind: str) -> None:
    path = f"{kind}/counted"
    answers = await asyncio.wait_for(
        asyncio.gather(*[post(probe, path, fresh(), fresh()) for _ in range(20)]), 8
    )
    assert {answer.status_code for answer in answers} == {409}


@pytest.mark.parametrize("key", ["", "x" * (LONGEST_KEY + 1), "tab\there", "\x7f", "é"])
async def test_a_bad_key_is_refused_before_anything_is_done(probe: Probe, key: str) -> None:
    words = fresh()
    answer = await probe.post(
        "/counted",
        json={"words": words},
        headers={b"idempotency-key": key.encode("latin-1")},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_idempotency_key")
    assert await probe.stored(words) == 0


@settings(max_examples=25)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=200))
def test_every_printable_key_is_sane(key: str) -> None:
    require_sane(key)


@settings(max_examples=25)
@given(st.text(min_size=1).filter(lambda key: not (key.isascii() and key.isprintable())))
def test_every_other_key_is_not(key: str) -> None:
    with pytest.raises(BadIdempotencyKey):
        require_sane(key)


async def test_an_upload_is_known_by_its_content_and_not_by_its_boundary(probe: Probe) -> None:
    content, key = fresh().encode(), {"idempotency-key": fresh()}
    first = await probe.post("/upload", files={"file": content}, headers=key)
    again = await probe.post("/upload", files={"file": content}, headers=key)
    other = await probe.post("/upload", files={"file": fresh().encode()}, headers=key)
    assert first.status_code == 200, first.text
    assert again.content == first.content
    assert other.json()["code"] == "idempotency_key_reused"


async def test_an_upload_refused_before_it_was_read_is_refused_plainly(probe: Probe) -> None:
    key = {"idempotency-key": fresh()}
    answer = await probe.post("/upload", files={"file": b"unknown"}, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")


async def test_the_stored_answer_tells_nothing_without_the_key(probe: Probe) -> None:
    words, key = f"秘密{fresh()}", fresh()
    answer = await post(probe, "/note", words, key)
    async with probe.database.transaction() as tx:
        query = select(IdempotencyRow).order_by(IdempotencyRow.recorded_at.desc()).limit(1)
        row = (await tx.scalars(query)).one()
    stored = row.digest + row.fingerprint + row.answer
    assert len(row.answer) > len(answer.content)
    for told in (words, key, answer.json()["id"], "li"):
        assert told == "li" or told.encode() not in stored


async def test_an_old_answer_is_forgotten_and_its_key_is_free(probe: Probe) -> None:
    words, key = fresh(), fresh()
    await post(probe, "/missing", words, key)
    async with probe.database.transaction() as tx:
        await tx.execute(
            update(IdempotencyRow).values(recorded_at=datetime.now(UTC) - timedelta(days=3))
        )
        await forget_before(tx, datetime.now(UTC) - timedelta(days=2))
    assert (await post(probe, "/missing", fresh(), key)).status_code == 200
