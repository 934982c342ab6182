"""What the API shows of the checks of posts."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from neighborhood_api.grid.schemas import NodeOut
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.schema import Out


class PostCheck(StrEnum):
    """What is looked for."""

    VACANT_POSTS = "vacant_posts"
    """Places where a post that must answer has nobody today."""
    NO_PRIMARY_WORKER = "no_primary_worker"
    """Grids without exactly one responsible worker."""
    TERMS_ENDING = "terms_ending"
    """Appointments whose last day comes within thirty days."""
    SEVERAL_POSTS = "several_posts"
    """People who hold several posts."""
    NO_DUTY_PHONE = "no_duty_phone"
    """Places where nobody in office has a duty phone."""
    NO_SELECTION = "no_selection"
    """Lane chiefs of whom it is not recorded how they were chosen."""
    ROSTER_GAPS = "roster_gaps"
    """Places whose roster leaves hours of the next two weeks to nobody."""
    NO_CHIEF = "households_without_chief"
    """Lanes with households and nobody who acts as their chief today."""


CHECK_NAMES: dict[PostCheck, str] = {
    PostCheck.VACANT_POSTS: "岗位空缺",
    PostCheck.NO_PRIMARY_WORKER: "{grid}没有唯一主责{worker}",
    PostCheck.TERMS_ENDING: "30 天内任期届满",
    PostCheck.SEVERAL_POSTS: "一人多岗",
    PostCheck.NO_DUTY_PHONE: "没有值班电话",
    PostCheck.NO_SELECTION: "{chief}没有推选记录",
    PostCheck.ROSTER_GAPS: "值班表有空档",
    PostCheck.NO_CHIEF: "有住户而没有{chief}",
}
"""As a district names its levels and posts."""


class PostCheckCountOut(Out):
    """How often something was found."""

    check: PostCheck
    name: str
    """检查项 · What is looked for."""
    count: int
    """数量 · How many."""


class PostChecksOut(Out):
    """The checks of a place and of everything below it."""

    node: NodeOut
    items: list[PostCheckCountOut]


class HeldPostOut(Out):
    """A post that somebody holds."""

    node: NodeOut
    role: Role
    role_name: str


class PostFindingOut(Out):
    """One thing that an office has to see to."""

    id: UUID
    """编号：地点、任职或人员 · Id of the place, the appointment or the person."""
    node: NodeOut | None
    """地点 · Where; null for people."""
    roles: list[Role]
    """有关的岗位 · Which posts it is about."""
    role_names: list[str]
    person_id: UUID | None
    name: str | None
    """姓名 · Name of the holder."""
    ends_on: date | None
    """任期末日 · Last day of the term."""
    workers: int | None
    """网格员人数 · How many workers the grid has."""
    households: int | None
    """没有巷长的住户数 · How many households are without a chief."""
    posts: list[HeldPostOut]
    """一人多岗时的全部岗位 · Every post that she holds."""
    same_level: bool
    """兼任不同地点的同级单人岗，请核对 · The same single post at several places, a warning."""
