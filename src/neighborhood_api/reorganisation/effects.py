"""Everything that lies at a place, and what a reorganisation does with it.

A table that is placed, and a column that names a node, must stand here: a test walks them all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Table, and_, func, or_, true

from neighborhood_api.identity.places import COLUMNS, Level, Placed
from neighborhood_api.kit.db import Model


@dataclass(frozen=True)
class Along:
    """A row lies where another one lies."""

    column: str
    table: str


@dataclass(frozen=True)
class Placement:
    """How the rows of a placed table find their place when theirs ends."""

    table: str
    name: str
    """In Chinese, for questions."""
    key: str = "id"
    along: Along | None = None
    each: bool = False
    """Whether each row is asked about, also where its place goes on and gives parts away."""
    over: str | None = None
    """The column that says since when a row is over; such rows are not asked about."""

    @property
    def rows(self) -> Table:
        """The table."""
        return Model.metadata.tables[self.table]


PLACEMENTS = (
    Placement("household", "住户", over="ended_on"),
    Placement("resident", "登记居民", along=Along("household_id", "household")),
    Placement("care_flag", "关爱标记", along=Along("resident_id", "resident")),
    Placement("residence", "居住信息", "person_id", Along("household_id", "household")),
    Placement("residence_history", "居住历史", along=Along("household_id", "household")),
    Placement("establishment", "登记单位"),
    Placement("account_invitation", "账号邀请"),
    Placement("correction", "更正申请"),
    Placement("case_file", "诉求"),
    Placement("case_offer", "待接收的转办", over="answered_at"),
    Placement("issue_fact", "统计事实", "case_id", Along("case_id", "case_file")),
    Placement("issue_publication", "公开的诉求", "case_id", Along("case_id", "case_file")),
    Placement("venue", "场馆", each=True, over="closed_at"),
    Placement("resource", "活动室和活动", along=Along("group_id", "venue")),
    Placement("teacher", "志愿者老师"),
)
"""Those before others that lie along with them."""
TREE = "node"
"""Placed, too; see `placing.place_nodes`."""


class Fate(StrEnum):
    """What becomes of a column that names a place which ends."""

    TREE = "tree"
    """The tree itself."""
    ASKED = "asked"
    """Each row goes to the successor that was decided."""
    FOLLOWS = "follows"
    """All rows go to one successor."""
    CASE = "case"
    """It goes where its case goes."""
    HANDS = "hands"
    """Whoever answers at the new place of the case takes it."""
    COPIED = "copied"
    """Every successor gets one like it; the old one stays for the record."""
    JOINED = "joined"
    """What became one place as a whole gives it its shape; other shapes stay for the record."""
    ENDS = "ends"
    """It is over with the place."""
    STAYS = "stays"
    """It is history, or of the district, which never ends."""


FATES: dict[tuple[str, str], Fate] = {
    ("node", "parent_id"): Fate.TREE,
    ("appointment", "node_id"): Fate.ASKED,
    ("organization", "node_id"): Fate.ASKED,
    ("boundary", "node_id"): Fate.JOINED,
    ("canned_reply", "node_id"): Fate.FOLLOWS,
    ("handling_rule", "node_id"): Fate.COPIED,
    ("shift", "node_id"): Fate.FOLLOWS,
    ("roster_alarm", "node_id"): Fate.ENDS,
    ("layer_cover", "node_id"): Fate.COPIED,
    ("layer", "district_id"): Fate.STAYS,
    ("grid_profile", "district_id"): Fate.STAYS,
    ("vacancy", "node_id"): Fate.ENDS,
    ("case_file", "hand_node_id"): Fate.HANDS,
    ("case_entry", "hand_node_id"): Fate.STAYS,
    ("case_hand", "node_id"): Fate.STAYS,
    ("case_offer", "node_id"): Fate.FOLLOWS,
    ("issue_look", "node_id"): Fate.STAYS,
    ("register_look", "node_id"): Fate.STAYS,
    ("issue_order", "from_node_id"): Fate.CASE,
    ("case_call", "from_node_id"): Fate.CASE,
    ("data_import", "node_id"): Fate.STAYS,
    ("grid_export", "node_id"): Fate.STAYS,
    ("office_week", "district_id"): Fate.STAYS,
    ("opening", "district_id"): Fate.STAYS,
    ("residence_rules", "district_id"): Fate.STAYS,
    ("statistics_weights", "district_id"): Fate.STAYS,
    ("working_year", "district_id"): Fate.STAYS,
    ("node_succession", "from_id"): Fate.STAYS,
    ("node_succession", "to_id"): Fate.STAYS,
    ("reorganisation", "district_id"): Fate.STAYS,
    ("reorganised_node", "node_id"): Fate.STAYS,
}


def placed_tables() -> set[str]:
    """Return every table whose rows lie at a place."""
    return {
        str(mapper.local_table)
        for mapper in Model.registry.mappers
        if issubclass(mapper.class_, Placed)
    }


def node_columns() -> set[tuple[str, str]]:
    """Return every column that names a node."""
    return {
        (table.name, column.name)
        for table in Model.metadata.tables.values()
        for column in table.c
        if any(key.column.table.name == TREE for key in column.foreign_keys)
    }


def deepest(rows: FromClause) -> ColumnElement[UUID]:
    """Return the node at which a row of a placed table lies."""
    return func.coalesce(*(rows.c[name] for name in reversed(COLUMNS)))


def lies_at(rows: FromClause, nodes: Iterable[tuple[UUID, Level]]) -> ColumnElement[bool]:
    """Hold for the rows that lie at one of the nodes themselves, and not below them."""
    by_level: dict[Level, list[UUID]] = {}
    for node_id, level in nodes:
        by_level.setdefault(level, []).append(node_id)
    return or_(
        ~true(),
        *(
            and_(
                rows.c[COLUMNS[level]].in_(ids),
                *(rows.c[name].is_(None) for name in COLUMNS[level + 1 : level + 2]),
            )
            for level, ids in by_level.items()
        ),
    )
