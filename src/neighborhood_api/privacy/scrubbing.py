"""Taking somebody out of free texts, wherever they lie.

A number, a WeChat id and the like tell by themselves who is meant, and are looked for in every
text of the database. Names and addresses mean others elsewhere; they are taken out of the texts
of what was hers: her issues and bookings, and what was told about them.

Tables are found by the models, not by a list, so that a later one is not forgotten. Each is
gone through once, in a transaction of its own; all of it is safe to repeat.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import structlog
from pydantic import BaseModel
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Table,
    Text,
    Uuid,
    cast,
    column,
    or_,
    select,
    table,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.types import String

from neighborhood_api.cases.models import Case
from neighborhood_api.files import store as blobs
from neighborhood_api.files.store import Store
from neighborhood_api.issues.models import Issue
from neighborhood_api.issues.worklists.words import words_vector
from neighborhood_api.kit.db import Database, Model, Tx
from neighborhood_api.kit.sealing import Sealed
from neighborhood_api.kit.trail import kinds, withhold
from neighborhood_api.privacy.holdings import NOT_ABOUT_PEOPLE
from neighborhood_api.privacy.models import Scrubbing
from neighborhood_api.registrations.models import Registration

log = structlog.get_logger(__name__)

GONE = "（已删除）"
HIDDEN_NUMBER = "*" * 11
SHORTEST_NAME = 2
SHORTEST_ADDRESS = 4
"""Signs; shorter ones, such as 1号, stand for many things in a text."""
_PUBLIC_NUMBERS = {"duty_phone", "stand_in_phone"}
_GAP = "[ 　－·.-]{0,2}"
_WIDE = {str(digit): f"[{digit}{chr(ord('０') + digit)}]" for digit in range(10)}

Clean: TypeAlias = Callable[[str], str]
_JOBS = table("procrastinate_jobs", column("id", BigInteger), column("args", JSONB))


class Sought(BaseModel):
    """What is looked for, and where."""

    phones: list[str] = []
    marks: list[str] = []
    """Other texts that mean nobody else, such as WeChat's id."""
    names: list[str] = []
    """Names and addresses, looked for in what was hers alone."""
    person_ids: list[UUID] = []
    case_ids: list[UUID] = []
    registration_ids: list[UUID] = []
    subject_ids: list[UUID] = []
    """Of other things that were hers, such as children."""
    keys: list[str] = []
    """What is to be deleted from the store of files."""

    @property
    def everywhere(self) -> str | None:
        """What is looked for everywhere, as a pattern that PostgreSQL and Python read alike."""
        numbers = [_GAP.join(_WIDE[digit] for digit in phone) for phone in self.phones]
        parts = [*numbers, *(_literal(mark) for mark in self.marks)]
        return "|".join(parts) or None

    @property
    def hers(self) -> str | None:
        """What is looked for in the texts of what was hers, longest first."""
        return (
            "|".join(_literal(one) for one in sorted(self.names, key=len, reverse=True)) or None
        )


def worth_seeking(names: list[str | None], addresses: list[str | None]) -> list[str]:
    """Return the names and addresses that are long enough to mean somebody."""
    found = {name for name in names if name and len(name) >= SHORTEST_NAME}
    found |= {one for one in addresses if one and len(one) >= SHORTEST_ADDRESS}
    return sorted(found)


async def ask_for_scrubbing(tx: Tx, sought: Sought, *, now: datetime) -> UUID:
    """Have texts and files gone through when the transaction has ended."""
    row = Scrubbing(asked_at=now, sought=sought.model_dump_json())
    tx.add(row)
    await tx.flush()
    return row.id


