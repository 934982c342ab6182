"""The public board: rates of a street or community, no persons, nothing about few issues."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import and_

from neighborhood_api.cases.models import Case
from neighborhood_api.grid.models import Node
from neighborhood_api.grid.service import current_node
from neighborhood_api.identity.places import COLUMNS, Level
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.problems import Problem
from neighborhood_api.statistics.counting import count_cases
from neighborhood_api.statistics.facts import Wanted
from neighborhood_api.statistics.measures import Metric
from neighborhood_api.statistics.models import Fact
from neighborhood_api.statistics.periods import Period
from neighborhood_api.statistics.schemas import PublicRateOut, PublicStatisticsOut
from neighborhood_api.statistics.tallies import Figure

FEWEST = 5
"""Fewer issues could be told apart by those who live there; the project's own choice."""
BOARDS = (Level.STREET, Level.COMMUNITY)


class NoBoardHere(Problem):
    """Only streets and communities have a public board."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Only streets and communities have a public board"
    message = "只公布街道和社区的统计，请选择街道或社区"


async def read_board(
    tx: ReadTx, node_id: UUID, period: Period, *, now: datetime
) -> PublicStatisticsOut:
    """Show how a street or community did in a month, as far as nobody can be told from it.

    Raises: NodeNotFound, NoBoardHere.
    """
    node: Node = await current_node(tx, node_id, now=now)
    if node.level not in BOARDS:
        raise NoBoardHere
    column = COLUMNS[node.level]
    here = Wanted(
        and_(
            getattr(Case, column) == node.id,
            Case.kind == ISSUE.kind,
            ~Case.confidential,
            period.holds(Case.opened_at),
        ),
        and_(getattr(Fact, column) == node.id, period.holds(Fact.opened_at)),
    )
    figures = await count_cases(tx, here, now=now)
    opened = figures[Metric.OPENED].n
    return PublicStatisticsOut(
        node_id=node.id,
        node_name=node.name,
        first_on=period.first_on,
        last_on=period.last_on,
        opened=opened if opened >= FEWEST else None,
        response=_rate(figures[Metric.RESPONSE]),
        solution=_rate(figures[Metric.SOLUTION]),
        satisfaction=_rate(figures[Metric.SATISFACTION]),
        resolution_in_time=_rate(figures[Metric.RESOLUTION_IN_TIME]),
        note=f"不足 {FEWEST} 件的不公布；不含涉密诉求；算法见 /statistics/formulae",
    )


def _rate(figure: Figure) -> PublicRateOut:
    if figure.n < FEWEST:
        return PublicRateOut(percent=None, n=None)
    return PublicRateOut(percent=round(100 * (figure.hits or 0) / figure.n), n=figure.n)
