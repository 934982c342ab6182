"""Pages joined are the list, without a gap and without a repeat."""

from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.paging import END, BadCursor, PageRequest
from tests.support.people import Callers
from tests.support.places import Town

quick = settings(max_examples=60)


class Row(NamedTuple):
    """Something with an id."""

    id: UUID


def pages_of(rows: list[Row], limit: int) -> list[list[UUID]]:
    """Turn pages over `rows` as a database with keyset queries would answer."""
    newest_first = sorted(rows, key=lambda row: row.id, reverse=True)
    pages: list[list[UUID]] = []
    after: str | None = None
    while True:
        request = PageRequest(limit, after)
        below = request.below
        fetched = [r for r in newest_first if r.id < below or after is None][: request.fetch]
        page = request.page(fetched, lambda row: row.id)
        pages.append(page.items)
        after = page.next
        if after is None:
            return pages


@quick
@given(st.sets(st.uuids().filter(lambda u: u != END), max_size=30), st.integers(1, 10))
def test_pages_joined_are_the_list(ids: set[UUID], limit: int) -> None:
    pages = pages_of([Row(one) for one in ids], limit)
    assert [one for page in pages for one in page] == sorted(ids, reverse=True)
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1] or not ids


@quick
@given(st.text())
def test_a_cursor_that_we_did_not_make_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        _ = PageRequest(20, cursor).below


@quick
@given(st.uuids(), st.sampled_from([" {}", "{} ", "{}=", "{}!", "{}A", "+{}", "\n{}"]))
def test_a_cursor_that_was_touched_is_refused(last: UUID, touched: str) -> None:
    page = PageRequest(1).page([Row(last), Row(last)], lambda row: row.id)
    assert page.next is not None
    assert PageRequest(1, page.next).below == last
    with pytest.raises(BadCursor):
        _ = PageRequest(1, touched.format(page.next)).below


async def test_a_list_over_http_is_complete_and_not_disturbed_by_new_rows(
    callers: Callers, town: Town, tx: Tx
) -> None:
    secretary = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)
    community, lane = town.at(1, 1), town.place(1, 1, 1, 1)
    expected = set(
        await tx.scalars(select(Household.id).where(Household.community_id == community.id))
    )
    path = f"/grid/nodes/{community.id}/households"
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        answer = await secretary.get(path, params={"limit": "3"} | after)
        assert answer.status_code == 200, answer.text
        seen += [item["id"] for item in answer.json()["items"]]
        tx.add(Household(id=new_id(), address=f"新{len(seen)}号", **columns_of(lane)))  # type: ignore[arg-type]
        await tx.commit()
        if answer.json()["next"] is None:
            break
        after = {"after": answer.json()["next"]}
    assert len(seen) == len(set(seen))
    assert set(map(str, expected)) == set(seen)


@pytest.mark.parametrize("after", ["x", "AAAA", "é", "%00", "A" * 23, " "])
async def test_a_bad_cursor_is_told(callers: Callers, town: Town, after: str) -> None:
    secretary = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)
    path = f"/grid/nodes/{town.at(1, 1).id}/households"
    answer = await secretary.get(path, params={"after": after})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "9" * 30])
async def test_a_limit_has_limits(callers: Callers, town: Town, limit: str) -> None:
    secretary = await callers.staff(town, Role.COMMUNITY_SECRETARY, 1, 1)
    path = f"/grid/nodes/{town.at(1, 1).id}/households"
    answer = await secretary.get(path, params={"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/query/limit"
