"""Which categories a text seems to be about, judged by how people say things."""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from neighborhood_api.issues.categories.queries import CategoryRow

MOST = 5
_PAIR_WEIGHT = 0.25
"""Two characters in common with name or hint; an alias of two characters weighs 4."""
_FEWEST_PAIRS = 2
"""Without any alias, so many pairs in common make a candidate."""


class Suggestion(NamedTuple):
    """A candidate, and the words that led to it."""

    category: CategoryRow
    matched: list[str]
    weight: float


def suggest(text: str, categories: Sequence[CategoryRow]) -> list[Suggestion]:
    """Return the likeliest categories, the best first; equal ones stay in their order."""
    said = _plain(text)
    pairs = _pairs(said)
    found = [one for category in categories if (one := _weigh(said, pairs, category))]
    return sorted(found, key=lambda one: -one.weight)[:MOST]


def _weigh(said: str, pairs: set[str], category: CategoryRow) -> Suggestion | None:
    """Add up the squared lengths of what was found, so that longer and rarer words win."""
    matched = _found(said, [category.name, *category.aliases])
    known = _pairs(_plain(category.name)) | _pairs(_plain(category.hint or ""))
    common = len(pairs & known)
    if not matched and common < _FEWEST_PAIRS:
        return None
    weight = sum(len(term) ** 2 for term in matched) + _PAIR_WEIGHT * common
    return Suggestion(category, matched, weight)


def _found(said: str, terms: Iterable[str]) -> list[str]:
    """Return the terms that occur, without those that are only part of a longer one."""
    left, found = said, []
    for term in sorted({_plain(term) for term in terms}, key=lambda term: (-len(term), term)):
        if term and term in left:
            found.append(term)
            left = left.replace(term, "\n")
    return found


def _plain(text: str) -> str:
    """Write a text without what people vary: width, case, spaces."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def _pairs(text: str) -> set[str]:
    return {a + b for a, b in pairwise(text) if a.isalnum() and b.isalnum()}
