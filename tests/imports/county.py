"""A county with national codes, and files about it as offices write them."""

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, table, text

from neighborhood_api.grid.models import (
    Appointment,
    Household,
    Node,
    Organization,
    Vacancy,
)
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.identity.access import Actor, Post, Role
from neighborhood_api.identity.places import COLUMNS, Level, columns_of
from neighborhood_api.imports.applying import write_plan
from neighborhood_api.imports.planning import Plan, Scope, make_plan, raw_connection
from neighborhood_api.imports.staging import Source
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.registers.models import Establishment, Resident

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
FRESH = {"populate_existing": True}
TODAY = date(2026, 11, 22)
LANE = "001001001001"
"""The rest of the first lane's code: street 001, community 001, grid 001, lane 001."""
NODES = "编码,名称,类型,上级编码"
DOORS = "街巷编码,门牌号,房屋用途"
PEOPLE = "街巷编码,门牌号,姓名,与户主关系,联系电话,出生日期"
POSTS = "任职地点编码,姓名,职务,手机号码,值班电话"


class County:
    """One district with a street, a community, a grid and two lanes."""

    def __init__(self, tx: Tx, folder: Path, number: int = 0) -> None:
        self.tx = tx
        self.folder = folder
        self.stem = f"9{number or new_id().int % 10**5:05}"
        self.by_code: dict[str, Node] = {}
        self.files = 0
        self.lane = f"{self.stem}{LANE}"
        self.next_lane = f"{self.stem}001001001002"
        self.grid = f"{self.stem}001001001"
        self.community = f"{self.stem}001001"
        self.street = f"{self.stem}001000"

    @property
    def district(self) -> Node:
        return self.by_code[f"{self.stem}000000"]

    async def build(self) -> "County":
        above = self.add(None, f"{self.stem}000000", "district", "测试县")
        for code, kind, name in (
            (self.street, "street", "迎曦街道"),
            (self.community, "community", "观华社区"),
            (self.grid, "grid", "第一网格"),
        ):
            above = self.add(above, code, kind, name)
        for code, name in ((self.lane, "桂枝巷"), (self.next_lane, "书灯巷")):
            self.add(above, code, "lane", name)
        await self.tx.flush()
        return self

    def add(self, above: Node | None, code: str, kind: str, name: str) -> Node:
        level = Level.DISTRICT if above is None else Level(above.level + 1)
        node_id = new_id()
        place = ({} if above is None else columns_of(above.place)) | {COLUMNS[level]: node_id}
        node = Node(
            id=node_id,
            level=int(level),
            kind=kind,
            parent_id=None if above is None else above.id,
            code=code,
            name=name,
            **place,  # type: ignore[arg-type]
        )
        self.by_code[code] = node
        self.tx.add(node)
        return node

    def actor(self) -> Actor:
        post = Post(Role.OPERATOR, Level.DISTRICT, self.district.id)
        return Actor(UUID(int=1), UUID(int=1), (post,))

    def clerk(self) -> Actor:
        node = self.by_code[self.community]
        post = Post(Role.COMMUNITY_WORKER, Level.COMMUNITY, node.id)
        return Actor(UUID(int=2), UUID(int=2), (post,))

    def file(self, name: str, head: str, *rows: Sequence[object]) -> Source:
        """A CSV file as an office saves it."""
        written = StringIO()
        lines = csv.writer(written)
        lines.writerow(head.split(","))
        lines.writerows(rows)
        self.files += 1
        path = self.folder / f"{self.files}.csv"
        path.write_text(written.getvalue(), encoding="utf-8-sig")
        return Source(f"{name}.csv", path)

    async def plan(
        self, *sources: Source, at: str | None = None, by: Actor | None = None
    ) -> Plan:
        node = self.district if at is None else self.by_code[at]
        connection = await raw_connection(self.tx)
        await self.tx.flush()
        scope = Scope.of(by or self.actor(), node.place)
        return await make_plan(connection, scope, sources, now=NOW)

    async def bring(self, *sources: Source) -> Plan:
        """Plan and write, as the job does."""
        plan = await self.plan(*sources)
        await write_plan(self.tx, plan, self.actor(), subject=self.district.id, now=NOW)
        return plan

    async def said(self, *about: str) -> list[str]:
        """What the last plan says of the rows, in their order."""
        connection = await raw_connection(self.tx)
        rows = await connection.fetch(
            "SELECT said FROM staged_finding WHERE about = ANY($1) ORDER BY n, said",
            list(about or ("fault",)),
        )
        return [row["said"] for row in rows]

    async def households(self) -> list[Household]:
        mine = select(Household).where(Household.district_id == self.district.id)
        return list(await self.tx.scalars(mine, execution_options=FRESH))

    async def residents(self) -> list[Resident]:
        mine = select(Resident).where(Resident.district_id == self.district.id)
        return list(await self.tx.scalars(mine, execution_options=FRESH))

    async def establishments(self) -> list[Establishment]:
        mine = select(Establishment).where(Establishment.district_id == self.district.id)
        return list(await self.tx.scalars(mine, execution_options=FRESH))

    async def open_posts(self) -> list[Appointment]:
        mine = select(Appointment).join(Node, Node.id == Appointment.node_id)
        mine = mine.where(Node.district_id == self.district.id, Appointment.ended_at.is_(None))
        return list(
            await self.tx.scalars(mine.order_by(Appointment.id), execution_options=FRESH)
        )

    async def wipe(self) -> None:
        """Leave nothing but the district."""
        here = select(Node.id).where(Node.district_id == self.district.id)
        posts = select(Appointment.id).where(Appointment.node_id.in_(here))
        await self.tx.execute(delete(Selection).where(Selection.appointment_id.in_(posts)))
        for model in (Appointment, Vacancy, Organization):
            await self.tx.execute(delete(model).where(model.node_id.in_(here)))
        for placed in (Resident, Household, Establishment):
            mine = placed.district_id == self.district.id
            await self.tx.execute(delete(placed).where(mine))
        below = Node.district_id == self.district.id, Node.level > 0
        for level in (4, 3, 2, 1):
            await self.tx.execute(delete(Node).where(*below, Node.level == level))
        await self.tx.flush()

    async def written(self) -> dict[str, Any]:
        """How many rows of the outbox, the trail and the acts there are."""
        tables = ("outbox", "trail", "act", "revocation", "node", "household", "resident")
        counts = {
            name: await self.tx.scalar(select(func.count()).select_from(table(name)))
            for name in tables
        }
        versions = "SELECT sum(version) FROM node", "SELECT sum(version) FROM household"
        return counts | {sql: await self.tx.scalar(text(sql)) for sql in versions}


def outcomes(plan: Plan, kind: str) -> dict[str, int]:
    """The totals of a kind without what is nought or only a warning."""
    kept = plan.totals.get(kind, {})
    return {name: n for name, n in kept.items() if n and name not in {"warning", "missing"}}
