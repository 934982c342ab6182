"""Departments of an import; one is known by its place and its name."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import asyncpg

from neighborhood_api.identity.places import Level
from neighborhood_api.imports.defusing import restored
from neighborhood_api.imports.outcomes import Verdict
from neighborhood_api.imports.reading.tables import Field, Kind, Row
from neighborhood_api.imports.tree import SPELLED, Spot, Tree, alike, naming_of
from neighborhood_api.imports.wording import Wording
from neighborhood_api.kit.ids import new_id

LONGEST_NAME = 60
_KNOWN = "SELECT id, node_id, name FROM organization WHERE node_id = ANY($1) ORDER BY name, id"


class Department(NamedTuple):
    """A department, there or to be made."""

    id: UUID
    node_id: UUID
    name: str


class DepartmentPlan:
    """What becomes of the departments of a file."""

    def __init__(self, tree: Tree, wording: Wording) -> None:
        """Compare with the departments of the nodes of `tree`."""
        self.tree = tree
        self.wording = wording
        self.verdicts: list[Verdict] = []
        self.new: list[Department] = []
        self.known: dict[tuple[UUID, str], Department] = {}
        self._rows: dict[UUID, int] = {}
        self._nodes: set[UUID] = set()

    async def load(self, connection: asyncpg.Connection) -> None:
        """Learn which departments there are."""
        high = [s.id for s in self.tree.by_id.values() if s.level <= Level.STREET]
        for row in await connection.fetch(_KNOWN, high):
            department = Department(row["id"], row["node_id"], row["name"])
            self.known.setdefault((department.node_id, alike(department.name)), department)

    def compare(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Compare every row."""
        for n, row in rows:
            verdict = Verdict(n, Kind.ORGANIZATIONS)
            self.verdicts.append(verdict)
            name = row.get(Field.NAME) or row.get(Field.ORGANIZATION)
            found = self.tree.find(naming_of(row))
            for warning in found.warnings:
                verdict.warn(warning)
            if found.spot is None:
                verdict.fault(found.fault)
            elif name is None:
                verdict.fault("缺少部门名称，请填写")
            elif len(name) > LONGEST_NAME:
                verdict.fault(f"部门名称超过 {LONGEST_NAME} 字，请缩短")
            elif found.spot.level > Level.STREET:
                district, street, *_ = self.wording.levels
                verdict.fault(
                    f"部门要登记在{district}或{street}，请核对地点；商户、企业请填在“单位”表"
                )
            else:
                self._judge(verdict, found.spot, restored(name))

    def _judge(self, verdict: Verdict, spot: Spot, name: str) -> None:
        key = spot.id, alike(name)
        known = self.known.get(key)
        self._nodes.add(spot.id)
        if known is None:
            known = self.known[key] = Department(new_id(), spot.id, name)
            self.new.append(known)
            verdict.add()
        elif known.id in self._rows:
            verdict.warn("同一部门在文件中出现多次，只取一次")
        elif known.name != name:
            verdict.warn(SPELLED.format(known.name))
        self._rows.setdefault(known.id, verdict.number)

    def find(self, spot: Spot, name: str) -> Department | None:
        """Return the department of a place by its name."""
        return self.known.get((spot.id, alike(name)))

    def missing(self) -> list[Department]:
        """Return the departments that the file leaves out, where it lists others."""
        return [
            one
            for one in self.known.values()
            if one.node_id in self._nodes and one.id not in self._rows
        ]
