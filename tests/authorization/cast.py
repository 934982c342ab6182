"""Who is who relative to the issues of the town's first lane, and whom the policies name."""

from collections.abc import Iterable

from neighborhood_api.identity.access import Role
from tests.support.issues import LANE
from tests.support.people import Caller, Callers
from tests.support.places import Town

Path = tuple[int, ...]
Cast = dict[str, Caller]

POSTS: dict[str, tuple[Role, Path]] = {
    "own chief": (Role.LANE_CHIEF, LANE),
    "next chief": (Role.LANE_CHIEF, (1, 1, 1, 2)),
    "own leader": (Role.GRID_LEADER, (1, 1, 1)),
    "own worker": (Role.GRID_WORKER, (1, 1, 1)),
    "next leader": (Role.GRID_LEADER, (1, 1, 2)),
    "next worker": (Role.GRID_WORKER, (1, 1, 2)),
    "own clerk": (Role.COMMUNITY_WORKER, (1, 1)),
    "own head": (Role.COMMUNITY_SECRETARY, (1, 1)),
    "other clerk": (Role.COMMUNITY_WORKER, (1, 2)),
    "other head": (Role.COMMUNITY_SECRETARY, (1, 2)),
    "own dispatcher": (Role.STREET_DISPATCHER, (1,)),
    "own secretary": (Role.STREET_SECRETARY, (1,)),
    "other dispatcher": (Role.STREET_DISPATCHER, (2,)),
    "other secretary": (Role.STREET_SECRETARY, (2,)),
    "own operator": (Role.OPERATOR, ()),
}
"""Posts of the town; those of another district are called far."""
FAR: dict[str, tuple[Role, Path]] = {
    "far chief": (Role.LANE_CHIEF, LANE),
    "far dispatcher": (Role.STREET_DISPATCHER, (1,)),
    "far operator": (Role.OPERATOR, ()),
}
DEPARTMENTS: dict[str, Path] = {
    "holding officer": (1,),
    "called officer": (1,),
    "offered officer": (1,),
    "idle officer": (1,),
    "elsewhere officer": (2,),
}
"""By what each has to do with the issues, and the street of its department."""

INSPECTORS: dict[str, Path] = {
    "own inspector": (1,),
    "other inspector": (2,),
    "district inspector": (),
}
"""Discipline officers, by the place that named them."""

NOBODY = {"nobody"}
REPORTER = {"reporter"}
RESIDENTS = {"reporter", "neighbour", "resident of the next lane", "supporter"}
STAFF = {*POSTS, *FAR, *DEPARTMENTS, *INSPECTORS, "chief operator"}
EVERYBODY = RESIDENTS | STAFF
"""Everyone who is signed in."""

FROM_STREET = {"own dispatcher", "own secretary"}
FROM_COMMUNITY = FROM_STREET | {"own clerk", "own head"}
FROM_GRID = FROM_COMMUNITY | {"own leader", "own worker"}
FROM_LANE = FROM_GRID | {"own chief"}
"""Whoever handles issues at that level, or above it."""
NAMED = {"own secretary", "own inspector", "district inspector"}
"""Whoever sees what is about persons, while it lies with the street."""
WATCHING = FROM_LANE | {"own operator"}
"""Staff of the place, who read what happens there."""
LEADING = FROM_COMMUNITY | {"own leader", "own operator"}
"""Those who lead others there, and read the roster and the numbers."""
OPERATORS = {"own operator", "far operator", "chief operator"}
CHIEF = {"chief operator"}
"""Who may change what holds in every district; she sits in the far one."""


def holding(role: Role) -> set[str]:
    """Return everybody who holds such a post, wherever."""
    return {name for name, (held, _) in (POSTS | FAR).items() if held is role}


def below(*paths: Path) -> set[str]:
    """Return the town's staff whose posts cover one of the places."""
    return {
        name for name, (_, at) in POSTS.items() if any(path[: len(at)] == at for path in paths)
    }


async def signed_in(
    callers: Callers, town: Town, far: Town, officers: dict[str, Caller]
) -> Cast:
    """Sign everybody in."""
    cast: Cast = dict(officers)
    for name, (role, path) in POSTS.items():
        cast[name] = await callers.staff(town, role, *path)
    for name, (role, path) in FAR.items():
        cast[name] = await callers.staff(far, role, *path)
    home, next_door = town.place(*LANE), town.place(1, 1, 1, 2)
    for name in sorted(RESIDENTS):
        lives = next_door if name == "resident of the next lane" else home
        cast[name] = await callers.resident(lives)
    return cast


def shown(names: Iterable[str]) -> str:
    """Name callers in a message."""
    return ", ".join(sorted(names))
