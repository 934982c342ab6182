"""Reads what the demonstration's office keeps: its registers, rosters, texts and boundaries.

As in `place`, everybody is invented, and no number can reach anyone. Days are counted back from
the day on which the district is loaded, so that some entries are always stale.
"""

import json
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass as checked

from neighborhood_api.demo.place import STRICT, checked_rows, rows_of, text_of

Relation = Literal["户主", "配偶", "子", "女", "孙女", "亲属", "租客"]
Establishment = Literal["shop", "company", "institution", "school", "property"]
Care = Literal[
    "empty_nest", "living_alone", "disabled", "child_in_need", "low_income", "serious_illness"
]  # fmt: skip


@checked(frozen=True, kw_only=True, config=STRICT)
class RegisteredRow:
    """Somebody whom the register of people knows."""

    household_key: str
    name: str
    relation: Relation
    birth_year: int
    moved_in_on: date
    head: bool = False
    phone: str | None = None
    verified_days_ago: int | None = None


@checked(frozen=True, kw_only=True, config=STRICT)
class CareRow:
    """Somebody of the register who needs special care."""

    household_key: str
    name: str
    kind: Care
    since_on: date
    note: str


@checked(frozen=True, kw_only=True, config=STRICT)
class EstablishmentRow:
    """A shop, school or office at a lane or grid."""

    node_code: str
    name: str
    kind: Establishment
    address: str
    contact_name: str
    contact_phone: str
    verified_days_ago: int | None = None


@checked(frozen=True, kw_only=True, config=STRICT)
class LayerNodeRow:
    """A node of the second layer, who answers for it, and for which lanes."""

    code: str
    name: str
    parent_code: str | None = None
    holder_key: str | None = None
    duty_phone: str | None = None
    lane_codes: str = ""
    """With 、 between."""


@checked(frozen=True, kw_only=True, config=STRICT)
class ShiftRow:
    """A shift of a roster that comes back every week (weekday 1 = Monday, local time)."""

    node_code: str
    person_key: str
    weekday: Annotated[int, Field(ge=1, le=7)]
    begins: time
    minutes: int


@checked(frozen=True, kw_only=True, config=STRICT)
class ConsentTextRow:
    """A version of a text that people are asked to agree to, and who did."""

    kind: str
    version: str
    title: str
    text: str
    needed: bool
    published_days_ago: int
    agreed_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Records:
    """Everything that the office keeps beside the tree and its people."""

    registered: tuple[RegisteredRow, ...]
    care: tuple[CareRow, ...]
    establishments: tuple[EstablishmentRow, ...]
    layer: tuple[LayerNodeRow, ...]
    shifts: tuple[ShiftRow, ...]
    texts: tuple[ConsentTextRow, ...]
    boundaries: tuple[dict[str, Any], ...]
    """Features of GeoJSON, WGS-84."""


def load_records() -> Records:
    """Read every data file and check the type of every field.

    Raises:
        pydantic.ValidationError: A file holds a field its row does not know or cannot read.
    """
    return Records(
        registered=rows_of("register", RegisteredRow),
        care=rows_of("care", CareRow),
        establishments=rows_of("establishments", EstablishmentRow),
        layer=rows_of("layer", LayerNodeRow),
        shifts=rows_of("shifts", ShiftRow),
        texts=checked_rows(ConsentTextRow, json.loads(text_of("consents.json"))),
        boundaries=tuple(json.loads(text_of("boundaries.json"))["features"]),
    )
