"""Issues in every situation that an operation needs, and the other things of the place."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection

from neighborhood_api.grid.models import Organization
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Tx
from tests.authorization.cast import DEPARTMENTS, INSPECTORS, Cast, signed_in
from tests.support.issues import LANE, act, new_rule
from tests.support.people import Caller, Callers
from tests.support.places import Town, build_town
from tests.support.posts import appoint, chief_operator, phone_number, somebody

LATER = (datetime.now(UTC) + timedelta(days=3)).isoformat()
DAY = {"clock": "working_days", "amount": 1}
WORDS = {"text": "说明"}
UNCLEAR = {"reason": "unclear", "text": "看不懂"}


@dataclass
class World:
    """Everybody, and everything that they may try to touch."""

    town: Town
    far: Town
    cast: Cast
    nobody: AsyncClient
    tx: Tx
    connection: AsyncConnection
    ids: dict[str, str] = field(default_factory=dict)
    """What stands for `{name}` in addresses and bodies."""
    issues: dict[str, str] = field(default_factory=dict)
    """By situation."""
    calls: dict[str, str] = field(default_factory=dict)
    """The call of each situation that has one."""

    def client(self, who: str) -> AsyncClient:
        return self.nobody if who == "nobody" else self.cast[who]

    def filled(self, value: Any) -> Any:  # noqa: ANN401
        """Put ids where their names are."""
        if isinstance(value, dict):
            return {key: self.filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        if isinstance(value, str) and value.startswith("{"):
            return self.ids[value.strip("{}")]
        return value

    async def reported(self, who: str = "reporter", **changes: Any) -> str:  # noqa: ANN401
        wish = {
            "category_code": "env.garbage",
            "text": "巷口垃圾桶满了两天没人清",
            "lane_id": "{lane}",
        }
        answer = await self.cast[who].post("/issues", json=self.filled(wish | changes))
        assert answer.status_code == 200, answer.text
        issue_id: str = answer.json()["id"]
        return issue_id

    async def do(self, who: str, issue_id: str, move: str, **body: Any) -> Any:  # noqa: ANN401
        """Make a move that must succeed."""
        answer = await act(self.cast[who], issue_id, move, **self.filled(body))
        assert answer.status_code == 200, (who, move, answer.text)
        return answer.json()


Steps = list[tuple[str, str, dict[str, Any]]]
ACCEPTED: Steps = [("own chief", "accept", {})]
RESOLVED: Steps = [*ACCEPTED, ("own chief", "resolve", WORDS)]
CONFIRMED: Steps = [*RESOLVED, ("reporter", "confirm", {})]
ESCALATED = ("own dispatcher", "escalate", WORDS)
WHISTLE = {
    "departments": [{"organization_id": "{called}", "lead": True}],
    "reason": "占道经营引发口角",
}
WHISTLED: Steps = [("own leader", "whistle", WHISTLE)]
CHECKED_IN: Steps = [*WHISTLED, ("called officer", "calls/{}/check-in", {})]
WORKED: Steps = [*CHECKED_IN, ("called officer", "calls/{}/report", WORDS)]
RELEASED: Steps = [*WORKED, ("own leader", "calls/{}/release", {})]
ORDERED: Steps = [("own leader", "supervise", {"answer_within": DAY, **WORDS})]
EXCLUSION = {"reason": "out_of_duty", "text": "法院执行事项"}
ASKED_OUT: Steps = [("own dispatcher", "exclude", EXCLUSION)]
TO_DEPARTMENT = {"organization_id": "{offered}", "text": "请接收"}
NEXT_DOOR = {"node_id": "{next_lane}", "text": "请接收"}

SITUATIONS: dict[str, Steps] = {
    "reported": [],
    "another": [],
    "accepted": ACCEPTED,
    "waiting": [*ACCEPTED, ("own chief", "ask", WORDS)],
    "asking": [*ACCEPTED, ("own chief", "request-suspension", {"until": LATER, **WORDS})],
    "resolved": RESOLVED,
    "confirmed": CONFIRMED,
    "rated badly": [*CONFIRMED, ("reporter", "rate", {"rating": 1})],
    "with the grid": [ESCALATED],
    "with the community": [ESCALATED] * 2,
    "with the street": [ESCALATED] * 3,
    "held by a department": [
        ("own dispatcher", "dispatch", {"organization_id": "{holding}"}),
        ("holding officer", "take-over", {}),
    ],
    "offered next door": [*ACCEPTED, ("own chief", "transfer", NEXT_DOOR)],
    "offered to a department": [*ACCEPTED, ("own chief", "transfer", TO_DEPARTMENT)],
    "called": WHISTLED,
    "checked in": CHECKED_IN,
    "worked on": WORKED,
    "released": RELEASED,
    "ordered": ORDERED,
    "order answered": [*ORDERED, ("own chief", "answer-order", WORDS)],
    "merged": [("own chief", "merge", {"into_id": "{another issue}", **WORDS})],
    "exclusion asked": ASKED_OUT,
    "excluded": [
        *ASKED_OUT,
        ("own secretary", "exclude/decide", {"approve": True, **WORDS}),
    ],
}
"""What was done to an issue of the reporter at the first lane."""


INSPECTED: Steps = [("own inspector", "accept", {}), ("own inspector", "resolve", WORDS)]
ABOUT_A_PERSON: dict[str, Steps] = {
    "about a person, asking": [
        ("own inspector", "accept", {}),
        ("own inspector", "request-extension", {"amount": 60, **WORDS}),
    ],
    "about a person, exclusion asked": [("own inspector", "exclude", EXCLUSION)],
}


async def _bring_about(world: World, situation: str, steps: Steps, **changes: Any) -> None:  # noqa: ANN401
    """Report an issue and do what leads to the situation."""
    issue_id = world.issues[situation] = await world.reported(**changes)
    world.ids[f"{situation} issue"] = issue_id
    for who, move, body in steps:
        call_id = world.calls.get(situation, "")
        done = await world.do(who, issue_id, move.format(call_id), **body)
        if "items" in done:
            world.calls[situation] = done["items"][0]["id"]


async def _bring_all_about(world: World) -> None:
    """Bring about every situation, those of special rules last."""
    phone = phone_number()
    reporter = await world.tx.get_one(Person, world.cast["reporter"].person_id)
    reporter.phone = phone
    await world.tx.commit()
    for situation, steps in SITUATIONS.items():
        await _bring_about(world, situation, steps)
    taken_in = {"name": "王女士", "phone": phone_number()}
    steps = RESOLVED
    await _bring_about(world, "taken in", steps, who="own clerk", on_behalf_of=taken_in)
    about = {"category_code": "staff.conduct", "text": "某工作人员态度恶劣"}
    await _bring_about(world, "about a person", [], **about)
    await _bring_about(world, "about the street", [], to_district=True, **about)
    for situation, steps in ABOUT_A_PERSON.items():
        await _bring_about(world, situation, steps, **about)
    await new_rule(world.tx, "staff.conduct", verification=True)
    await _bring_about(world, "about a person, verifying", INSPECTED, **about)
    await new_rule(world.tx, "env.garbage", verification=True)
    await _bring_about(world, "verifying", RESOLVED)
    await new_rule(world.tx, "env.garbage", returns_allowed=0)
    await _bring_about(world, "adjudicating", [("own chief", "return", UNCLEAR)])
    shared = {"publicity": "at_once", "reopen_by": ["reporter", "supporter"]}
    await new_rule(world.tx, "env.garbage", **shared)
    supported: Steps = [("supporter", "support", {}), *RESOLVED]
    await _bring_about(world, "shared", supported)
    await new_rule(world.tx, "env.garbage")


async def built(
    callers: Callers, town: Town, nobody: AsyncClient, tx: Tx, connection: AsyncConnection
) -> World:
    """Build a second district and the departments, sign everybody in, and make the issues."""
    far = await build_town(tx, now=datetime.now(UTC))
    ids = _places(town, far)
    officers: dict[str, Caller] = {}
    for name, path in DEPARTMENTS.items():
        street = town.at(*path)
        body = Organization(node_id=street.id, name=f"{name}的部门")
        tx.add(body)
        person = await somebody(tx)
        role = Role.DEPARTMENT_OFFICER
        await appoint(tx, street, role, person.id, organization_id=body.id)
        await tx.commit()
        officers[name] = await callers.person(person.id)
        ids[name.split()[0]] = str(body.id)
    for name, path in INSPECTORS.items():
        person = await somebody(tx)
        await appoint(tx, town.at(*path), Role.DISCIPLINE_OFFICER, person.id)
        await tx.commit()
        officers[name] = await callers.person(person.id)
    chief = await chief_operator(tx, far.at())
    officers["chief operator"] = await callers.person(chief)
    cast = await signed_in(callers, town, far, officers)
    world = World(town, far, cast, nobody, tx, connection, ids)
    await _bring_all_about(world)
    return world


def _places(town: Town, far: Town) -> dict[str, str]:
    """Return the places by the names that bodies use."""
    return {
        "lane": str(town.at(*LANE).id),
        "next_lane": str(town.at(1, 1, 1, 2).id),
        "grid": str(town.at(1, 1, 1).id),
        "community": str(town.at(1, 1).id),
        "street": str(town.at(1).id),
        "district": str(town.at().id),
        "far_district": str(far.at().id),
        "code": str(town.at(*LANE).plate_code),
    }
