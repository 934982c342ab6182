"""Eight large communities become the nineteen of 罗阳街道, and back, without losing anybody."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.identity.personal_keys import use_personal_keys
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.reorganisation import comparing, service, views
from neighborhood_api.reorganisation.luoyang import EIGHT, eight_into_nineteen, nineteen
from neighborhood_api.reorganisation.models import Reorganisation
from neighborhood_api.reorganisation.schemas import (
    PlaceDecisionIn,
    PlaceDecisionsIn,
    ReorganisationIn,
)
from neighborhood_api.settings import Settings
from tests.reorganisation.digests import digests
from tests.reorganisation.luoyang import ISSUES, RESIDENTS, Luoyang, load_luoyang
from tests.support.people import actor_of
from tests.support.postgres import NewDatabase

pytestmark = pytest.mark.slow

COUNTED = (
    "person",
    "residence",
    "household",
    "case_file",
    "issue",
    "issue_publication",
    "case_timer",
    "appointment",
)
"""Each row has a key of its own, so that a number tells of lost and of doubled ones."""
LANES = "SELECT lane_id, count(*) FROM residence GROUP BY lane_id"
CLOCKS = (
    "SELECT md5(string_agg(concat_ws(' ', id, code, state, opened_at, respond_due_at,"
    " resolve_due_at, terms), ',' ORDER BY id)) FROM case_file"
)
OUTSIDE = (
    "SELECT count(*) FROM {table} t JOIN node n ON n.id = t.lane_id"
    " WHERE t.community_id IS DISTINCT FROM n.community_id OR n.valid_until IS NOT NULL"
)
STRAY_HANDS = (
    "SELECT count(*) FROM case_file c JOIN node n ON n.id = c.hand_node_id"
    " JOIN case_hand h ON h.case_id = c.id AND h.held_until IS NULL"
    " WHERE n.valid_until IS NOT NULL OR h.node_id <> c.hand_node_id"
    " OR h.person_id IS DISTINCT FROM c.hand_person_id"
    " OR NOT c.hand_node_id = ANY (ARRAY[c.street_id, c.community_id, c.grid_id, c.lane_id])"
)


@pytest.fixture(scope="module")
def luoyang_url(new_database: NewDatabase) -> Iterator[str]:
    with new_database() as url:
        yield url


@pytest.fixture(scope="module")
async def luoyang_database(settings: Settings, luoyang_url: str) -> AsyncIterator[Database]:
    use_personal_keys(settings)
    database = Database(luoyang_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def luoyang(luoyang_database: Database) -> Luoyang:
    connection = await asyncpg.connect(luoyang_database.url)
    try:
        return await load_luoyang(connection)
    finally:
        await connection.close()


async def scalar(tx: Tx, query: str) -> Any:  # noqa: ANN401
    return await tx.scalar(text(query))


async def all_of(tx: Tx, query: str) -> dict[Any, Any]:
    return {row[0]: tuple(row[1:]) for row in await tx.execute(text(query))}


async def counted(tx: Tx) -> dict[str, int]:
    whole = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in COUNTED)  # noqa: S608
    return {row[0]: row[1] for row in await tx.execute(text(whole))}


async def _drafted(tx: Tx, town: Luoyang, now: datetime) -> Reorganisation:
    operator = await actor_of(tx, town.operator_id)
    wish = ReorganisationIn.model_validate(
        {
            "district_id": town.district.node_id,
            "name": "罗阳街道社区优化调整",
            "effective_on": local_day(now),
            "operations": eight_into_nineteen(town.street.node_id, town.grids),
        }
    )
    plan = await service.draft_reorganisation(tx, operator, wish, now=now)
    shown = await views.preview(tx, plan, now=now)
    assert shown.troubles == []
    assert sum(one.counts.residents for one in shown.places if one.change == "ends") == (
        RESIDENTS
    )
    assert sum(one.counts.open_issues for one in shown.places if one.change == "ends") == (
        ISSUES
    )
    decisions = tuple(
        PlaceDecisionIn(key=one.key, to=one.options[0].id) for one in shown.questions
    )
    assert len(decisions) == 16  # a worker and a secretary of each of the eight
    wishes = PlaceDecisionsIn(decisions=decisions, version=plan.version)
    return await service.decide_places(tx, operator, plan.id, wishes, now=now)


async def test_eight_become_nineteen_and_nobody_is_lost_or_doubled(
    luoyang: Luoyang, luoyang_database: Database
) -> None:
    now = datetime.now(UTC)
    async with luoyang_database.transaction() as tx:
        before, lanes = await counted(tx), await all_of(tx, LANES)
        clocks, whole = await scalar(tx, CLOCKS), await digests(tx)
        operator = await actor_of(tx, luoyang.operator_id)
        plan = await _drafted(tx, luoyang, now)
        plan_id, version = plan.id, plan.version
    assert before["residence"] == RESIDENTS
    assert before["case_file"] == ISSUES
    began = perf_counter()
    async with luoyang_database.transaction() as tx:
        await service.apply_reorganisation(tx, operator, plan_id, version, now=now)
    print(f"applied in {perf_counter() - began:.1f} s")  # noqa: T201
    async with luoyang_database.transaction() as tx:
        assert await counted(tx) == before
        assert await all_of(tx, LANES) == lanes
        assert await scalar(tx, CLOCKS) == clocks
        for table in ("residence", "household", "case_file", "issue_publication"):
            assert await scalar(tx, OUTSIDE.format(table=table)) == 0
        assert await scalar(tx, STRAY_HANDS) == 0
        names = {
            row[0]
            for row in await tx.execute(
                text(
                    "SELECT n.name FROM residence r JOIN node n ON n.id = r.community_id"
                    " GROUP BY n.name"
                )
            )
        }
        assert names == {one.name for one in nineteen()}
        lines = "SELECT count(*) FROM case_entry WHERE by = 'system'"
        assert await scalar(tx, lines) == ISSUES
        assert await scalar(tx, "SELECT count(*) FROM revocation") >= RESIDENTS // 20
        plan = await tx.get_one(Reorganisation, plan_id)
        shown = await comparing.compare(tx, plan)
        assert [one.name for one in shown.places] == [name for _, name in EIGHT]
        for one in shown.places:
            assert one.now["residents"] == one.before["residents"]
            assert one.now["open_issues"] == one.before["open_issues"]
            assert 2 <= len(one.parts) <= 3
        version = plan.version
    async with luoyang_database.transaction() as tx:
        await service.undo_reorganisation(tx, operator, plan_id, version, now=datetime.now(UTC))
    print(f"undone in all {perf_counter() - began:.1f} s")  # noqa: T201
    async with luoyang_database.transaction() as tx:
        after = await digests(tx)
        assert {name for name in whole if whole[name] != after[name]} == set()
        assert await counted(tx) == before
        assert await scalar(tx, STRAY_HANDS) == 0
