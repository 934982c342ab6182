"""Lives of issues that go through the moves of the law; each knows what it was promised.

Only one client at a time moves an issue, so that its timeline must be exactly what was
acknowledged, in that order.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from soak.ground import Ground
from soak.plots import DAY, ORDER, Street
from soak.town import CHECKED, PLAIN, Somebody

WORDS = {"text": "情况属实，已安排"}
NOT_OURS = {"reason": "not_our_duty", "text": "不归我们管"}


@dataclass
class Promised:
    """What was acknowledged of the issues of a run."""

    lives: dict[str, list[str]] = field(default_factory=dict)
    """The moves of each issue, as its timeline names them."""
    supporters: dict[str, set[str]] = field(default_factory=dict)
    moves: int = 0


class Life:
    """One issue, or two, on the way through the moves."""

    def __init__(
        self, on: Ground, promised: Promised, people: tuple[Somebody, Somebody]
    ) -> None:
        """Let the first of two residents report, and the second support."""
        self.street = Street(on, people[0])
        self.neighbour = people[1]
        self.promised = promised

    async def report(self, category: str = PLAIN) -> str:
        """Report."""
        issue_id = await self.street.report(category=category)
        self.promised.lives[issue_id] = ["report"]
        self.promised.moves += 1
        return issue_id

    async def move(
        self,
        who: str,
        issue_id: str,
        move: str,
        *,
        entry: str | None = None,
        **body: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Make a move, and note that it was acknowledged."""
        answer = await self.street.move(who, issue_id, move, **body)
        self.promised.lives[issue_id].append(entry or move.replace("-", "_"))
        self.promised.moves += 1
        return answer

    async def accepted(self, category: str = PLAIN) -> str:
        """Report and accept."""
        issue_id = await self.report(category)
        await self.move("lane_chief", issue_id, "accept")
        return issue_id

    async def ended(self, issue_id: str, who: str = "lane_chief") -> None:
        """Resolve, confirm and rate."""
        await self.move(who, issue_id, "resolve", **WORDS)
        await self.move("reporter", issue_id, "confirm")
        await self.move("reporter", issue_id, "rate", rating=5)

    def department(self, number: int = 0) -> dict[str, str]:
        """Name a department."""
        return {"organization_id": str(self.street.ground.town.departments[number])}

    async def merge(self, issue_id: str, main_id: str) -> None:
        """Merge; the main issue's timeline says so, too."""
        await self.move("lane_chief", issue_id, "merge", into_id=main_id, **WORDS)
        self.promised.lives[main_id].append("comment")

    async def support(self, issue_id: str) -> None:
        """Let the neighbour say that it is hers, too."""
        clients = self.street.ground.clients
        await clients.post(self.neighbour, f"/issues/{issue_id}/support")
        supporters = self.promised.supporters.setdefault(issue_id, set())
        supporters.add(str(self.neighbour.person_id))
        self.promised.moves += 1


async def straight(life: Life) -> None:
    """Answer, ask back, settle."""
    issue_id = await life.report()
    await life.move("reporter", issue_id, "urge")
    await life.move("lane_chief", issue_id, "accept")
    await life.move("lane_chief", issue_id, "respond", **WORDS)
    await life.move("lane_chief", issue_id, "ask", **WORDS)
    await life.move("reporter", issue_id, "answer", **WORDS)
    await life.move("reporter", issue_id, "comment", **WORDS)
    await life.ended(issue_id)


async def transferred(life: Life) -> None:
    """Offer, decline, dispatch, take over, return, accept at the street."""
    issue_id = await life.accepted()
    await life.move("lane_chief", issue_id, "transfer", **WORDS, **life.department())
    await life.move("officer-0", issue_id, "decline", **NOT_OURS)
    await life.move("street_dispatcher", issue_id, "dispatch", **WORDS, **life.department(1))
    await life.move("officer-1", issue_id, "take-over")
    await life.move("officer-1", issue_id, "return", **NOT_OURS)
    await life.move("street_dispatcher", issue_id, "accept")
    await life.ended(issue_id, "street_dispatcher")


