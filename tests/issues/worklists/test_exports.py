"""Exports: what is in the file, who gets it, and what is left of it."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import select, text, update

from neighborhood_api.files.store import Store, fetch
from neighborhood_api.identity.access import Role
from neighborhood_api.issues.worklists import exports, jobs
from neighborhood_api.issues.worklists.models import IssueExport
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.sheets import harmless
from neighborhood_api.kit.trail import Trail
from tests.support.clock import Clock
from tests.support.issues import Street
from tests.support.jobs import job_context
from tests.support.people import Caller
from tests.support.posts import vacate
from tests.support.refusals import refused

_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheet_of(content: bytes) -> list[list[str]]:
    """The cells of the first sheet as texts; what is a formula would be missing."""
    with ZipFile(BytesIO(content)) as book:
        root = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    assert not list(root.iter(f"{_NS}f"))
    return [
        ["".join(cell.itertext()) for cell in row.iter(f"{_NS}c")]
        for row in root.iter(f"{_NS}row")
    ]


@pytest.fixture
def store(app: FastAPI) -> Store:
    kept: Store = app.state.store
    return kept


async def ask(caller: Caller, **wish: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await caller.post("/staff/exports", json={"filter": wish})
    assert answer.status_code == 200, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


async def written(
    database: Database, store: Store, caller: Caller, export_id: str, *, now: datetime
) -> dict[str, Any]:
    await exports.write_export(database, store, UUID(export_id), now=now)
    shown: dict[str, Any] = (await caller.get(f"/staff/exports/{export_id}")).json()
    return shown


async def test_the_file_has_exactly_what_its_owner_sees(
    street: Street, tx: Tx, rolled_back: Database, store: Store, http: AsyncClient, clock: Clock
) -> None:
    harm = "=HYPERLINK(1) 打13712345678找我"
    mine = await street.reported(text=harm, location="+3号楼")
    await street.reported(lane_id=str(street.town.at(1, 1, 1, 2).id))
    await street.reported(category_code="staff.conduct")
    asked = await ask(street.chief)
    assert (asked["state"], asked["percent"], asked["rows_total"]) == ("queued", 0, 1)
    assert asked["url"] is None
    jobs = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name")
    job = jobs.bindparams(name="issues.export_issues")
    assert await tx.scalar(job) == 1
    done = await written(rolled_back, store, street.chief, asked["id"], now=clock.now)
    assert (done["state"], done["percent"], done["rows_done"]) == ("done", 100, 1)
    file = await http.get(done["url"].removeprefix("/api/v1"))
    assert file.status_code == 200
    assert file.headers["content-disposition"].startswith("attachment")
    head, row = sheet_of(file.content)
    code = (await street.chief.get(f"/issues/{mine}")).json()["code"]
    assert head[0] == "编号"
    assert row[0] == code
    assert row[3] == "'=HYPERLINK(1) 打137******78找我"
    assert "'+3号楼" in row
    assert "13712345678" not in "".join(row)


async def test_each_export_is_on_the_audit_trail_and_stays_there(
    street: Street, tx: Tx, rolled_back: Database, store: Store, clock: Clock
) -> None:
    asked = await ask(street.leader, box="below", text="垃圾")
    await written(rolled_back, store, street.leader, asked["id"], now=clock.now)
    export_id = UUID(asked["id"])
    trail = select(Trail.kind).where(Trail.subject_id == export_id)
    assert await tx.scalar(trail) == "issue_export/1"
    later = clock.now + timedelta(hours=25)
    await exports.delete_exports(rolled_back, store, now=later)
    kept = await tx.get_one(IssueExport, export_id)
    assert kept.person_id == street.leader.person_id
    assert kept.filter == {"box": "below", "text": "垃圾"}


async def test_the_file_is_gone_after_a_day(
    street: Street, tx: Tx, rolled_back: Database, store: Store, http: AsyncClient, clock: Clock
) -> None:
    await street.reported()
    asked = await ask(street.chief)
    done = await written(rolled_back, store, street.chief, asked["id"], now=clock.now)
    key = await tx.scalar(
        select(IssueExport.storage_key).where(IssueExport.id == UUID(asked["id"]))
    )
    assert key is not None
    assert await fetch(store, key) is not None
    clock.forward(hours=23)
    assert await exports.delete_exports(rolled_back, store, now=clock.now) == 0
    again = (await street.chief.get(f"/staff/exports/{asked['id']}")).json()
    refused(await http.get(done["url"].removeprefix("/api/v1")), 410, "download_link_expired")
    assert (await http.get(again["url"].removeprefix("/api/v1"))).status_code == 200
    clock.forward(hours=2)
    assert await exports.delete_exports(rolled_back, store, now=clock.now) == 1
    assert await fetch(store, key) is None
    assert (await street.chief.get(f"/staff/exports/{asked['id']}")).json()["url"] is None
    assert await exports.delete_exports(rolled_back, store, now=clock.now) == 0


async def test_links_are_good_for_what_they_were_made_for(
    street: Street, rolled_back: Database, store: Store, http: AsyncClient, clock: Clock
) -> None:
    asked = await ask(street.chief)
    done = await written(rolled_back, store, street.chief, asked["id"], now=clock.now)
    url = done["url"].removeprefix("/api/v1")
    other = await ask(street.leader)
    for bad in (
        url[:-2],
        url.replace("expires=1", "expires=2"),
        url.replace(asked["id"], other["id"]),
    ):
        refused(await http.get(bad), 403, "download_link_invalid")
    refused(await street.leader.get(f"/staff/exports/{asked['id']}"), 404, "export_not_found")


async def test_only_one_export_at_a_time(
    street: Street, tx: Tx, rolled_back: Database, store: Store, clock: Clock
) -> None:
    first = await ask(street.chief)
    again = await street.chief.post("/staff/exports", json={})
    refused(again, 409, "export_under_way")
    await written(rolled_back, store, street.chief, first["id"], now=clock.now)
    second = await ask(street.chief)
    stuck = update(IssueExport).where(IssueExport.id == UUID(second["id"]))
    await tx.execute(stuck.values(requested_at=clock.now - timedelta(hours=4)))
    await tx.commit()
    await exports.delete_exports(rolled_back, store, now=clock.now)
    failed = (await street.chief.get(f"/staff/exports/{second['id']}")).json()
    assert (failed["state"], failed["problem"]) == ("failed", "internal_error")
    await ask(street.chief)
    refused(await street.reporter.post("/staff/exports", json={}), 403, "forbidden")


async def test_an_export_that_is_too_large_is_refused_by_name(
    street: Street,
    rolled_back: Database,
    store: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await street.reported()
    asked = await ask(street.chief)
    await street.reported()
    monkeypatch.setattr(exports, "MOST_ROWS", 1)
    refused(await street.leader.post("/staff/exports", json={}), 422, "export_too_large")
    failed = await written(rolled_back, store, street.chief, asked["id"], now=clock.now)
    assert (failed["state"], failed["problem"]) == ("failed", "export_too_large")
    assert failed["message"] == exports.ExportTooLarge.message


async def test_the_job_goes_by_the_posts_that_are_held_when_it_runs(
    street: Street, tx: Tx, rolled_back: Database, store: Store
) -> None:
    await street.reported()
    worker = await street.staff(Role.LANE_CHIEF, 1, 1, 1, 1)
    asked = await ask(worker)
    await vacate(tx, street.town.at(1, 1, 1, 1))
    await tx.commit()
    failed = await written(rolled_back, store, worker, asked["id"], now=datetime.now(UTC))
    assert (failed["state"], failed["problem"]) == ("failed", "forbidden")


async def test_an_export_that_was_cut_off_begins_anew(
    street: Street,
    tx: Tx,
    rolled_back: Database,
    store: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(5):
        await street.reported()
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    asked = await ask(street.chief)
    export_id = UUID(asked["id"])
    pages = 0

    async def killed(*_: object) -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise KeyboardInterrupt
        await note(rolled_back, export_id, 2 * pages)

    note = exports._note  # noqa: SLF001
    monkeypatch.setattr(exports, "_note", killed)
    with pytest.raises(KeyboardInterrupt):
        await exports.write_export(rolled_back, store, export_id, now=clock.now)
    half = (await street.chief.get(f"/staff/exports/{asked['id']}")).json()
    assert (half["state"], half["rows_done"], half["percent"]) == ("running", 2, 40)
    monkeypatch.setattr(exports, "_note", note)
    done = await written(rolled_back, store, street.chief, asked["id"], now=clock.now)
    assert (done["state"], done["rows_done"]) == ("done", 5)
    key = await tx.scalar(select(IssueExport.storage_key).where(IssueExport.id == export_id))
    content = await fetch(store, key or "")
    assert content is not None
    codes = [row[0] for row in sheet_of(content)[1:]]
    assert len(codes) == len(set(codes)) == 5
    await exports.write_export(rolled_back, store, export_id, now=clock.now)  # once more
    assert (await street.chief.get(f"/staff/exports/{asked['id']}")).json()["rows_done"] == 5


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"])
def test_no_text_begins_like_a_formula(sign: str) -> None:
    assert harmless(f"{sign}1+1") == f"'{sign}1+1"
    assert harmless(f"1{sign}1") == f"1{sign}1"


async def test_what_a_killed_worker_left_is_swept_but_not_what_is_being_written(
    rolled_back: Database, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    now = datetime.now(UTC)
    names = "neighborhood-export-left", "neighborhood-export-now", "somebody-elses"
    left, written_now, other = (tmp_path / name for name in names)
    for folder in (left, written_now, other):
        folder.mkdir()
        (folder / "issues.xlsx").write_bytes(b"PK")
    for folder, hours in ((left, 4), (written_now, 2), (other, 4)):
        moment = (now - timedelta(hours=hours)).timestamp()
        os.utime(folder, (moment, moment))

    context = job_context(rolled_back, "issues.delete_exports")
    context.additional_context["store"] = store
    await jobs.delete_exports(context, timestamp=0)
    assert [folder.exists() for folder in (left, written_now, other)] == [False, True, True]
