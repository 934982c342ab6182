"""What the API of layers accepts and returns."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from neighborhood_api.grid.layers.profile_schemas import LevelNameOut, RoleNameOut, Word
from neighborhood_api.grid.schemas import DutyPhone
from neighborhood_api.identity.schemas import Mobile
from neighborhood_api.kit.schema import In, Line, Out, Whole

MOST_AT_ONCE = 2000
Name = Annotated[Line, Field(max_length=40)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
Households = Annotated[int, Field(ge=1, le=10_000)]


class LayerLevelIn(In):
    """A level of a layer, and what its post is called."""

    name: Word
    """如「片」 · What the level is called."""
    post: Word
    """如「片长」 · What its post is called."""


class LayerLevelOut(Out):
    """A level of a layer, and what its post is called."""

    name: str
    post: str


class LayerDesignOut(Out):
    """A layer as a place has drawn it, to begin with."""

    code: str
    name: str
    levels: list[LayerLevelOut]
    fewest_households: int | None
    most_households: int | None


class ReadyProfileOut(Out):
    """A profile to begin with."""

    code: str
    place: str
    """哪里这样叫 · Where they are called so."""
    levels: list[LevelNameOut]
    roles: list[RoleNameOut]
    layers: list[LayerDesignOut]
    """当地另有的责任体系 · Second layers of responsibility there."""


class ReadyProfileList(Out):
    """Profiles to begin with."""

    items: list[ReadyProfileOut]


class LayerIn(In):
    """A new layer of responsibility."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "neighbours",
                    "name": "三长",
                    "levels": [
                        {"name": "片", "post": "片长"},
                        {"name": "组", "post": "组长"},
                        {"name": "邻", "post": "邻长"},
                    ],
                    "fewest_households": 5,
                    "most_households": 15,
                    "valid_from": "2026-12-01",
                }
            ]
        }
    )
    code: Code
    """区县内唯一 · Unique in the district."""
    name: Name
    """如「三长」「物业网格」 · Name."""
    levels: Annotated[list[LayerLevelIn], Field(min_length=1, max_length=4)]
    """自上而下一至四级；最下一级负责地点和住户 · From the top down; the lowest covers."""
    valid_from: date
    """启用日 · First day."""
    valid_until: date | None = None
    """停用日（当天起不再有效） · First day on which it is no more."""
    fewest_households: Households | None = None
    """最下一级每个至少负责几户 · Below this a lowest node is reported."""
    most_households: Households | None = None
    """最下一级每个至多负责几户 · Above this a lowest node is reported."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until comes after valid_from")
        fewest, most = self.fewest_households, self.most_households
        if fewest is not None and most is not None and most < fewest:
            raise ValueError("most_households is not below fewest_households")
        return self


class LayerChangeIn(LayerIn, Whole):
    """A layer as it shall be; the number of its levels stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "neighbours",
                    "name": "三长",
                    "levels": [
                        {"name": "片", "post": "片长"},
                        {"name": "组", "post": "组长"},
                        {"name": "邻", "post": "邻长"},
                    ],
                    "fewest_households": 5,
                    "most_households": 20,
                    "valid_from": "2026-12-01",
                    "valid_until": "2031-12-31",
                    "version": 1,
                }
            ]
        }
    )
    version: int
    """读到的版本号 · The version that was read."""


class LayerOut(Out):
    """A layer of responsibility."""

    id: UUID
    district_id: UUID
    code: str
    name: str
    levels: list[LayerLevelOut]
    valid_from: date
    valid_until: date | None
    fewest_households: int | None
    most_households: int | None
    version: int


class LayerList(Out):
    """The layers of a district, by code."""

    items: list[LayerOut]


class LayerNodeIn(In):
    """A new node of a layer."""

    code: Code
    """责任体系内唯一 · Unique in the layer."""
    name: Name
    """名称 · Its name."""
    parent_code: Code | None = None
    """上级编码；最上一级不填 · Code of the node above; none at the top."""


class LayerNodesIn(In):
    """New nodes of a layer; those above come before those below."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "nodes": [
                        {"code": "P1", "name": "一片"},
                        {"code": "P1-1", "name": "一组", "parent_code": "P1"},
                    ]
                }
            ]
        }
    )
    nodes: Annotated[list[LayerNodeIn], Field(min_length=1, max_length=MOST_AT_ONCE)]
    """新增的责任单元，上级在前 · The new nodes, those above first."""


class LayerNodeChangeIn(Whole):
    """A node of a layer as it shall be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"code": "P1-1", "name": "一组", "parent_code": "P2", "version": 1}]
        }
    )
    code: Code
    """编码 · Its code."""
    name: Name
    """名称 · Its name."""
    parent_code: Code | None
    """上级编码，可改到同级的另一个上级 · The node above, or another of the same level."""
    version: int
    """读到的版本号 · The version that was read."""


