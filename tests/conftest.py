"""How a run goes; what the tests share is in `tests/support/fixtures.py`.

Nothing here imports the application: the process that only shares the tests out to others
would take seconds for it before those can begin.
"""

import gc
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from tests.support.postgres import scratch_database

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop

SERVER = pytest.StashKey[str]()
# Where one folder is run, its own `conftest.py` imports them before they are a plugin.
pytest.register_assert_rewrite("tests.support.fixtures")
# httpx asks for it with every request, and Python searches everywhere for what is not there.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Make ready what tests share, where tests run."""
    if hasattr(config, "workerinput") or not getattr(config.option, "tx", None):
        config.pluginmanager.import_plugin("tests.support.fixtures")
    # What a failed test shows beside its answer. As people read it, a line costs a statement.
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """Test in the event loop that serves: `serving.until_signal` takes the same."""
    return {"serving": new_event_loop}


def pytest_collection_finish() -> None:
    """Collect garbage less often: what the run has loaded by now stays to its end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401  (xdist's WorkerController)
    """Start the one server of a parallel run; each of its processes calls this once."""
    stash: pytest.Stash = node.config.stash
    if SERVER not in stash:
        running = scratch_database()
        stash[SERVER] = running.__enter__()
        node.config.add_cleanup(lambda: running.__exit__(None, None, None))
    node.workerinput["server"] = stash[SERVER]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401
    """Where files are shared out, keep those together that share what is slow to make."""
    from tests.support.sharing import ByWhatTheyShare  # noqa: PLC0415  (xdist may be missing)

    return ByWhatTheyShare(config, log) if config.option.dist == "loadfile" else None
