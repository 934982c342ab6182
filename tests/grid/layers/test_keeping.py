"""Operators draw layers, fill them with nodes, and give places and households to these."""

from uuid import UUID

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from neighborhood_api.grid.layers.models import LayerCover, LayerNode, LayerPost
from neighborhood_api.grid.models import Household
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import OutboxRow
from tests.grid.layers.arranging import PROPERTY, THREE_CHIEFS, Drawn, drawn
from tests.support.people import Caller, Callers
from tests.support.places import Town
from tests.support.refusals import refused


async def covers_in(tx: Tx, layer: Drawn) -> int:
    mine = select(func.count()).where(LayerCover.layer_id == UUID(layer.id))
    return (await tx.scalars(mine)).one()


async def test_a_place_belongs_to_one_node_of_a_layer_and_moves_when_it_is_given_away(
    three_chiefs: tuple[Drawn, list[UUID]], tx: Tx
) -> None:
    layer, households = three_chiefs
    done = await layer.assign(
        ("household_id", households[0], "P1-1-2"),
        ("household_id", households[1], "P1-1-1"),
        ("household_id", households[2], None),
        ("household_id", households[10], "P1-1-2"),
    )
    assert done == {"assigned": 1, "moved": 1, "removed": 1, "unchanged": 1}
    assert await covers_in(tx, layer) == 10
    twice = insert(LayerCover).values(
        id=new_id(),
        layer_id=UUID(layer.id),
        layer_node_id=UUID(layer.nodes["P1-1-3"]),
        household_id=households[0],
    )
    with pytest.raises(IntegrityError, match="uq_layer_cover_household"):
        await tx.execute(twice)


async def test_an_assignment_with_one_wrong_line_does_nothing(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, town: Town, tx: Tx
) -> None:
    layer, households = three_chiefs
    gone = await tx.get_one(Household, households[9])
    gone.ended_on = gone.ended_on or (await tx.scalars(select(func.current_date()))).one()
    await tx.commit()
    leaf = layer.nodes["P1-1-3"]
    lines = [
        {"household_id": str(households[0]), "layer_node_id": leaf},
        {"household_id": str(households[1]), "layer_node_id": layer.nodes["P1"]},
        {"household_id": str(households[9]), "layer_node_id": leaf},
        {"node_id": str(town.at().id), "layer_node_id": leaf},
        {"node_id": str(new_id()), "layer_node_id": leaf},
    ]
    answer = await operator.post(f"/layers/{layer.id}/covers", json={"items": lines})
    body = refused(answer, 422, "layer_covers_faulty")
    assert [one["number"] for one in body["items"]] == [2, 3, 4, 5]
    mine = select(LayerCover.layer_node_id).where(LayerCover.household_id == households[0])
    assert str((await tx.scalars(mine)).one()) == layer.nodes["P1-1-1"]
    both = [{"household_id": leaf, "node_id": leaf, "layer_node_id": leaf}]
    answer = await operator.post(f"/layers/{layer.id}/covers", json={"items": both})
    refused(answer, 422, "invalid_request")
    answer = await operator.post(f"/layers/{layer.id}/covers", json={"items": lines[:1] * 2})
    refused(answer, 422, "invalid_request")


async def test_a_node_moves_with_everything_below_it(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, tx: Tx
) -> None:
    layer, _ = three_chiefs
    await layer.add(("P2", "河东片", None))
    path = f"/layer-nodes/{layer.nodes['P1-1']}"
    wish = {"code": "P2-1", "name": "河东一组", "parent_code": "P2", "version": 1}
    answer = await operator.put(path, json=wish)
    assert answer.status_code == 200, answer.text
    assert answer.json()["parent_id"] == layer.nodes["P2"]
    leaf = await tx.get_one(LayerNode, UUID(layer.nodes["P1-1-1"]))
    assert [str(one) for one in leaf.way] == [
        layer.nodes["P2"],
        layer.nodes["P1-1"],
        layer.nodes["P1-1-1"],
    ]
    refused(await operator.put(path, json=wish), 409, "stale_version")
    for parent, code in (("P1-1-1", "P2-1"), (None, "P2-1")):
        body = {"code": code, "name": "一组", "parent_code": parent, "version": 2}
        refused(await operator.put(path, json=body), 422, "layer_parent_unknown")


async def test_nodes_are_added_all_or_none(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, tx: Tx
) -> None:
    layer, _ = three_chiefs
    path = f"/layers/{layer.id}/nodes"
    for last, code in (
        ({"code": "X2", "name": "邻", "parent_code": "nowhere"}, "layer_parent_unknown"),
        ({"code": "X2", "name": "邻下", "parent_code": "P1-1-1"}, "layer_too_deep"),
        ({"code": "P1", "name": "片"}, "layer_code_taken"),
    ):
        answer = await operator.post(
            path, json={"nodes": [{"code": "X1", "name": "新片"}, last]}
        )
        refused(answer, 409 if code == "layer_code_taken" else 422, code)
    there = select(func.count()).where(LayerNode.layer_id == UUID(layer.id))
    assert (await tx.scalars(there)).one() == 5


