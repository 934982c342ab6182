"""The text by which a guardian agrees; every version that was ever shown stays here.

A version is the day of the text and the digest of its words, so that nobody can have agreed
to other words than those. Never change a file: add one with the day on which it begins.
"""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True)
class ConsentText:
    """One version of the text."""

    version: str
    since: date
    words: str


def _read(path: Path) -> ConsentText:
    words = path.read_text(encoding="utf-8")
    digest = sha256(words.encode()).hexdigest()[:12]
    return ConsentText(f"{path.stem}-{digest}", date.fromisoformat(path.stem), words)


_TEXTS = [_read(path) for path in sorted(Path(__file__).parent.glob("*.txt"))]

CONSENT_TEXTS = {text.version: text for text in _TEXTS}
"""Every version, the oldest first."""
PRESENT = _TEXTS[-1]
"""The one that holds now."""
