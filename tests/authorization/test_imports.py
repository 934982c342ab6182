"""Who brings in and takes out the grid and its people, for which place.

Operators do for their district, a community's office for its own households and people.
Imports and exports of others do not exist for anybody else.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from neighborhood_api.files.store import store_from
from neighborhood_api.imports import taking_out, working
from neighborhood_api.settings import Settings
from tests.authorization.attempts import rows_written
from tests.authorization.cast import EVERYBODY
from tests.authorization.seats import undone
from tests.authorization.world import World
from tests.imports.bringing import LIMITS, doors
from tests.support.issues import LANE

pytestmark = pytest.mark.slow

OFFICE = {"own clerk", "own head"}
ALLOWED = {"{district}": {"own operator"}, "{community}": {"own operator", *OFFICE}}
ALLOWED |= {"{street}": {"own operator"}, "{lane}": set()}
API = "http://api/api/v1"


async def bring(client: AsyncClient, node_id: str) -> Response:
    files = [("files", ("住户.csv", doors(LANE), "text/csv"))]
    return await client.post(f"{API}/imports", data={"node_id": node_id}, files=files)


async def take(client: AsyncClient, node_id: str) -> Response:
    return await client.post(
        f"{API}/grid-exports", json={"node_id": node_id, "reason": "年度人口核对"}
    )


@pytest.mark.parametrize("node", ALLOWED)
@pytest.mark.parametrize("asking", [bring, take], ids=["bring", "take out"])
async def test_places_are_brought_and_taken_out_by_whom_the_policy_names(
    node: str,
    asking: Any,  # noqa: ANN401
    world: World,
) -> None:
    node_id = world.filled(node)
    before = await rows_written(world.connection)
    found = {who: await asking(world.client(who), node_id) for who in EVERYBODY - ALLOWED[node]}
    assert {who for who, one in found.items() if one.status_code != 403} == set()
    assert (await asking(world.client("nobody"), node_id)).status_code == 401
    assert await rows_written(world.connection) == before
    for who in sorted(ALLOWED[node]):
        async with undone(world.connection):
            answer = await asking(world.client(who), node_id)
        assert answer.status_code == 200, (who, answer.text)


OF_IMPORTS = (
    *(("GET", "/imports/{import_id}"), ("GET", "/imports/{import_id}/report")),
    *(("POST", f"/imports/{{import_id}}/{verb}") for verb in ("check", "apply", "cancel")),
    *(("GET", "/grid-exports/{export_id}"), ("GET", "/grid-exports/{export_id}/file")),
)


@pytest.mark.parametrize("owner", ["own operator", "own clerk"])
async def test_what_somebody_brought_or_took_out_exists_for_her_alone(
    owner: str, world: World, settings: Settings
) -> None:
    now = datetime.now(UTC)
    node_id = world.filled("{community}")
    database = world.client(owner)._transport.app.state.database  # type: ignore[attr-defined]  # noqa: SLF001
    brought = await bring(world.client(owner), node_id)
    taken = await take(world.client(owner), node_id)
    ids = {"import_id": brought.json()["id"], "export_id": taken.json()["id"]}
    store = store_from(settings)
    await working.run_check(database, store, UUID(ids["import_id"]), limits=LIMITS, now=now)
    await taking_out.run_grid_export(database, store, UUID(ids["export_id"]), now=now)

    before = await rows_written(world.connection)
    for method, path in OF_IMPORTS:
        address = API + path.format(**ids)
        statuses = {
            who: (await world.client(who).request(method, address)).status_code
            for who in EVERYBODY - {owner}
        }
        assert set(statuses.values()) == {404}, (path, statuses)
        assert (await world.client("nobody").request(method, address)).status_code == 401
    assert await rows_written(world.connection) == before
    for method, path in OF_IMPORTS:
        async with undone(world.connection):
            answer = await world.client(owner).request(method, API + path.format(**ids))
        assert answer.status_code == 200, (path, answer.text)


async def test_everybody_lists_her_own_imports_and_gets_templates_alone(world: World) -> None:
    brought = await bring(world.client("own operator"), world.filled("{district}"))
    assert brought.status_code == 200, brought.text
    for who in sorted(EVERYBODY):
        listed = (await world.client(who).get(f"{API}/imports")).json()["items"]
        ids = {one["id"] for one in listed}
        assert (brought.json()["id"] in ids) == (who == "own operator"), who
        assert (await world.client(who).get(f"{API}/imports/templates")).status_code == 200
    for path in ("/imports", "/imports/templates"):
        assert (await world.client("nobody").get(API + path)).status_code == 401


async def test_files_of_somebody_without_such_a_post_are_not_even_read(world: World) -> None:
    """Of the body nothing is taken: it could not be read as a form."""
    head = {"content-type": "multipart/form-data; boundary=x"}
    for who in sorted(EVERYBODY - {"own operator"}):
        answer = await world.client(who).post(
            f"{API}/imports", content=b"no form", headers=head
        )
        holds = who.endswith(("clerk", "head", "operator"))
        assert answer.status_code == (400 if holds else 403), (who, answer.text)
