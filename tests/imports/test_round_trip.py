"""What is taken out can be brought back, and is the same: whatever the names look like."""

from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from neighborhood_api.grid.models import Appointment, Household, Node, Organization
from neighborhood_api.grid.posts.choosing import SelectionKind
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.grid.service import normal_address
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level, columns_of
from neighborhood_api.imports.defusing import defused, restored
from neighborhood_api.imports.exporting import write_workbook
from neighborhood_api.imports.planning import Scope, raw_connection
from neighborhood_api.imports.staging import Source
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.sheets import FORMULAS
from neighborhood_api.registers.models import Establishment, EstablishmentKind, Resident
from tests.imports.bringing import sheets_of
from tests.imports.county import NOW, TODAY, County

pytestmark = pytest.mark.slow

NAMES = st.from_regex(r"\A['=+@＝＋＠-]{0,2}[桂枝巷书灯号栋一二三（）A0-9]{1,8}\Z")
_numbers = count(1)


@given(st.text(alphabet="'=+-@＝a桂\t ", max_size=6))
def test_every_text_comes_back_as_it_was_and_is_no_formula(text: str) -> None:
    assert restored(defused(text)) == text
    assert not defused(text).startswith(FORMULAS)


async def exported(county: County) -> Source:
    number = next(_numbers)
    path = county.folder / f"export-{number}.xlsx"
    connection = await raw_connection(county.tx)
    await county.tx.flush()
    scope = Scope.of(county.actor(), county.district.place)

    async def tell(_: int) -> None:
        return

    await write_workbook(connection, scope, path, tell)
    return Source(path.name, path)


class Grower:
    """Puts places and people everywhere, by chance."""

    def __init__(self, county: County, names: list[str], random: Random) -> None:
        self.county = county
        self.tx = county.tx
        self.names = names
        self.random = random
        self.phones = (f"154{county.stem[1:]}{number:03}" for number in count())

    def name(self) -> str:
        return self.random.choice(self.names)

    async def grow(self) -> None:
        for level in (2, 3, 4):
            for above in [n for n in self.county.by_code.values() if n.level == level - 1]:
                self.grow_below(above, level)
        await self.tx.flush()
        street = self.county.by_code[self.county.street]
        body = Organization(node_id=street.id, name=self.name())
        self.tx.add(body)
        await self.tx.flush()
        await self.appoint(street, Role.DEPARTMENT_OFFICER, body.id)
        await self.appoint(street, Role.STREET_DISPATCHER)
        for grid in [n for n in self.county.by_code.values() if n.level == Level.GRID]:
            self.open_a_shop(grid)
            primary = self.random.choice((None, 0, 1))
            for who in range(2):
                await self.appoint(grid, Role.GRID_WORKER, primary=who == primary)
        for lane in [n for n in self.county.by_code.values() if n.level == Level.LANE]:
            lane.plate_code = f"P{new_id().hex[-11:].upper()}"
            await self.appoint(lane, Role.LANE_CHIEF)
            self.open_a_shop(lane)
            for door in range(self.random.randint(0, 3)):
                await self.settle(lane, door)
        await self.tx.flush()

    def grow_below(self, above: Node, level: int) -> None:
        kinds = {2: ("community", "village"), 3: ("grid", "compound"), 4: ("lane", "building")}
        for child in range(3, 3 + self.random.randint(0, 2)):
            stem = above.code[:9] if level == Level.COMMUNITY else above.code
            kind = self.random.choice(kinds[level])
            node = self.county.add(above, f"{stem}{child:03}", kind, self.name())
            if self.random.random() < 0.5:
                node.longitude = round(114.2 + self.random.random(), 6)
                node.latitude = round(23.1 + self.random.random(), 6)

    def open_a_shop(self, node: Node) -> None:
        self.tx.add(
            Establishment(
                name=f"{self.name()}{next(_numbers)}",
                kind=self.random.choice([*EstablishmentKind]).value,
                address=normal_address(f"{self.name()}号"),
                contact_name=self.random.choice((None, self.name())),
                contact_phone=self.random.choice((None, next(self.phones), "0752-6622333")),
                verified_on=self.random.choice((None, date(2026, 3, 1))),
                **columns_of(node.place),  # type: ignore[arg-type]
            )
        )

    async def appoint(
        self, node: Node, role: Role, body: UUID | None = None, *, primary: bool = False
    ) -> None:
        person = Person(name=self.name(), phone=next(self.phones))
        self.tx.add(person)
        await self.tx.flush()
        held = Appointment(
            node_id=node.id,
            role=role.value,
            is_primary=primary,
            person_id=person.id,
            duty_phone="0752-6000001",
            starts_on=date(2026, 1, self.random.randint(1, 28)),
            ends_on=self.random.choice((None, TODAY + timedelta(days=90))),
            organization_id=body,
        )
        self.tx.add(held)
        await self.tx.flush()
        if self.random.random() < 0.5:
            chosen = Selection(
                appointment_id=held.id,
                kind=self.random.choice([*SelectionKind]).value,
                decided_on=date(2026, 1, 5),
                recorded_at=NOW,
                votes_for=self.random.choice((None, 3)),
                votes_cast=self.random.choice((None, 5)),
                nominated_by=self.random.choice((None, self.name())),
                document_number=self.random.choice((None, "罗阳居字〔2026〕7号")),
                note=self.random.choice((None, self.name())),
            )
            self.tx.add(chosen)

    async def settle(self, lane: Node, door: int) -> None:
        home = Household(
            id=new_id(),
            address=normal_address(f"{door}栋{self.name()}"),
            occupancy=self.random.choice(("owned", "rented", "vacant", "unknown")),
            note=self.random.choice(("", self.name())),
            verified_on=self.random.choice((None, date(2026, 3, 1))),
            **columns_of(lane.place),  # type: ignore[arg-type]
        )
        self.tx.add(home)
        await self.tx.flush()
        for who in range(self.random.randint(0, 3)):
            relation = self.random.choice(("", "配偶", "户主", self.name()))
            as_head = self.random.choice(("户主", "本人", ""))
            self.tx.add(
                Resident(
                    household_id=home.id,
                    name=f"{self.name()}{who}",
                    phone=self.random.choice((None, next(self.phones))),
                    birth_year=self.random.choice((None, 1950 + who)),
                    relation=as_head if who == 0 else relation,
                    is_head=who == 0,
                    moved_in_on=self.random.choice((None, date(2020, 5, 6))),
                    **columns_of(lane.place),  # type: ignore[arg-type]
                )
            )


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(names=st.lists(NAMES, min_size=1, max_size=6), seed=st.integers(0, 2**16))
@example(names=["=1+1", "'=桂枝", "@巷"], seed=7)
async def test_a_county_comes_back_as_it_was_taken_out(
    tx: Tx, tmp_path: Path, names: list[str], seed: int
) -> None:
    county = await County(tx, tmp_path, number=next(_numbers)).build()
    await Grower(county, names, Random(seed)).grow()  # noqa: S311
    before = await exported(county)
    nothing = await county.plan(before)
    assert (nothing.changes, nothing.faults) == (0, 0), await county.said("fault", "changed")
    await county.wipe()
    empty = await exported(county)
    assert sheets_of(empty.path.read_bytes()) != sheets_of(before.path.read_bytes())
    brought = await county.bring(before)
    assert brought.changes > 0
    after = await exported(county)
    assert sheets_of(after.path.read_bytes()) == sheets_of(before.path.read_bytes())
