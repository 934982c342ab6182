"""Bases of request and response bodies; attribute docstrings become API descriptions."""

from datetime import datetime, timedelta, timezone
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints

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


class Out(BaseModel):
    """A response body, filled from an object with the same attributes."""

    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True)


class Done(Out):
    """The answer of an action that has nothing else to tell."""

    done: bool = True
