"""Searching Chinese without a dictionary: texts and queries as pairs of neighbouring signs.

Whatever is two signs or longer and stands in a text is found, at whatever place it is cut out.
Words in other scripts and numbers are found whole, in either case and either width.
"""

import re
import unicodedata
from collections.abc import Iterator
from uuid import UUID

_CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"([{_CHINESE}]+)|([^\W_{_CHINESE}]+)")
LONGEST_WORD = 64
"""Signs of a word that count; nobody tells longer ones apart."""


def words_vector(*texts: str | None, street_id: UUID | None = None) -> str:
    """Return what a text is found by, as PostgreSQL reads a `tsvector`.

    The street goes in as a word of its own, so that a search in one street does not go
    through the matches of all others.
    """
    words = {word for text in texts if text for word in _words(text)}
    if street_id is not None:
        words.add(_street(street_id))
    return " ".join(f"'{word}'" for word in sorted(words))


def words_query(text: str, *, street_ids: frozenset[UUID] | None = None) -> str | None:
    """Return a query for texts that hold all of `text`, as PostgreSQL reads a `tsquery`.

    With `street_ids` only theirs are found. None for a text without a word.
    """
    wanted: dict[str, None] = {}
    for chinese, other in _runs(text):
        if len(chinese) == 1:
            wanted[f"'{chinese}':*"] = None
        for pair in _pairs(chinese):
            wanted[f"'{pair}'"] = None
        if other:
            wanted[f"'{other[:LONGEST_WORD]}'"] = None
    if not wanted:
        return None
    if street_ids:
        streets = " | ".join(f"'{_street(one)}'" for one in sorted(street_ids))
        wanted[f"({streets})"] = None
    return " & ".join(wanted)


def _words(text: str) -> Iterator[str]:
    for chinese, other in _runs(text):
        yield from _pairs(chinese)
        if chinese:
            yield chinese[-1]  # begins no pair, and is looked for by its prefix
        if other:
            yield other[:LONGEST_WORD]


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Give the runs of Chinese signs and the other words, each with the other part empty."""
    for match in _RUNS.finditer(unicodedata.normalize("NFKC", text).casefold()):
        yield match.group(1) or "", match.group(2) or ""


def _pairs(run: str) -> list[str]:
    return [run[n : n + 2] for n in range(len(run) - 1)]


def _street(street_id: UUID) -> str:
    """Return the word of a street; no text has one with this sign."""
    return f"#{street_id.hex}"
