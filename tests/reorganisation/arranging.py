"""Plans for the small town, and what they are made with."""

from datetime import UTC, datetime
from typing import Any

from httpx import AsyncClient

from neighborhood_api.grid.calendar import local_day
from neighborhood_api.kit.ids import new_id
from tests.support.places import Town


def today() -> str:
    return local_day(datetime.now(UTC)).isoformat()


def code() -> str:
    """A code that nobody has."""
    return f"88{new_id().hex[-16:]}"


def founded(town: Town, key: str, name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """A new community of the first street."""
    return {
        "do": "create",
        "key": key,
        "level": 2,
        "kind": "community",
        "parent": str(town.at(1).id),
        "code": code(),
        "name": name,
    } | changes


def split_in_two(town: Town) -> list[dict[str, Any]]:
    """The first community becomes two, one for each of its grids."""
    parts = [
        {"to": key, "children": [str(town.at(1, 1, number).id)]}
        for number, key in ((1, "east"), (2, "west"))
    ]
    return [
        founded(town, "east", "东社区"),
        founded(town, "west", "西社区"),
        {"do": "split", "node": str(town.at(1, 1).id), "into": parts},
    ]


class Planner:
    """An operator with a plan."""

    def __init__(self, operator: AsyncClient, town: Town) -> None:
        self.operator = operator
        self.town = town
        self.plan: dict[str, Any] = {}

    async def drafts(
        self, operations: list[dict[str, Any]], effective_on: str | None = None
    ) -> "Planner":
        body = {
            "district_id": str(self.town.at().id),
            "name": "社区优化调整",
            "effective_on": effective_on or today(),
            "operations": operations,
        }
        answer = await self.operator.post("/reorganisations", json=body)
        assert answer.status_code == 200, answer.text
        self.plan = answer.json()
        return self

    @property
    def path(self) -> str:
        return f"/reorganisations/{self.plan['id']}"

    def new(self, key: str) -> str:
        """The id of a place that the plan founds."""
        return str(self.plan["new_ids"][key])

    async def preview(self) -> Any:  # noqa: ANN401
        answer = await self.operator.get(f"{self.path}/preview")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def troubles(self) -> set[str]:
        return {one["code"] for one in (await self.preview())["troubles"]}

    async def decides(self, **to: str | None) -> None:
        """Decide by the table that is asked about; the rest goes to the first option."""
        decisions = []
        for one in (await self.preview())["questions"]:
            options = [option["id"] for option in one["options"]]
            wanted = to.get(one["key"].split(":")[0])
            to_id = wanted if wanted in options else options[0]
            decisions.append({"key": one["key"], "to": to_id})
        if decisions:
            await self.done("decisions", decisions=decisions)

    async def does(self, what: str, **body: Any) -> Any:  # noqa: ANN401
        body = {"version": self.plan["version"]} | body
        return await self.operator.post(f"{self.path}/{what}", json=body)

    async def done(self, what: str, **body: Any) -> Any:  # noqa: ANN401
        """Do what must succeed."""
        answer = await self.does(what, **body)
        assert answer.status_code == 200, answer.text
        self.plan = answer.json()
        return self.plan
