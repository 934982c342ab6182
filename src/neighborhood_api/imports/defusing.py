"""Texts that begin like a formula: made harmless on the way out, and restored on the way in."""

from neighborhood_api.kit.sheets import FORMULAS

_QUOTE = "'"


def defused(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; `restored` gives it back.

    A text that looks as if it had been defused before gets one more quotation mark, so that
    every text comes back as it was.
    """
    return _QUOTE + text if text.lstrip(_QUOTE).startswith(FORMULAS) else text


def restored(text: str) -> str:
    """Return the text that `defused` was given."""
    was_defused = text.startswith(_QUOTE) and text.lstrip(_QUOTE).startswith(FORMULAS)
    return text[1:] if was_defused else text
