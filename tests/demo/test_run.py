"""The whole demonstration over real HTTP, in one process as `neighborhood-api demo` runs it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from neighborhood_api.cli.demonstration import NotADemoDatabase
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database
from tests.demo.conftest import Loaded
from tests.demo.running import Demo, running
from tests.support.postgres import NewDatabase, database_beside

ROLES = {role.value for role in Role}


@pytest.fixture(scope="module")
def demo_url(loaded: Loaded) -> Iterator[str]:
    with database_beside(loaded.url, like=urlsplit(loaded.url).path[1:]) as url:
        yield url


@pytest.fixture(scope="module")
async def demo(loaded: Loaded, demo_url: str) -> AsyncIterator[Demo]:
    async with running(loaded.settings, demo_url) as demo:
        yield demo


@pytest.mark.slow
async def test_one_can_be_everybody_on_the_list(demo: Demo) -> None:
    people = await demo.people()

    answers = [await demo.sign_in(person) for person in people]

    assert [answer.status_code for answer in answers] == [200] * len(people)
    for person, answer in zip(people, answers, strict=True):
        me = answer.json()["me"]
        assert me["name"] == person["name"]
        if person["role"] is not None:
            assert person["role"] in {post["role"] for post in me["posts"]}
    assert {person["role"] for person in people} == ROLES | {None}
    residents = [person for person in people if person["role"] is None]
    assert len(residents) >= 6
    assert all(person["try_next"] for person in people)


async def test_a_wechat_code_works_once_and_the_list_gives_a_fresh_one(demo: Demo) -> None:
    first = (await demo.people())[0]
    again = (await demo.people())[0]

    answers = [await demo.sign_in(person) for person in (first, first, again)]

    assert [answer.status_code for answer in answers] == [200, 422, 200]


async def test_the_officers_listed_answer_for_the_first_resident(demo: Demo) -> None:
    people = await demo.people()
    token = (await demo.sign_in(people[0])).json()["access_token"]

    grid = await demo.http.get("/api/v1/me/grid", headers={"authorization": f"Bearer {token}"})

    assert grid.status_code == 200
    leaders = [person["name"] for person in people if person["role"] == "grid_leader"]
    assert grid.json()["grid_leader"]["name"] in leaders
    place = people[0]["place"]
    assert isinstance(place, list)
    assert grid.json()["levels"][0]["node"]["name"] == place[-1]


async def test_a_newcomer_is_somebody_new_each_time(demo: Demo) -> None:
    ids = set()
    for _ in range(2):
        newcomer = next(person for person in await demo.people() if person["name"] is None)
        me = (await demo.sign_in(newcomer)).json()["me"]
        assert (me["posts"], me["lane_id"]) == ([], None)
        ids.add(me["id"])

    assert len(ids) == 2


async def test_jobs_are_run_beside_the_api(demo: Demo) -> None:
    deadline = monotonic() + 15
    while (await demo.http.get("/api/v1/health/ready")).json()["status"] != "ready":
        assert monotonic() < deadline
        await asyncio.sleep(0.1)


async def test_the_program_tells_the_reader_who_is_on_the_list(
    demo: Demo, loaded: Loaded
) -> None:
    listed = [person["name"] for person in await demo.people()]

    assert [person.name for person in demo.told] == listed
    assert loaded.progress != []


async def test_a_second_start_keeps_everything_and_loads_nothing(
    demo: Demo, loaded: Loaded, demo_url: str
) -> None:
    newcomer = next(person for person in await demo.people() if person["name"] is None)
    refresh = (await demo.sign_in(newcomer)).json()["refresh_token"]

    async with running(loaded.settings, demo_url) as second:
        renewed = await second.http.post(
            "/api/v1/auth/refresh", json={"refresh_token": refresh}
        )
        began = monotonic()
    seconds = monotonic() - began

    assert second.progress == []
    assert renewed.status_code == 200
    assert seconds < 10


async def test_a_database_of_real_people_is_refused(
    loaded: Loaded, new_database: NewDatabase
) -> None:
    with new_database() as url:
        database = Database(url)
        async with database.transaction() as tx:
            tx.add(Person(name="真人", openid="oReal"))
        await database.close()

        with pytest.raises(NotADemoDatabase):
            async with running(loaded.settings, url):
                pass


async def test_outside_demo_mode_there_is_no_list(http: AsyncClient, app: FastAPI) -> None:
    assert app.state.settings.demo is False

    answer = await http.get("/demo/people")

    assert answer.status_code == 404


async def test_the_first_resident_sees_her_second_layer_and_who_is_on_call(demo: Demo) -> None:
    grid = await get(demo, (await demo.people())[0], "/me/grid")

    chain = grid["layers"][0]["chain"]
    assert [one["post"] for one in chain] == ["片长", "组长", "邻长"]
    assert all(one["holder"] and one["duty_phone"] for one in chain)
    assert grid["on_call"]["rostered"] is True


async def test_a_newcomer_is_confirmed_by_a_number_that_the_register_has(demo: Demo) -> None:
    newcomer = next(person for person in await demo.people() if person["name"] is None)
    token = (await demo.sign_in(newcomer)).json()["access_token"]
    then = newcomer["then"]
    assert isinstance(then, list)

    answers = [
        await demo.http.request(
            one["method"],
            one["path"],
            json=one["body"],
            headers={"authorization": f"Bearer {token}"},
        )
        for one in then
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[-1].json()["state"] == "confirmed"


async def test_claims_stale_entries_and_special_care_wait_for_the_grid_worker(
    demo: Demo,
) -> None:
    people = await demo.people()
    worker = next(person for person in people if person["role"] == "grid_worker")
    node_id = (await get(demo, worker, "/me"))["posts"][0]["node_id"]

    for waiting in (
        f"/residence-claims?node_id={node_id}",
        f"/registers/households?node_id={node_id}&stale=true",
        f"/registers/residents?node_id={node_id}&stale=true",
        f"/registers/care-flags?node_id={node_id}",
        f"/registers/establishments?node_id={node_id}",
    ):
        assert (await get(demo, worker, waiting))["items"] != [], waiting


async def test_a_new_version_of_a_text_waits_for_who_agreed_to_the_old_one(demo: Demo) -> None:
    texts = (await get(demo, (await demo.people())[0], "/me/consents"))["items"]

    assert {(one["kind"], one["asked"], one["agreed_version"]) for one in texts} == {
        ("user_agreement", False, "2026-1"),
        ("privacy_policy", True, "2026-1"),
        ("personal_notices", True, None),
    }


async def test_nobody_is_said_to_have_decided_what_was_there_from_the_start(
    demo: Demo,
) -> None:
    people = await demo.people()
    operator = next(person for person in people if person["role"] == "operator")
    node_id = (await get(demo, operator, "/me"))["posts"][0]["node_id"]

    acts = (await get(demo, operator, f"/grid/nodes/{node_id}/acts?limit=100"))["items"]

    assert {"layer.created", "grid.shift_series_made", "grid.boundaries_imported"} <= {
        one["what"] for one in acts
    }
    assert [one["what"] for one in acts if one["more_changes"]] == []
    founded = {"node", "household", "appointment"}
    assert [c for one in acts for c in one["changes"] if c["table"] in founded] == []


async def get(demo: Demo, person: dict[str, object], path: str) -> Any:  # noqa: ANN401  (JSON)
    """What somebody reads."""
    token = (await demo.sign_in(person)).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = await demo.http.get(f"/api/v1{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()
