"""Power that ends, ends at once: in this process and in every other.

Ending an appointment or a sign-in writes a row and notifies; each process keeps the rows of
the last minutes in memory, and its own changes are in its copy before they are answered.
While its listening connection is down, a process asks the database on every request
instead: slower, never wrong.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakSet

import asyncpg
import structlog
from sqlalchemy import Select, bindparam, delete, event, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.identity.models import Person, Revocation, SignIn
from neighborhood_api.identity.tokens import LIFETIME, Verified
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.reads import Query

log = structlog.get_logger(__name__)

EVERY_EPOCH = 2**31 - 1
"""No token has a later epoch: the subject's tokens are all worthless."""
KEPT = LIFETIME + timedelta(minutes=5)
"""No token lives longer; the margin is for clocks that differ."""
_CHANNEL = "revocation"
_VERY_MANY = "*"
"""Heard instead of a name: so many were revoked that they are to be read from the table."""
_RETRY_SECONDS = 1.0

LEAST_EPOCHS = Query(
    select(Revocation.subject_id, Revocation.least_epoch).where(
        Revocation.subject_id.in_([bindparam("person_id"), bindparam("sign_in_id")])
    ),
    lambda subject_id, least_epoch: (subject_id, least_epoch),
)
ALL_EPOCHS = Query(
    select(Revocation.subject_id, Revocation.least_epoch),
    lambda subject_id, least_epoch: (subject_id, least_epoch),
)


async def revoke_person(tx: Tx, person_id: UUID, *, now: datetime) -> None:
    """Make every access token of the person worthless; refreshing gives a true one."""
    raised = update(Person).where(Person.id == person_id).values(epoch=Person.epoch + 1)
    epoch = await tx.scalar(raised.returning(Person.epoch))
    if epoch is not None:
        await _announce(tx, person_id, epoch, now)


async def revoke_people(tx: Tx, people: Select[UUID], *, now: datetime) -> None:
    """Make every access token of very many people worthless, in one statement.

    Whoever is not signed in has none. Each process is told once, and reads them all.
    """
    signed_in = select(SignIn.person_id).where(SignIn.ended_at.is_(None))
    raised = (
        update(Person)
        .where(Person.id.in_(people), Person.id.in_(signed_in))
        .values(epoch=Person.epoch + 1)
        .returning(Person.id, Person.epoch, literal(now).label("revoked_at"))
        .execution_options(synchronize_session=False)
        .cte("raised")
    )
    statement = insert(Revocation).from_select(
        ["subject_id", "least_epoch", "revoked_at"], select(raised)
    )
    newest = {k: statement.excluded[k] for k in ("least_epoch", "revoked_at")}
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["subject_id"], set_=newest)
    )
    await tx.execute(select(func.pg_notify(_CHANNEL, _VERY_MANY)))

    def committed(_: object) -> None:
        for copy in _here:
            copy.doubt()

    event.listen(tx.sync_session, "after_commit", committed, once=True)


async def revoke_sign_in(tx: Tx, sign_in: SignIn, *, reason: str, now: datetime) -> None:
    """End one sign-in: its refresh tokens and its access tokens."""
    sign_in.ended_at = now
    sign_in.end_reason = reason
    await _announce(tx, sign_in.id, EVERY_EPOCH, now)


async def forget_before(tx: Tx, moment: datetime) -> None:
    """Delete the revocations whose tokens have all expired."""
    await tx.execute(delete(Revocation).where(Revocation.revoked_at < moment))


async def _announce(tx: Tx, subject_id: UUID, least_epoch: int, now: datetime) -> None:
    row = {"subject_id": subject_id, "least_epoch": least_epoch, "revoked_at": now}
    statement = insert(Revocation).values(row)
    newest = {k: statement.excluded[k] for k in ("least_epoch", "revoked_at")}
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["subject_id"], set_=newest)
    )
    await tx.execute(select(func.pg_notify(_CHANNEL, f"{subject_id} {least_epoch}")))

    def committed(_: object) -> None:
        for copy in _here:
            copy.note(subject_id, least_epoch)

    event.listen(tx.sync_session, "after_commit", committed, once=True)


class Revocations:
    """This process's copy of the revocations."""

    def __init__(self, database: Database) -> None:
        """Start without a listening connection: until `listen` runs, the database is asked."""
        self._database = database
        self._least: dict[UUID, int] = {}
        self._heard: dict[UUID, int] = {}
        self._live = False
        self._listening = False
        self._one_reads = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        _here.add(self)

    @property
    def live(self) -> bool:
        """Whether the copy is being kept up to date."""
        return self._live

    def start(self) -> None:
        """Keep the copy up to date from now on."""
        self._task = asyncio.create_task(self._keep_listening())

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._live = False

    def note(self, subject_id: UUID, least_epoch: int) -> None:
        """Learn that the subject's tokens of epochs before `least_epoch` are worthless."""
        least = max(least_epoch, self._least.get(subject_id, 0))
        self._least[subject_id] = self._heard[subject_id] = least

    def doubt(self) -> None:
        """Ask the database until the copy has been read anew; for very many at once."""
        self._live = False
        if self._listening:
            self._reading = asyncio.get_running_loop().create_task(self._read_anew())

    async def _read_anew(self) -> None:
        """Read the copy, and try again while the database is too busy to tell."""
        while self._is_reading():
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._load()
                self._live = self._is_reading()
                return
            await asyncio.sleep(_RETRY_SECONDS)

    def _is_reading(self) -> bool:
        """Tell whether the current task is the one that was last asked to read."""
        return self._listening and self._reading is asyncio.current_task()

    async def holds(self, token: Verified) -> bool:
        """Tell whether the token was revoked."""
        ids = (token.actor.person_id, token.actor.sign_in_id)
        if self._live:
            least = self._least
            return bool(least) and any(token.epoch < least.get(subject, 0) for subject in ids)
        rows = await LEAST_EPOCHS.all(
            self._database.reader, person_id=ids[0], sign_in_id=ids[1]
        )
        return any(token.epoch < least for _, least in rows)

    async def _keep_listening(self) -> None:
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
                log.warning("revocations_not_live", error=type(exc).__name__)
            self._live = False
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._database.url)
        closed = asyncio.Event()

        def lost(_: object) -> None:
            self._live = self._listening = False
            closed.set()

        try:
            connection.add_termination_listener(lost)
            await connection.add_listener(_CHANNEL, self._hear)
            self._listening = True  # what is doubted from here on is read after this
            await self._load()
            self._live = self._reading is None or self._reading.done()
            while not closed.is_set():
                await self._prove(connection, closed)
        finally:
            self._live = self._listening = False
            await connection.close(timeout=2)

    async def _prove(self, connection: asyncpg.Connection, closed: asyncio.Event) -> None:
        """Notice a dead peer that sent no goodbye, and reload what may have been missed."""
        try:
            await asyncio.wait_for(closed.wait(), timeout=10)
        except TimeoutError:
            await asyncio.wait_for(connection.execute("SELECT 1"), timeout=5)
            await self._load()

    async def _load(self) -> None:
        """Copy the table, without losing what is heard while it is being read."""
        async with self._one_reads:
            self._heard.clear()
            rows = dict(await ALL_EPOCHS.all(self._database.reader))
            for subject, least in self._heard.items():
                rows[subject] = max(least, rows.get(subject, 0))
            self._least = rows

    def _hear(self, _: object, __: int, ___: str, payload: str) -> None:
        if payload == _VERY_MANY:
            self.doubt()
            return
        subject, least = payload.split()
        self.note(UUID(subject), int(least))


_here: WeakSet[Revocations] = WeakSet()
"""The copies of this process."""
