"""Appointments of an import; one is known by its node, its post and the holder's phone."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

import asyncpg

from neighborhood_api.grid.models import SINGLE_SEAT
from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.identity.access import LEVEL_OF, Role
from neighborhood_api.imports.defusing import restored
from neighborhood_api.imports.departments import Department, DepartmentPlan
from neighborhood_api.imports.outcomes import Outcome, Verdict
from neighborhood_api.imports.reading.tables import Field, Kind, Row
from neighborhood_api.imports.tree import Spot, Tree, alike, naming_of
from neighborhood_api.kit.sealing import seals

ROLES: dict[str, Role] = {name: role for role, name in ROLE_NAMES.items()} | {
    "楼长": Role.LANE_CHIEF,
    "楼栋长": Role.LANE_CHIEF,
    "邻长": Role.LANE_CHIEF,
    "专职网格员": Role.GRID_WORKER,
    "社工": Role.COMMUNITY_WORKER,
    "社区党委书记": Role.COMMUNITY_SECRETARY,
    "社区党组织书记": Role.COMMUNITY_SECRETARY,
    "村书记": Role.COMMUNITY_SECRETARY,
    "街道党工委书记": Role.STREET_SECRETARY,
    "镇党委书记": Role.STREET_SECRETARY,
    "调度员": Role.STREET_DISPATCHER,
    "纪检员": Role.DISCIPLINE_OFFICER,
    "承办人": Role.DEPARTMENT_OFFICER,
}
_DUTY_PHONE = re.compile(r"[0-9][0-9-]{4,16}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LONGEST_NAME = 30
_CURRENT = """
SELECT a.id, a.node_id, a.role, a.person_id, a.duty_phone, a.starts_on, a.ends_on,
    a.organization_id, a.version, p.phone, p.name
