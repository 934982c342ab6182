"""What the API of profiles accepts and returns."""

from collections import Counter
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from neighborhood_api.grid.layers.ready import KINDS
from neighborhood_api.identity.access import Role
from neighborhood_api.identity.places import Level
from neighborhood_api.kit.schema import In, Line, Out, Whole

Word = Annotated[Line, Field(max_length=20)]


class LevelNameIn(In):
    """What a level of the grid is called, and which kinds of place there are at it."""

    level: Level
    """0 区县 1 街道 2 社区 3 网格 4 街巷 · Level, from the district down."""
    name: Word
    """当地叫法，如「小区」 · What it is called here."""
    kinds: Annotated[list[str], Field(min_length=1, max_length=max(map(len, KINDS)))]
    """地点类型，如 grid、compound · Kinds of place at this level."""

    @model_validator(mode="after")
    def _kinds_are_of_the_level(self) -> Self:
        if not set(self.kinds) <= set(KINDS[self.level]):
            raise ValueError(
                f"kinds of level {int(self.level)}: {', '.join(KINDS[self.level])}"
            )
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("a kind is named twice")
        return self


class RoleNameIn(In):
    """What a post is called."""

    role: Role
    """岗位 · The post."""
    name: Word
    """当地叫法，如「邻长」 · What it is called here."""


class GridProfileIn(Whole):
    """What a district calls its levels and posts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "levels": [
                        {"level": 0, "name": "区", "kinds": ["district"]},
                        {"level": 1, "name": "街道", "kinds": ["street", "town"]},
                        {"level": 2, "name": "社区", "kinds": ["community", "village"]},
                        {"level": 3, "name": "小区", "kinds": ["compound"]},
                        {"level": 4, "name": "楼栋", "kinds": ["building"]},
                    ],
                    "roles": [{"role": "lane_chief", "name": "楼栋长"}],
                    "version": 0,
                }
            ]
        }
    )
    levels: Annotated[list[LevelNameIn], Field(min_length=5, max_length=5)]
    """五级各一项 · One for each of the five levels."""
    roles: Annotated[list[RoleNameIn], Field(max_length=len(Role))]
    """岗位叫法，没有列出的沿用通名 · Posts; those left out have their usual names."""
    version: int
    """读到的版本号，从未设置为 0 · The version that was read, 0 while never set."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if {one.level for one in self.levels} != set(Level):
            raise ValueError("each of the five levels is named once")
        if any(times > 1 for times in Counter(one.role for one in self.roles).values()):
            raise ValueError("a role is named twice")
        return self


class LevelNameOut(Out):
    """What a level of the grid is called, and which kinds of place there are at it."""

    level: Level
    name: str
    kinds: list[str]


class RoleNameOut(Out):
    """What a post is called."""

    role: Role
    name: str


class GridProfileOut(Out):
    """What a district calls its levels and posts, the usual names filled in."""

    district_id: UUID
    levels: list[LevelNameOut]
    roles: list[RoleNameOut]
    version: int
    """从未设置为 0 · 0 while never set."""
