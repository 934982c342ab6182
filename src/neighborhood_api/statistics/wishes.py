"""What a caller asks numbers about, as query parameters."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import InstrumentedAttribute, aliased

from neighborhood_api.cases.models import Case
from neighborhood_api.identity.places import Level
from neighborhood_api.issues.models import Issue
from neighborhood_api.statistics.dimensions import Dimension
from neighborhood_api.statistics.facts import Wanted, group_of
from neighborhood_api.statistics.measures import Metric, Part
from neighborhood_api.statistics.models import Fact
from neighborhood_api.statistics.periods import Period, period_of
from neighborhood_api.statistics.scope import Scope

About = aliased(Issue)
"""Beside the one that the facts are read from."""
LIST = "/api/v1/statistics/issues"
"""Where the issues behind a number are listed."""


@dataclass(frozen=True)
class StatisticsWish:
    """Which issues the numbers are about."""

    node_id: Annotated[
        UUID | None,
        Query(description="地点，不填为本人岗位所管 · A place; else all the caller's posts."),
    ] = None
    first_on: Annotated[
        date | None,
        Query(alias="from", description="首日，不填为当月1日 · First day; else of its month."),
    ] = None
    last_on: Annotated[
        date | None,
        Query(alias="to", description="末日，最长400天，不填为今天 · Last day; else today."),
    ] = None
    category: Annotated[
        str | None, Query(description="类别代码 · Category code.", max_length=60)
    ] = None
    group: Annotated[
        str | None, Query(description="类别大类代码 · Code of a group.", max_length=60)
    ] = None
    level: Annotated[
        Level | None,
        Query(description="按地点细分到哪一级：1 街道 … 4 街巷 · By place: to which level."),
    ] = None

    def period(self, *, now: datetime) -> Period:
        """Return the days asked for.

        Raises: PeriodNotUsable.
        """
        return period_of(self.first_on, self.last_on, now=now)

    def wanted(self, scope: Scope, period: Period) -> Wanted:
        """Return the issues that the numbers are about."""
        wanted = scope.wanted(period)
        for text, part in ((self.category, _whole), (self.group, group_of)):
            if text is not None:
                of_case = exists().where(
                    About.case_id == Case.id, part(About.category_code) == text
                )
                wanted = wanted.also(of_case, part(Fact.category_code) == text)
        return wanted

    def link(
        self, period: Period, dimension: Dimension | None = None, key: str | None = None
    ) -> str:
        """Return the address of the issues behind the numbers of one part."""
        given = {
            "node_id": self.node_id,
            "from": period.first_on,
            "to": period.last_on,
            "category": self.category,
            "group": self.group,
            "level": self.level and self.level.value,
            "dimension": dimension and dimension.value,
            "key": key,
        }
        return f"{LIST}?{urlencode({k: v for k, v in given.items() if v is not None})}"


@dataclass(frozen=True)
class BehindWish(StatisticsWish):
    """Which issues behind which number."""

    metric: Annotated[
        Metric,
        Query(description="指标，同统计结果的字段名 · A number, as its field is called."),
    ] = Metric.OPENED
    part: Annotated[
        Part,
        Query(description="of 全部（n）、hits 达到的、misses 未达到的 · All of n, or hits."),
    ] = Part.OF
    dimension: Annotated[
        Dimension | None, Query(description="按什么细分 · Of which breakdown.")
    ] = None
    key: Annotated[
        str | None, Query(description="细分项的 key · Of which part.", max_length=120)
    ] = None


def _whole(code: InstrumentedAttribute[str]) -> ColumnElement[str]:
    return code.expression
