"""Run as a program: read files, and say what came of each and how much memory it took so far.

Arguments are pairs of a file and how many times larger a part of it may become, so that what
is refused is refused for another reason. Files that need less memory come first.
"""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from neighborhood_api.imports.reading.book import read_tables
from neighborhood_api.imports.reading.problems import UnreadableTable
from neighborhood_api.imports.reading.tables import DEFAULT_LIMITS, Table

MEGABYTE = 1024


def most_memory() -> int:
    """The most that this program ever held; `getrusage` counts what started it too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    assert found is not None
    return int(found[1])


def read(path: Path, inflation: int) -> dict[str, Any]:
    rows = faults = 0
    refused = detail = None
    limits = replace(DEFAULT_LIMITS, inflation=inflation)
    try:
        for found in read_tables(path, path.name, limits=limits):
            if isinstance(found, Table):
                for row in found.rows:
                    rows += 1
                    faults += len(row.faults)
    except UnreadableTable as problem:
        refused, detail = problem.code(), problem.detail
    return {"rows": rows, "faults": faults, "refused": refused, "detail": detail}


def main(files: list[str]) -> None:
    before = most_memory()
    said = {}
    for path, inflation in zip(files[::2], files[1::2], strict=True):
        told = read(Path(path), int(inflation))
        after = most_memory()
        said[Path(path).stem] = told | {"megabytes": (after - before) // MEGABYTE}
    print(json.dumps(said))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
