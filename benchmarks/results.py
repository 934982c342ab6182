"""`results.json`: each part of the measurements has its own entry, and leaves the others."""

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("results.json")
PARTS = ("worklist", "statistics", "booking", "imports", "county")
"""What is kept beside the figures of the requests."""


def kept() -> dict[str, Any]:
    """Return everything that was measured before."""
    return json.loads(PATH.read_text()) if PATH.exists() else {}


def keep(**parts: Any) -> None:  # noqa: ANN401  (whatever JSON holds)
    """Write the figures of some parts."""
    text = json.dumps(kept() | parts, ensure_ascii=False, indent=2)
    PATH.write_text(text + "\n")
