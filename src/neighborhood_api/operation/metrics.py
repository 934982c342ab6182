"""Numbers for Prometheus: those of the API processes, and how much work is waiting."""

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Text, column, func, select, table, text
from typing_extensions import override

from neighborhood_api.kit.outbox import OutboxRow
from neighborhood_api.kit.reads import Query, Reader

_JOBS = table("procrastinate_jobs", column("status"))


class JobCount(NamedTuple):
    """How many jobs are in one state."""

    status: str
    jobs: int


class EventCount(NamedTuple):
    """How many events wait."""

    waiting: int


JOB_COUNTS = Query(
    select(_JOBS.c.status.cast(Text).label("status"), func.count().label("jobs"))
    .where(text("status IN ('todo', 'doing', 'failed')"))
    .group_by(_JOBS.c.status),
    JobCount,
)
EVENT_COUNT = Query(
    select(func.count().label("waiting")).where(OutboxRow.relayed_at.is_(None)), EventCount
)


class Backlog(Collector):
    """How much work is waiting, counted once for one page."""

    def __init__(self, jobs: list[JobCount], events: int) -> None:
        """Keep the counts."""
        self._jobs = jobs
        self._events = events

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the counts as metrics."""
        counted = dict(self._jobs)
        jobs = GaugeMetricFamily("jobs", "Jobs by state.", labels=["state"])
        for state in ("todo", "doing", "failed"):
            jobs.add_metric([state], counted.get(state, 0))
        yield jobs
        yield GaugeMetricFamily(
            "events_waiting", "Events not yet relayed to jobs.", value=self._events
        )


async def backlog(reader: Reader) -> Backlog:
    """Count what is waiting.

    Raises: OSError or asyncpg.PostgresError when the database is away.
    """
    events = await EVENT_COUNT.first(reader)
    return Backlog(await JOB_COUNTS.all(reader), 0 if events is None else events.waiting)


def page(waiting: Backlog | None) -> bytes:
    """Write everything as Prometheus reads it; of all processes where there are several."""
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # a single process
        registry = REGISTRY
    written = generate_latest(registry)
    if waiting is not None:
        once = CollectorRegistry()
        once.register(waiting)
        written += generate_latest(once)
    return written
