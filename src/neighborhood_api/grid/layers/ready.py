"""Profiles to begin with, as places of the country have named their levels and posts.

They are data to start from: a district takes one, changes what is called otherwise there, and
states it as its own.
"""

from typing import NamedTuple

from neighborhood_api.identity.access import Role

KINDS: tuple[tuple[str, ...], ...] = (
    ("district",),
    (
        *("street", "town", "management_area", "farm", "forest_farm"),
        *("development_zone", "mining_area"),
    ),
    ("community", "village", "living_area"),
    ("grid", "compound"),
    ("lane", "building"),
)
"""Which kinds of node there can be at each level.

Source: what statistical division codes list beside 街道, 镇, 社区 and 村: 管理区, 农场, 林场,
开发区 and 矿区 at the level of streets, 生活区 at that of communities.
"""

USUAL_LEVELS = ("区县", "街道", "社区", "网格", "街巷")


class LayerLevel(NamedTuple):
    """A level of a layer, and what its post is called."""

    name: str
    post: str


class LayerDesign(NamedTuple):
    """A second layer of responsibility, as a place has drawn it."""

    code: str
    name: str
    levels: tuple[LayerLevel, ...]
    fewest_households: int | None = None
    most_households: int | None = None


class ReadyProfile(NamedTuple):
    """Names of levels and posts to begin with."""

    code: str
    place: str
    level_names: tuple[str, ...]
    kinds: tuple[tuple[str, ...], ...]
    role_names: dict[Role, str]
    layers: tuple[LayerDesign, ...] = ()


READY = (
    ReadyProfile(
        "boluo",
        "博罗县",
        ("县", "街道", "社区", "综合网格", "街巷"),
        KINDS,
        {Role.LANE_CHIEF: "巷长", Role.GRID_LEADER: "网格长"},
    ),
    ReadyProfile(
        "yangjiang",
        "阳江市",
        ("区", "街道", "社区", "小区网格", "楼巷"),
        KINDS,
        {Role.LANE_CHIEF: "楼巷长", Role.GRID_LEADER: "小区网格长"},
    ),
    ReadyProfile(
        "haiyang",
        "海阳市",
        ("市", "街道", "社区", "网格（小区）", "居民代表片"),
        KINDS,
        {Role.LANE_CHIEF: "居民代表", Role.GRID_LEADER: "网格（小区）长"},
        (
            LayerDesign(
                "property",
                "物业网格",
                (LayerLevel("片区", "片区负责人"), LayerLevel("物业网格", "物业网格员")),
            ),
        ),
    ),
    ReadyProfile(
        "xiangyang",
        "襄阳高新区",
        ("高新区", "镇", "社区", "片区", "居民小组"),
        (
            ("district",),
            ("town", "street", "development_zone"),
            ("community", "village"),
            ("grid",),
            ("lane",),
        ),
        {
            Role.LANE_CHIEF: "包小组负责人",
            Role.GRID_LEADER: "包片区负责人",
            Role.STREET_DISPATCHER: "镇调度员",
            Role.STREET_SECRETARY: "镇党委书记",
        },
    ),
    ReadyProfile(
        "yuetang",
        "湘潭市岳塘区",
        ("区", "街道", "社区", "小区", "楼栋"),
        (
            ("district",),
            ("street", "town"),
            ("community", "village"),
            ("compound",),
            ("building",),
        ),
        {Role.LANE_CHIEF: "楼栋党小组长", Role.GRID_LEADER: "小区党支部书记"},
        (
            LayerDesign(
                "neighbours",
                "三长",
                (
                    LayerLevel("片", "片长"),
                    LayerLevel("组", "组长"),
                    LayerLevel("邻", "邻长"),
                ),
                5,
                15,
            ),
        ),
    ),
)
"""The places this product was made for; what a profile does not name is called as usual."""
