"""A district of a realistic size, with people in every post and issues of a year.

All names are invented.
"""

from datetime import UTC, datetime, timedelta

import asyncpg

from benchmarks.population_issues import load_issues
from benchmarks.population_people import (
    CHILDREN,
    ISSUES_EACH,
    District,
    Resident,
    households,
    nodes,
    residences,
    residents_of,
    staff,
)
from neighborhood_api.grid.models import Appointment, Household, Node, Organization, Residence
from neighborhood_api.identity.models import Person
from neighborhood_api.identity.places import Level
from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.categories.seed import category_rows, rule_rows
from neighborhood_api.kit.copying import copy_rows

__all__ = [
    "CATEGORY",
    "CHILDREN",
    "ISSUES_EACH",
    "District",
    "Resident",
    "load",
    "load_people",
    "spread",
]

CATEGORY = "env.garbage"


async def load(
    url: str, *, residents: int, issues: int, crowded: int = 0, trail: bool = True
) -> District:
    """Fill the empty database at `url`.

    `crowded` of the issues lie in the first lane, the others all over the district. Without
    the audit trail it takes half as long; lists and numbers do not read that.
    """
    district = District(issues=issues)
    connection = await asyncpg.connect(url)
    try:
        await load_people(connection, district, residents)
        await load_issues(
            connection,
            issues=issues,
            crowded=crowded,
            lanes=[
                (lane, district.chiefs[lane.node_id], district.department(lane))
                for lane in district.places[Level.LANE]
            ],
            reporters=[one.person_id for one in district.reporters],
            rules=district.rules,
            trail=trail,
        )
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return district


def spread(residents: list[Resident], count: int) -> list[Resident]:
    """Choose `count` of them from all over the district, no two from the same part."""
    return residents[:: max(1, len(residents) // count)][:count]


async def load_people(
    connection: asyncpg.Connection, district: District, residents: int
) -> None:
    """Write the grid with its people, and note them in `district`."""
    await copy_rows(connection, Node, nodes(district))
    people, appointments, organizations = staff(district)
    await copy_rows(connection, Person, people)
    await copy_rows(connection, Organization, organizations)
    await copy_rows(connection, Appointment, appointments)
    doors = households(district)
    await copy_rows(connection, Household, doors)
    await copy_rows(connection, Person, residents_of(district, residents))
    await copy_rows(connection, Residence, residences(district, doors))
    district.rules = rule_rows(datetime.now(UTC) - timedelta(days=400))
    await copy_rows(connection, Category, category_rows())
    await copy_rows(connection, HandlingRule, district.rules)
