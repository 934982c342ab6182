"""Whoever shows an answer finds what its codes are called beside them, in Chinese."""

import re
import sys
from enum import Enum
from typing import Any

from fastapi import FastAPI

from neighborhood_api.cases.workflow import State
from neighborhood_api.issues.workflow import ISSUE

CODES = re.compile(r"(.*_)?(state|status|kind|outcome|role|channel|purpose|colour|occupancy)")
CALLED_ELSEWHERE = {
    "FindingOut.kind": "by `name`",
    "FormulaOut.kind": "how a number is made, for programs",
    "NamedPostOut.role": "by the district's names of posts",
    "PostOut.role": "by the district's names of posts",
    "ReadinessOut.status": "for programs",
    "RoleNameOut.role": "by `name`",
    "SlotOut.state": "by `reason`, which says more",
}

TABLES = (".names", ".schemas", ".choosing")


def test_a_code_in_an_answer_has_its_name_beside_it(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    bare, named = set(), 0
    for model, schema in schemas.items():
        fields = schema.get("properties", {})
        for field, shape in fields.items():
            if not (model.endswith("Out") and CODES.fullmatch(field)):
                continue
            if any("enum" in one for one in _shapes(shape, schemas)):
                named += 1
                if f"{field}_name" not in fields:
                    bare.add(f"{model}.{field}")
    assert bare == CALLED_ELSEWHERE.keys()
    assert named > 60


def test_every_table_of_names_has_every_code(app: FastAPI) -> None:
    del app  # has read every module
    tables = {
        f"{at}.{name}": table
        for at, module in list(sys.modules.items())
        if at.startswith("neighborhood_api.")
        and at.endswith((".names", ".schemas", ".choosing"))
        for name, table in vars(module).items()
        if name.endswith("_NAMES") and isinstance(table, dict)
    }
    complete = 0
    assert set(ISSUE.names) == set(State)
    for name, table in tables.items():
        kinds = {type(code) for code in table}
        if len(kinds) == 1 and issubclass(kind := kinds.pop(), Enum):
            assert set(table) == set(kind), name
            complete += 1
    assert complete > 20


def _shapes(shape: Any, schemas: dict[str, Any]) -> list[Any]:  # noqa: ANN401
    one = schemas.get(shape.get("$ref", "").rsplit("/", 1)[-1], shape)
    return [
        one,
        *(part for other in shape.get("anyOf", ()) for part in _shapes(other, schemas)),
    ]
