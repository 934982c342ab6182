"""Which tests run in one process when several run them."""

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

TOGETHER = ("tests/demo/",)
"""Folders whose files share a fixture that is slow to make."""


class ByWhatTheyShare(LoadFileScheduling):  # type: ignore[misc]
    """A file each, or a whole folder that shares."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((one for one in TOGETHER if nodeid.startswith(one)), None)
        return folder or str(super()._split_scope(nodeid))
