"""An issue on its way, and what goes with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from httpx import AsyncClient, Response
from sqlalchemy import select

from neighborhood_api.files.models import File
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trail_of
from tests.support.people import Caller, Callers
from tests.support.places import Town

LANE = (1, 1, 1, 1)
CATEGORIES = ("env.garbage", "road.light", "old.thing", "staff.conduct")
RULE: dict[str, Any] = {
    "version": 1,
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    "first_level": Level.LANE.value,
    "accept_minutes": 60,
    "respond_clock": "calendar",
    "respond_amount": 60,
    "resolve_clock": "calendar",
    "resolve_amount": 600,
    "check_in_minutes": 120,
    "verify_clock": "calendar",
    "verify_amount": 2880,
    "urgency": "ordinary",
    "evidence": [],
    "publicity": "moderated",
    "confidential": False,
    "verification": False,
    "reopen_days": 7,
    "silence_days": 7,
    "reopen_by": ["reporter"],
    "returns_allowed": 2,
    "extension_amount": 600,
}
"""A rule for everywhere, which tests vary."""
OF_ITS_OWN: dict[str, dict[str, Any]] = {
    "road.light": {"evidence": ["photo_after"]},
    "staff.conduct": {
        "confidential": True,
        "publicity": "never",
        "first_level": Level.STREET.value,
    },
}


async def ensure_categories(database: Database) -> None:
    """Categories with a rule each, committed: every test may rely on them."""
    async with database.transaction() as tx:
        known = select(Category.code).where(Category.code.in_(CATEGORIES))
        there = set(await tx.scalars(known))
        for code in [one for one in CATEGORIES if one not in there]:
            group = code.split(".")[0]
            tx.add(
                Category(
                    code=code,
                    name=code,
                    group_code=group,
                    group_name=group,
                    position=1,
                    active=code != "old.thing",
                )
            )
            await tx.flush()
            rule = HandlingRule(category_code=code, **RULE | OF_ITS_OWN.get(code, {}))
            tx.add_all((rule, trail_of(rule)))


async def new_rule(tx: Tx, code: str, **changes: Any) -> HandlingRule:  # noqa: ANN401
    """Put another rule in force everywhere, inside the test's transaction."""
    in_force = select(HandlingRule).where(
        HandlingRule.category_code == code,
        HandlingRule.node_id.is_(None),
        HandlingRule.superseded_at.is_(None),
    )
    before = (await tx.scalars(in_force)).one()
    before.superseded_at = datetime.now(UTC)
    await tx.flush()
    rule = HandlingRule(
        category_code=code,
        **RULE | OF_ITS_OWN.get(code, {}) | {"version": before.version + 1} | changes,
    )
    tx.add_all((rule, trail_of(rule)))
    await tx.commit()
    return rule


async def act(caller: AsyncClient, issue_id: str | UUID, move: str, **body: Any) -> Response:  # noqa: ANN401
    """Make a move over HTTP."""
    return await caller.post(f"/issues/{issue_id}/{move}", json=body)


@dataclass
class Street:
    """The people around one lane of the town, signed in."""

    town: Town
    callers: Callers
    reporter: Caller
    chief: Caller
    leader: Caller

    def wish(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        return {
            "category_code": "env.garbage",
            "text": "巷口垃圾桶满了两天没人清",
            "lane_id": str(self.town.at(*LANE).id),
        } | changes

    async def report(self, **changes: Any) -> Response:  # noqa: ANN401
        return await self.reporter.post("/issues", json=self.wish(**changes))

    async def reported(self, **changes: Any) -> str:  # noqa: ANN401
        answer = await self.report(**changes)
        assert answer.status_code == 200, answer.text
        issue_id: str = answer.json()["id"]
        return issue_id

    async def accepted(self, **changes: Any) -> str:  # noqa: ANN401
        issue_id = await self.reported(**changes)
        await self.done(self.chief, issue_id, "accept")
        return issue_id

    async def resolved(self, **changes: Any) -> str:  # noqa: ANN401
        issue_id = await self.accepted(**changes)
        await self.done(self.chief, issue_id, "resolve", text="已清运")
        return issue_id

    async def dispatched(self, body: int) -> str:
        """An issue in the hands of the town's department number `body`."""
        issue_id = await self.reported()
        dispatcher = await self.staff(Role.STREET_DISPATCHER, 1)
        organization_id = str(self.town.organizations[body].id)
        await self.done(dispatcher, issue_id, "dispatch", organization_id=organization_id)
        officer = await self.staff(Role.DEPARTMENT_OFFICER, 1, body=body)
        await self.done(officer, issue_id, "take-over")
        return issue_id

    async def done(self, caller: AsyncClient, issue_id: str, move: str, **body: Any) -> Any:  # noqa: ANN401
        """Make a move that must succeed; return the issue after it."""
        answer = await act(caller, issue_id, move, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def staff(self, role: Role, *path: int, body: int | None = None) -> Caller:
        return await self.callers.staff(self.town, role, *path, body=body)


async def street_of(town: Town, callers: Callers) -> Street:
    """Sign in a resident, the chief and the grid leader of the town's first lane."""
    return Street(
        town,
        callers,
        await callers.resident(town.place(*LANE)),
        await callers.staff(town, Role.LANE_CHIEF, *LANE),
        await callers.staff(town, Role.GRID_LEADER, *LANE[:3]),
    )


async def photos(tx: Tx, person_id: UUID, count: int, *, now: datetime) -> list[str]:
    """Uploads of a person that nothing uses yet; their bytes lie nowhere."""
    files = [
        File(
            uploaded_by=person_id,
            media_type="image/jpeg",
            width=4,
            height=3,
            size_bytes=99,
            sha256=bytes(32),
            storage_key=f"test/{new_id()}",
            created_at=now,
        )
        for _ in range(count)
    ]
    tx.add_all(files)
    await tx.flush()
    return [str(file.id) for file in files]