class LayerHolderIn(In):
    """Who shall answer for a node of a layer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "周邻长", "phone": "15400000009", "duty_phone": "0731-6000001"}
            ]
        }
    )
    name: Annotated[Line, Field(max_length=30)]
    """姓名 · Name."""
    phone: Mobile
    """本人手机号，按号认人 · Own number, by which she is found."""
    duty_phone: DutyPhone
    """公开的值班电话 · Public duty phone."""
    starts_on: date | None = None
    """任期首日，不晚于今天，不填为今天 · First day, today or before; today when left out."""
    ends_on: date | None = None
    """任期末日，不填为长期 · Last day; open when left out."""


class LayerNodeOut(Out):
    """A node of a layer, and who answers for it."""

    id: UUID
    layer_id: UUID
    parent_id: UUID | None
    level: int
    """1 为最上一级 · 1 is the top."""
    code: str
    name: str
    holder: str | None
    """姓名；空缺为空 · Who answers for it; null while nobody does."""
    duty_phone: str | None
    """值班电话（公开） · Public duty phone."""
    since: date | None
    until: date | None
    ended_on: date | None
    version: int


class LayerNodeList(Out):
    """Nodes of a layer."""

    items: list[LayerNodeOut]


class LayerCoverIn(In):
    """Which node of a layer shall answer for a place or a household."""

    node_id: UUID | None = None
    """地点（街道至街巷），与住户二选一 · A place below the district, or else a household."""
    household_id: UUID | None = None
    """住户 · A household."""
    layer_node_id: UUID | None
    """最下一级的责任单元；null 为不再负责 · A node of the lowest level; null for none."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.node_id is None) == (self.household_id is None):
            raise ValueError("either node_id or household_id is given")
        return self


class LayerCoversIn(In):
    """Who shall answer for many places and households: all is done, or nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "household_id": "0198c0de-0000-7000-8000-000000000001",
                            "layer_node_id": "0198c0de-0000-7000-8000-000000000002",
                        }
                    ]
                }
            ]
        }
    )
    items: Annotated[list[LayerCoverIn], Field(min_length=1, max_length=MOST_AT_ONCE)]
    """由谁负责何处 · Who answers for what."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        places = [one.node_id or one.household_id for one in self.items]
        if len(set(places)) < len(places):
            raise ValueError("a place or household is named twice")
        return self


class LayerCoversOut(Out):
    """What an assignment has changed."""

    assigned: int
    """新归属 · Had nobody in this layer before."""
    moved: int
    """改归属 · Went from one node to another."""
    removed: int
    """不再负责 · Belong to no node any more."""
    unchanged: int


class LayerCoverOut(Out):
    """A place or household that a node of a layer answers for."""

    id: UUID
    node_id: UUID | None
    household_id: UUID | None
    name: str
    """地点名称或门牌 · Name of the place, or the door of the household."""


class LayerFault(StrEnum):
    """What is wrong with a layer."""

    HOUSEHOLD_UNCOVERED = "household_uncovered"
    """No node of the layer answers for the household."""
    PLACE_UNCOVERED = "place_uncovered"
    """No node answers for the lane, nor for any of its households."""
    TOO_FEW = "too_few_households"
    TOO_MANY = "too_many_households"
    VACANT = "vacant"
    """Nobody holds the post of the node."""


class LayerFindingOut(Out):
    """Something of a layer that somebody must see to."""

    id: UUID
    """住户、街巷或责任单元的编号 · Id of the household, the lane or the layer's node."""
    faults: list[LayerFault]
    """household_uncovered 住户无人负责 · place_uncovered 街巷无人负责 ·
    too_few_households 户数过少 · too_many_households 户数过多 · vacant 空缺 · What is wrong."""
    code: str | None
    """编码；住户没有 · Code; households have none."""
    name: str
    """名称或门牌 · Name, or the door of a household."""
    level: int | None
    """责任单元的层级 · Level of the layer's node; null for places."""
    households: int | None
    """现负责户数 · How many households it answers for, where that is wrong."""
