"""The audit trail: what was done is written down in a chain that betrays every later change.

A row that belongs to the trail leaves its digest in the transaction that writes it. A job then
gives the digests their place in one chain, in which each seal contains the one before. Whoever
changes or deletes a row, a digest or a place breaks the chain from there on; whoever rewrites
the whole chain changes its last seal, which is why that is to be noted elsewhere.

Free texts may name people, and people may have themselves forgotten. So a text goes into the
digest only as a digest of its own, made with a random salt. When a text is withheld, its salt
is forgotten: what stays of it proves that nothing else of the row has changed, and lets nobody
try out numbers until one fits. That it was withheld, and what stands there instead, is written
down in the trail too.
"""

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Identity,
    Index,
    LargeBinary,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Database, Model, ReadTx, Tx
from neighborhood_api.kit.ids import new_id

FIRST_SEAL = bytes(32)
SEALED_AT_ONCE = 5_000
READ_AT_ONCE = 2_000
SALT_BYTES = 16
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_LOCK = 2_026_112_202
"""Any number, always the same: one process at a time makes the chain longer."""


class Trail(Model):
    """A digest of one row of the trail, and its place in the chain."""

    __tablename__ = "trail"
    __table_args__ = (
        Index("ix_trail_unsealed", "id", postgresql_where=text("position IS NULL")),
        Index("uq_trail_position", "position", unique=True),
        Index("uq_trail_subject", "kind", "subject_id", unique=True),
        CheckConstraint("(position IS NULL) = (seal IS NULL)", name="sealed_whole"),
        CheckConstraint("octet_length(digest) = 32", name="digest_whole"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, init=False)
    kind: Mapped[str]
    """Which table, and which of its columns, see `trailed`."""
    subject_id: Mapped[UUID]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now(), init=False)
    position: Mapped[int | None] = mapped_column(BigInteger, init=False, default=None)
    seal: Mapped[bytes | None] = mapped_column(LargeBinary, init=False, default=None)
    texts: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    """Salted digest of the row's free texts, where its kind has any."""
    salt: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    """Forgotten when a text is withheld."""


