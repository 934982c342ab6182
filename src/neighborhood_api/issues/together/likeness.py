"""How likely two reports are about the same thing."""

import re
from datetime import timedelta

LOOKED_BACK = timedelta(days=30)
"""Older reports are not offered as duplicates; the project's own choice."""
NEAR_METRES = 300.0
"""Farther away is another place; the project's own choice."""
LIKELY = 0.35
"""From here on a report is offered as a likely duplicate; tuned by hand on real texts."""

_SAME_LANE = 0.7
_WEIGHT_OF_WORDS = 0.6
_WEIGHT_OF_PLACE = 0.25
_WEIGHT_OF_CATEGORY = 0.15
_NOISE = re.compile(r"[\W_]+")
_FILLING = str.maketrans(
    "", "", "的了吗呢吧啊呀在是和与及很都也就还被把请我们你您他她它这那个有没"
)
"""Signs that say little about the matter."""


def likeness_of_words(one: str, other: str) -> float:
    """Return how many two-sign pieces two texts share: 0 for none, 1 for all."""
    a, b = _pieces(one), _pieces(other)
    if not a or not b:
        return 0.0
    shared = len(a & b)
    return (shared / min(len(a), len(b)) + shared / len(a | b)) / 2


def likelihood(
    words: float, *, metres: float | None, same_lane: bool, same_category: bool
) -> float:
    """Weigh what speaks for the same thing: words, nearness, category; 0 to 1.

    `metres` is None where one of the two has no position; then the lane decides.
    """
    near = _SAME_LANE if same_lane else 0.0
    if metres is not None:
        near = max(0.0, 1.0 - metres / NEAR_METRES)
    category = 1.0 if same_category else 0.0
    return _WEIGHT_OF_WORDS * words + _WEIGHT_OF_PLACE * near + _WEIGHT_OF_CATEGORY * category


def _pieces(text: str) -> set[str]:
    signs = _NOISE.sub("", text.lower()).translate(_FILLING)
    return {signs[n : n + 2] for n in range(len(signs) - 1)}