async def scrub(database: Database, store: Store, scrubbing_id: UUID, *, now: datetime) -> int:
    """Take somebody out of all texts, and her files out of the store; return how many rows.

    Raises: FileStoreUnavailable.
    """
    async with database.transaction() as tx:
        row = await tx.get(Scrubbing, scrubbing_id)
        if row is None:
            return 0
        sought = Sought.model_validate_json(row.sought)
    await blobs.delete(store, *sought.keys)
    changed = 0
    for place in _places():
        async with database.transaction() as tx:
            changed += await _scrub_table(tx, place, sought, now=now)
    async with database.transaction() as tx:
        changed += await _scrub_jobs(tx, sought)
        done = await tx.get(Scrubbing, scrubbing_id, with_for_update=True)
        if done is not None:
            await tx.delete(done)
    log.info("texts_scrubbed", rows=changed, files=len(sought.keys))
    return changed


@dataclass(frozen=True)
class _Place:
    """A table with texts."""

    model: type[Model]
    table: Table
    texts: tuple[Column[Any], ...]
    kept: frozenset[str]
    """Columns that the audit trail covers, other than free texts."""
    withheld: frozenset[str]
    """Free texts that the audit trail covers."""


def _places() -> Iterator[_Place]:
    by_table = {kind.table: kind for kind in kinds().values()}
    for mapper in Model.registry.mappers:
        model: type[Model] = mapper.class_
        where = mapper.local_table
        if not isinstance(where, Table) or where.name in NOT_ABOUT_PEOPLE:
            continue
        kind = by_table.get(model)
        kept = frozenset(() if kind is None else set(kind.columns) - set(kind.texts))
        texts = tuple(one for one in where.c if is_text(one) and one.name not in kept)
        if texts and model is not Scrubbing:
            withheld = frozenset(() if kind is None else kind.texts)
            yield _Place(model, where, texts, kept, withheld)


def is_text(one: Column[Any]) -> bool:
    """Tell whether people's words may stand in a column, in clear."""
    kind = one.type
    if isinstance(kind, Sealed | TSVECTOR | Uuid) or one.computed is not None:
        return False
    if isinstance(kind, ARRAY):
        return isinstance(kind.item_type, String)
    # Keys are ids and codes; whatever refers to them would lose them.
    return (
        isinstance(kind, String | JSON | JSONB) and not one.primary_key and not one.foreign_keys
    )


async def _scrub_table(tx: Tx, place: _Place, sought: Sought, *, now: datetime) -> int:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    keys = tuple(place.table.primary_key.columns)
    searches = [
        (sought.everywhere, _open_to(place.table, now)),
        (sought.hers, _was_hers(place.table, sought)),
    ]
    for pattern, whose in searches:
        if pattern is None or whose is None:
            continue
        clean = cleaner(pattern, sought)
        held = or_(*(cast(one, Text).op("~")(pattern) for one in place.texts))
        rows = select(*keys, *place.texts).where(held)
        for row in await tx.execute(rows.where(whose)):
            key, values = tuple(row[: len(keys)]), row[len(keys) :]
            before = found.setdefault(key, {})
            for one, value in zip(place.texts, values, strict=True):
                now_there = before.get(one.name, value)
                cleaned = cleaned_value(now_there, clean)
                if cleaned != value:
                    before[one.name] = cleaned
    for key, changes in found.items():
        await _change(tx, place, key, changes, now=now)
    return len(found)


def _open_to(where: Table, now: datetime) -> ColumnElement[bool]:
    """Hold for the rows in which a number goes: not where it is one that residents call now."""
    if not _PUBLIC_NUMBERS & set(where.c.keys()):
        return true()
    if "ended_at" in where.c:  # a post, or a leave with who stands in
        return where.c.ended_at.is_not(None)
    return or_(where.c.ends_at <= now, where.c.cancelled_at.is_not(None))  # a shift


