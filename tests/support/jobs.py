"""A job's context as the worker gives it."""

from procrastinate import App, JobContext
from procrastinate.jobs import Job
from procrastinate.testing import InMemoryConnector

from neighborhood_api.kit.db import Database


def job_context(database: Database, task: str) -> JobContext:
    """The context of one run of `task` over `database`."""
    return JobContext(
        app=App(connector=InMemoryConnector()),
        job=Job(id=1, queue="default", lock=None, queueing_lock=None, task_name=task),
        start_timestamp=0.0,
        abort_reason=lambda: None,
        additional_context={"database": database},
    )
