"""How the public would see a report that is still being written."""

from datetime import date
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select, update

from neighborhood_api.cases.models import Case
from neighborhood_api.grid.models import Node
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.issues.publishing.arranging import MASKED, PLANTED
from tests.support.issues import LANE, Street
from tests.support.people import Caller
from tests.support.refusals import refused


async def previewed(caller: Caller, **body: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await caller.post("/issues/preview", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_preview_masks_finds_and_keeps_nothing(street: Street, tx: Tx) -> None:
    text = f" 🗑️满了，打{PLANTED}，车粤B12345挡路"
    body = await previewed(street.reporter, text=text)
    assert body["text"] == f" 🗑️满了，打{MASKED}，车粤B1***5挡路"
    assert body["reporter"] == "匿名居民"
    assert [(f["kind"], f["name"]) for f in body["findings"]] == [
        ("mobile", "手机号"),
        ("plate", "车牌号"),
    ]
    units = text.encode("utf-16-le")  # as a phone's JavaScript counts
    for finding, there in zip(body["findings"], (PLANTED, "粤B12345"), strict=True):
        part = units[2 * finding["start"] : 2 * finding["end"]]
        assert part.decode("utf-16-le") == there
    assert await tx.scalar(select(func.count()).select_from(Case)) == 0


async def test_a_preview_shows_how_the_reporter_would_be_called(street: Street, tx: Tx) -> None:
    person = update(Person).where(Person.id == street.reporter.person_id)
    await tx.execute(person.values(name="欧阳小红"))
    await tx.commit()
    named = await previewed(street.reporter, text="桶满了", anonymous=False)
    assert (named["reporter"], named["findings"]) == ("欧*", [])


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("env.garbage", "moderated"),
        ("staff.conduct", "never"),
        ("old.thing", None),
        ("no.such", None),
        (None, None),
    ],
)
async def test_a_preview_tells_whether_it_would_be_public(
    category: str | None, expected: str | None, street: Street
) -> None:
    lane = {"lane_id": str(street.town.at(*LANE).id)}
    there = await previewed(street.reporter, text="桶满了", category_code=category, **lane)
    at_home = await previewed(street.reporter, text="桶满了", category_code=category)
    assert (there["publicity"], at_home["publicity"]) == (expected, expected)


async def test_a_preview_needs_a_sign_in_and_a_lane_that_is_there(
    street: Street, http: AsyncClient, tx: Tx
) -> None:
    refused(await http.post("/issues/preview", json={"text": "桶满了"}), 401, "not_signed_in")
    ended = {"text": "桶满了", "lane_id": str(street.town.at(1, 1, 1, 2).id)}
    node = update(Node).where(Node.id == street.town.at(1, 1, 1, 2).id)
    await tx.execute(node.values(valid_until=date(2026, 1, 1)))
    await tx.commit()
    refused(await street.reporter.post("/issues/preview", json=ended), 404, "node_not_found")
    nowhere = {"text": "桶满了", "lane_id": "0198c0de-0000-7000-8000-000000000001"}
    refused(await street.reporter.post("/issues/preview", json=nowhere), 404, "node_not_found")
