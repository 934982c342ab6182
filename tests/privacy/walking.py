"""Searching the whole database, and everything on disk, for what tells who somebody is."""

import base64
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import text

from neighborhood_api.kit.db import ReadTx
from neighborhood_api.kit.sealing import Sealed, SealedUnreadable, seals
from neighborhood_api.tables import METADATA

Hits = set[tuple[str, str]]
"""Tables and columns."""
ABOUTS = sorted(
    {
        column.type.about
        for table in METADATA.tables.values()
        for column in table.c
        if isinstance(column.type, Sealed)
    }
)
SEALED = re.compile(r"s1\.[0-9a-f]{8}\.[A-Za-z0-9_=-]+")


async def hits(tx: ReadTx, needles: Iterable[str]) -> Hits:
    """Every column of the database in which one of the needles lies, sealed or not."""
    wanted = list(needles)
    tables = await tx.scalars(
        text(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    )
    found: Hits = set()
    for table in tables.all():
        for row in (await tx.execute(text(f'SELECT * FROM "{table}"'))).mappings():  # noqa: S608
            for name, value in row.items():
                if value is not None and holds(value, wanted):
                    found.add((table, name))
    return found


def holds(value: object, needles: list[str]) -> bool:
    """Tell whether a value says one of the needles, in whatever form."""
    if isinstance(value, bytes):
        forms = [value.decode(errors="ignore")]
    else:
        shown = str(value)
        forms = [shown, re.sub(r"[ \-]", "", shown), *opened(shown)]
    return any(needle in form for form in forms for needle in needles)


def opened(shown: str) -> Iterator[str]:
    """Open whatever is sealed in a text."""
    for sealed in SEALED.findall(shown):
        for about in ABOUTS:
            try:
                yield seals().open(sealed, about)
            except SealedUnreadable:
                continue


def files_that_say(folder: Path, needles: Iterable[str]) -> list[Path]:
    """Every file on disk in which one of the needles stands."""
    raw = [needle.encode() for needle in needles]
    raw += [base64.b64encode(one) for one in raw]
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(one in path.read_bytes() for one in raw)
    ]