class Withholding(Model):
    """Free texts of a row of the trail were replaced, because they told who somebody is."""

    __tablename__ = "withholding"
    __table_args__ = (Index("ix_withholding_subject", "kind", "subject_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, init=False, default_factory=new_id)
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    texts: Mapped[bytes] = mapped_column(LargeBinary)
    """Salted digest of what stands there instead."""
    withheld_at: Mapped[datetime]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Forgotten when the same row is withheld from again."""


@dataclass(frozen=True)
class Kind:
    """Rows of a table whose named columns never change."""

    name: str
    table: type[Model]
    columns: tuple[str, ...]
    texts: tuple[str, ...] = ()
    """Those of them that may be withheld."""

    @property
    def key(self) -> ColumnElement[UUID]:
        """The column that names a row."""
        column: ColumnElement[UUID] = self.table.__table__.c.id
        return column


_kinds: dict[str, Kind] = {}
_kind_of: dict[type[Model], Kind] = {}


def trailed(
    name: str, table: type[Model], columns: Sequence[str], *, texts: Sequence[str] = ()
) -> None:
    """Declare which columns of a table the trail covers; a later choice gets another name.

    `texts` are those of them in which people may have written about people.
    """
    _kinds[name] = _kind_of[table] = Kind(name, table, tuple(columns), tuple(texts))


def kinds() -> Mapping[str, Kind]:
    """Return what the trail covers."""
    return _kinds


def trail_of(row: Model) -> Trail:
    """Return the digest of a row that is being written, to be saved with it."""
    kind = _kind_of[type(row)]
    subject_id: UUID = row.id  # type: ignore[attr-defined]
    if not kind.texts:
        return Trail(kind=kind.name, subject_id=subject_id, digest=_digest(kind, row, None))
    salt = secrets.token_bytes(SALT_BYTES)
    texts = _digest_of_texts(kind, row, salt)
    digest = _digest(kind, row, texts)
    return Trail(kind=kind.name, subject_id=subject_id, digest=digest, texts=texts, salt=salt)


async def withhold(tx: Tx, row: Model, texts: Mapping[str, Any], *, now: datetime) -> None:
    """Replace free texts of a row of the trail for good, and write down that it was done.

    PostgreSQL refuses to change such rows; here it lets these columns pass, and no others.
    """
    kind = _kind_of[type(row)]
    if not texts.keys() <= set(kind.texts):
        raise ValueError(f"only {kind.texts} of {kind.name} can be withheld")
    subject_id: UUID = row.id  # type: ignore[attr-defined]
    await tx.execute(text("SET LOCAL neighborhood.withholding = 'on'"))
    for name, value in texts.items():
        setattr(row, name, value)
    await tx.flush()
    mine = (Trail.kind == kind.name, Trail.subject_id == subject_id)
    await tx.execute(update(Trail).where(*mine).values(salt=None))
    earlier = (Withholding.kind == kind.name, Withholding.subject_id == subject_id)
    await tx.execute(update(Withholding).where(*earlier).values(salt=None))
    await tx.execute(text("SET LOCAL neighborhood.withholding = 'off'"))
    salt = secrets.token_bytes(SALT_BYTES)
    done = Withholding(
        kind=kind.name,
        subject_id=subject_id,
        texts=_digest_of_texts(kind, row, salt),
        withheld_at=now,
        salt=salt,
    )
    tx.add_all((done, trail_of(done)))
    await tx.flush()


async def seal_trail(tx: Tx) -> int:
    """Give waiting digests their places at the end of the chain; return how many.

    Two at once wait for each other, so the chain has one end.
    """
    await tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    position, seal = await chain_end(tx)
    waiting = select(Trail).where(Trail.position.is_(None)).order_by(Trail.id)
    rows = (await tx.scalars(waiting.limit(SEALED_AT_ONCE))).all()
    for row in rows:
        position, seal = position + 1, _seal(seal, position + 1, row)
        row.position, row.seal = position, seal
    await tx.flush()
    return len(rows)


async def chain_end(tx: ReadTx) -> tuple[int, bytes]:
    """Return how long the chain is, and its last seal, which is worth noting elsewhere."""
    sealed = select(Trail.position, Trail.seal).where(Trail.position.is_not(None))
    last = (await tx.execute(sealed.order_by(Trail.position.desc()).limit(1))).first()
    return (last[0] or 0, last[1] or FIRST_SEAL) if last is not None else (0, FIRST_SEAL)


class Fault(StrEnum):
    """What is wrong with a place of the chain."""

    GONE = "the row is gone"
    CHANGED = "the row was changed"
    BROKEN = "the seal does not follow from the one before"
    MISSING = "places are missing before this one"
    UNTRAILED = "a row was written without a digest, or its digest was deleted"


@dataclass(frozen=True)
class Finding:
    """One fault of the trail."""

    fault: Fault
    kind: str
    subject_id: UUID
    position: int | None


async def verify_trail(database: Database) -> AsyncIterator[Finding]:
    """Compute the whole chain anew from the rows themselves, and report what does not agree.

    Whatever is not sealed yet is compared with its row, too.
    """
    async with database.transaction() as tx:
        # One snapshot for all parts: rows go on being written meanwhile.
        _ = await tx.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        async for finding in _verify_chain(tx):
            yield finding
        for kind in _kinds.values():
            async for finding in _untrailed(tx, kind):
                yield finding


async def _verify_chain(tx: ReadTx) -> AsyncIterator[Finding]:
    position, seal = 0, FIRST_SEAL
    after = 0
    sealed = select(Trail).where(Trail.position.is_not(None)).order_by(Trail.position)
    while rows := (
        await tx.scalars(sealed.where(Trail.position > after).limit(READ_AT_ONCE))
    ).all():
        for row in rows:
            after = row.position or 0
            if after != position + 1:
                yield Finding(Fault.MISSING, row.kind, row.subject_id, after)
            elif row.seal != _seal(seal, after, row):
                yield Finding(Fault.BROKEN, row.kind, row.subject_id, after)
            position, seal = after, row.seal or FIRST_SEAL
        async for finding in _compare(tx, rows):
            yield finding
        tx.expunge_all()
    waiting = select(Trail).where(Trail.position.is_(None)).order_by(Trail.id)
    async for finding in _compare(tx, (await tx.scalars(waiting)).all()):
        yield finding


async def _compare(tx: ReadTx, rows: Sequence[Trail]) -> AsyncIterator[Finding]:
    """Compare digests with the rows that they were made of."""
    for kind in _kinds.values():
        mine = {row.subject_id: row for row in rows if row.kind == kind.name}
        if not mine:
            continue
        key = kind.key
        rows_there: Sequence[Any] = (
            await tx.scalars(select(kind.table).where(key.in_(mine)))
        ).all()
        there = {one.id: one for one in rows_there}
        forgotten = [subject_id for subject_id, row in mine.items() if row.salt is None]
        withheld = await _withheld(tx, kind, forgotten)
        for subject_id, row in mine.items():
            found = there.get(subject_id)
            if found is None:
                yield Finding(Fault.GONE, kind.name, subject_id, row.position)
            elif not _agrees(kind, found, row, withheld.get(subject_id)):
                yield Finding(Fault.CHANGED, kind.name, subject_id, row.position)


async def _withheld(
    tx: ReadTx, kind: Kind, subject_ids: Sequence[UUID]
) -> dict[UUID, Withholding]:
    """Return the last withholding of each row whose first texts are not known any more."""
    if not kind.texts or not subject_ids:
        return {}
    mine = select(Withholding).where(
        Withholding.kind == kind.name, Withholding.subject_id.in_(subject_ids)
    )
    rows = await tx.scalars(mine.order_by(Withholding.id))
    return {row.subject_id: row for row in rows}


def _agrees(kind: Kind, found: Model, row: Trail, withheld: Withholding | None) -> bool:
    if _digest(kind, found, row.texts) != row.digest:
        return False
    if not kind.texts:
        return True
    salt, texts = row.salt, row.texts
    if salt is None and withheld is not None:
        salt, texts = withheld.salt, withheld.texts
    return salt is not None and _digest_of_texts(kind, found, salt) == texts


async def _untrailed(tx: ReadTx, kind: Kind) -> AsyncIterator[Finding]:
    names = [one.name for one in _kinds.values() if one.table is kind.table]
    key = kind.key
    digests = select(Trail.subject_id).where(Trail.kind.in_(names), Trail.subject_id == key)
    for subject_id in await tx.scalars(
        select(key).where(~digests.exists()).limit(READ_AT_ONCE)
    ):
        yield Finding(Fault.UNTRAILED, kind.name, subject_id, None)


def _seal(before: bytes, position: int, row: Trail) -> bytes:
    """Chain a digest to the seal before it; the kind and the subject are part of it."""
    head = f"{position} {row.kind} {row.subject_id} ".encode()
    return sha256(before + head + row.digest).digest()


def _digest(kind: Kind, row: Model, texts: bytes | None) -> bytes:
    names = (name for name in kind.columns if name not in kind.texts)
    content: list[Any] = [kind.name, {name: _plain(getattr(row, name)) for name in names}]
    if kind.texts:
        content.append(None if texts is None else texts.hex())
    return sha256(_written(content)).digest()


def _digest_of_texts(kind: Kind, row: Model, salt: bytes) -> bytes:
    texts = {name: _plain(getattr(row, name)) for name in kind.texts}
    return sha256(salt + _written(texts)).digest()


def _written(content: Any) -> bytes:  # noqa: ANN401  (plain JSON)
    return _CANONICAL.encode(content).encode()


def _plain(value: Any) -> Any:  # noqa: ANN401  (whatever a column holds)
    """Write a value as it comes back from the database, whatever it was written as."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value


trailed("withholding/1", Withholding, ("id", "kind", "subject_id", "texts", "withheld_at"))
