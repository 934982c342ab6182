"""What everybody may see, and what nobody does."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.issues.publishing.arranging import (
    MASKED,
    PLANTED,
    announced,
    publication_of,
    published,
    seen,
    shown,
)
from tests.support.clock import Clock
from tests.support.issues import LANE, Street, new_rule, photos
from tests.support.posts import phone_number
from tests.support.reads import count_on
from tests.support.refusals import refused


@pytest.mark.parametrize(
    ("publicity", "state", "public"),
    [("never", "hidden", False), ("moderated", "pending", False), ("at_once", "shown", True)],
)
async def test_the_rule_says_what_the_public_sees_at_once(
    publicity: str,
    state: str,
    public: bool,  # noqa: FBT001
    street: Street,
    http: AsyncClient,
    tx: Tx,
) -> None:
    await new_rule(tx, "env.garbage", publicity=publicity)
    issue_id = await street.reported()
    publication = await publication_of(tx, issue_id)
    assert (publication.state, publication.decided_at) == (state, None)
    case = (await tx.scalars(select(Case))).one()
    assert (case.published_at is not None) == public
    assert await shown(http) == ([issue_id] if public else [])
    assert ("issues.published" in await announced(tx)) == public
    if not public:
        refused(await http.get(f"/public/issues/{issue_id}"), 404, "case_not_found")


async def test_a_confidential_issue_is_never_public(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    issue_id = await street.reported(category_code="staff.conduct")
    assert (await publication_of(tx, issue_id)).state == "hidden"
    # Not even if somebody set the mark past every rule.
    await tx.execute(update(Case).values(published_at=datetime.now(UTC)))
    await tx.commit()
    assert await shown(http) == []
    refused(await http.get(f"/public/issues/{issue_id}"), 404, "case_not_found")


async def test_the_public_face_tells_what_and_where_about_and_never_who(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    person = update(Person).where(Person.id == street.reporter.person_id)
    await tx.execute(person.values(name="王小明", phone=phone_number()))
    await tx.commit()
    issue_id = await published(
        street,
        text=f"路口的桶满了，打{PLANTED}找我",
        location="3号楼501房门口",
        position={"longitude": 114.28623, "latitude": 23.17276, "coordinate_system": "wgs84"},
        lane_id=str(street.town.at(*LANE).id),
    )
    answer = await http.get(f"/public/issues/{issue_id}")
    body = answer.json()
    lane, community = street.town.at(*LANE), street.town.at(1, 1)
    assert body["text"] == f"路口的桶满了，打{MASKED}找我"
    assert (body["lane_id"], body["lane_name"]) == (str(lane.id), lane.name)
    assert body["community_name"] == community.name
    assert body["position"] == {
        "longitude": 114.286,
        "latitude": 23.173,
        "coordinate_system": "wgs84",
    }
    assert body["reporter"] == "匿名居民"
    assert body["answered_by"] == f"{lane.name} 巷长"
    assert (body["state"], body["state_name"]) == ("open", "待受理")
    chief = street.town.staff[Role.LANE_CHIEF, lane.id]
    hidden = ["501", "王小明", "王", PLANTED, str(street.reporter.person_id), "114.28623"]
    for secret in [*hidden, chief.name or "", str(chief.id)]:
        assert secret not in answer.text, secret
    (listed,) = (await http.get("/public/issues")).json()["items"]
    assert listed == body


async def test_without_a_position_the_public_is_shown_the_lanes(
    street: Street, http: AsyncClient
) -> None:
    body = await seen(http, await published(street))
    lane = street.town.at(*LANE)
    assert (body["position"]["longitude"], body["position"]["latitude"]) == (
        lane.longitude,
        lane.latitude,
    )


@pytest.mark.parametrize(
    ("name", "anonymous", "public"),
    [
        ("王小明", None, "匿名居民"),
        ("王小明", True, "匿名居民"),
        ("王小明", False, "王*"),
        (None, False, "匿名居民"),
    ],
)
async def test_a_reporter_is_anonymous_unless_she_chose_otherwise(
    name: str | None,
    anonymous: bool | None,  # noqa: FBT001
    public: str,
    street: Street,
    http: AsyncClient,
    tx: Tx,
) -> None:
    person = update(Person).where(Person.id == street.reporter.person_id)
    await tx.execute(person.values(name=name))
    await tx.commit()
    changes = {} if anonymous is None else {"anonymous": anonymous}
    assert (await seen(http, await published(street, **changes)))["reporter"] == public


async def test_a_telephone_caller_is_named_as_she_was_called_and_no_further(
    street: Street, http: AsyncClient
) -> None:
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    wish = street.wish(
        on_behalf_of={"name": "李女士", "phone": phone_number()}, anonymous=False
    )
    issue_id = (await worker.post("/issues", json=wish)).json()["id"]
    await street.done(worker, issue_id, "moderate", version=1, show=True)
    assert (await seen(http, issue_id))["reporter"] == "李*"


async def test_the_public_reads_the_result_without_numbers_and_not_the_way_there(
    street: Street, http: AsyncClient
) -> None:
    issue_id = await published(street)
    await street.done(street.chief, issue_id, "accept")
    await street.done(street.chief, issue_id, "respond", text="下午就去看")
    body = await seen(http, issue_id)
    assert (body["state_name"], body["result"], body["settled_at"]) == ("办理中", None, None)
    assert body["responded_at"] is not None
    await street.done(street.chief, issue_id, "resolve", text=f"已清运，有事打{PLANTED}")
    body = await seen(http, issue_id)
    assert (body["state"], body["state_name"]) == ("settled", "已办结")
    assert body["result"] == f"已清运，有事打{MASKED}"
    assert body["settled_at"] is not None
    await street.done(street.reporter, issue_id, "reopen", text="没清干净")
    body = await seen(http, issue_id)
    assert (body["state"], body["state_name"]) == ("open", "重办中")
    assert (body["result"], body["settled_at"]) == (None, None)


async def test_a_department_answers_under_its_own_name(
    street: Street, http: AsyncClient
) -> None:
    issue_id = await street.dispatched(0)
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    await street.done(worker, issue_id, "moderate", version=1, show=True)
    assert (await seen(http, issue_id))["answered_by"] == street.town.organizations[0].name


async def test_the_public_reads_how_many_support_it(street: Street, http: AsyncClient) -> None:
    issue_id = await published(street)
    assert (await seen(http, issue_id))["supporters"] == 0
    neighbour = await street.callers.resident(street.town.place(*LANE))
    await street.done(neighbour, issue_id, "support")
    assert (await seen(http, issue_id))["supporters"] == 1


async def test_what_was_taken_back_is_not_public_any_more(
    street: Street, http: AsyncClient
) -> None:
    issue_id = await published(street)
    await street.done(street.reporter, issue_id, "withdraw")
    assert await shown(http) == []
    refused(await http.get(f"/public/issues/{issue_id}"), 404, "case_not_found")


async def test_filters_by_state_category_and_place_narrow_one_another(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    for code in ("env.garbage", "road.light"):
        await new_rule(tx, code, publicity="at_once", evidence=[])
    town = street.town
    here, light = await street.reported(), await street.reported(category_code="road.light")
    settled = await street.resolved()
    across = await street.reported(lane_id=str(town.at(1, 2, 1, 1).id))
    cases: list[tuple[str, list[str]]] = [
        ("", [across, settled, light, here]),
        ("state=open", [across, light, here]),
        ("state=settled", [settled]),
        ("category=road.light", [light]),
        ("category=road.light&state=settled", []),
        ("category=no.such", []),
        (f"node_id={town.at(*LANE).id}", [settled, light, here]),
        (f"node_id={town.at(1, 2).id}", [across]),
        (f"node_id={town.at(1).id}&state=open", [across, light, here]),
        (f"node_id={town.at().id}&category=env.garbage", [across, settled, here]),
        (f"node_id={town.at(1, 1).id}&category=env.garbage&state=open", [here]),
        (f"node_id={town.at(1, 1, 1).id}&state=settled", [settled]),
        (f"node_id={town.at(2).id}", []),
    ]
    for query, expected in cases:
        assert await shown(http, query) == expected, query
    unknown = await http.get(f"/public/issues?node_id={uuid4()}")
    refused(unknown, 404, "node_not_found")
    refused(await http.get("/public/issues?state=closed"), 422, "invalid_request")


async def test_public_pages_join_without_gap_or_overlap(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", publicity="at_once")
    issues = [
        await (street.resolved() if number % 3 == 0 else street.reported())
        for number in range(7)
    ]
    for more in ("", f"&node_id={street.town.at(1).id}", "&category=env.garbage"):
        found: list[str] = []
        after, page = "", dict[str, Any]()
        for size in (3, 3, 1):
            page = (await http.get(f"/public/issues?limit=3{more}{after}")).json()
            assert len(page["items"]) == size
            found += [row["id"] for row in page["items"]]
            after = f"&after={page['next']}"
        assert page["next"] is None
        assert found == issues[::-1]
    refused(await http.get("/public/issues?after=x"), 400, "bad_cursor")


async def test_the_cost_of_the_public_list_does_not_grow_with_its_rows(
    street: Street, http: AsyncClient, connection: AsyncConnection, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", publicity="at_once")
    counts = []
    for _ in range(2):
        await street.reported()
        raw, statements = await count_on(connection)
        rows = await shown(http)
        await asyncio.sleep(0)  # asyncpg tells of a statement a turn later
        raw.remove_query_logger(statements.hear)
        counts.append((len(rows), len(statements)))
    assert counts == [(1, 1), (2, 1)]


async def test_photos_are_public_only_where_a_moderator_allowed_them(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    await new_rule(tx, "env.garbage", publicity="at_once")
    mine = await photos(tx, street.reporter.person_id, 2, now=datetime.now(UTC))
    await tx.commit()
    issue_id = await street.reported(photo_ids=mine)
    assert (await seen(http, issue_id))["photos"] == []
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    await street.done(worker, issue_id, "moderate", version=1, show=True, photos=True)
    assert [photo["id"] for photo in (await seen(http, issue_id))["photos"]] == mine


async def test_a_link_to_a_public_photo_is_dead_minutes_after_it_was_hidden(
    street: Street, http: AsyncClient, tx: Tx, clock: Clock
) -> None:
    mine = await photos(tx, street.reporter.person_id, 1, now=datetime.now(UTC))
    issue_id = await street.reported(photo_ids=mine)
    worker = await street.staff(Role.COMMUNITY_WORKER, 1, 1)
    await street.done(worker, issue_id, "moderate", version=1, show=True, photos=True)
    (public,) = (await seen(http, issue_id))["photos"]
    (own,) = (await street.reporter.get(f"/issues/{issue_id}")).json()["photos"]
    await street.done(worker, issue_id, "moderate", version=2, show=False, reason="涉及隐私")
    refused(await http.get(f"/public/issues/{issue_id}"), 404, "case_not_found")
    clock.forward(minutes=4)
    for link in (public["url"], public["thumbnail_url"]):
        # The bytes lie nowhere; what matters is that the link itself is good.
        refused(await http.get(f"http://api{link}"), 404, "file_not_found")
    clock.forward(minutes=6)
    for link in (public["url"], public["thumbnail_url"]):
        refused(await http.get(f"http://api{link}"), 410, "link_expired")
    refused(await http.get(f"http://api{own['url']}"), 404, "file_not_found")
