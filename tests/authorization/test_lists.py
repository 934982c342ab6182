"""No list shows an issue to somebody who may not read it, whatever the list is about."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from tests.authorization.cast import (
    DEPARTMENTS,
    EVERYBODY,
    FROM_GRID,
    FROM_STREET,
    INSPECTORS,
    LEADING,
    OPERATORS,
    RESIDENTS,
    STAFF,
    WATCHING,
)
from tests.authorization.issue_operations import readers
from tests.authorization.world import World

pytestmark = pytest.mark.slow

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


PUBLISHED = "shared"
"""The situation of the one issue that everybody may know of."""
FIELD = {"own chief", "next chief", "far chief", "own worker", "next worker"}
"""Staff that leads nobody."""
TAKING_IN = {name for name in STAFF if name.endswith(("clerk", "head", "dispatcher"))}
TAKING_IN |= {"own secretary", "other secretary"}
VISITING = FROM_GRID - FROM_STREET
OPEN_TO: dict[str, set[str]] = {
    **dict.fromkeys(("count_worklist_boxes", "list_saved_filters"), STAFF),
    "list_worklist_issues": STAFF,
    **dict.fromkeys(("list_canned_replies", "list_issue_hot_spots"), STAFF - {*INSPECTORS}),
    "list_staff_call_backs": STAFF - OPERATORS,
    "list_my_calls": {*DEPARTMENTS},
    **dict.fromkeys(("list_intake_issues", "list_pending_issues"), TAKING_IN),
    "list_exclusions": STAFF - FIELD,
    "list_managed_categories": OPERATORS,
    "read_statistics": STAFF - FIELD - {*INSPECTORS},
    "read_hand_times": STAFF - FIELD - {*INSPECTORS},
    "list_statistics_issues": STAFF - FIELD - {*INSPECTORS},
    "list_register_households": WATCHING,
    "list_residents": WATCHING,
    "list_establishments": WATCHING,
    "list_care_flags": VISITING,
    "list_residence_claims": VISITING | {"own chief"},
    "list_moves": VISITING | {"own chief"},
    "read_node_use": LEADING,
    "list_equipment_gaps": TAKING_IN | OPERATORS,
    "read_my_household": set(),  # nobody's home is confirmed
}
"""Lists that others are refused with 403; all the rest everybody may ask for."""
NOTHING_THERE: dict[str, dict[str, int]] = {
    "read_my_grid": dict.fromkeys(STAFF, 404),
    "read_residence": dict.fromkeys(STAFF, 404),
    "read_erasure": dict.fromkeys(EVERYBODY, 409),
    "locate": dict.fromkeys(EVERYBODY, 404),
    "read_metrics": dict.fromkeys(EVERYBODY | {"nobody"}, 404),
}
"""Those who may ask, and for whom there is nothing."""
PUBLIC = {
    "check_live",
    "check_ready",
    "list_current_consents",
    "list_public_issues",
    "read_formulae",
    "read_jwks",
    "read_public_statistics",
}
"""What a stranger may read."""
SENT = {
    "limit": "100",
    "district_id": "{district}",
    "longitude": "114.281",
    "latitude": "23.171",
    "node_id": "{lane}",
    "text": "路灯",
}
"""What is sent to the lists that know it or ask for it."""
SENT_TO = {"read_public_statistics": {"node_id": "{street}"}}


class List(NamedTuple):
    """A read whose address names nothing."""

    name: str
    path: str
    known: set[str]
    asked: set[str]


def is_list(method: str, path: str) -> bool:
    """Tell whether an operation is a read whose address names nothing."""
    return method == "GET" and "{" not in path


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    for field in dependant.query_params:
        yield field.alias, field.field_info.is_required()
    for need in dependant.dependencies:
        yield from _parameters(need)


@pytest.fixture(scope="module")
def lists(app: FastAPI) -> list[List]:
    found = []
    for context in iter_route_contexts(app.routes):
        route, path = context.original_route, str(context.path)
        method = next(iter(context.methods or {"GET"}))
        if isinstance(route, APIRoute) and is_list(method, path):
            parameters = dict(_parameters(route.dependant))
            asked = {name for name, required in parameters.items() if required}
            found.append(List(str(context.name), path, {*parameters}, asked))
    return sorted(found)


async def test_a_list_is_open_to_whom_the_policy_names_and_shows_what_each_may_read(
    world: World, lists: list[List]
) -> None:
    situations = {str(issue_id): name for name, issue_id in world.issues.items()}
    assert len(lists) > 50
    seen: set[str] = set()
    wrong: dict[str, dict[str, int]] = {}
    for one in lists:
        sent = {name: SENT[name] for name in one.asked | (one.known & {"limit"})}
        sent |= SENT_TO.get(one.name, {})
        found = {}
        for who in sorted(EVERYBODY | {"nobody"}):
            client = world.client(who)
            answer = await client.get(f"http://api{one.path}", params=world.filled(sent))
            found[who] = answer.status_code
            shown = situations.keys() & set(ID.findall(answer.text))
            secret = {situations[issue_id] for issue_id in shown} - {PUBLISHED}
            leaked = {situation for situation in secret if who not in readers(situation)}
            assert leaked == set(), (one.path, who)
            if shown:
                seen.add(one.path)
            if "/staff/" in one.path and who in RESIDENTS and answer.status_code == 200:
                assert not any(answer.json().get("items", [])), (one.path, who)
        allowed = OPEN_TO.get(one.name, EVERYBODY)
        wanted = dict.fromkeys(EVERYBODY, 403) | dict.fromkeys(allowed, 200)
        wanted["nobody"] = 200 if one.name in PUBLIC else 401
        wanted |= NOTHING_THERE.get(one.name, {})
        wrong |= {one.name: {who: was for who, was in found.items() if was != wanted[who]}}
    assert {name: answers for name, answers in wrong.items() if answers} == {}
    assert {"/api/v1/me/issues", "/api/v1/staff/issues", "/api/v1/staff/moderation"} <= seen
