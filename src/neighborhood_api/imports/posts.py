"""Appointments of an import; one is known by its node, its post and the holder's phone."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.grid.models import SINGLE_SEAT
from neighborhood_api.identity.access import LEVEL_OF, Role
from neighborhood_api.imports.appointees import Held, Wanted
from neighborhood_api.imports.choices import Recorded, said_of
from neighborhood_api.imports.defusing import restored
from neighborhood_api.imports.departments import Department, DepartmentPlan
from neighborhood_api.imports.nodes import Seated
from neighborhood_api.imports.outcomes import Verdict
from neighborhood_api.imports.primaries import settle_primaries
from neighborhood_api.imports.reading.tables import Field, Kind, Row, Seat
from neighborhood_api.imports.tree import Found, Spot, Tree, alike, naming_of
from neighborhood_api.imports.wording import Wording
from neighborhood_api.kit.sealing import seals

_DUTY_PHONE = re.compile(r"[0-9][0-9-]{4,16}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LONGEST_NAME = 30
_CURRENT = """
SELECT a.id, a.node_id, a.role, a.person_id, a.duty_phone, a.starts_on, a.ends_on,
    a.organization_id, a.version, a.is_primary, p.phone, p.name
FROM appointment a JOIN person p ON p.id = a.person_id
WHERE a.ended_at IS NULL AND a.node_id = ANY($1) ORDER BY a.id
"""
_PEOPLE = "SELECT id, name, phone FROM person WHERE phone = ANY($1)"


class PostPlan:
    """What becomes of the appointments of a file."""

    def __init__(
        self, tree: Tree, departments: DepartmentPlan, wording: Wording, now: datetime
    ) -> None:
        """Compare with the open appointments at the nodes of `tree`."""
        self.tree = tree
        self.departments = departments
        self.wording = wording
        self.now = now
        self.day = local_day(now)
        self.verdicts: list[Verdict] = []
        self.wanted: list[Wanted] = []
        self.people: dict[str, tuple[UUID, str | None]] = {}
        """Known people by their phone."""
        self.recorded = Recorded()
        self._held: dict[tuple[UUID, str], list[Held]] = {}
        self._matched: set[UUID] = set()

    async def compare(
        self,
        connection: asyncpg.Connection,
        rows: Iterable[tuple[int, Row]],
        seated: Iterable[Seated] = (),
    ) -> None:
        """Compare every row, and every post that a row of places names."""
        await asyncio.to_thread(self._read_all, rows, seated)
        await self._load(connection)
        await asyncio.to_thread(self._judge_all)

    def _read_all(self, rows: Iterable[tuple[int, Row]], seated: Iterable[Seated]) -> None:
        for n, row in rows:
            verdict = Verdict(n, Kind.POSTS)
            self._take(verdict, row, self.tree.find(naming_of(row)))
        repeated: set[tuple[UUID | None, str, tuple[tuple[Field, str], ...]]] = set()
        for n, row, spot in seated:
            for seat in row.seats:
                found = self._place_of(seat, spot)
                node_id = None if found.spot is None else found.spot.id
                said = node_id, seat.title, tuple(sorted(seat.values.items()))
                if node_id is not None and said in repeated:
                    continue  # the community's secretary stands beside each of its grids
                repeated.add(said)
                verdict = Verdict(n, Kind.POSTS, part=seat.number, about=seat.title)
                duty = row.get(Field.DUTY_PHONE) if found.spot is spot else None
                shared = {} if duty is None else {Field.DUTY_PHONE: duty}
                values = {Field.POST: seat.title} | shared | dict(seat.values)
                self._take(verdict, Row(row.sheet, row.number, values), found)

    def _place_of(self, seat: Seat, spot: Spot) -> Found:
        """Return where a post of a row of places is: there, or at the place above."""
        level = LEVEL_OF[self.wording.roles[seat.title]][0]
        node_id = spot.place.at(level)
        there = None if node_id is None else self.tree.by_id.get(node_id)
        words = self.wording.levels[level]
        return Found(there, "" if there else f"这一行没有本次导入的{words}，不能登记这个岗位")

    def _take(self, verdict: Verdict, row: Row, found: Found) -> None:
        self.verdicts.append(verdict)
        wanted = self._read(verdict, row, found)
        if wanted is not None:
            self.wanted.append(wanted)

    def _judge_all(self) -> None:
        seen: set[tuple[UUID, Role, str, UUID | None]] = set()
        seats: dict[tuple[UUID, Role], str] = {}
        for wanted in self.wanted:
            department = None if wanted.department is None else wanted.department.id
            key = wanted.spot.id, wanted.role, wanted.phone, department
            if key in seen:
                wanted.verdict.fault("同一任职在文件中出现多次，请只留一行")
                continue
            seen.add(key)
            seat = wanted.spot.id, wanted.role
            single = wanted.role in SINGLE_SEAT
            if single and seats.setdefault(seat, wanted.phone) != wanted.phone:
                title = self.wording.title(wanted.role)
                wanted.verdict.fault(f"{title}只能由一人担任，文件中有多人")
                continue
            self._judge(wanted)
        settle_primaries(self.wanted, self._held, self.wording)

    @property
    def to_write(self) -> list[Wanted]:
        """Return what is new or different."""
        return [one for one in self.wanted if one.is_written]

    def missing(self) -> list[Held]:
        """Return the open appointments that the file leaves out, at the nodes that it names.

        Chief operators are in no file.
        """
        return [
            one
            for (_, role), held in self._held.items()
            if role != Role.CHIEF_OPERATOR.value
            for one in held
            if one.id not in self._matched
        ]

    def _read(self, verdict: Verdict, row: Row, found: Found) -> Wanted | None:
        for warning in found.warnings:
            verdict.warn(warning)
        role = self.wording.roles.get(row.get(Field.POST) or "")
        name, phone = row.get(Field.NAME), row.get(Field.PHONE)
        spot = found.spot
        if spot is None:
            verdict.fault(found.fault)
            return None
        wrong = self._wrong(spot, role, name, phone) or self._wrong_terms(row, role)
        department, problem = self._department(row, spot, role)
        said, unclear = said_of(row)
        wrong = wrong or problem or unclear
        if wrong or role is None or name is None or phone is None:
            verdict.fault(wrong)
            return None
        if row.get(Field.STAND_IN) is not None:
            verdict.warn("代班不随表导入，请在任职管理中设置")
        primary = row.get(Field.PRIMARY)
        return Wanted(
            *(verdict, spot, role, restored(name), phone, row.get(Field.DUTY_PHONE)),
            *(row.day(Field.STARTS_ON), row.day(Field.ENDS_ON), department),
            None if primary is None else primary == "是",
            said,
        )

    def _wrong(self, spot: Spot, role: Role | None, name: str | None, phone: str | None) -> str:
        if role is None:
            titles = dict.fromkeys(self.wording.title(one) for one in Role)
            return f"岗位只能是{'、'.join(titles)}"
        if role is Role.CHIEF_OPERATOR:
            return f"{self.wording.title(role)}只能由命令行任命，请删去此行"
        if spot.level not in LEVEL_OF[role]:
            return f"{self.wording.title(role)}不属于这一层级，请核对地点或岗位"
        if name is None or len(name) > _LONGEST_NAME:
            return f"缺少姓名，或超过 {_LONGEST_NAME} 字"
        if phone is None or not _MOBILE.fullmatch(phone):
            return "缺少本人手机号（11 位）"
        return ""

    def _wrong_terms(self, row: Row, role: Role | None) -> str:
        duty = row.get(Field.DUTY_PHONE)
        starts, ends = row.day(Field.STARTS_ON), row.day(Field.ENDS_ON)
        if duty is not None and not _DUTY_PHONE.fullmatch(duty):
            return "值班电话应为 5 至 17 位数字，可用短横线"
        if ends is not None and (ends < self.day or (starts is not None and ends < starts)):
            return "任期末日不能早于首日或今天"
        if row.get(Field.PRIMARY) == "是" and role is not Role.GRID_WORKER:
            return f"只有{self.wording.title(Role.GRID_WORKER)}可设为主责，请清空这一列"
        return ""

    def _department(
        self, row: Row, spot: Spot, role: Role | None
    ) -> tuple[Department | None, str]:
        name = row.get(Field.ORGANIZATION)
        if role is not Role.DEPARTMENT_OFFICER:
            return None, ""
        if name is None:
            return None, f"{self.wording.title(role)}要填写所属部门"
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
        known = [one.id for held in self._held.values() for one in held]
        await self.recorded.load(connection, known)
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
        kept = same[0] if same else None
        wanted.selection, wrong = self.recorded.compare(
            None if kept is None else kept.id, wanted.said, now=self.now
        )
        if wrong:
            wanted.verdict.fault(wrong)
        if kept is not None:
            self._compare(wanted, kept)
        elif wanted.duty_phone is None:
            about = wanted.verdict.about
            how = f"请加一列“{about}值班电话”" if about else "请填写"
            wanted.verdict.fault(f"缺少值班电话（公开），{how}")
        elif wanted.role in SINGLE_SEAT and held:
            self._replace(wanted, held[0])
        else:
            wanted.verdict.add()

    def _compare(self, wanted: Wanted, held: Held) -> None:
        self._matched.add(held.id)
        wanted.held = held
        if wanted.selection is not None:
            wanted.verdict.change(
                "产生方式有变" if self.recorded.version(held.id) else "补记产生方式"
            )
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
        title = self.wording.title(wanted.role)
        was = held.name or "现任"
        wanted.verdict.change(f"换人：{was}的{title}任职即时结束，由{wanted.name}接任")


def sorted_by_node(rows: Sequence[Wanted]) -> list[Wanted]:
    """Return appointments in the order in which they are locked: by node, then post."""
    return sorted(
        rows,
        key=lambda one: (
            *(one.spot.id, one.role.value, one.verdict.number),
            one.verdict.part,
        ),
    )
