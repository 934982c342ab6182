"""A small API over the kit alone, whose operations fail in every way that one may."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Annotated, Any, ClassVar
from uuid import UUID

import anyio
from fastapi import Depends, FastAPI, Header, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from httpx import ASGITransport, AsyncClient
from pydantic import Field
from sqlalchemy import text

from neighborhood_api.kit import errors
from neighborhood_api.kit.db import (
    Database,
    Handle,
    ReaderDep,
    ReadTxDep,
    TxDep,
    WriterDep,
    refusing,
    run,
)
from neighborhood_api.kit.envelope import Envelope
from neighborhood_api.kit.http import router as new_router
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import Event, emit
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import Done, In, Out
from neighborhood_api.kit.writes import Writer

SCHEMA = (
    "DROP SCHEMA IF EXISTS probe CASCADE",
    "CREATE SCHEMA probe",
    """
    CREATE TABLE probe.note (
        id uuid PRIMARY KEY,
        words text CONSTRAINT uq_words UNIQUE,
        number int,
        parent_id uuid REFERENCES probe.note DEFERRABLE INITIALLY DEFERRED
    )
    """,
)


class Refused(Problem):
    """A rule said no."""

    title = "Refused"
    message = "不行"


class Counted(Refused):
    """A rule said no, and remembers."""

    keeps_changes = True


class WordsTaken(Refused):
    """The words are there already."""


class NoteIn(In):
    """A note."""

    words: str
    number: Annotated[int, Field(gt=-(10**30))] = 0
    parent_id: UUID | None = None


class NoteTold(Event):
    """Somebody told a note, which is stored nowhere else."""

    name: ClassVar[str] = "probe.note_told"
    words: str


class NoteOut(Out):
    """A stored note."""

    id: UUID
    words: str


shown = {"words": "你好"}
"""What `GET /shown` shows; tests change it."""


async def _who(request: Request, x_caller: Annotated[str, Header()] = "li") -> None:
    request.state.caller = x_caller


router = new_router(tags=["probe"])
WHO = [Depends(_who)]


async def _write(handle: Handle, note: NoteIn) -> NoteOut:
    made = NoteOut(id=new_id(), words=note.words)
    row = {"id": made.id, **note.model_dump()}
    if isinstance(handle, Writer):
        await run(handle, "INSERT INTO probe.note VALUES ($1, $2, $3, $4)", *row.values())
    else:
        sql = text("INSERT INTO probe.note VALUES (:id, :words, :number, :parent_id)")
        await handle.execute(sql, row)
    return made


def _write_through(  # noqa: C901  (one operation after the other)
    dependency: Any,  # noqa: ANN401  (TxDep or WriterDep)
    prefix: str,
) -> None:
    """Add the operations that write, over one kind of transaction."""

    @router.post(f"{prefix}/note", dependencies=WHO)
    async def write_note(note: NoteIn, tx: dependency) -> NoteOut:
        """Do what is asked."""
        return await _write(tx, note)

    @router.post(f"{prefix}/guarded", dependencies=WHO)
    async def write_guarded(note: NoteIn, tx: dependency, *, dry_run: bool = False) -> NoteOut:
        """Refuse what is there already by the constraint's name."""
        del dry_run
        with refusing({"uq_words": WordsTaken}):
            return await _write(tx, note)

    @router.post(f"{prefix}/refused", dependencies=WHO)
    async def write_and_refuse(note: NoteIn, tx: dependency) -> NoteOut:
        """Change, then refuse."""
        await _write(tx, note)
        raise Refused

    @router.post(f"{prefix}/counted", dependencies=WHO)
    async def write_and_count(note: NoteIn, tx: dependency) -> NoteOut:
        """Change, then refuse and remember."""
        await _write(tx, note)
        raise Counted(left=4)

    @router.post(f"{prefix}/unreadable", dependencies=WHO)
    async def write_what_cannot_be_shown(note: NoteIn, tx: dependency) -> NoteOut:
        """Change, then answer something else than promised."""
        await _write(tx, note)
        return {"id": "no id"}  # type: ignore[return-value]

    @router.post(f"{prefix}/crash", dependencies=WHO)
    async def write_and_crash(note: NoteIn, tx: dependency) -> NoteOut:
        """Change, then fall over, quoting the words."""
        await _write(tx, note)
        raise RuntimeError(note.words)

    @router.post(f"{prefix}/sleep")
    async def write_slowly(note: NoteIn, tx: dependency) -> NoteOut:
        """Change, and take long."""
        made = await _write(tx, note)
        await run(tx, "SELECT pg_sleep(20)")
        return made

    @router.post(f"{prefix}/linger")
    async def linger(note: NoteIn, tx: dependency) -> NoteOut:
        """Change, and wait outside the database."""
        made = await _write(tx, note)
        await anyio.sleep(20)
        return made

    @router.post(f"{prefix}/told", dependencies=WHO)
    async def tell(note: NoteIn, tx: dependency) -> NoteOut:
        """Change nothing before the commit."""
        emit(tx, NoteTold(words=note.words))
        if note.words.startswith("no"):
            raise Refused
        return NoteOut(id=new_id(), words=note.words)

    @router.post(f"{prefix}/swallowed")
    async def swallow_an_error(note: NoteIn, tx: dependency) -> NoteOut:
        """Change, and go on after a statement that failed."""
        made = await _write(tx, note)
        with suppress(Exception):
            await run(tx, "SELECT 1 / 0")
        return made


