"""What Pydantic finds wrong is said in Chinese, for every kind that our schemas can meet."""

import re
from datetime import date, datetime, time
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastapi import FastAPI
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from neighborhood_api.kit.messages import explain
from neighborhood_api.kit.schema import In, Line

GENERAL = "内容不符合要求"


class Colour(Enum):
    """Two."""

    RED = "red"
    BLUE = "blue"


class Small(BaseModel):
    """A model in a model."""

    model_config = ConfigDict(extra="forbid")
    a: int


KINDS: list[tuple[Any, Any, str, str]] = [
    (Line, " ", "string_too_short", "至少要 1 个字"),
    (Annotated[str, Field(max_length=3)], "四个字呢", "string_too_long", "最多 3 个字"),
    (str, 1, "string_type", "应为文字"),
    (Annotated[str, Field(pattern="^1$")], "2", "string_pattern_mismatch", "格式不正确"),
    (Annotated[list[int], Field(min_length=2)], [1], "too_short", "至少要 2 项"),
    (Annotated[list[int], Field(max_length=1)], [1, 2], "too_long", "最多 1 项"),
    (Annotated[int, Field(ge=1)], 0, "greater_than_equal", "不能小于 1"),
    (Annotated[int, Field(gt=1)], 1, "greater_than", "应大于 1"),
    (Annotated[int, Field(le=5)], 6, "less_than_equal", "不能大于 5"),
    (Annotated[float, Field(lt=5)], 5, "less_than", "应小于 5.0"),
    (int, "x", "int_parsing", "应为整数"),
    (int, [], "int_type", "应为整数"),
    (int, 1.5, "int_from_float", "应为整数"),
    (int, "9" * 5000, "int_parsing_size", "数字太大"),
    (float, "x", "float_parsing", "应为数字"),
    (float, [], "float_type", "应为数字"),
    (Annotated[float, Field(allow_inf_nan=False)], "nan", "finite_number", "应为有限的数字"),
    (bool, "x", "bool_parsing", "应为 true 或 false"),
    (bool, [], "bool_type", "应为 true 或 false"),
    (UUID, "x", "uuid_parsing", "编号格式不正确"),
    (UUID, 1, "uuid_type", "编号格式不正确"),
    (Colour, "green", "enum", "应为以下之一:'red' or 'blue'"),
    (Literal["a"], "b", "literal_error", "应为以下之一:'a'"),
    (datetime, "x", "datetime_from_date_parsing", "时间格式应如 2026-11-22T10:00:00+08:00"),
    (datetime, [], "datetime_type", "时间格式应如 2026-11-22T10:00:00+08:00"),
    (AwareDatetime, "2026-11-22T10:00:00", "timezone_aware", "时间要带时区，如 "),
    (date, "x", "date_from_datetime_parsing", "日期格式应如 2026-11-22"),
    (date, "2026-11-22T10:00:00", "date_from_datetime_inexact", "日期格式应如 2026-11-22"),
    (date, [], "date_type", "日期格式应如 2026-11-22"),
    (time, "x", "time_parsing", "时刻格式应如 09:30"),
    (time, [], "time_type", "时刻格式应如 09:30"),
    (list[int], "x", "list_type", "应为列表"),
    (dict[str, int], "x", "dict_type", "应为对象"),
    (Small, "x", "model_type", "应为对象"),
    (Small, {}, "missing", "必填"),
    (Small, {"a": 1, "b": 2}, "extra_forbidden", "没有这一项，请检查名称"),
    (None, 1, "none_required", "应为空"),
]


@pytest.mark.parametrize(
    ("kind", "value", "code", "sentence"), KINDS, ids=[k[2] for k in KINDS]
)
def test_each_kind_has_its_sentence(kind: Any, value: Any, code: str, sentence: str) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    (error,) = caught.value.errors()
    assert error["type"] == code
    assert explain(error).startswith(sentence)
    assert "{" not in explain(error)


def test_a_sentence_of_our_own_is_passed_on() -> None:
    def odd(value: int) -> int:
        if value % 2 == 0:
            raise ValueError("只收单数")
        return value

    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Annotated[int, AfterValidator(odd)]).validate_python(2)
    assert explain(caught.value.errors()[0]) == "只收单数"


def test_an_unknown_kind_gets_a_general_sentence() -> None:
    assert explain({"type": "something_new", "ctx": {"a": 1}}) == GENERAL


def kinds_met_by(schema: Any) -> set[str]:  # noqa: ANN401
    """The error kinds that a core schema can raise, by the names of its types."""
    found: set[str] = set()
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            found.add(schema["type"])
        for part in schema.values():
            found |= kinds_met_by(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            found |= kinds_met_by(part)
    return found


SHAPES = {
    "str": "string_type",
    "int": "int_type",
    "float": "float_type",
    "bool": "bool_type",
    "uuid": "uuid_type",
    "datetime": "datetime_type",
    "date": "date_type",
    "time": "time_type",
    "list": "list_type",
    "tuple": "tuple_type",
    "set": "set_type",
    "dict": "dict_type",
    "enum": "enum",
    "literal": "literal_error",
}
NO_SHAPES = re.compile(
    r"model|nullable|default|function|definition|any|lax|json|chain|union|is-instance|none|info"
)


def test_no_schema_of_ours_has_a_shape_without_a_sentence(app: FastAPI) -> None:
    assert app.routes  # building it has imported every schema
    bodies = In.__subclasses__()
    assert len(bodies) > 10
    for body in bodies:
        for shape in kinds_met_by(body.__pydantic_core_schema__):
            if NO_SHAPES.search(shape):
                continue
            code = SHAPES[shape]
            error = {"type": code, "ctx": {"expected": "x"}}
            assert explain(error) != GENERAL, (body, shape)
