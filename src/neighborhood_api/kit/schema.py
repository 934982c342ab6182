"""Bases of request and response bodies; attribute docstrings become API descriptions."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic_core import PydanticUndefined
from typing_extensions import override

SHOWN_ZONE = ZoneInfo("Asia/Shanghai")
"""China has one civil time; instants are stored in UTC and shown with its offset."""


_OFFSET = timezone(timedelta(hours=8))
"""The zone's offset since 1991; a fixed one is faster, and answers are full of moments."""


def _shown(moment: datetime) -> str:
    return moment.astimezone(_OFFSET).isoformat(timespec="seconds")


Moment = Annotated[datetime, PlainSerializer(_shown, return_type=str, when_used="json")]
"""An instant as answers carry it: RFC 3339 with offset, whole seconds (iOS reads no other)."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text that is not only white space; surrounding white space is dropped."""


class In(BaseModel):
    """A request body: unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Whole(In):
    """A request body that replaces something: every field is given, empty ones included.

    What could be left out would be wiped by a front end that does not know of it.
    """

    may_be_left_out: ClassVar[frozenset[str]] = frozenset()
    """Fields that say how to replace it, and are no part of it."""

    @override
    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Take the defaults away that a base gives its fields."""
        for name, field in cls.model_fields.items():
            if name not in cls.may_be_left_out:
                field.default, field.default_factory = PydanticUndefined, None
        cls.model_rebuild(force=True)


class Out(BaseModel):
    """A response body, filled from an object with the same attributes; no field is left out."""

    model_config = ConfigDict(
        from_attributes=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


def named(field: str, names: Mapping[Any, str]) -> Any:  # noqa: ANN401  (a field is any type)
    """Return a field of an answer that tells what the code in an earlier field is called.

    Of no code it is null. So whoever shows the answer needs no table of codes of her own.
    """

    def name(shown: dict[str, Any]) -> str | None:
        return None if shown[field] is None else names[shown[field]]

    return Field(default_factory=name)


class Done(Out):
    """The answer of an action that has nothing else to tell."""

    done: bool = True
