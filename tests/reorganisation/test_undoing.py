"""A reorganisation is taken back exactly, while nothing new depends on it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from neighborhood_api.cases.models import Case, Entry, Hand
from neighborhood_api.grid.layers.models import Layer, LayerCover, LayerNode
from neighborhood_api.grid.models import Boundary, Node, Organization
from neighborhood_api.grid.posts.models import Shift
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.publishing.models import CannedReply
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registrations.models import Resource
from neighborhood_api.registrations.policies import Policy
from neighborhood_api.reorganisation.models import Reorganisation
from tests.issues.categories.arranging import rule
from tests.reorganisation.arranging import Planner, founded, split_in_two
from tests.reorganisation.digests import digests
from tests.support.issues import Street
from tests.support.people import Callers
from tests.support.places import Town
from tests.venues.arranging import new_room, new_venue

pytestmark = pytest.mark.slow

_LAYERS = select(Layer.id).where(Layer.name == "片长", Layer.code.like("pian-%"))


async def everything_at_the_community(
    street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    """Issues at every level, a venue with a room, words at hand, and a rule of its own."""
    for steps in range(4):
        issue = await street.reported()
        holder = street.chief
        for step in range(steps):
            await street.done(holder, issue, "escalate", text="请上级协调")
            role, path = ((Role.GRID_LEADER, (1, 1, 1)), (Role.COMMUNITY_WORKER, (1, 1)))[
                min(step, 1)
            ]
            holder = await callers.staff(town, role, *path)
    await street.dispatched(0)
    mine = {"node_ids": [str(town.at(1, 1).id)]}
    await new_room(tx, await new_venue(tx, town.place(1, 1)), audience=mine)
    worker = town.staff[Role.COMMUNITY_WORKER, town.at(1, 1).id].id
    tonight = datetime.now(UTC) + timedelta(hours=6)
    tx.add(
        Shift(
            node_id=town.at(1, 1).id,
            person_id=worker,
            role=Role.COMMUNITY_WORKER.value,
            duty_phone="0752-9100000",
            starts_at=tonight,
            ends_at=tonight + timedelta(hours=8),
            made_by_id=worker,
        )
    )
    layer = Layer(
        district_id=town.at().id,
        code=f"pian-{new_id().hex[-8:]}",
        name="片长",
        levels=[{"name": "片", "post": "片长"}],
        valid_from=date(2026, 1, 1),
    )
    node_id = new_id()
    top = LayerNode(
        id=node_id, layer_id=layer.id, level=1, code="1", name="一片", way=[node_id]
    )
    tx.add(layer)
    await tx.flush()
    tx.add(top)
    await tx.flush()
    here = town.at(1, 1).id
    tx.add(LayerCover(layer_id=layer.id, layer_node_id=node_id, node_id=here))
    tx.add(CannedReply(move="respond", title="已派人", text="您好", node_id=town.at(1, 1).id))
    await tx.commit()
    operator = await callers.staff(town, Role.OPERATOR)
    body = {"node_id": str(town.at(1, 1).id), "reason": "提速", "rule": rule()}
    answer = await operator.put("/issue-categories/env.garbage/rule", json=body)
    assert answer.status_code == 200, answer.text


def merged_again(town: Town) -> list[dict[str, Any]]:
    """Both communities of the street become one, and two lanes of the first grid."""
    nodes = [str(town.at(1, number).id) for number in (1, 2)]
    lanes = [str(town.at(1, 1, 1, number).id) for number in (1, 2)]
    return [
        founded(town, "one", "大社区"),
        {"do": "merge", "nodes": nodes, "into": "one"},
        {"do": "rename", "node": str(town.at(2).id), "name": "改名街道"},
        {"do": "move", "node": lanes[1], "under": str(town.at(1, 2, 1).id)},
    ]


def redrawn_elsewhere(town: Town) -> list[dict[str, Any]]:
    """A community goes to the other street, and codes are exchanged."""
    first, second = town.at(1, 1), town.at(1, 2)
    return [
        {"do": "move", "node": str(first.id), "under": str(town.at(2).id)},
        {"do": "recode", "node": str(first.id), "code": second.code},
        {"do": "recode", "node": str(second.id), "code": first.code},
    ]


@pytest.mark.parametrize("operations", [split_in_two, merged_again, redrawn_elsewhere])
async def test_an_undone_plan_leaves_every_table_as_it_was(
    operations: Any,  # noqa: ANN401
    planner: Planner,
    street: Street,
    callers: Callers,
    town: Town,
    tx: Tx,
) -> None:
    await callers.resident(town.place(1, 1, 2, 1))
    await everything_at_the_community(street, callers, town, tx)
    before = await digests(tx)
    await planner.drafts(operations(town))
    assert await planner.troubles() == set()
    await planner.decides()
    if operations is merged_again:
        held = {Role.COMMUNITY_SECRETARY}
        answer = await planner.does("apply")
        assert answer.json()["code"] == "reorganisation_impossible", held
        asked = (await planner.preview())["questions"]
        second = [one for one in asked if "书记" in one["what"]][-1]
        await planner.done("decisions", decisions=[{"key": second["key"], "to": None}])
    await planner.done("apply")
    applied = await digests(tx)
    changed = {name for name in before if before[name] != applied[name]}
    assert {"node", "household", "residence", "case_file", "venue", "resource"} <= changed
    if operations is split_in_two:
        assert {"shift", "layer_cover"} <= changed
        covered = select(LayerCover.node_id).where(LayerCover.layer_id.in_(_LAYERS))
        heirs = {planner.new("east"), planner.new("west")}
        assert {str(one) for one in await tx.scalars(covered)} == heirs
        resource = (await tx.scalars(select(Resource).where(Resource.kind == "room"))).all()[-1]
        terms = (await tx.get_one(Policy, resource.policy_id)).terms
        assert heirs < set(terms["audience"]["node_ids"])
    operator = await callers.staff(town, Role.OPERATOR)
    planner.operator = operator
    await planner.done("undo")
    after = await digests(tx)
    assert {name for name in before if before[name] != after[name]} == set()
    plan = await tx.get_one(Reorganisation, planner.plan["id"])
    assert plan.state == "undone"
    assert await tx.scalar(text("SELECT count(*) FROM node_succession")) == 0
    gap = text(
        "SELECT count(*) FROM case_file WHERE (SELECT count(*) FROM case_hand"
        " WHERE case_id = case_file.id AND held_until IS NULL) <> 1"
    )
    assert await tx.scalar(gap) == 0


async def test_what_is_new_at_a_successor_keeps_the_plan_from_being_undone(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    await planner.drafts(split_in_two(town))
    await planner.decides()
    await planner.done("apply")
    plan = await tx.get_one(Reorganisation, planner.plan["id"])
    plan.applied_at = datetime.now(UTC) - timedelta(minutes=5)
    await tx.commit()
    lane = await tx.get_one(Node, town.at(1, 1, 1, 1).id)
    east = UUID(planner.new("east"))
    worker = town.staff[Role.COMMUNITY_WORKER, town.at(1, 1).id].id
    tonight = datetime.now(UTC) + timedelta(hours=6)
    hours: dict[str, Any] = {"starts_at": tonight, "ends_at": tonight + timedelta(hours=8)}
    post: dict[str, Any] = {"role": Role.COMMUNITY_WORKER.value, "duty_phone": "0752-9100000"}
    tx.add_all(
        (
            Shift(node_id=east, person_id=worker, made_by_id=worker, **post, **hours),
            CannedReply(move="respond", title="已派人", text="您好", node_id=east),
            Organization(node_id=east, name="网格办"),
            Boundary(node_id=east, parts=1),
        )
    )
    await tx.commit()
    reporter = await callers.resident(lane.place)
    wish = street.wish()
    assert (await reporter.post("/issues", json=wish)).status_code == 200
    answer = await planner.does("undo")
    assert answer.json()["code"] == "new_things_depend"
    named = {one["table"]: one["number"] for one in answer.json()["dependents"]}
    assert named["case_file"] == 1
    assert named["residence"] >= 1
    for name in ("shift", "canned_reply", "organization", "boundary"):
        assert named[name] == 1, name
    assert str((await tx.get_one(Node, lane.id)).community_id) == planner.new("east")


async def test_an_issue_that_was_moved_on_since_stays_in_living_hands(
    planner: Planner, street: Street, callers: Callers, town: Town, tx: Tx
) -> None:
    issue = await street.reported()
    await street.done(street.chief, issue, "escalate", text="需协调")
    await street.done(street.leader, issue, "escalate", text="需协调")
    await planner.drafts(split_in_two(town))
    await planner.decides()
    await planner.done("apply")
    clerk = await callers.person(town.staff[Role.COMMUNITY_WORKER, town.at(1, 1).id].id)
    await street.done(clerk, issue, "accept")
    lane = Node.id == town.at(1, 1, 2, 1).id
    await tx.execute(update(Node).where(lane).values(name="改正的巷名"))
    await tx.commit()
    await planner.done("undo")
    assert await tx.scalar(select(Node.name).where(lane)) == "改正的巷名"
    case = await tx.get_one(Case, issue)
    assert case.hand_node_id == town.at(1, 1).id
    assert case.hand_person_id == clerk.person_id
    assert case.state == "accepted"
    last = select(Hand).where(Hand.case_id == case.id, Hand.held_until.is_(None))
    assert (await tx.scalars(last)).one().node_id == town.at(1, 1).id
    line = select(Entry.text).where(Entry.case_id == case.id).order_by(Entry.id.desc())
    assert "已撤销" in (await tx.scalar(line.limit(1)) or "")
