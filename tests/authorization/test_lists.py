"""No list shows an issue to somebody who may not read it, whatever the list is about."""

import re

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from tests.authorization.cast import EVERYBODY, RESIDENTS
from tests.authorization.issue_operations import readers
from tests.authorization.world import World

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


PUBLISHED = "shared"
"""The situation of the one issue that everybody may know of."""


@pytest.fixture(scope="module")
def lists(app: FastAPI) -> list[str]:
    """The addresses of all reads that need no argument of their own."""
    return sorted(
        str(context.path)
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        and "GET" in (context.methods or ())
        and "{" not in str(context.path)
    )


async def test_whatever_is_listed_may_be_read(world: World, lists: list[str]) -> None:
    situations = {str(issue_id): name for name, issue_id in world.issues.items()}
    assert len(lists) > 25
    seen: set[str] = set()
    for path in lists:
        for who in sorted(EVERYBODY):
            answer = await world.client(who).get(f"http://api{path}", params={"limit": 100})
            assert answer.status_code < 500, (path, who)
            shown = situations.keys() & set(ID.findall(answer.text))
            leaked = {
                situations[one]
                for one in shown
                if who not in readers(situations[one]) and situations[one] != PUBLISHED
            }
            assert leaked == set(), (path, who)
            if shown:
                seen.add(path)
    assert {"/api/v1/me/issues", "/api/v1/staff/issues", "/api/v1/staff/moderation"} <= seen


async def test_no_list_of_staff_has_anything_for_residents(
    world: World, lists: list[str]
) -> None:
    of_staff = [path for path in lists if "/staff/" in path]
    assert len(of_staff) > 10
    for path in of_staff:
        for who in sorted(RESIDENTS):
            answer = await world.client(who).get(f"http://api{path}")
            empty = answer.status_code == 200 and not any(answer.json().get("items", []))
            assert answer.status_code in {403, 422} or empty, (path, who, answer.text[:200])
