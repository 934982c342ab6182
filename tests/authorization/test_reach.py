"""A list shows exactly the rows that a check of each would allow."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Party
from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import (
    GRANTED,
    LEVEL_OF,
    Actor,
    Forbidden,
    Permission,
    Post,
    Role,
)
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.kit.db import Tx
from tests.authorization.seats import Holder, Path
from tests.support.places import Town
from tests.support.posts import somebody

PATHS: list[Path] = [
    path
    for depth in range(5)
    for path in [
        tuple((number >> bit & 1) + 1 for bit in range(depth)) for number in range(2**depth)
    ]
]
POSTS: list[Holder] = [
    (role, path, body)
    for role in Role
    for path in PATHS
    if Level(len(path)) in LEVEL_OF[role]
    for body in ((0, 1) if role is Role.DEPARTMENT_OFFICER else (None,))
]


def case_at(town: Town, path: Path, body: int | None, person_id: UUID, code: str) -> Case:
    node = town.at(*path)
    now = datetime.now(UTC)
    return Case(
        kind="issue",
        code=code,
        state="assigned",
        reported_by_id=person_id,
        opened_at=now,
        moved_at=now,
        terms={},
        respond_due_at=now,
        resolve_due_at=now,
        hand_level=node.level,
        hand_node_id=node.id,
        hand_role=Role.LANE_CHIEF.value,
        organization_id=None if body is None else town.organizations[body].id,
        **columns_of(node.place),  # type: ignore[arg-type]
    )


@pytest.fixture
async def everywhere(town: Town, tx: Tx) -> dict[UUID, tuple[Path, int | None]]:
    """A case at every place below the district, in every department's hands and in none."""
    person = await somebody(tx)
    made = {
        case_at(town, path, body, person.id, f"{path}{body}"): (path, body)
        for path in PATHS
        for body in (None, 0, 1)
    }
    tx.add_all(made)
    await tx.flush()
    tx.add_all(
        Party(organization_id=case.organization_id, case_id=case.id)
        for case in made
        if case.organization_id is not None
    )
    await tx.flush()
    return {case.id: where for case, where in made.items()}


def post_of(town: Town, holder: Holder) -> Post:
    role, path, body = holder
    node = town.at(*path)
    organization_id = None if body is None else town.organizations[body].id
    return Post(role, Level(node.level), node.id, organization_id)


def passes(
    actor: Actor, permission: Permission, row: Case | Household, organization: UUID | None
) -> bool:
    try:
        held_by = () if organization is None else (organization,)
        actor.require(permission, at=row.place, organizations=held_by)
    except Forbidden:
        return False
    return True


def by_the_rule(
    holders: Iterable[Holder], permission: Permission, path: Path, body: int | None
) -> bool:
    """The rule in the tests' own words: the paths begin alike."""
    return any(
        permission in GRANTED[role] and (path[: len(at)] == at if own is None else own == body)
        for role, at, own in holders
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    holders=st.lists(st.sampled_from(POSTS), max_size=4),
    permission=st.sampled_from(
        [Permission.ISSUE_READ, Permission.ISSUE_HANDLE, Permission.ISSUE_DISPATCH]
    ),
)
async def test_a_list_of_cases_shows_exactly_what_a_check_allows(
    holders: list[Holder],
    permission: Permission,
    town: Town,
    everywhere: dict[UUID, tuple[Path, int | None]],
    tx: Tx,
) -> None:
    actor = Actor(uuid4(), uuid4(), tuple(post_of(town, holder) for holder in holders))
    cases = (await tx.scalars(select(Case).where(Case.id.in_(everywhere)))).all()
    reached = select(Case.id).where(Case.id.in_(everywhere), actor.reach(permission, Case))
    listed = set(await tx.scalars(reached))
    assert listed == {
        case.id for case in cases if passes(actor, permission, case, case.organization_id)
    }
    assert listed == {
        case_id
        for case_id, (path, body) in everywhere.items()
        if by_the_rule(holders, permission, path, body)
    }


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(holders=st.lists(st.sampled_from(POSTS), max_size=4))
async def test_a_list_of_households_shows_exactly_what_a_check_allows(
    holders: list[Holder], town: Town, tx: Tx
) -> None:
    permission = Permission.HOUSEHOLD_READ
    actor = Actor(uuid4(), uuid4(), tuple(post_of(town, holder) for holder in holders))
    lanes = {town.at(*path).id: path for path in PATHS if len(path) == Level.LANE}
    here = Household.lane_id.in_(lanes)
    households: list[Household] = [*await tx.scalars(select(Household).where(here))]
    assert len(households) == 2 * len(lanes)
    reached = select(Household.id).where(here, actor.reach(permission, Household))
    listed = set(await tx.scalars(reached))
    assert listed == {h.id for h in households if passes(actor, permission, h, None)}
    assert listed == {
        h.id
        for h in households
        if by_the_rule(holders, permission, lanes[h.place.node_id], None)
    }


def test_nobody_reaches_anything_without_a_post() -> None:
    nobody = Actor(uuid4(), uuid4())
    for permission in Permission:
        clause = str(nobody.reach(permission, Case).compile())
        assert clause in {"false", "0 = 1"}
