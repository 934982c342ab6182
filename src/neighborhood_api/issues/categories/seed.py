"""The categories and default rules that the project brings along.

`data/categories.csv` names what residents report; `data/rules.csv` holds the few ways in which
all of it is handled, each with the reason for its limits. They are defaults, not a norm: a
district changes them over the API, and what it changed is never overwritten.
"""

import csv
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass as checked
from sqlalchemy.dialects.postgresql import insert

from neighborhood_api.issues.categories.models import Category, HandlingRule
from neighborhood_api.issues.categories.schemas import RuleBody
from neighborhood_api.issues.categories.service import columns_of_rule
from neighborhood_api.kit.db import Tx
from neighborhood_api.kit.ids import new_id
from neighborhood_api.kit.trail import trail_of

STRICT = ConfigDict(extra="forbid")
"""A column nobody reads is a mistake in the file."""
_STEP = 10
"""Positions leave room for a district's own categories in between."""


@checked(frozen=True, kw_only=True, config=STRICT)
class CategorySeed:
    """A category, and which of the rules it is handled by."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    name: str
    group_name: str
    rule: str
    standard_code: str = Field(pattern=r"^\d{6}$")
    """Nearest leaf of the Guangdong taxonomy. Source: DB44/T 2479-2024, appendix A."""
    standard_name: str
    """What the standard calls that leaf, so that the choice can be checked by reading."""
    hint: str
    aliases: tuple[str, ...]

    @property
    def group_code(self) -> str:
        """The first part of the code."""
        return self.code.split(".", maxsplit=1)[0]


@cache
def category_seeds() -> tuple[CategorySeed, ...]:
    """Return the categories, in the order to show them."""
    rows = [row | {"aliases": row["aliases"].split("|")} for row in _rows("categories")]
    return TypeAdapter(tuple[CategorySeed, ...]).validate_python(rows)


@cache
def rule_seeds() -> dict[str, tuple[RuleBody, str]]:
    """Return each default rule by its key, with the reason for its limits."""
    return {row["key"]: (_rule(row), row["reason"]) for row in _rows("rules")}


async def load_categories(tx: Tx, *, now: datetime) -> int:
    """Add the categories and default rules that are missing; return how many rows that were.

    Safe to repeat and to race: what is there stays as it is, edited or not.
    """
    # Rows beside the statement, not in it: it is built once then, at a tenth of the cost.
    categories = insert(Category).on_conflict_do_nothing().returning(Category.code)
    added = (await tx.execute(categories, category_rows())).all()
    rules = insert(HandlingRule).on_conflict_do_nothing().returning(HandlingRule)
    ruled = (await tx.scalars(rules, rule_rows(now))).all()
    tx.add_all(map(trail_of, ruled))
    await tx.flush()
    return len(added) + len(ruled)


def category_rows() -> list[dict[str, Any]]:
    """Return the categories as rows."""
    return [
        {
            "code": seed.code,
            "name": seed.name,
            "group_code": seed.group_code,
            "group_name": seed.group_name,
            "position": n * _STEP,
            "aliases": list(seed.aliases),
            "hint": seed.hint,
            "standard_code": seed.standard_code,
            "active": True,
            "version": 1,
        }
        for n, seed in enumerate(category_seeds(), start=1)
    ]


def rule_rows(now: datetime) -> list[dict[str, Any]]:
    """Return each category's default rule as a row, in its first version."""
    rules = rule_seeds()
    return [
        {
            "id": new_id(),
            "category_code": seed.code,
            "version": 1,
            "created_at": now,
            "reason": rules[seed.rule][1],
        }
        | columns_of_rule(rules[seed.rule][0])
        for seed in category_seeds()
    ]


def _rule(row: dict[str, str]) -> RuleBody:
    given: dict[str, Any] = {
        name: cell for name, cell in row.items() if name not in {"key", "reason"}
    }
    for name in ("respond", "resolve", "verify"):
        given[name] = {
            "clock": given.pop(f"{name}_clock"),
            "amount": given.pop(f"{name}_amount"),
        }
    for name in ("evidence", "reopen_by"):
        given[name] = given[name].split("|")
    return RuleBody.model_validate(given | {"department_ids": []})


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath("data", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
