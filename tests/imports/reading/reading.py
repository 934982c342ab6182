"""Reading whole files in tests."""

from io import BytesIO
from typing import BinaryIO

from neighborhood_api.imports.reading.book import read_tables
from neighborhood_api.imports.reading.tables import (
    DEFAULT_LIMITS,
    Field,
    Kind,
    Limits,
    Row,
    Skipped,
    Table,
)


def read_all(
    file: bytes | BinaryIO,
    name: str = "表.xlsx",
    *,
    limits: Limits = DEFAULT_LIMITS,
    kinds: dict[str, Kind] | None = None,
) -> list[tuple[Table, list[Row]] | Skipped]:
    source = BytesIO(file) if isinstance(file, bytes) else file
    return [
        (found, list(found.rows)) if isinstance(found, Table) else found
        for found in read_tables(source, name, limits=limits, kinds=kinds)
    ]


def read_one(
    file: bytes | BinaryIO, name: str = "表.xlsx", *, limits: Limits = DEFAULT_LIMITS
) -> tuple[Table, list[Row]]:
    tables = [
        found for found in read_all(file, name, limits=limits) if isinstance(found, tuple)
    ]
    assert len(tables) == 1
    return tables[0]


def values_of(rows: list[Row]) -> list[dict[Field, str]]:
    assert not [fault for row in rows for fault in row.faults]
    return [dict(row.values) for row in rows]
