"""Whether an API process can do its work: the database, its schema, and a worker for jobs."""

import asyncio
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import asyncpg
from sqlalchemy import column, func, select, table, text

from neighborhood_api import migrate
from neighborhood_api.kit.reads import Query, Reader
from neighborhood_api.kit.schema import Out

PATIENCE_SECONDS = 3.0
"""Load balancers give up after five or so; a database that is slower is as good as away."""
ALIVE_WITHIN_SECONDS = 60
"""A worker shows a sign of life every ten seconds."""

_REVISION = table("alembic_version", column("version_num"))
_WORKERS = table("procrastinate_workers", column("last_heartbeat"))


class Schema(NamedTuple):
    """What the database says of itself."""

    revision: str


class Sign(NamedTuple):
    """Whether somebody runs jobs."""

    alive: bool


REVISION = Query(select(_REVISION.c.version_num.label("revision")), Schema)
WORKER_ALIVE = Query(
    select(
        func.coalesce(
            func.max(_WORKERS.c.last_heartbeat)
            > func.now() - text(f"interval '{ALIVE_WITHIN_SECONDS} seconds'"),
            text("false"),
        ).label("alive")
    ),
    Sign,
)


class Status(StrEnum):
    """Whether requests should be sent here."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not_ready"


class Check(StrEnum):
    """What became of one check."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ChecksOut(Out):
    """The checks, one by one."""

    database: Check
    """数据库能否访问 · The database answers."""
    migrations: Check
    """表结构是否为本版本 · Its schema is the one of this version."""
    worker: Check
    """后台任务进程是否在运行 · Some worker is running jobs."""


class ReadinessOut(Out):
    """Whether this process can answer requests."""

    status: Status
    """ready 正常;degraded 后台任务停了，接口仍可用;not_ready 不可用 · `degraded`: requests are
    answered, but photos, deadlines and hand-overs wait for a worker."""
    checks: ChecksOut


async def read_readiness(reader: Reader) -> ReadinessOut:
    """Check everything; a database that does not answer in time counts as away."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await _examine(reader)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return _verdict(Check.FAILED, Check.UNKNOWN, Check.UNKNOWN)


async def _examine(reader: Reader) -> ReadinessOut:
    try:
        schema = await REVISION.first(reader)
    except asyncpg.UndefinedTableError:
        schema = None
    if schema is None or schema.revision != _head():
        return _verdict(Check.OK, Check.FAILED, Check.UNKNOWN)
    sign = await WORKER_ALIVE.first(reader)
    alive = sign is not None and sign.alive
    return _verdict(Check.OK, Check.OK, Check.OK if alive else Check.FAILED)


def _verdict(database: Check, migrations: Check, worker: Check) -> ReadinessOut:
    if Check.FAILED in {database, migrations}:
        status = Status.NOT_READY
    elif worker is Check.FAILED:
        status = Status.DEGRADED
    else:
        status = Status.READY
    checks = ChecksOut(database=database, migrations=migrations, worker=worker)
    return ReadinessOut(status=status, checks=checks)


@cache
def _head() -> str:
    return migrate.head()
