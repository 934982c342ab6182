"""An answer leaves after the commit, and only then; nothing stays open."""

import asyncio

import pytest
from httpx import Response

from neighborhood_api.kit.ids import new_id
from tests.support.probe import Probe


def words() -> str:
    return f"words {new_id().hex}"


async def write(probe: Probe, path: str, note: str, **more: object) -> Response:
    return await probe.post(path, json={"words": note} | more)


async def test_a_success_is_committed(probe: Probe, kind: str) -> None:
    note = words()
    answer = await write(probe, f"{kind}/note", note)
    assert (answer.status_code, answer.json()["words"]) == (200, note)
    assert await probe.stored(note) == 1


async def test_a_commit_that_fails_is_an_error_for_the_caller_too(
    probe: Probe, kind: str
) -> None:
    note = words()
    answer = await write(probe, f"{kind}/note", note, parent_id=str(new_id()))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert await probe.stored(note) == 0


async def test_an_answer_that_cannot_be_written_undoes_the_change(
    probe: Probe, kind: str
) -> None:
    note = words()
    answer = await write(probe, f"{kind}/unreadable", note)
    assert answer.status_code == 500
    assert await probe.stored(note) == 0


@pytest.mark.parametrize(("path", "status"), [("/refused", 409), ("/crash", 500)])
async def test_a_failure_undoes_the_change(
    probe: Probe, kind: str, path: str, status: int
) -> None:
    note = words()
    assert (await write(probe, kind + path, note)).status_code == status
    assert await probe.stored(note) == 0


async def test_a_problem_that_keeps_changes_is_committed(probe: Probe, kind: str) -> None:
    note = words()
    answer = await write(probe, f"{kind}/counted", note)
    assert (answer.status_code, answer.json()["left"]) == (409, 4)
    assert await probe.stored(note) == 1


async def test_the_database_refuses_to_write_in_a_read(probe: Probe) -> None:
    note = words()
    await write(probe, "/note", note)
    assert (await probe.get("/write")).status_code == 500
    assert await probe.stored(note) == 1


@pytest.mark.parametrize("path", ["/sleep", "/linger"])
async def test_requests_given_up_keep_no_connection_and_change_nothing(
    probe: Probe, kind: str, path: str
) -> None:
    notes = [words() for _ in range(12)]
    tasks = [asyncio.create_task(write(probe, kind + path, note)) for note in notes]
    await asyncio.sleep(0.3)
    assert probe.borrowed > 0
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert probe.borrowed == 0
    assert sum([await probe.stored(note) for note in notes]) == 0
    answers = await asyncio.gather(*[write(probe, f"{kind}/note", words()) for _ in range(12)])
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    "path",
    ["/note", "/refused", "/counted", "/unreadable", "/crash", "/guarded", "/told"],
)
async def test_no_answer_leaves_a_connection_behind(probe: Probe, kind: str, path: str) -> None:
    for headers in ({}, {"idempotency-key": words()}, {"idempotency-key": "\x7f"}):
        await probe.post(kind + path, json={"words": words()}, headers=headers)
        await probe.post(kind + path, json={"words": 1}, headers=headers)
    assert probe.borrowed == 0


async def test_rows_that_wait_for_the_commit_are_stored_by_it(probe: Probe, kind: str) -> None:
    told = words()
    assert (await write(probe, f"{kind}/told", told)).status_code == 200
    assert await probe.told(told) == 1


async def test_rows_that_wait_for_the_commit_are_dropped_by_a_refusal(
    probe: Probe, kind: str
) -> None:
    told = f"no {words()}"
    assert (await write(probe, f"{kind}/told", told)).status_code == 409
    assert await probe.told(told) == 0


async def test_a_writers_commit_that_was_no_commit_is_an_error_and_not_a_success(
    probe: Probe,
) -> None:
    note = words()
    assert (await write(probe, "/fast/swallowed", note)).status_code == 500
    assert await probe.stored(note) == 0


async def test_an_operation_has_one_transaction(probe: Probe) -> None:
    note = words()
    assert (await write(probe, "/both", note)).status_code == 500
    assert await probe.stored(note) == 0
