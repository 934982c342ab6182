"""Run as a program: read a file, and say what came of it and how much memory it took.

The second argument is how many times larger a part may become, so that what is refused
is refused for another reason.
"""

import json
import resource
import sys
from dataclasses import replace
from pathlib import Path

from neighborhood_api.imports.reading.book import read_tables
from neighborhood_api.imports.reading.problems import UnreadableTable
from neighborhood_api.imports.reading.tables import DEFAULT_LIMITS, Table

MEGABYTE = 1024


def main(path: Path, inflation: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
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
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = {
        "rows": rows,
        "faults": faults,
        "refused": refused,
        "detail": detail,
        "megabytes": (after - before) // MEGABYTE,
    }
    print(json.dumps(said))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