async def test_a_node_ends_when_nothing_is_left_with_it(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, tx: Tx
) -> None:
    layer, households = three_chiefs
    leaf = layer.nodes["P1-1-1"]
    for code in ("P1", "P1-1-1"):
        answer = await operator.post(f"/layer-nodes/{layer.nodes[code]}/end")
        refused(answer, 409, "layer_node_in_use")
    await layer.assign(*(("household_id", one, "P1-1-2") for one in households[:7]))
    answer = await operator.post(f"/layer-nodes/{leaf}/end")
    assert answer.status_code == 200, answer.text
    assert answer.json()["ended_on"] is not None
    post = select(LayerPost).where(LayerPost.layer_node_id == UUID(leaf))
    assert (await tx.scalars(post)).one().ended_at is not None
    refused(await operator.post(f"/layer-nodes/{leaf}/end"), 404, "layer_node_not_found")
    shown = await operator.get(f"/layers/{layer.id}/nodes")
    assert leaf not in {one["id"] for one in shown.json()["items"]}
    await layer.add(("P1-1-1", "建设路一组新一邻", "P1-1"))
    told = select(OutboxRow).where(OutboxRow.name.like("grid.layer%")).order_by(OutboxRow.id)
    heard = [
        (row.name.removeprefix("grid.layer_"), row.payload) for row in await tx.scalars(told)
    ]
    assert {payload["layer_id"] for _, payload in heard} == {layer.id}
    named = [name for name, _ in heard]
    assert (named[0], named.count("holder_named") > 0) == ("created", True)
    assert named[-4:] == ["covers_assigned", "holder_ended", "node_ended", "nodes_added"]
    assert heard[-4][1] == {"layer_id": layer.id, "assigned": 0, "moved": 7, "removed": 0}
    assert heard[-2][1]["layer_node_id"] == leaf


async def test_a_chief_is_followed_by_another_and_gets_no_power(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, callers: Callers, tx: Tx
) -> None:
    layer, _ = three_chiefs
    leaf = layer.nodes["P1-1-1"]
    wish = {"name": "欧阳邻长", "phone": "15422223333", "duty_phone": "0731-5800088"}
    answer = await operator.put(f"/layer-nodes/{leaf}/holder", json=wish)
    assert answer.json()["holder"] == "欧阳邻长"
    posts = select(LayerPost).where(LayerPost.layer_node_id == UUID(leaf))
    first, second = (await tx.scalars(posts.order_by(LayerPost.id))).all()
    assert first.ended_at is not None
    assert second.ended_at is None
    person = await tx.scalar(select(Person).where(Person.phone == "15422223333"))
    assert person is not None
    chief = await callers.person(person.id)
    assert (await chief.get("/me")).json()["posts"] == []
    for path in (f"/layers/{layer.id}", f"/layers/{layer.id}/nodes"):
        refused(await chief.get(path), 404, "layer_not_found")
    refused(await chief.get(f"/layer-nodes/{leaf}/covers"), 404, "layer_node_not_found")
    acts = select(Act).where(Act.subject == leaf, Act.what == "layer.holder_named")
    kept = str([act.detail for act in await tx.scalars(acts)])
    assert str(person.id) in kept
    assert "欧阳" not in kept
    assert "15422223333" not in kept
    answer = await operator.post(f"/layer-nodes/{leaf}/end-holder")
    assert answer.json()["holder"] is None


async def test_a_chief_must_leave_her_post_before_she_is_forgotten(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, callers: Callers, tx: Tx
) -> None:
    layer, _ = three_chiefs
    phone = "15433334444"
    wish = {"name": "司徒邻长", "phone": phone, "duty_phone": "0731-5800089"}
    path = f"/layer-nodes/{layer.nodes['P1-1-2']}"
    assert (await operator.put(f"{path}/holder", json=wish)).status_code == 200
    person = (await tx.scalars(select(Person).where(Person.phone == phone))).one()
    chief = await callers.person(person.id)
    refused(await chief.post("/me/erasure"), 409, "erasure_holds_post")
    assert (await operator.post(f"{path}/end-holder")).status_code == 200
    assert (await chief.post("/me/erasure")).status_code == 200


async def test_terms_and_layers_that_cannot_be_are_refused(
    three_chiefs: tuple[Drawn, list[UUID]], operator: Caller, town: Town
) -> None:
    layer, _ = three_chiefs
    wish = {"name": "某邻长", "phone": "15444445555", "duty_phone": "0731-5800090"}
    holder = f"/layer-nodes/{layer.nodes['P1-1-2']}/holder"
    for term in (
        {"starts_on": "2099-01-01"},
        {"starts_on": "2025-05-01", "ends_on": "2025-04-01"},
    ):
        refused(await operator.put(holder, json=wish | term), 422, "layer_term_wrong")
    layers = f"/grid/nodes/{town.at().id}/layers"
    refused(await operator.post(layers, json=THREE_CHIEFS), 409, "layer_code_taken")
    backwards = PROPERTY | {"fewest_households": 9, "most_households": 3}
    refused(await operator.post(layers, json=backwards), 422, "invalid_request")
    street = f"/grid/nodes/{town.at(1).id}/layers"
    refused(await operator.post(street, json=PROPERTY), 404, "node_not_found")
    fewer = THREE_CHIEFS | {"levels": THREE_CHIEFS["levels"][:2], "valid_until": None}
    answer = await operator.put(f"/layers/{layer.id}", json=fewer | {"version": 1})
    refused(answer, 409, "layer_levels_stand")


async def test_a_layer_is_of_one_district(
    operator: Caller, callers: Callers, town: Town, three_chiefs: tuple[Drawn, list[UUID]]
) -> None:
    other = await drawn(operator, town, PROPERTY)
    line = {
        "household_id": str(three_chiefs[1][0]),
        "layer_node_id": three_chiefs[0].nodes["P1-1-1"],
    }
    answer = await operator.post(f"/layers/{other.id}/covers", json={"items": [line]})
    refused(answer, 422, "layer_covers_faulty")  # a node of another layer
    clerk = await callers.staff(town, Role.COMMUNITY_WORKER, 1, 1)
    shown = (await clerk.get(f"/grid/nodes/{town.at().id}/layers")).json()["items"]
    assert [one["code"] for one in shown] == ["neighbours", "property"]
