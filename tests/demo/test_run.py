"""The whole demonstration over real HTTP, in one process as `neighborhood-api demo` runs it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic
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
