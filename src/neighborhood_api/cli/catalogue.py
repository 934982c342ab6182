"""The published list of events, made from the code alone."""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import StringConstraints
from pydantic.fields import FieldInfo

import neighborhood_api.app
import neighborhood_api.worker
from neighborhood_api.cases.events import CaseMoved
from neighborhood_api.issues.announcements import ANNOUNCEMENTS
from neighborhood_api.issues.workflow import ISSUE
from neighborhood_api.kit.outbox import Event

EVENTS_PATH = Path("docs/events.md")
DOMAINS = (neighborhood_api.app, neighborhood_api.worker)
"""What imports every domain, so that all of their events are known."""

_HEAD = """# Events · 事件

<!-- Made by `neighborhood-api export-events`. -->

每件事发生时，与它的改动在同一事务中写入一条事件；提交后至少送达一次，可能重复，先后不保证。事件只带编号、
代码、数字、是否和时间，不带姓名、电话和文字；详情凭编号按权限查询。

Every event is written in the transaction of the change that it reports, and delivered at least
once after the commit: perhaps twice, and in no certain order. It carries ids, codes, numbers,
yes or no, and times; never names, phone numbers or texts. Whoever needs more asks the API for
it, and gets what she may see.

"""
_MOVES = """## Moves of an issue · 诉求的每一步

每一步恰好一条事件，内容相同。One event for each move, all with the same payload:

{fields}

| Event · 事件 | 中文 | English |
| --- | --- | --- |
"""
_KINDS: dict[Any, str] = {
    UUID: "id",
    bool: "true or false",
    int: "number",
    float: "number",
    datetime: "time",
    date: "day",
}


def all_events() -> list[type[Event]]:
    """Return every kind of event of the project, by name."""
    ours = [
        one
        for one in _below(Event)
        if one.__module__.startswith("neighborhood_api.") and "name" in vars(one)
    ]  # without a name it only says what others have in common
    return sorted(ours, key=lambda one: one.name)


def catalogue() -> str:
    """Return the list of events as Markdown."""
    parts = [_HEAD, _MOVES.format(fields=_list_of(CaseMoved))]
    for move, name in ISSUE.announced.items():
        chinese, english = ANNOUNCEMENTS[move]
        parts.append(f"| `{name}` | {chinese} | {english} |\n")
    domain = ""
    for event in all_events():
        if event is CaseMoved:
            continue
        if event.name.split(".")[0] != domain:
            domain = event.name.split(".")[0]
            parts.append(f"\n## {domain}\n")
        english = " ".join((event.__doc__ or "").split())
        parts.append(f"\n### `{event.name}`\n\n{event.chinese}{english}\n\n")
        parts.append(_list_of(event) + "\n")
    return "".join(parts)


def kind_of(annotation: Any, field: FieldInfo | None = None) -> str:  # noqa: ANN401
    """Say what a field holds.

    Raises: TypeError for what an event must not carry, such as words.
    """
    coded = [one for one in (field.metadata if field else ()) if _is_code(one)]
    if annotation is str and coded:
        return "code"
    if annotation in _KINDS:
        return _KINDS[annotation]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list of {kind_of(parts[0])}"
    if origin in {Union, UnionType}:
        known = [kind_of(part) for part in parts if part is not NoneType]
        return " or ".join([*known, "null"] if NoneType in parts else known)
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    raise TypeError(f"an event must not carry {annotation}")


def _is_code(constraint: object) -> bool:
    pattern = constraint.pattern if isinstance(constraint, StringConstraints) else None
    return pattern is not None or getattr(constraint, "pattern", None) is not None


def _below(event: type[Event]) -> Iterator[type[Event]]:
    for one in event.__subclasses__():
        yield one
        yield from _below(one)


def _list_of(event: type[Event]) -> str:
    return "\n".join(_line(name, field) for name, field in event.model_fields.items())


def _line(name: str, field: FieldInfo) -> str:
    """Write one field; the moves and states of cases have lists of their own."""
    kind = kind_of(field.annotation, field)
    said = "" if field.description is None else f". {' '.join(field.description.split())}"
    return f"- `{name}`: {kind}{said}"
