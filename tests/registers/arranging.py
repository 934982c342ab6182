"""Rows of the registers, and accounts that say they live there."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from httpx import Response
from sqlalchemy import select

from neighborhood_api.grid.models import Household, Residence
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import columns_of
from neighborhood_api.kit.acts import Act
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.notifications.models import Notification
from neighborhood_api.registers.models import CareFlag, Resident
from tests.support.clock import Clock
from tests.support.people import Caller, Callers
from tests.support.places import Town

LANE = (1, 1, 1, 1)
LONG_AGO = date(2024, 1, 1)


@dataclass
class Arranged:
    """Makes rows in a test's transaction."""

    tx: Tx
    callers: Callers
    town: Town
    clock: Clock

    async def household(self, door: str, *path: int, **columns: Any) -> Household:  # noqa: ANN401
        place = self.town.place(*(path or LANE))
        where: dict[str, Any] = {**columns_of(place)}
        household = Household(id=new_id(), address=door, **where, **columns)
        self.tx.add(household)
        await self.tx.commit()
        return household

    async def resident(
        self,
        household: Household,
        name: str = "王小明",
        **columns: Any,  # noqa: ANN401
    ) -> Resident:
        resident = Resident(
            household_id=household.id,
            name=name,
            **columns_of(household.place),  # type: ignore[arg-type]
            **columns,
        )
        self.tx.add(resident)
        await self.tx.commit()
        return resident

    async def flag(self, resident: Resident, kind: str = "living_alone") -> CareFlag:
        flag = CareFlag(
            resident_id=resident.id,
            kind=kind,
            since_on=LONG_AGO,
            note="每周二走访",
            **columns_of(resident.place),  # type: ignore[arg-type]
        )
        self.tx.add(flag)
        await self.tx.commit()
        return flag

    async def account(self, phone: str | None = None, *, name: str = "王小明") -> Caller:
        """Somebody signed in, with a verified number."""
        caller = await self.callers.resident(name=name)
        (await self.tx.get_one(Person, caller.person_id)).phone = phone
        await self.tx.commit()
        return caller

    async def claimant(self, household: Household, **account: Any) -> Caller:  # noqa: ANN401
        """Somebody signed in who says that she lives in a household."""
        caller = await self.account(**account)
        answer = await claim(caller, household)
        assert answer.status_code == 200, answer.text
        return caller

    async def member(self, household: Household, *, name: str = "王小明") -> Caller:
        """Somebody signed in whose residence in a household staff confirmed."""
        caller = await self.callers.resident(name=name)
        by = self.town.staff[next(iter(self.town.staff))].id
        self.tx.add(
            Residence(
                person_id=caller.person_id,
                address=household.address,
                stated_at=self.clock.now,
                household_id=household.id,
                confirmed_at=self.clock.now,
                confirmed_how="staff",
                confirmed_by_id=by,
                **columns_of(household.place),  # type: ignore[arg-type]
            )
        )
        await self.tx.commit()
        return caller

    async def home(self, caller: Caller) -> Residence | None:
        mine = select(Residence).where(Residence.person_id == caller.person_id)
        return await self.tx.scalar(mine.execution_options(populate_existing=True))

    async def told(self, caller: Caller) -> list[tuple[str, str]]:
        """What somebody found in her inbox, oldest first."""
        hers = select(Notification.title, Notification.body).where(
            Notification.person_id == caller.person_id
        )
        rows = await self.tx.execute(hers.order_by(Notification.id))
        return [(row.title, row.body) for row in rows]

    async def events(self, *names: str) -> list[dict[str, Any]]:
        query = select(OutboxRow.payload).where(OutboxRow.name.in_(names))
        return list(await self.tx.scalars(query.order_by(OutboxRow.id)))

    async def acts(self, subject: UUID) -> list[Act]:
        query = select(Act).where(Act.subject == str(subject))
        return list(await self.tx.scalars(query.order_by(Act.id)))

    async def fresh(self, row: Any) -> Any:  # noqa: ANN401
        await self.tx.refresh(row)
        return row


async def claim(caller: Caller, household: Household, version: int | None = None) -> Response:
    """Say that one lives in a household, by its lane and door."""
    wish = {"lane_id": str(household.lane_id), "address": household.address}
    return await caller.put("/me/residence", json=wish | {"version": version})


async def decide(
    staff: Caller,
    person_id: UUID,
    decision: str,
    version: int = 1,
    **body: Any,  # noqa: ANN401
) -> Response:
    """Confirm or refuse somebody's residence."""
    if decision == "refuse":
        body = {"reason": "查无此人"} | body
    return await staff.post(
        f"/residence-claims/{person_id}/{decision}", json={"version": version} | body
    )


def ok(answer: Response) -> Any:  # noqa: ANN401
    """Return the body of a success."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def named(shown: dict[str, Any]) -> tuple[str, str]:
    """What an answer calls the lane and the community of an entry."""
    return shown["lane_name"], shown["community_name"]


def named_as(town: Town, *path: int) -> tuple[str, str]:
    """What the lane at a path and its community are called; the first lane without one."""
    lane = path or LANE
    return town.at(*lane).name, town.at(*lane[:2]).name
