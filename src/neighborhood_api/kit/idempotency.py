"""A repeated POST is answered the same and done once.

The key's row is written in the transaction of the change itself, as its last statement: of
two requests with one key only one can commit, and the other then finds its answer. Answers
are sealed with the key, which only its sender knows, so a stolen table tells nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any, NamedTuple

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request, Response
from sqlalchemy import LargeBinary, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from neighborhood_api.kit.db import Model, ReadTx, Tx, constraint_of
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.reads import Query
from neighborhood_api.kit.writes import Writer

HEADER = "idempotency-key"
LONGEST_KEY = 200
_NONCE = bytes(12)
"""Constant: every sealing key is used for one answer only."""


class IdempotencyKeyReused(Problem):
    """The key was sent before with another body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This Idempotency-Key was already used for a different request"
    message = "请求重复但内容不同，请刷新页面后重新提交"


class BadIdempotencyKey(Problem):
    """The header is empty, too long or not plain ASCII."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Idempotency-Key must be 1 to 200 printable ASCII characters"
    message = "请求编号无效，请刷新页面后重新提交"


class IdempotencyRow(Model):
    """The sealed answer of one done request."""

    __tablename__ = "idempotency_key"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of caller, operation and key."""
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of what was asked."""
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    caller: Mapped[str]
    """Whose it is, so that it goes when she goes."""
    recorded_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), init=False, index=True
    )


class _Remembered(NamedTuple):
    fingerprint: bytes
    answer: bytes


_REMEMBER = (
    insert(IdempotencyRow)
    .values(
        digest=bindparam("digest"),
        fingerprint=bindparam("fingerprint"),
        answer=bindparam("answer"),
        caller=bindparam("caller"),
    )
    .on_conflict_do_nothing()
)
_RECALL = Query(
    select(IdempotencyRow.fingerprint, IdempotencyRow.answer).where(
        IdempotencyRow.digest == bindparam("digest")
    ),
    _Remembered,
)
_TAKEN = "pk_idempotency_key"


def require_sane(key: str) -> None:
    """Refuse a key that is no key, before anything is done.

    Raises: BadIdempotencyKey.
    """
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise BadIdempotencyKey


@dataclass(frozen=True, slots=True)
class Once:
    """One request's claim to be done once."""

    digest: bytes
    fingerprint: bytes
    seal: bytes
    caller: str

    @classmethod
    def of(cls, request: Request, key: str, fingerprint: bytes) -> "Once":
        """Build the claim of `request` under `key`."""
        caller = getattr(request.state, "caller", "anonymous")
        named = f"{caller} {request.method} {request.url.path} {key}".encode()
        seal = sha256(b"seal " + named).digest()
        return cls(sha256(named).digest(), fingerprint, seal, str(caller))

    async def commit(self, handle: AsyncSession | Writer, response: Response) -> bool:
        """Commit with the answer; False when another request with this key was done first."""
        sealed = AESGCM(self.seal).encrypt(_NONCE, bytes(response.body), None)
        row: dict[str, Any] = {
            "digest": self.digest,
            "fingerprint": self.fingerprint,
            "answer": sealed,
            "caller": self.caller,
        }
        if isinstance(handle, Writer):
            handle.add(IdempotencyRow(**row))
            return await _committed(handle)
        connection = await handle.connection()
        if (await connection.execute(_REMEMBER, row)).rowcount != 1:
            return False
        await handle.commit()
        return True

    async def recall(self, handle: AsyncSession | Writer) -> Response | None:
        """Return the stored answer, if this request was done before.

        Raises: IdempotencyKeyReused.
        """
        source = handle if isinstance(handle, Writer) else ReadTx(handle)
        row = await _RECALL.first(source, digest=self.digest)
        if row is None:
            return None
        if row.fingerprint != self.fingerprint:
            raise IdempotencyKeyReused
        body = AESGCM(self.seal).decrypt(_NONCE, row.answer, None)
        return Response(body, media_type="application/json")


async def _committed(writer: Writer) -> bool:
    """Commit a writer to which the key's row was added: nothing precedes it needlessly."""
    try:
        await writer.commit()
    except asyncpg.UniqueViolationError as exc:
        if constraint_of(exc) == _TAKEN:
            return False
        raise
    return True


async def forget_before(tx: Tx, moment: datetime) -> None:
    """Delete the answers given before `moment`; their keys may be used again."""
    await tx.execute(delete(IdempotencyRow).where(IdempotencyRow.recorded_at < moment))