_write_through(TxDep, "")
_write_through(WriterDep, "/fast")


@router.post("/both")
async def open_both(note: NoteIn, tx: TxDep, writer: WriterDep) -> NoteOut:
    """Ask for two transactions, as no operation may."""
    await _write(writer, note)
    return await _write(tx, note)


@router.post("/missing")
async def do_nothing_in_the_database(note: NoteIn) -> Done:
    """Touch no table."""
    del note
    return Done()


@router.post("/upload")
async def upload(request: Request, file: UploadFile, tx: TxDep) -> NoteOut:
    """Take a file; its content is the fingerprint."""
    content = await file.read()
    if content == b"unknown":
        raise Refused
    request.state.fingerprint = content.ljust(32)
    return await _write(tx, NoteIn(words=content.decode()))


@router.get("/shown")
async def show() -> dict[str, str]:
    """Show something that changes."""
    return shown


@router.get("/tagged")
async def show_tagged(response: Response) -> dict[str, str]:
    """Show something with an ETag of its own."""
    response.headers["etag"] = '"mine"'
    return shown


@router.get("/stream")
async def stream() -> StreamingResponse:
    """Show something that does not end at once."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"{}"

    return StreamingResponse(parts(), media_type="application/json")


@router.get("/refused")
async def refuse_to_show() -> dict[str, str]:
    """Show nothing."""
    raise Refused


@router.get("/words/{words}")
async def read_by_words(words: str, reader: ReaderDep, also: str = "") -> Done:
    """Ask the reader about words."""
    sql = "SELECT count(*) FROM probe.note WHERE words IN ($1, $2)"
    return Done(done=bool((await reader.fetch(sql, words, also))[0][0]))


@router.get("/number/{number}")
async def read_by_number(number: int, tx: ReadTxDep) -> Done:
    """Ask the transaction about a number."""
    sql = text("SELECT count(*) FROM probe.note WHERE number = CAST(:number AS int)")
    return Done(done=bool(await tx.scalar(sql, {"number": number})))


@router.get("/write")
async def write_in_a_read(tx: ReadTxDep) -> Done:
    """Try to write where only reading is allowed."""
    await tx.execute(text("DELETE FROM probe.note"))
    return Done()


def create_probe(database: Database) -> FastAPI:
    """The kit as `app.create_app` puts it together."""
    app = FastAPI(telemetry={"logs": False})
    app.state.database = database
    errors.install(app)
    app.include_router(router, max_body_size=100_000)
    app.add_middleware(Envelope)
    return app


_probe_of = cache(create_probe)
"""Built once for each database: FastAPI takes every operation apart on its first request."""


class Probe(AsyncClient):
    """A client of the probe, that also looks into its table."""

    database: Database

    async def stored(self, words: str) -> int:
        """How many notes with these words there are, seen from another connection."""
        sql = "SELECT count(*) FROM probe.note WHERE words = $1"
        return int((await self.database.reader.fetch(sql, words))[0][0])

    async def told(self, words: str) -> int:
        """How many events tell these words."""
        sql = "SELECT count(*) FROM outbox WHERE payload->>'words' = $1"
        return int((await self.database.reader.fetch(sql, words))[0][0])

    @property
    def borrowed(self) -> int:
        """How many connections are out of the pool."""
        sessions = int(self.database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return sessions + self.database.writers.borrowed


@asynccontextmanager
async def probe_over(database: Database) -> AsyncIterator[Probe]:
    """Serve the probe over `database`."""
    transport = ASGITransport(_probe_of(database))
    async with Probe(transport=transport, base_url="http://probe") as client:
        client.database = database
        yield client


async def make_tables(database: Database) -> None:
    """Make the probe's table, in a schema of its own."""
    async with database.transaction() as tx:
        for statement in SCHEMA:
            await tx.execute(text(statement))