async def _change(
    tx: Tx, place: _Place, key: tuple[Any, ...], changes: dict[str, Any], *, now: datetime
) -> None:
    """Write the cleaned texts of a row, those under the audit trail as the trail allows it."""
    free = {name: value for name, value in changes.items() if name not in place.withheld}
    if free:
        keys = place.table.primary_key.columns
        mine = (one == value for one, value in zip(keys, key, strict=True))
        await tx.execute(update(place.table).where(*mine).values(**free))
    held = {name: value for name, value in changes.items() if name in place.withheld}
    if held:
        row = await tx.get_one(place.model, key, populate_existing=True)
        await withhold(tx, row, held, now=now)
    if place.model is Issue:
        await find_anew(tx, key[0])


async def find_anew(tx: Tx, case_id: UUID) -> None:
    """Write down anew by which words an issue is found."""
    words = select(
        Issue.text, Issue.location, Case.code, Issue.caller_name, Case.street_id
    ).join(Case, Case.id == Issue.case_id)
    row = (await tx.execute(words.where(Issue.case_id == case_id))).one()
    vector = words_vector(*row[:4], street_id=row[4])
    await tx.execute(update(Issue).where(Issue.case_id == case_id).values(words=vector))


async def _scrub_jobs(tx: Tx, sought: Sought) -> int:
    """Clean what jobs were given; it should be ids alone."""
    if sought.everywhere is None:
        return 0
    held = cast(_JOBS.c.args, Text).op("~")(sought.everywhere)
    rows = (await tx.execute(select(_JOBS.c.id, _JOBS.c.args).where(held))).all()
    clean = cleaner(sought.everywhere, sought)
    for job_id, args in rows:
        changed = update(_JOBS).where(_JOBS.c.id == job_id)
        await tx.execute(changed.values(args=cleaned_value(args, clean)))
    return len(rows)


def _was_hers(where: Table, sought: Sought) -> ColumnElement[bool] | None:
    """Hold for the rows of a table that belong to her, or to something of hers."""
    persons = sought.person_ids
    cases = select(Case.id).where(
        or_(Case.reporter_id.in_(persons), Case.id.in_(sought.case_ids))
    )
    registrations = select(Registration.id).where(
        or_(Registration.person_id.in_(persons), Registration.id.in_(sought.registration_ids))
    )
    by_target: dict[str, Any] = {
        "person.id": persons,
        "case_file.id": cases,
        "issue.case_id": cases,
        "registration.id": registrations,
    }
    mine: list[ColumnElement[bool]] = [
        one.in_(by_target[key.target_fullname])
        for one in where.c
        for key in one.foreign_keys
        if key.target_fullname in by_target
    ]
    if where.name == "registration":
        mine.append(where.c.id.in_(registrations))
    if where.name == "notification":
        subjects = (where.c.subject_id.in_(cases), where.c.subject_id.in_(registrations))
        mine += [*subjects, where.c.subject_id.in_(sought.subject_ids)]
    if where.name == "notification_delivery":
        told = Model.metadata.tables["notification"]
        about = _was_hers(told, sought)
        mine.append(where.c.notification_id.in_(select(told.c.id).where(about)))  # type: ignore[arg-type]
    return or_(*mine) if mine else None


def cleaner(pattern: str, sought: Sought) -> Clean:
    """Return what takes everything that a pattern fits out of a text."""
    numbers = re.compile("|".join(_GAP.join(_WIDE[d] for d in one) for one in sought.phones))
    everything = re.compile(pattern)

    def replacement(match: re.Match[str]) -> str:
        number = bool(sought.phones) and numbers.fullmatch(match.group()) is not None
        return HIDDEN_NUMBER if number else GONE

    return lambda text: everything.sub(replacement, text)


def cleaned_value(value: Any, clean: Clean) -> Any:  # noqa: ANN401  (whatever a column holds)
    """Return a value with all texts in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned_value(one, clean) for one in value]
    if isinstance(value, dict):
        return {name: cleaned_value(one, clean) for name, one in value.items()}
    return value


def _literal(text: str) -> str:
    """Return a pattern that fits a text itself, for PostgreSQL and for Python."""
    return "".join(sign if sign.isalnum() else f"\\{sign}" for sign in text)
