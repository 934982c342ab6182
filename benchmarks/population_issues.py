"""The issues of a population, made by PostgreSQL itself: a million in a few minutes."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg

from benchmarks.indexes import rebuilt
from neighborhood_api.identity.places import Place
from neighborhood_api.issues.categories.queries import terms_of
from neighborhood_api.issues.worklists.words import words_vector

THINGS = (
    "垃圾桶",
    "路灯",
    "井盖",
    "下水道",
    "电梯",
    "充电桩",
    "树枝",
    "消防通道",
    "围墙",
)
FAULTS = ("满了两天没人清", "坏了晚上看不见", "松动有人绊倒", "堵了污水外溢", "停了好几天")
PLACES = ("巷口", "楼下", "门口", "学校旁边", "菜市场后面", "公园里", "停车场")
DOORS = 30
RARE = ("白蚁", "马蜂窝", "古榕树", "危房")
"""Each in a few issues of a hundred thousand."""
TABLES = (
    "case_file",
    "issue",
    "issue_publication",
    "case_hand",
    "case_timer",
    "case_entry",
    "case_rest",
    "issue_call_back",
    "case_whistle",
    "case_call",
    "case_party",
    "issue_exclusion",
    "trail",
)
_MAKE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_TEMPORARY = """
    CREATE TEMP TABLE wanted (
        issues bigint, crowded bigint, begin_at timestamptz, apart interval,
        reporters bigint, lanes bigint, rules bigint, wordings bigint
    );
    CREATE TEMP TABLE lane (
        lane_number bigint PRIMARY KEY, district_id uuid, street_id uuid, community_id uuid,
        grid_id uuid, lane_id uuid, chief_id uuid, organization_id uuid
    );
    CREATE TEMP TABLE reporter (number bigint PRIMARY KEY, person_id uuid);
    CREATE TEMP TABLE rule (
        number bigint PRIMARY KEY, id uuid, category_code text, terms jsonb
    );
    CREATE TEMP TABLE wording (
        number bigint PRIMARY KEY, text text, location text, words text
    );
"""
_TRAIL = """
    INSERT INTO trail (kind, subject_id, digest, position, seal)
    SELECT
        'case_entry/1', id, sha256(uuid_send(id)), row_number() OVER (ORDER BY id),
        sha256(uuid_send(id))
    FROM case_entry
"""
"""As far as its indexes go; its digests mean nothing."""


async def load_issues(
    connection: asyncpg.Connection,
    *,
    issues: int,
    crowded: int,
    lanes: Iterable[tuple[Place, Any, Any]],
    reporters: Iterable[Any],
    rules: Iterable[dict[str, Any]],
    trail: bool,
) -> None:
    """Write issues of the last year: `crowded` of them in the first lane, the others evenly.

    `lanes` come with who answers for them, and with a department.
    """
    parts = {
        "lane": [(n, *place, *others) for n, (place, *others) in enumerate(lanes)],
        "reporter": list(enumerate(reporters)),
        "rule": list(_rules(rules)),
        "wording": [(n, *one) for n, one in enumerate(_wordings())],
    }
    begin = datetime.now(UTC) - timedelta(days=365)
    counts = [len(parts[name]) for name in ("reporter", "lane", "rule", "wording")]
    parts["wanted"] = [(issues, crowded, begin, timedelta(days=364) / issues, *counts)]
    async with in_bulk(connection, *TABLES):
        await connection.execute(_TEMPORARY)
        for table, rows in parts.items():
            await connection.copy_records_to_table(table, records=rows)
            await connection.execute(f"ANALYZE {table}")
        await connection.execute(_MAKE)
        if trail:
            await connection.execute(_TRAIL)
        await connection.execute(f"DROP TABLE {', '.join(parts)}")


@asynccontextmanager
async def in_bulk(connection: asyncpg.Connection, *tables: str) -> AsyncIterator[None]:
    """Write without looking each row up in other tables, and build indexes at the end.

    References are right by the way the rows are made. Only an administrator may say so; for
    others it takes longer.
    """
    mighty = await connection.fetchval(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    if mighty:
        await connection.execute("SET session_replication_role = replica")
    await connection.execute(
        "SET synchronous_commit = off; SET work_mem = '256MB'; SET temp_buffers = '256MB';"
        " SET maintenance_work_mem = '512MB'; SET jit = off"
    )
    async with rebuilt(connection, *tables):
        yield
    await connection.execute("RESET ALL")


def _rules(rules: Iterable[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for number, rule in enumerate(rules):
        terms = terms_of(SimpleNamespace(**rule)).model_dump_json()
        yield number, rule["id"], rule["category_code"], terms


def _wordings() -> Iterator[tuple[str, str, str]]:
    """Give what issues say, where, and what they are found by, but for their codes."""
    for number, (place, thing, fault, door) in enumerate(
        product(PLACES, THINGS, FAULTS, range(1, DOORS + 1))
    ):
        text = f"{place}{thing}{fault},路过的人都绕着走,请尽快处理。"
        if number % 1000 < len(RARE):
            text += f"旁边还有{RARE[number % 1000]}。"
        location = f"{door}号门口"
        yield text, location, words_vector(text, location)
