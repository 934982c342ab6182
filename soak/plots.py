"""Issues that each wait for one deadline, or for several, and nothing else."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from soak.ground import Ground
from soak.town import CHECKED, LONG_MINUTES, PLAIN, Somebody

DAY = timedelta(days=1)
ORDER: dict[str, Any] = {
    "text": "请说明进展",
    "answer_within": {"clock": "calendar", "amount": LONG_MINUTES},
}


class Street:
    """Short words for what the people of a town do to one issue after another."""

    def __init__(self, on: Ground, reporter: Somebody) -> None:
        """Let `reporter` report what follows."""
        self.ground = on
        self.reporter = reporter

    def staff(self, role: str) -> Somebody:
        """Return who holds a post."""
        return self.ground.town.staff[role]

    async def report(self, *, by: Somebody | None = None, category: str = PLAIN) -> str:
        """Report something, and return the id of the issue."""
        body = {
            "category_code": category,
            "text": "巷口垃圾桶满了两天没人清",
            "lane_id": str(self.ground.town.lanes[0].id),
        }
        answer = await self.ground.clients.post(by or self.reporter, "/issues", **body)
        issue_id: str = answer["id"]
        return issue_id

    async def move(
        self,
        who: str,
        issue_id: str,
        move: str,
        **body: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Let the holder of a post, or the reporter, make a move."""
        mover = self.reporter if who == "reporter" else self.staff(who)
        return await self.ground.clients.post(mover, f"/issues/{issue_id}/{move}", **body)

    async def accepted(self, *, category: str = PLAIN) -> str:
        """Return an issue that the lane's chief has taken on."""
        issue_id = await self.report(category=category)
        await self.move("lane_chief", issue_id, "accept")
        return issue_id

    async def resolved(self, *, category: str = PLAIN) -> str:
        """Return an issue that the lane's chief has settled."""
        issue_id = await self.accepted(category=category)
        await self.move("lane_chief", issue_id, "resolve", text="已清运")
        return issue_id

    def departments(self) -> list[dict[str, Any]]:
        """Return what a whistle for all departments names."""
        ids = self.ground.town.departments
        return [{"organization_id": str(one), "lead": one == ids[0]} for one in ids]


async def _unanswered(street: Street) -> str:
    return await street.report()


async def _warned(street: Street) -> str:
    return await street.accepted()


async def _offered(street: Street) -> str:
    issue_id = await street.accepted()
    to = {"organization_id": str(street.ground.town.departments[0]), "text": "请接收"}
    await street.move("lane_chief", issue_id, "transfer", **to)
    return issue_id


async def _silent(street: Street) -> str:
    return await street.resolved()


async def _suspended(street: Street) -> str:
    issue_id = await street.accepted()
    until = (datetime.now(UTC) + DAY).isoformat()
    await street.move("lane_chief", issue_id, "request-suspension", until=until, text="等配件")
    await street.move("grid_leader", issue_id, "decide-request", approve=True, text="同意")
    return issue_id


async def _whistled(street: Street) -> str:
    issue_id = await street.accepted()
    need = {"reason": "需联合处置", "departments": street.departments()}
    await street.move("grid_leader", issue_id, "whistle", **need)
    return issue_id


async def _ordered(street: Street) -> str:
    issue_id = await street.accepted()
    await street.move("street_secretary", issue_id, "supervise", **ORDER)
    return issue_id


async def _badly_rated(street: Street) -> str:
    issue_id = await street.resolved()
    await street.move("reporter", issue_id, "confirm")
    await street.move("reporter", issue_id, "rate", rating=1)
    return issue_id


async def _unverified(street: Street) -> str:
    return await street.resolved(category=CHECKED)


async def _merged(street: Street) -> str:
    """Settle a main issue; the one that is merged into it follows by a job."""
    main_id, issue_id = await street.accepted(), await street.report()
    await street.move("lane_chief", issue_id, "merge", into_id=main_id, text="同一件事")
    await street.move("lane_chief", main_id, "resolve", text="已清运")
    return issue_id


PLOTS: dict[str, Callable[[Street], Awaitable[str]]] = {
    "unanswered": _unanswered,
    "warned": _warned,
    "offered": _offered,
    "silent": _silent,
    "suspended": _suspended,
    "whistled": _whistled,
    "ordered": _ordered,
    "badly_rated": _badly_rated,
    "unverified": _unverified,
    "merged": _merged,
}