FROM appointment a JOIN person p ON p.id = a.person_id
WHERE a.ended_at IS NULL AND a.node_id = ANY($1) ORDER BY a.id
"""
_PEOPLE = "SELECT id, name, phone FROM person WHERE phone = ANY($1)"


class Held(NamedTuple):
    """An open appointment."""

    id: UUID
    node_id: UUID
    role: str
    person_id: UUID
    duty_phone: str
    starts_on: date
    ends_on: date | None
    organization_id: UUID | None
    version: int
    phone: str | None
    name: str | None


@dataclass(slots=True)
class Wanted:
    """An appointment that a row asks for."""

    verdict: Verdict
    spot: Spot
    role: Role
    name: str
    phone: str
    duty_phone: str | None
    starts_on: date | None
    ends_on: date | None
    department: Department | None
    held: Held | None = None
    """The appointment that it changes."""
    replaces: Held | None = None
    """Whose appointment it ends."""


class PostPlan:
    """What becomes of the appointments of a file."""

    def __init__(self, tree: Tree, departments: DepartmentPlan, day: date) -> None:
        """Compare with the open appointments at the nodes of `tree`."""
        self.tree = tree
        self.departments = departments
        self.day = day
        self.verdicts: list[Verdict] = []
        self.wanted: list[Wanted] = []
        self.people: dict[str, tuple[UUID, str | None]] = {}
        """Known people by their phone."""
        self._held: dict[tuple[UUID, str], list[Held]] = {}
        self._matched: set[UUID] = set()

    async def compare(
        self, connection: asyncpg.Connection, rows: Iterable[tuple[int, Row]]
    ) -> None:
        """Compare every row."""
        for n, row in rows:
            verdict = Verdict(n, Kind.POSTS)
            self.verdicts.append(verdict)
            wanted = self._read(verdict, row)
            if wanted is not None:
                self.wanted.append(wanted)
        await self._load(connection)
        seen: dict[tuple[UUID, Role, str, UUID | None], int] = {}
        seats: dict[tuple[UUID, Role], str] = {}
        for wanted in self.wanted:
            department = None if wanted.department is None else wanted.department.id
            key = wanted.spot.id, wanted.role, wanted.phone, department
            if key in seen:
                wanted.verdict.fault("同一任职在文件中出现多次，请只留一行")
                continue
            seen[key] = wanted.verdict.number
            seat = wanted.spot.id, wanted.role
            if (
                wanted.role in SINGLE_SEAT
                and seats.setdefault(seat, wanted.phone) != wanted.phone
            ):
                wanted.verdict.fault(f"{ROLE_NAMES[wanted.role]}只能由一人担任，文件中有多人")
                continue
            self._judge(wanted)

    @property
    def to_write(self) -> list[Wanted]:
        """Return what is new or different."""
        kept = (Outcome.NEW, Outcome.CHANGED)
        return [one for one in self.wanted if one.verdict.outcome in kept]

    def missing(self) -> list[Held]:
        """Return the open appointments that the file leaves out, at the nodes that it names."""
        return [
            one for held in self._held.values() for one in held if one.id not in self._matched
        ]

    def _read(self, verdict: Verdict, row: Row) -> Wanted | None:
        found = self.tree.find(naming_of(row))
        for warning in found.warnings:
            verdict.warn(warning)
        role = ROLES.get(row.get(Field.POST) or "")
        name, phone = row.get(Field.NAME), row.get(Field.PHONE)
        duty = row.get(Field.DUTY_PHONE)
        starts, ends = row.day(Field.STARTS_ON), row.day(Field.ENDS_ON)
        spot = found.spot
        if spot is None:
            verdict.fault(found.fault)
            return None
        wrong = self._wrong(spot, role, name, phone)
        if duty is not None and not _DUTY_PHONE.fullmatch(duty):
            wrong = wrong or "值班电话应为 5 至 17 位数字，可用短横线"
        if ends is not None and (ends < self.day or (starts is not None and ends < starts)):
            wrong = wrong or "任期末日不能早于首日或今天"
        department, problem = self._department(row, spot, role)
        wrong = wrong or problem
        if wrong or role is None or name is None or phone is None:
            verdict.fault(wrong)
            return None
        if row.get(Field.STAND_IN) is not None:
            verdict.warn("代班不随表导入，请在任职管理中设置")
        return Wanted(
            *(verdict, spot, role, restored(name), phone, duty, starts, ends, department)
        )

    @staticmethod
    def _wrong(spot: Spot, role: Role | None, name: str | None, phone: str | None) -> str:
        if role is None:
            return f"岗位只能是{'、'.join(ROLE_NAMES.values())}"
        if role is Role.CHIEF_OPERATOR:
            return "总管理员只能由命令行任命，请删去此行"
        if spot.level not in LEVEL_OF[role]:
            return f"{ROLE_NAMES[role]}不属于这一层级，请核对地点或岗位"
        if name is None or len(name) > _LONGEST_NAME:
            return f"缺少姓名，或超过 {_LONGEST_NAME} 字"
        if phone is None or not _MOBILE.fullmatch(phone):
            return "缺少本人手机号（11 位）"
        return ""

    def _department(
        self, row: Row, spot: Spot, role: Role | None
    ) -> tuple[Department | None, str]:
        name = row.get(Field.ORGANIZATION)
        if role is not Role.DEPARTMENT_OFFICER:
            return None, ""
        if name is None:
            return None, "部门承办人要填写所属部门"
        found = self.departments.find(spot, restored(name))
        return found, "" if found else f"“{spot.name}”没有部门“{name}”，请先登记部门"

    async def _load(self, connection: asyncpg.Connection) -> None:
        unseal = seals().open
        nodes = list({one.spot.id for one in self.wanted})
        for row in await connection.fetch(_CURRENT, nodes):
            phone = row["phone"]
            plain = dict(row) | {"phone": None if phone is None else unseal(phone, "phone")}
            held = Held(**plain)
            self._held.setdefault((held.node_id, held.role), []).append(held)
        sealed = [one for w in self.wanted for one in seals().every(w.phone, "phone")]
        for row in await connection.fetch(_PEOPLE, sealed):
            self.people[unseal(row["phone"], "phone")] = row["id"], row["name"]

    def _judge(self, wanted: Wanted) -> None:
        held = self._held.get((wanted.spot.id, wanted.role.value), ())
        body = None if wanted.department is None else wanted.department.id
        same = [h for h in held if h.phone == wanted.phone and h.organization_id == body]
        known = self.people.get(wanted.phone)
        if known is not None and known[1] is not None and known[1] != wanted.name:
            told = "写法不同" if alike(known[1]) == alike(wanted.name) else "不同"
            wanted.verdict.warn(f"该手机号登记的姓名与此{told}，以登记为准，请核对")
        if same:
            self._compare(wanted, same[0])
            return
        if wanted.duty_phone is None:
            wanted.verdict.fault("缺少值班电话（公开），请填写")
        elif wanted.role in SINGLE_SEAT and held:
            self._replace(wanted, held[0])
        else:
            wanted.verdict.add()

    def _compare(self, wanted: Wanted, held: Held) -> None:
        self._matched.add(held.id)
        wanted.held = held
        if wanted.duty_phone is not None and wanted.duty_phone != held.duty_phone:
            wanted.verdict.change("值班电话有变")
        if wanted.starts_on is not None and wanted.starts_on != held.starts_on:
            wanted.verdict.change(f"任期首日由 {held.starts_on} 改为 {wanted.starts_on}")
        if wanted.ends_on is not None and wanted.ends_on != held.ends_on:
            was = held.ends_on or "长期"
            wanted.verdict.change(f"任期末日由 {was} 改为 {wanted.ends_on}")
        starts = wanted.starts_on or held.starts_on
        ends = wanted.ends_on or held.ends_on
        if ends is not None and ends < starts:
            wanted.verdict.fault("任期末日不能早于首日")
        if held.starts_on <= self.day < starts:
            wanted.verdict.fault("已在任，首日不能改到今后")

    def _replace(self, wanted: Wanted, held: Held) -> None:
        self._matched.add(held.id)
        if wanted.starts_on is not None and wanted.starts_on > self.day:
            wanted.verdict.fault("该岗位现有人担任，接任的首日不能在今后，请到时再导入")
            return
        wanted.replaces = held
        title = ROLE_NAMES[wanted.role]
        was = held.name or "现任"
        wanted.verdict.change(f"换人：{was}的{title}任职即时结束，由{wanted.name}接任")


def sorted_by_node(rows: Sequence[Wanted]) -> list[Wanted]:
    """Return appointments in the order in which they are locked: by node, then post."""
    return sorted(rows, key=lambda one: (one.spot.id, one.role.value, one.verdict.number))
