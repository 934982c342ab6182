"""One's own account."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.identity.conftest import PASSWORD, Staff, bearer, is_refused
from tests.support.clock import Clock
from tests.support.people import Callers
from tests.support.places import Town
from tests.support.posts import appoint, somebody
from tests.support.reads import count_on


async def test_me_shows_posts_and_residence_as_they_are_now(
    callers: Callers, town: Town
) -> None:
    chief = await callers.staff(town, Role.LANE_CHIEF, 1, 1, 1, 1)
    resident = await callers.resident(town.place(1, 1, 1, 2), name="林女士")
    assert (await chief.get("/me")).json()["posts"] == [
        {
            "role": "lane_chief",
            "level": 4,
            "node_id": str(town.at(1, 1, 1, 1).id),
            "organization_id": None,
            "place": named(town, 1, 1, 1, 1),
        }
    ]
    assert (await chief.get("/me")).json()["home"] == []
    shown = (await resident.get("/me")).json()
    assert (shown["name"], shown["lane_id"]) == ("林女士", str(town.at(1, 1, 1, 2).id))
    assert (shown["posts"], shown["home"]) == ([], named(town, 1, 1, 1, 2))


async def test_every_post_is_shown_with_the_names_of_its_place(
    callers: Callers, town: Town, tx: Tx, connection: AsyncConnection
) -> None:
    somebody_new = await somebody(tx)
    for role, path in ((Role.GRID_WORKER, (1, 1, 1)), (Role.OPERATOR, ())):
        await appoint(tx, town.at(*path), role, somebody_new.id)
    await tx.commit()
    caller = await callers.person(somebody_new.id)
    raw, statements = await count_on(connection)
    shown = (await caller.get("/me")).json()["posts"]
    raw.remove_query_logger(statements.hear)
    assert [post["place"] for post in shown] == [named(town, 1, 1, 1), named(town)]
    assert len(statements) <= 4  # the person, her posts, her home, all names


def named(town: Town, *path: int) -> list[dict[str, Any]]:
    """A place as the account shows it, from the district down."""
    nodes = [town.at(*path[:depth]) for depth in range(len(path) + 1)]
    return [{"level": node.level, "id": str(node.id), "name": node.name} for node in nodes]


async def test_a_name_is_changed_by_whoever_read_the_latest_version(
    callers: Callers, tx: Tx
) -> None:
    resident = await callers.resident()
    first = await resident.put("/me", json={"name": " 林女士 ", "version": 1})
    stale = await resident.put("/me", json={"name": "旧名", "version": 1})
    assert first.json()["name"] == "林女士"
    assert first.json()["version"] == 2
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    person = await tx.get_one(Person, resident.person_id)
    assert person.name == "林女士"


async def change(
    http: AsyncClient, device: dict[str, str], old: str, new: str
) -> tuple[int, str]:
    body = {"old_password": old, "new_password": new}
    answer = await http.put("/me/password", json=body, headers=device)
    return answer.status_code, answer.json().get("code", "")


async def test_a_changed_password_signs_out_the_other_devices(
    http: AsyncClient, staff: Staff
) -> None:
    here, there = (await staff.sign_in()).json(), (await staff.sign_in()).json()
    assert await change(http, bearer(here), PASSWORD, "Cloud-2027") == (200, "")
    assert await is_refused(http, there)
    assert not await is_refused(http, here)
    assert (await staff.sign_in()).status_code == 401
    assert (await staff.sign_in("Cloud-2027")).status_code == 200


@pytest.mark.parametrize("weak", ["alllowercase", "12345678", "lower1234", "汉字汉字汉字汉字"])
async def test_a_weak_password_is_refused(weak: str, http: AsyncClient, staff: Staff) -> None:
    device = bearer((await staff.sign_in()).json())
    assert await change(http, device, PASSWORD, weak) == (422, "password_too_weak")
    assert (await staff.sign_in()).status_code == 200


async def test_the_old_password_is_needed(http: AsyncClient, staff: Staff, tx: Tx) -> None:
    device = bearer((await staff.sign_in()).json())
    before = await tx.scalar(select(Person.password_hash).where(Person.id == staff.person_id))
    assert await change(http, device, "Wrong-2026", "Cloud-2027") == (422, "wrong_old_password")
    after = await tx.scalar(select(Person.password_hash).where(Person.id == staff.person_id))
    assert after == before


async def test_wrong_old_passwords_count_toward_the_lock_like_wrong_sign_ins(
    http: AsyncClient, staff: Staff, tx: Tx, clock: Clock
) -> None:
    device = bearer((await staff.sign_in()).json())
    for failed in (1, 2, 3):
        answer = await change(http, device, "Wrong-2026", "Cloud-2027")
        assert answer == (422, "wrong_old_password")
        counted = select(Person.failed_sign_ins).where(Person.id == staff.person_id)
        assert await tx.scalar(counted) == failed
    assert (await staff.sign_in("Wrong-2026")).json()["code"] == "wrong_phone_or_password"
    assert await change(http, device, "Wrong-2026", "Cloud-2027") == (429, "account_locked")
    assert await change(http, device, PASSWORD, "Cloud-2027") == (429, "account_locked")
    assert (await staff.sign_in()).json()["code"] == "account_locked"
    clock.forward(minutes=15, seconds=1)
    device = bearer((await staff.sign_in()).json())
    assert await change(http, device, PASSWORD, "Cloud-2027") == (200, "")
    assert (await staff.sign_in("Cloud-2027")).status_code == 200


async def test_the_right_old_password_resets_the_count(
    http: AsyncClient, staff: Staff, tx: Tx
) -> None:
    device = bearer((await staff.sign_in()).json())
    assert await change(http, device, "Wrong-2026", "Cloud-2027") == (422, "wrong_old_password")
    assert await change(http, device, PASSWORD, "Cloud-2027") == (200, "")
    counted = select(Person.failed_sign_ins).where(Person.id == staff.person_id)
    assert await tx.scalar(counted) == 0


async def test_without_a_password_there_is_nothing_to_guess(
    http: AsyncClient, callers: Callers, tx: Tx
) -> None:
    resident = await callers.resident()
    device = {"authorization": resident.headers["authorization"]}
    for _ in range(5):  # the fifth would lock
        answer = await change(http, device, "Wrong-2026", "Cloud-2027")
        assert answer == (422, "wrong_old_password")
    person = await tx.get_one(Person, resident.person_id)
    assert (person.failed_sign_ins, person.password_hash) == (0, None)


async def test_passwords_never_come_back_in_an_error(http: AsyncClient, staff: Staff) -> None:
    device = bearer((await staff.sign_in()).json())
    answer = await http.put(
        "/me/password", json={"old_password": "Secret-99", "new_password": "s"}, headers=device
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/body/new_password"
    assert "Secret-99" not in answer.text
