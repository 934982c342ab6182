"""Files for the town, brought over the API; the jobs are run by hand."""

import csv
from datetime import datetime
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET
from zipfile import ZipFile

from httpx import Response

from neighborhood_api.files.store import Store
from neighborhood_api.imports import working
from neighborhood_api.kit.db import Database
from tests.support.people import Caller
from tests.support.places import Town

WHERE = ("街道", "社区", "网格", "街巷")
_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LIMITS = working.limits_of(10)


def doors(*lanes: tuple[int, ...], door: str = "88号", use: str = "自住") -> bytes:
    """Households at lanes of the town, named as offices do."""
    written = StringIO()
    lines = csv.writer(written)
    lines.writerow([*WHERE, "门牌号", "房屋用途"])
    for path in lanes:
        words = ("街道", "社区", "网格", "巷")
        names = [f"{number}号{word}" for number, word in zip(path, words, strict=True)]
        lines.writerow([*names, door, use])
    return written.getvalue().encode("utf-8-sig")


async def bring(caller: Caller, town: Town, *path: int, content: bytes) -> Response:
    """Upload one file for a place of the town."""
    return await caller.post(
        "/imports",
        data={"node_id": str(town.at(*path).id)},
        files=[("files", ("住户.csv", content, "text/csv"))],
    )


async def checked(
    database: Database,
    store: Store,
    caller: Caller,
    town: Town,
    *path: int,
    content: bytes,
    now: datetime,
) -> dict[str, Any]:
    """Upload a file and try it."""
    answer = await bring(caller, town, *path, content=content)
    assert answer.status_code == 200, answer.text
    import_id = answer.json()["id"]
    await working.run_check(database, store, UUID(import_id), limits=LIMITS, now=now)
    return await shown(caller, import_id)


async def shown(caller: Caller, import_id: str) -> dict[str, Any]:
    answer = await caller.get(f"/imports/{import_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def sheets_of(content: bytes) -> list[list[list[str]]]:
    """The cells of every sheet as texts; formulas would fail."""
    with ZipFile(BytesIO(content)) as book:
        names = [n for n in book.namelist() if n.startswith("xl/worksheets/sheet")]
        roots = [ET.fromstring(book.read(name)) for name in sorted(names)]  # noqa: S314
    assert not any(list(root.iter(f"{_NS}f")) for root in roots)
    return [
        [["".join(c.itertext()) for c in row.iter(f"{_NS}c")] for row in root.iter(f"{_NS}row")]
        for root in roots
    ]
