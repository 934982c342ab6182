"""Everything that is kept about somebody, made for her and for nobody else."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import select

from neighborhood_api.files.store import fetch
from neighborhood_api.grid.models import Residence
from neighborhood_api.grid.posts.models import Selection
from neighborhood_api.identity.access import Role
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.privacy.exporting import (
    delete_data_exports,
    files_of,
    write_data_export,
)
from neighborhood_api.privacy.models import DataExport
from neighborhood_api.privacy.sections import SECTIONS
from tests.privacy.arranging import (
    ADDRESS,
    CHILD_NAME,
    NAME,
    PICK_UP,
    Traces,
    done,
    own_names,
    traces,
)
from tests.support.clock import Clock
from tests.support.issues import Street
from tests.support.places import Town
from tests.support.posts import appoint
from tests.support.refusals import refused

OF_HERS = {
    "account",
    "sign_ins",
    "residence",
    "past_residences",
    "representing",
    "register",
    "issues",
    "issue_timeline",
    "ratings",
    "files",
    "bookings",
    "booking_history",
    "check_ins",
    "strikes",
    "children",
    "pick_up_persons",
    "feeds",
    "notifications",
    "consents",
    "requests",
    "copies",
    "phone_looks",
    "child_looks",
    "register_looks",
    "register_exports",
    "booking_phone_looks",
    "sign_in_looks",
    "case_work",
    "acts",
}
"""Of what the traces leave something."""


@pytest.fixture
async def her(street: Street, tx: Tx, clock: Clock) -> Traces:
    return await traces(street, tx, now=clock.now)


async def written(app: FastAPI, database: Database, tx: Tx, clock: Clock) -> DataExport:
    export = (await tx.scalars(select(DataExport))).one()
    for _ in range(2):  # a job may run again
        await write_data_export(
            database, app.state.store, export.id, kept_days=7, now=clock.now
        )
    await tx.refresh(export)
    return export


async def test_a_copy_holds_every_domain_to_read_and_to_take_along(
    app: FastAPI,
    her: Traces,
    town: Town,
    http: AsyncClient,
    tx: Tx,
    rolled_back: Database,
    clock: Clock,
) -> None:
    held = await appoint(tx, town.at(1, 1, 1), Role.GRID_WORKER, her.caller.person_id)
    held.ended_at = clock.now
    told: dict[str, Any] = {"votes_for": 31, "votes_cast": 40, "note": "居民代表会议推选"}
    chosen: dict[str, Any] = {"appointment_id": held.id, "kind": "elected"}
    chosen |= {"decided_on": held.starts_on, "recorded_at": clock.now}
    tx.add(Selection(**chosen, **told))
    home = await tx.get_one(Residence, her.caller.person_id)
    home.refused_at, home.refused_by_id, home.refusal = clock.now, held.person_id, "查无此人"
    await tx.commit()
    await own_names(tx, town)
    export = await written(app, rolled_back, tx, clock)
    shown = (await her.caller.get(f"/me/data-exports/{export.id}")).json()
    assert shown["state"] == "done"
    listed = (await her.caller.get("/me/data-exports")).json()["items"]
    assert [(one["id"], one["json_url"]) for one in listed] == [
        (shown["id"], shown["json_url"])
    ]
    answer = await http.get(shown["json_url"].removeprefix("/api/v1"))
    assert answer.status_code == 200
    copy = json.loads(answer.content)
    assert list(copy["data"]) == [section.name for section in SECTIONS]
    of_hers = OF_HERS | {"appointments", "selections"}
    assert {name for name, rows in copy["data"].items() if rows} == of_hers
    (shown_choice,) = copy["data"]["selections"]
    assert {name: shown_choice[name] for name in told} == told
    (lives,) = copy["data"]["residence"]
    assert (lives["refusal"], lives["refused_at"] is None) == ("查无此人", False)
    account = next(one for one in copy["data"]["account"] if one["name"] == NAME)
    assert (account["phone"], account["wechat_openid"]) == (her.phone, her.openid)
    assert copy["data"]["pick_up_persons"][0]["phone"] == her.pick_up_phone
    look = copy["data"]["phone_looks"][0]
    assert (look["role"], look["role_name"]) == ("lane_chief", "邻长")
    answer = await http.get(shown["html_url"].removeprefix("/api/v1"))
    page = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for text in (NAME, CHILD_NAME, PICK_UP, ADDRESS, her.phone, "我的诉求", "邻长"):
        assert text in page
    assert "巷长" not in page
    for code, name in (("closed", "已结案"), ("no_show", "未到")):
        assert f"<td>{code}</td>" not in page
        assert f"<td>{name}</td>" in page
    assert "http" not in page.lower().replace("http-equiv", "")


async def test_a_copy_shows_no_note_that_is_for_staff_alone(
    app: FastAPI, street: Street, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    issue_id = await street.accepted(text="<script>alert(1)</script>")
    await street.done(street.chief, issue_id, "comment", text="此人难缠", internal=True)
    await street.done(street.chief, issue_id, "resolve", text="已办")
    await done(street.reporter, "/me/data-export")
    export = await written(app, rolled_back, tx, clock)
    shown = (await street.reporter.get(f"/me/data-exports/{export.id}")).json()
    for url in (shown["json_url"], shown["html_url"]):
        text = (await street.reporter.get(url.removeprefix("/api/v1"))).text
        assert "已办" in text
        assert "此人难缠" not in text
        assert url == shown["json_url"] or "<script" not in text


async def test_files_lie_locked_and_are_gone_after_some_days(
    app: FastAPI, her: Traces, http: AsyncClient, tx: Tx, rolled_back: Database, clock: Clock
) -> None:
    export = await written(app, rolled_back, tx, clock)
    key = export.storage_key
    assert key is not None
    for name in files_of(key):
        locked = await fetch(app.state.store, name)
        assert locked is not None
        assert NAME.encode() not in locked
    url = (await her.caller.get(f"/me/data-exports/{export.id}")).json()["json_url"]
    clock.forward(minutes=11)
    refused(await http.get(url.removeprefix("/api/v1")), 410, "copy_link_expired")
    clock.forward(days=7)
    for expected in (1, 0):
        deleted = await delete_data_exports(rolled_back, app.state.store, now=clock.now)
        assert deleted == expected
    assert [await fetch(app.state.store, name) for name in files_of(key)] == [None, None]
    shown = (await her.caller.get(f"/me/data-exports/{export.id}")).json()
    assert (shown["json_url"], shown["html_url"]) == (None, None)
    tx.expunge_all()
    assert (await tx.get_one(DataExport, export.id)).secret is None


async def test_a_copy_is_for_its_person_alone(
    app: FastAPI,
    street: Street,
    http: AsyncClient,
    tx: Tx,
    rolled_back: Database,
    clock: Clock,
) -> None:
    asked = await done(street.reporter, "/me/data-export")
    refused(await street.reporter.post("/me/data-export"), 409, "data_export_under_way")
    path = f"/me/data-exports/{asked['id']}"
    for other in (street.chief, street.leader):
        refused(await other.get(path), 404, "data_export_not_found")
        assert (await other.get("/me/data-exports")).json()["items"] == []
    await written(app, rolled_back, tx, clock)
    url = (await street.reporter.get(path)).json()["json_url"].removeprefix("/api/v1")
    html = url.replace("format=json", "format=html")
    refused(await http.get(html), 403, "copy_link_invalid")
    later = clock.now + timedelta(days=1)
    forged = re.sub(r"expires=\d+", f"expires={int(later.timestamp())}", url)
    assert (await http.get(forged)).status_code == 403
