"""罗阳街道 in 博罗县: eight large communities became nineteen in 2021.

Names and codes of the nineteen are real (National Bureau of Statistics). Which eight there were
before, and what became which, is invented here; the eight say so in their names.
"""

import csv
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

EIGHT = tuple((f"4413220019{n:02}", f"虚构大社区{n}") for n in range(1, 9))
"""Code and name of the communities before; plainly no real ones."""


class Community(NamedTuple):
    """One of the nineteen."""

    code: str
    name: str


def nineteen() -> tuple[Community, ...]:
    """Return the communities of 罗阳街道 as they are since."""
    text = files(__package__).joinpath("data", "luoyang.csv").read_text(encoding="utf-8")
    return tuple(
        Community(row["code"], row["name"]) for row in csv.DictReader(text.splitlines())
    )


def eight_into_nineteen(
    street_id: UUID, grids: Mapping[UUID, Sequence[UUID]]
) -> list[dict[str, Any]]:
    """Return the operations that turn large communities into the nineteen.

    `grids` are those of each large community, in order; each of its successors gets a share.
    """
    communities = nineteen()
    made = [
        {
            "do": "create",
            "key": _key(one),
            "level": 2,
            "kind": "community",
            "parent": str(street_id),
            "code": one.code,
            "name": one.name,
        }
        for one in communities
    ]
    rest = iter(communities)
    shares = _shares(len(communities), len(grids))
    splits = []
    for (old, parts), number in zip(grids.items(), shares, strict=True):
        heirs = list(islice(rest, number))
        into = [
            {"to": _key(heir), "children": [str(grid) for grid in parts[at::number]]}
            for at, heir in enumerate(heirs)
        ]
        splits.append({"do": "split", "node": str(old), "into": into})
    return made + splits


def _key(community: Community) -> str:
    return f"c{community.code[-6:]}"


def _shares(things: int, takers: int) -> list[int]:
    """Divide things as evenly as can be."""
    return [things // takers + (n < things % takers) for n in range(takers)]