async def whistled(life: Life) -> None:
    """Call departments, which check in, report, are released and rated."""
    issue_id = await life.accepted()
    need: dict[str, Any] = {"reason": "需联合处置", "departments": life.street.departments()}
    called = await life.move("grid_leader", issue_id, "whistle", **need)
    departments = [str(one) for one in life.street.ground.town.departments]
    for call in called["items"]:
        officer = f"officer-{departments.index(call['organization_id'])}"
        at = f"calls/{call['id']}"
        await life.move(officer, issue_id, f"{at}/check-in", entry="check_in")
        await life.move(officer, issue_id, f"{at}/report", entry="report_work", **WORDS)
        await life.move("grid_leader", issue_id, f"{at}/release", entry="release")
        await life.move("grid_leader", issue_id, f"{at}/rate", entry="rate_call", rating=4)
    await life.ended(issue_id)


async def reopened(life: Life) -> None:
    """Settle badly, reopen one level up, rate badly, call back, make good."""
    issue_id = await life.accepted()
    await life.move("lane_chief", issue_id, "resolve", **WORDS)
    await life.move("reporter", issue_id, "reopen", **WORDS)
    await life.move("grid_leader", issue_id, "accept")
    await life.move("grid_leader", issue_id, "resolve", **WORDS)
    await life.move("reporter", issue_id, "confirm")
    await life.move("reporter", issue_id, "rate", rating=1)
    said: dict[str, Any] = {"reached": True, "solved": False, **WORDS}
    await life.move("street_dispatcher", issue_id, "call-back", **said)
    await life.move("grid_leader", issue_id, "remedy", **WORDS)


async def ordered(life: Life) -> None:
    """Order, answer, order again, answer, be content."""
    issue_id = await life.accepted()
    await life.move("street_secretary", issue_id, "supervise", **ORDER)
    await life.move("lane_chief", issue_id, "answer-order", **WORDS)
    again: dict[str, Any] = {"accept": False, **WORDS}
    content: dict[str, Any] = {"accept": True, **WORDS}
    decide = "decide-order"
    await life.move("street_secretary", issue_id, decide, entry="repeat_order", **again)
    await life.move("lane_chief", issue_id, "answer-order", **WORDS)
    await life.move("street_secretary", issue_id, decide, entry="settle_order", **content)
    await life.ended(issue_id)


async def put_off(life: Life) -> None:
    """Ask for a suspension and an extension, and get both."""
    issue_id = await life.accepted()
    until = (datetime.now(UTC) + DAY).isoformat()
    agreed: dict[str, Any] = {"approve": True, **WORDS}
    decide = "decide-request"
    await life.move("lane_chief", issue_id, "request-suspension", until=until, **WORDS)
    await life.move("grid_leader", issue_id, decide, entry="suspend", **agreed)
    await life.move("lane_chief", issue_id, "resume")
    amount = timedelta(hours=1) // timedelta(minutes=1)
    await life.move("lane_chief", issue_id, "request-extension", amount=amount, **WORDS)
    await life.move("grid_leader", issue_id, decide, entry="extend", **agreed)
    await life.ended(issue_id)


async def merged(life: Life) -> None:
    """Support, merge, take it back, merge again, settle both by settling one."""
    main_id, issue_id = await life.accepted(), await life.report()
    await life.support(main_id)
    await life.merge(issue_id, main_id)
    await life.move("lane_chief", issue_id, "unmerge", **WORDS)
    await life.merge(issue_id, main_id)
    await life.move("lane_chief", main_id, "resolve", **WORDS)
    await life.move("reporter", main_id, "confirm")


async def verified(life: Life) -> None:
    """Have a result refused and then verified by a third person."""
    issue_id = await life.accepted(CHECKED)
    await life.move("lane_chief", issue_id, "resolve", **WORDS)
    await life.move("community_worker", issue_id, "refuse-result", **WORDS)
    await life.move("lane_chief", issue_id, "escalate", **WORDS)
    await life.move("grid_leader", issue_id, "accept")
    await life.move("grid_leader", issue_id, "resolve", **WORDS)
    await life.move("community_worker", issue_id, "verify")
    await life.move("reporter", issue_id, "confirm")


LIVES: tuple[Callable[[Life], Awaitable[None]], ...] = (
    straight,
    transferred,
    whistled,
    reopened,
    ordered,
    put_off,
    merged,
    verified,
)
