"""Layers as two places draw them, over the town's places, with invented names."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from httpx import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.grid.models import Household
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from tests.support.people import Caller
from tests.support.places import Town
from tests.support.posts import phone_number
from tests.support.reads import count_on

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"

THREE_CHIEFS: dict[str, Any] = {
    "code": "neighbours",
    "name": "三长",
    "levels": [
        {"name": "片", "post": "片长"},
        {"name": "组", "post": "组长"},
        {"name": "邻", "post": "邻长"},
    ],
    "fewest_households": 5,
    "most_households": 15,
    "valid_from": "2025-01-01",
}
PROPERTY: dict[str, Any] = {
    "code": "property",
    "name": "物业网格",
    "levels": [
        {"name": "片区", "post": "片区负责人"},
        {"name": "物业网格", "post": "物业网格员"},
    ],
    "valid_from": "2025-01-01",
}


@dataclass
class Drawn:
    """A layer that was drawn over the API, with its nodes by code."""

    operator: Caller
    id: str
    district_id: str
    nodes: dict[str, str] = field(default_factory=dict)

    async def add(self, *nodes: tuple[str, str, str | None]) -> None:
        """Add nodes: code, name, code of the parent."""
        wishes = [
            {"code": code, "name": name} | ({} if parent is None else {"parent_code": parent})
            for code, name, parent in nodes
        ]
        answer = await self.operator.post(f"/layers/{self.id}/nodes", json={"nodes": wishes})
        assert answer.status_code == 200, answer.text
        self.nodes |= {one["code"]: one["id"] for one in answer.json()["items"]}

    async def hold(self, code: str, name: str, duty_phone: str) -> None:
        """Say who answers for a node."""
        wish = {"name": name, "phone": phone_number(), "duty_phone": duty_phone}
        path = f"/layer-nodes/{self.nodes[code]}/holder"
        answer = await self.operator.put(path, json=wish)
        assert answer.status_code == 200, answer.text

    async def assign(self, *lines: tuple[str, UUID, str | None]) -> dict[str, int]:
        """Give places and households to nodes: which of the two, its id, the node's code."""
        items = [
            {
                kind: str(place_id),
                "layer_node_id": None if code is None else self.nodes[code],
            }
            for kind, place_id, code in lines
        ]
        answer = await self.operator.post(f"/layers/{self.id}/covers", json={"items": items})
        assert answer.status_code == 200, answer.text
        done: dict[str, int] = answer.json()
        return done

    async def faults(self, who: Caller, **query: Any) -> dict[str, list[str]]:  # noqa: ANN401
        """Everything that is wrong, by id, read page by page."""
        found: dict[str, list[str]] = {}
        while True:
            answer = await who.get(f"/layers/{self.id}/checks", params=query)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            assert not found.keys() & {one["id"] for one in body["items"]}
            found |= {one["id"]: one["faults"] for one in body["items"]}
            if body["next"] is None:
                return found
            query["after"] = body["next"]


async def drawn(operator: Caller, town: Town, design: dict[str, Any]) -> Drawn:
    """Draw an empty layer over the town."""
    district_id = str(town.at().id)
    answer = await operator.post(f"/grid/nodes/{district_id}/layers", json=design)
    assert answer.status_code == 200, answer.text
    return Drawn(operator, answer.json()["id"], district_id)


async def reads_of(connection: AsyncConnection, request: Awaitable[Response]) -> int:
    """How many statements a request costs, beside asking whether the token was revoked."""
    raw, statements = await count_on(connection)
    answer = await request
    await asyncio.sleep(0)  # statements are told to the loop
    raw.remove_query_logger(statements.hear)
    assert answer.status_code == 200, answer.text
    return len([one for one in statements.texts if "revocation" not in one])


async def new_households(tx: Tx, town: Town, count: int, *path: int) -> list[UUID]:
    """Register more dwellings in a lane."""
    rows = [
        Household(
            id=new_id(),
            address=f"{number}栋{number}01",
            **columns_of(town.place(*path)),  # type: ignore[arg-type]
        )
        for number in range(1, count + 1)
    ]
    tx.add_all(rows)
    await tx.commit()
    return [row.id for row in rows]


async def yuetang(operator: Caller, town: Town, tx: Tx) -> tuple[Drawn, list[UUID]]:
    """片长—组长—邻长 over a lane's households: one 邻 of seven, one of three, one of none."""
    layer = await drawn(operator, town, THREE_CHIEFS)
    households = await new_households(tx, town, 11, 1, 1, 1, 1)
    await layer.add(
        ("P1", "建设路片", None),
        ("P1-1", "建设路一组", "P1"),
        ("P1-1-1", "建设路一组一邻", "P1-1"),
        ("P1-1-2", "建设路一组二邻", "P1-1"),
        ("P1-1-3", "建设路一组三邻", "P1-1"),
    )
    await layer.hold("P1", "刘片长", "0731-5800001")
    await layer.hold("P1-1", "罗组长", "0731-5800002")
    await layer.hold("P1-1-1", "谭邻长", "0731-5800003")
    await layer.assign(*(("household_id", one, "P1-1-1") for one in households[:7]))
    await layer.assign(*(("household_id", one, "P1-1-2") for one in households[7:10]))
    return layer, households


async def haiyang(operator: Caller, town: Town) -> Drawn:
    """6 片区 and 29 property grids, over the town's compounds and lanes."""
    layer = await drawn(operator, town, PROPERTY)
    await layer.add(*((f"A{n}", f"第{n}片区", None) for n in range(1, 7)))
    grids = [(f"W{n:02}", f"物业网格{n}", f"A{(n - 1) // 5 + 1}") for n in range(1, 30)]
    await layer.add(*grids)
    for number in range(1, 30):
        await layer.hold(f"W{number:02}", f"{SURNAMES[number]}管家", f"0535-66000{number:02}")
    places = [path for path in sorted(town.nodes) if len(path) == 3]  # compounds
    lanes = [path for path in sorted(town.nodes) if len(path) == 4]
    codes = sorted(code for code in layer.nodes if code.startswith("W"))
    areas = [*places[:6], *lanes[-3:]]  # some compounds whole, others lane by lane
    await layer.assign(
        *(
            ("node_id", town.at(*path).id, code)
            for path, code in zip(areas, codes, strict=False)
        )
    )
    return layer
