"""What an administrative change changed: each row before and after, gathered by the session.

A table that is administered says so once, with `audited`; whatever a transaction changes in
such tables is then part of the next act that it records (`kit.acts.record_act`). Numbers, ids,
days and flags are always told; texts only where the table names them, so that nobody's name,
phone or address comes into a record that is never deleted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    DeclarativeBase,
    LoaderCallableStatus,
    Mapper,
    Session,
    UOWTransaction,
)

MOST_ROWS = 50
"""Rows told with one act; of more it is told how many there were."""
_KEY, _TOLD = "neighborhood_api.changes", "neighborhood_api.changes_told"
_PLAIN = (bool, int, float, Decimal, UUID, datetime, date, time, Enum, type(None))
_UNSEEN = (LoaderCallableStatus.NO_VALUE, LoaderCallableStatus.PASSIVE_NO_RESULT)
_audited: dict[type[Any], frozenset[str]] = {}


@dataclass
class Change:
    """A row, and the columns that changed."""

    table: str
    id: str
    before: dict[str, Any] | None = field(default_factory=dict)
    """None where the row is new."""
    after: dict[str, Any] | None = field(default_factory=dict)
    """None where the row was deleted."""

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"table": self.table, "id": self.id, "before": self.before, "after": self.after}


Changes = dict[tuple[str, str], Change]


def audited(table: type[DeclarativeBase], *texts: str) -> None:
    """Have changes of a table told with the acts that make them, and these of its texts."""
    unknown = set(texts) - set(table.__table__.c.keys())
    if unknown:
        raise TypeError(f"{table.__name__} has no {', '.join(sorted(unknown))}")
    _audited[table] = frozenset(texts)


def audited_tables() -> dict[type[Any], frozenset[str]]:
    """Return the tables whose changes are told, and which of their texts."""
    return dict(_audited)


def take_changes(session: AsyncSession) -> list[dict[str, Any]]:
    """Return what the transaction has changed since it was asked last."""
    sync = session.sync_session
    before: dict[tuple[str, str], Change] = sync.info.setdefault(_TOLD, {})
    _gather(sync, told=before)
    found: Changes = sync.info.pop(_KEY, {})
    new = {key: one for key, one in found.items() if before.get(key) != one}
    before |= new  # what waits to be written is gathered again when it is
    told = [one.told() for one in new.values() if one.before != one.after]
    if len(told) <= MOST_ROWS:
        return told
    return [*told[:MOST_ROWS], {"more": len(told) - MOST_ROWS}]


@event.listens_for(Session, "before_flush")
def _before_flush(session: Session, _: UOWTransaction, __: object) -> None:
    _gather(session)


@event.listens_for(Session, "after_rollback")
def _after_rollback(session: Session) -> None:
    for key in (_KEY, _TOLD):
        session.info.pop(key, None)


def _gather(session: Session, *, told: Changes | None = None) -> None:
    """Note what is about to be written, before the values until now are forgotten.

    New rows that were `told` before they are written are looked at again when they are.
    """
    for row, texts in _audited_of(session.dirty):  # the first are told where there are too many
        _add(_known(session, _named(row)), inspect(row), texts)
    for row, texts in _audited_of(session.deleted):
        change = _known(session, _named(row))
        change.before, change.after = dict(_values(row, texts)), None
    for row, texts in _audited_of(session.new):
        key = _named(row)
        if told is None or key not in told:
            change = _known(session, key)
            change.before, change.after = None, dict(_values(row, texts))


def _audited_of(rows: Iterable[object]) -> Iterator[tuple[Any, frozenset[str]]]:
    for row in rows:
        texts = _audited.get(type(row))
        if texts is not None:
            yield row, texts


def _named(row: Any) -> tuple[str, str]:  # noqa: ANN401
    return row.__tablename__, "/".join(map(str, _key_of(row)))


def _known(session: Session, key: tuple[str, str]) -> Change:
    known: Changes = session.info.setdefault(_KEY, {})
    return known.setdefault(key, Change(*key))


def _add(change: Change, state: Any, texts: frozenset[str]) -> None:  # noqa: ANN401
    """Add the attributes that changed; what was noted as being before stays."""
    for name in _columns(state.mapper):
        history = state.attrs[name].history
        if not history.has_changes():
            continue
        old = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if name == "version" or not (_may(name, old, texts) and _may(name, new, texts)):
            continue
        if change.before is not None:
            change.before.setdefault(name, _written(old))
        if change.after is not None:
            change.after[name] = _written(new)


def _values(row: Any, texts: frozenset[str]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    for name in _columns(inspect(type(row))):
        value = row.__dict__.get(name)
        if value is not None and name != "version" and _may(name, value, texts):
            yield name, _written(value)


def _columns(mapper: Mapper[Any]) -> list[str]:
    return [attribute.key for attribute in mapper.column_attrs]


def _may(name: str, value: object, texts: frozenset[str]) -> bool:
    return name in texts or isinstance(value, _PLAIN) or value in _UNSEEN


def _key_of(row: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return tuple(row.__dict__.get(column.key) for column in inspect(type(row)).primary_key)


def _written(value: Any) -> Any:  # noqa: ANN401  (whatever a column holds)
    """Write a value as JSON."""
    if isinstance(value, bool | int | float | str | None):
        return value
    if isinstance(value, list | tuple):
        return [_written(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _written(one) for key, one in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)
