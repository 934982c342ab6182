"""How numbers are shown."""

from typing import Any

from neighborhood_api.statistics.dimensions import NOWHERE
from neighborhood_api.statistics.exclusions import ExclusionRow
from neighborhood_api.statistics.measures import MEASURES, Kind, Metric
from neighborhood_api.statistics.schemas import (
    ExclusionOut,
    ExclusionState,
    FiguresOut,
    FormulaOut,
    MinutesOut,
    RateOut,
)
from neighborhood_api.statistics.tallies import Figure, Figures
from neighborhood_api.statistics.weights import InForce, score


def figures_view(figures: Figures, weights: InForce) -> FiguresOut:
    """Show every number, and the score that the three rates make."""
    shown: dict[str, Any] = {
        metric.value: _shown(MEASURES[metric].kind, figure)
        for metric, figure in figures.items()
    }
    three = (Metric.RESPONSE, Metric.SOLUTION, Metric.SATISFACTION)
    return FiguresOut(**shown, score=score(weights, *(exact(figures[one]) for one in three)))


def exact(figure: Figure) -> float | None:
    """Return a rate unrounded, None where there is nothing to judge."""
    return None if not figure.n or figure.hits is None else figure.hits / figure.n


def key_text(key: object) -> str:
    """Write the key of a part as links carry it."""
    return NOWHERE if key is None else str(key)


def formulae_view() -> list[FormulaOut]:
    """Show how every number is made."""
    return [
        FormulaOut(
            metric=metric,
            kind=measure.kind,
            name=measure.name,
            definition=measure.chinese,
            definition_en=measure.english,
        )
        for metric, measure in MEASURES.items()
    ]


def exclusion_view(row: ExclusionRow) -> ExclusionOut:
    """Show a request about the assessment of an issue."""
    state = ExclusionState(row.decision or ExclusionState.PENDING)
    return ExclusionOut.model_validate(row._asdict() | {"state": state})


def _shown(kind: Kind, figure: Figure) -> int | RateOut | MinutesOut:
    match kind:
        case Kind.COUNT:
            return figure.n
        case Kind.RATE:
            rate = exact(figure)
            rounded = None if rate is None else round(rate, 4)
            return RateOut(hits=figure.hits or 0, n=figure.n, rate=rounded)
        case Kind.MINUTES:
            p50, p80, p90 = (
                (round(one, 1) for one in figure.percentiles)
                if figure.percentiles is not None
                else (None, None, None)
            )
            return MinutesOut(n=figure.n, p50=p50, p80=p80, p90=p90)
