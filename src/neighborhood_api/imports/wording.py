"""What a district calls its kinds of places and its posts, in files as in its profile."""

import json
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from neighborhood_api.grid.names import ROLE_NAMES
from neighborhood_api.identity.access import LEVEL_OF, OPERATORS, Role
from neighborhood_api.identity.places import Level
from neighborhood_api.imports.kinds import KIND_WORDS, KINDS

LEVEL_WORDS = ("区县", "街道", "社区", "网格", "街巷")
ROLES: dict[str, Role] = {name: role for role, name in ROLE_NAMES.items()} | {
    "楼长": Role.LANE_CHIEF,
    "楼栋长": Role.LANE_CHIEF,
    "楼巷长": Role.LANE_CHIEF,
    "街巷长": Role.LANE_CHIEF,
    "邻长": Role.LANE_CHIEF,
    "专职网格员": Role.GRID_WORKER,
    "社工": Role.COMMUNITY_WORKER,
    "社区党委书记": Role.COMMUNITY_SECRETARY,
    "社区党组织书记": Role.COMMUNITY_SECRETARY,
    "村书记": Role.COMMUNITY_SECRETARY,
    "街道党工委书记": Role.STREET_SECRETARY,
    "镇党委书记": Role.STREET_SECRETARY,
    "调度员": Role.STREET_DISPATCHER,
    "纪检员": Role.DISCIPLINE_OFFICER,
    "承办人": Role.DEPARTMENT_OFFICER,
}
_PROFILE = """
SELECT level_names::text AS levels, kinds::text AS kinds, role_names::text AS roles
FROM grid_profile WHERE district_id = $1 AND version > 0
"""


@dataclass(frozen=True)
class Wording:
    """The words of a district."""

    kinds: dict[str, tuple[str, Level]]
    """By what a kind of place is called: the kind, and its level."""
    levels: tuple[str, ...]
    """What each level is called."""
    allowed: tuple[tuple[str, ...], ...] | None
    """Which kinds there are at each level; None where the district did not say."""
    roles: dict[str, Role]
    """By what a post is called."""

    def allows(self, kind: str, level: Level) -> bool:
        """Tell whether there are places of a kind at a level."""
        return self.allowed is None or kind in self.allowed[level]

    @property
    def known_kinds(self) -> list[str]:
        """The words for kinds of places that there are here."""
        kinds = [
            word
            for kind, word in KIND_WORDS.items()
            if self.allowed is None or any(kind in some for some in self.allowed)
        ]
        return [*dict.fromkeys((*self.levels, *kinds))]

    @property
    def lanes(self) -> str:
        """What the places are called in which households live."""
        return "街巷或楼栋" if self.allowed is None else self.levels[Level.LANE]

    def usual_kind(self, level: Level) -> str:
        """Return the kind of a place of which only the level is known."""
        return self.kinds[self.levels[level]][0]

    def kind_word(self, kind: str) -> str:
        """Return a word that an import takes for a kind."""
        usual = KIND_WORDS.get(kind, kind)
        if self.kinds.get(usual, ("",))[0] == kind:
            return usual
        words = reversed(self.kinds.items())
        return next((word for word, (one, _) in words if one == kind), usual)

    def title(self, role: Role) -> str:
        """Return what a post is called here; an import takes it for that post."""
        return next(word for word, one in reversed(self.roles.items()) if one is role)

    @property
    def titles(self) -> frozenset[str]:
        """What the posts are called that residents know, and that exist at one level alone."""
        return frozenset(
            word
            for word, role in self.roles.items()
            if role not in OPERATORS and len(LEVEL_OF[role]) == 1
        )


async def wording_of(connection: asyncpg.Connection, district_id: UUID) -> Wording:
    """Load what a district calls its kinds of places and its posts, the usual names besides."""
    roles = {role.value: role for role in Role}  # when others have all of a post's names
    roles |= {word: role for word, role in ROLES.items() if word not in ROLE_NAMES.values()}
    roles |= {name: role for role, name in ROLE_NAMES.items()}
    codes = {kind: (kind, level) for kind, level in KINDS.values()}
    row = await connection.fetchrow(_PROFILE, district_id)
    if row is None:
        return Wording(codes | KINDS, LEVEL_WORDS, None, roles)
    levels, allowed = json.loads(row["levels"]), json.loads(row["kinds"])
    kinds = codes | KINDS
    for level in Level:
        name, known = levels[level], KINDS.get(levels[level])
        if known is None or known[1] != level or known[0] not in allowed[level]:
            kinds[name] = (allowed[level][0], level)
    own = {name: Role(role) for role, name in json.loads(row["roles"]).items()}
    for name in own:
        roles.pop(name, None)
    return Wording(kinds, tuple(levels), tuple(map(tuple, allowed)), roles | own)
