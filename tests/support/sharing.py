"""Which tests run in one process when several run them."""

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

TOGETHER = {
    "tests/demo/": "demo",
    "tests/committed/test_import_races": "programs",
    "tests/committed/test_killed_": "programs",
    "tests/committed/test_rotating_": "programs",
}
"""How files begin that share something slow: the loaded demo, the server programs fork from."""


class ByWhatTheyShare(LoadFileScheduling):  # type: ignore[misc]
    """A file each, or all files that share."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (name for start, name in TOGETHER.items() if nodeid.startswith(start))
        return next(shared, None) or str(super()._split_scope(nodeid))
