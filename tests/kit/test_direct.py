"""What is answered directly is answered as the framework would, only sooner."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Query, Request
from httpx import ASGITransport, AsyncClient, Response
from prometheus_client import REGISTRY

from neighborhood_api.app import PREFIX
from neighborhood_api.kit import errors
from neighborhood_api.kit.clock import NowDep, right_now
from neighborhood_api.kit.db import Database, WriterDep, run
from neighborhood_api.kit.direct import Direct, NotDirect, direct, direct_operations
from neighborhood_api.kit.envelope import Envelope
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.paging import PageDep
from neighborhood_api.kit.schema import Done, Moment, Out
from tests.support.clock import clock_of
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.probe import NoteIn, NoteOut, Probe, Refused

THE_FRAMEWORKS_WAY = "?&"
"""No operation knows this parameter, and its presence is enough."""


class PageOut(Out):
    """Which page was asked for, and when."""

    limit: int
    below: UUID
    now: Moment


router = new_router(tags=["direct"])


@router.get("/page")
@direct
async def show_page(page: PageDep, now: NowDep) -> PageOut:
    """Show what was asked for."""
    return PageOut(limit=page.limit, below=page.below, now=now)


@router.post("/note")
@direct
async def write_note(note: NoteIn, writer: WriterDep) -> NoteOut:
    """Write a note, and have second thoughts about some."""
    made = NoteOut(id=new_id(), words=note.words)
    sql = "INSERT INTO probe.note VALUES ($1, $2, $3, $4)"
    await run(writer, sql, made.id, note.words, note.number, note.parent_id)
    if note.words.startswith("refuse"):
        raise Refused(left=3)
    if note.words.startswith("crash"):
        raise RuntimeError(note.words)
    if note.words.startswith("odd"):
        return {"words": 1}  # type: ignore[return-value]
    return made


@pytest.fixture
async def api(probe: Probe) -> AsyncIterator[AsyncClient]:
    app = FastAPI(telemetry={"logs": False})
    app.state.database = probe.database
    app.state.clock = right_now
    errors.install(app)
    app.include_router(router, max_body_size=100_000)
    operations = direct_operations(app)
    assert set(operations) == {("GET", "/page"), ("POST", "/note")}
    app.add_middleware(Direct, operations=operations)
    app.add_middleware(Envelope)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://api") as client:
        yield client


OF_ITS_OWN = {"request_id", "id", "now", "words"}


def shape(answer: Response) -> tuple[int, dict[str, str], Any]:
    """All of an answer that does not differ from request to request."""
    headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
    body = answer.json() if answer.content else None
    if isinstance(body, dict):
        body = {k: v for k, v in body.items() if k not in OF_ITS_OWN}
    return answer.status_code, headers, body


BODIES = {
    "a note": b'{"words": "WORDS"}',
    "a refusal": b'{"words": "refuse WORDS"}',
    "a crash": b'{"words": "crash WORDS"}',
    "an answer that does not fit": b'{"words": "odd WORDS"}',
    "a body that does not fit": b'{"words": 1, "more": 2}',
    "no JSON": b'{"words":',
    "no UTF-8": b'{"words": "\xff"}',
    "nothing": b"",
    "too deep": b'{"words":' + b"[" * 20_000,
    "a number of 5000 digits": b'{"words": "WORDS", "number": ' + b"9" * 5000 + b"}",
    "NUL": b'{"words": "WORDS \\u0000"}',
    "a number larger than the column": b'{"words": "WORDS", "number": 2147483648}',
    "a long text": b'{"words": "WORDS' + b"." * 80_000 + b'"}',
    "a body beyond the limit": b'{"words": "WORDS' + b"." * 120_000 + b'"}',
}


async def both_ways(api: AsyncClient, content: bytes, headers: dict[str, str]) -> list[Any]:
    """Post the same but for its words and its key."""
    answers = []
    for way in ("", THE_FRAMEWORKS_WAY):
        keyed = {name: value + new_id().hex for name, value in headers.items() if "key" in name}
        words = content.replace(b"WORDS", new_id().hex.encode())
        answers.append(
            shape(await api.post(f"/note{way}", content=words, headers=headers | keyed))
        )
    return answers


@pytest.mark.parametrize("sent", BODIES)
@pytest.mark.parametrize("keyed", [False, True], ids=["", "keyed"])
async def test_a_body_is_answered_alike_both_ways(
    api: AsyncClient, sent: str, *, keyed: bool
) -> None:
    headers = {"content-type": "application/json"} | ({"idempotency-key": "k"} if keyed else {})
    one, other = await both_ways(api, BODIES[sent], headers)
    assert one == other


@pytest.mark.parametrize(
    ("media_type", "status"), [(None, 422), ("text/plain", 422), ("application/x+json", 200)]
)
async def test_an_unusual_type_of_body_is_left_to_the_framework(
    api: AsyncClient, media_type: str | None, status: int
) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    one, other = await both_ways(api, BODIES["a note"], headers)
    assert one == other
    assert one[0] == status


async def test_a_direct_write_is_committed_and_done_once(
    api: AsyncClient, probe: Probe
) -> None:
    words, key = new_id().hex, {"idempotency-key": new_id().hex}
    answers = [await api.post("/note", json={"words": words}, headers=key) for _ in "abc"]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert await probe.stored(words) == 1
    assert probe.borrowed == 0


@pytest.mark.parametrize("words", ["refuse", "crash", "odd"])
async def test_a_direct_write_that_fails_is_undone(
    api: AsyncClient, probe: Probe, words: str
) -> None:
    words = f"{words} {new_id().hex}"
    answer = await api.post("/note", json={"words": words})
    assert answer.status_code == (409 if words.startswith("refuse") else 500)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await probe.stored(words) == 0
    assert probe.borrowed == 0


async def test_a_page_without_a_query_is_the_first_of_the_usual_length(
    api: AsyncClient,
) -> None:
    plain, asked = await api.get("/page"), await api.get(f"/page{THE_FRAMEWORKS_WAY}")
    assert plain.json()["limit"] == asked.json()["limit"] == 20
    assert plain.json()["below"] == asked.json()["below"]
    assert (await api.get("/page?limit=7")).json()["limit"] == 7
    assert (await api.get("/page?limit=0")).status_code == 422


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/page"), ("HEAD", "/page")])
async def test_another_method_is_left_to_the_framework(
    api: AsyncClient, method: str, path: str
) -> None:
    answer = await api.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_a_direct_answer_is_counted_under_its_operation(api: AsyncClient) -> None:
    sample = "http_requests_total", {"operation": "show_page", "status": "200"}
    before = REGISTRY.get_sample_value(*sample) or 0
    await api.get("/page")
    assert REGISTRY.get_sample_value(*sample) == before + 1


async def test_a_database_that_is_away_is_told_from_a_defect() -> None:
    app = FastAPI(telemetry={"logs": False})
    app.state.database = Database("postgresql://u:p@127.0.0.1:1/none", pool_size=2)
    await app.state.database.writers.open()
    errors.install(app)
    app.include_router(router)
    app.add_middleware(Direct, operations=direct_operations(app))
    app.add_middleware(Envelope)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://api") as client:
        answer = await client.post("/note", json={"words": "a"})
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


OF_THE_API = ["/me/grid", "/me/issues"]
DIRECT = {
    ("GET", f"{PREFIX}/me/grid"),
    ("GET", f"{PREFIX}/me/issues"),
    ("POST", f"{PREFIX}/issues"),
}


def test_the_busiest_operations_are_answered_directly(app: FastAPI) -> None:
    assert set(direct_operations(app)) >= DIRECT


@pytest.mark.parametrize("path", OF_THE_API)
async def test_the_api_answers_alike_both_ways(
    app: FastAPI, callers: Callers, town: Town, http: AsyncClient, path: str
) -> None:
    resident = await callers.resident(town.place(1, 1, 1, 1))
    homeless = await callers.resident()
    with clock_of(app):
        for caller in (resident, homeless, http):
            answers = [await caller.get(path + way) for way in ("", THE_FRAMEWORKS_WAY)]
            assert shape(answers[0]) == shape(answers[1])
        tag = (await resident.get(path)).headers["etag"]
        again = await resident.get(path, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def _thread() -> int:
    return 1


async def _nested(n: Annotated[int, Depends(_thread)]) -> int:
    return n


async def _ending() -> AsyncIterator[int]:
    yield 1


async def _of_two(request: Request, other: Request) -> int:
    del request, other
    return 1


async def with_a_thread(n: Annotated[int, Depends(_thread)]) -> Done:
    return Done(done=bool(n))


async def with_a_nested(n: Annotated[int, Depends(_nested)]) -> Done:
    return Done(done=bool(n))


async def with_an_end(n: Annotated[int, Depends(_ending)]) -> Done:
    return Done(done=bool(n))


async def with_two(n: Annotated[int, Depends(_of_two)]) -> Done:
    return Done(done=bool(n))


async def with_a_path(note_id: UUID) -> Done:
    return Done(done=bool(note_id))


async def with_a_query(n: Annotated[int, Query()] = 1) -> Done:
    return Done(done=bool(n))


async def with_the_request(request: Request) -> Done:
    return Done(done=bool(request))


async def with_tasks(tasks: BackgroundTasks) -> Done:
    return Done(done=bool(tasks))


async def with_two_bodies(one: NoteIn, two: NoteIn) -> Done:
    return Done(done=bool((one, two)))


async def without_a_model():  # type: ignore[no-untyped-def]  # noqa: ANN201
    return None


@pytest.mark.parametrize(
    "operation",
    [
        with_a_thread,
        with_a_nested,
        with_an_end,
        with_two,
        with_a_path,
        with_a_query,
        with_the_request,
        with_tasks,
        with_two_bodies,
        without_a_model,
    ],
    ids=lambda operation: operation.__name__,
)
def test_what_cannot_be_answered_directly_is_refused_at_start(operation: Any) -> None:  # noqa: ANN401
    app = FastAPI()
    router = new_router(tags=["direct"])
    path = "/{note_id}" if operation is with_a_path else "/x"
    router.post(path)(direct(operation))
    app.include_router(router)
    with pytest.raises(NotDirect):
        direct_operations(app)
