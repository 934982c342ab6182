"""`readable`, the clause of every list of cases, and `may_read`, the check of each, agree."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from neighborhood_api.cases.models import Case
from neighborhood_api.cases.paths import Offer, Party
from neighborhood_api.cases.policy import may_read, readable, reads_as_staff
from neighborhood_api.cases.service import whole_cases
from neighborhood_api.identity.access import Actor, Role
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import Tx
from tests.authorization.seats import Holder, Path
from tests.authorization.test_reach import PATHS, POSTS, case_at, post_of
from tests.support.places import Town
from tests.support.posts import somebody

OFFERED = {(1, 1, 1, 1): (1, 1, 1, 2), (1, 2, 1, 1): (1, 1, 2), (1, 2, 2): (1, 1)}
"""Where the ordinary case of a place is offered."""
TAKEN_UP = {(1, 1, 1, 1), (2,)}
"""Whence the district has taken up what is about a person."""


@pytest.fixture
async def ordinary(town: Town, tx: Tx) -> dict[UUID, Path]:
    """A case at every place; some of them on their way elsewhere, one no longer."""
    person = await somebody(tx)
    made = {path: case_at(town, path, None, person.id, f"A{path}") for path in PATHS}
    tx.add_all(made.values())
    await tx.flush()
    now = datetime.now(UTC)
    gone = {(1, 1, 2, 1): (1, 1, 1, 1)}
    for path, target in (OFFERED | gone).items():
        node = town.at(*target)
        tx.add(
            Offer(
                case_id=made[path].id,
                move="transfer",
                node_id=node.id,
                role=Role.LANE_CHIEF.value,
                offered_by_id=person.id,
                offered_at=now,
                answer_by=now,
                answered_at=now if path in gone else None,
                answer="lapsed" if path in gone else None,
                **columns_of(node.place),
            )
        )
    seen = Party(case_id=made[2, 1, 1, 1].id, organization_id=town.organizations[1].id)
    tx.add(seen)
    await tx.flush()
    return {case.id: path for path, case in made.items()}


@pytest.fixture
async def whispered(town: Town, tx: Tx) -> dict[UUID, Path]:
    """A confidential case at every place, which a department was let in on by mistake."""
    person = await somebody(tx)
    made = {case_at(town, path, None, person.id, f"B{path}"): path for path in PATHS}
    for case, path in made.items():
        case.confidential = True
        if path in TAKEN_UP:
            case.hand_level, case.hand_node_id = Level.DISTRICT.value, town.at().id
    tx.add_all(made)
    await tx.flush()
    body = town.organizations[0].id
    tx.add_all(Party(case_id=case.id, organization_id=body) for case in made)
    await tx.flush()
    return {case.id: path for case, path in made.items()}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(holders=st.lists(st.sampled_from(POSTS), max_size=4))
async def test_what_lists_show_is_what_may_be_read(
    holders: list[Holder],
    town: Town,
    ordinary: dict[UUID, Path],
    whispered: dict[UUID, Path],
    tx: Tx,
) -> None:
    actor = Actor(uuid4(), uuid4(), tuple(post_of(town, holder) for holder in holders))
    mine = Case.id.in_([*ordinary, *whispered])
    cases = (await tx.scalars(whole_cases(ISSUE).where(mine))).all()
    listed = set(await tx.scalars(select(Case.id).where(mine, readable(ISSUE, actor))))
    assert listed == {case.id for case in cases if reads_as_staff(ISSUE, case, actor)}
    assert listed == {case.id for case in cases if may_read(ISSUE, case, actor)}
    # In the tests' own words.
    above = {
        case_id
        for case_id, path in ordinary.items()
        for role, at, body in holders
        if body is None
        and role is not Role.DISCIPLINE_OFFICER
        and (path[: len(at)] == at or OFFERED.get(path, ("x",))[: len(at)] == at)
    }
    let_in = {c for c, path in ordinary.items() if path == (2, 1, 1, 1)}
    if any(body == 1 for _, _, body in holders):
        above |= let_in
    secret = {
        case_id
        for case_id, path in whispered.items()
        for role, at, _ in holders
        if role in {Role.STREET_SECRETARY, Role.DISCIPLINE_OFFICER}
        and path[: len(at)] == at
        and (at == () or path not in TAKEN_UP)
    }
    assert listed == above | secret


async def test_a_post_that_reads_no_issues_lists_none(town: Town, tx: Tx) -> None:
    nobody = Actor(uuid4(), uuid4())
    assert (await tx.scalars(select(Case.id).where(readable(ISSUE, nobody)))).all() == []
    assert town.nodes
