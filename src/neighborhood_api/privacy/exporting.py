"""Copies of everything about a person: asked for by her, made by a job, gone after days."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Select, or_, select, update

from neighborhood_api.files import store as blobs
from neighborhood_api.files.links import Links
from neighborhood_api.files.store import Store
from neighborhood_api.identity.access import Actor
from neighborhood_api.identity.models import Person
from neighborhood_api.kit.db import Database, ReadTx, Tx, refusing
from neighborhood_api.kit.jobs import enqueue
from neighborhood_api.kit.outbox import emit
from neighborhood_api.kit.paging import PageRequest
from neighborhood_api.kit.problems import Problem
from neighborhood_api.kit.schema import SHOWN_ZONE
from neighborhood_api.privacy.events import DataExportFinished
from neighborhood_api.privacy.models import DataExport
from neighborhood_api.privacy.pages import page_of
from neighborhood_api.privacy.schemas import DataExportOut, DataExportState
from neighborhood_api.privacy.sections import SECTIONS
from neighborhood_api.privacy.sections.shape import OWN_NAME
from neighborhood_api.privacy.wording import named

LINK_SECONDS = 600
GIVEN_UP = timedelta(hours=3)
"""How long a job may try; a little longer than it does."""
DELETED_AT_ONCE = 200


class CopyFormat(StrEnum):
    """As what a copy is downloaded."""

    JSON = "json"
    HTML = "html"


MEDIA_TYPES = {
    CopyFormat.JSON: "application/json",
    CopyFormat.HTML: "text/html; charset=utf-8",
}


class DataExportUnderWay(Problem):
    """One copy of a person at a time."""

    title = "Your last copy is still being made"
    message = "上一份副本还在生成，请完成后再申请"


class DataExportNotFound(Problem):
    """The id names none of the caller's copies."""

    status = HTTPStatus.NOT_FOUND
    title = "You have no such copy"
    message = "没有找到这份副本"


class DataExportGone(Problem):
    """The file was deleted after some days, or is not there yet."""

    status = HTTPStatus.GONE
    title = "The file of this copy is not there"
    message = "副本已过期删除，请重新申请"


class CopyLinkInvalid(Problem):
    """The link was not made by this API, or was changed."""

    status = HTTPStatus.FORBIDDEN
    title = "The download link is not valid"
    message = "下载链接无效，请重新打开副本记录"


class CopyLinkExpired(Problem):
    """The link was good, and is no longer; reading the copy's state again gives a new one."""

    status = HTTPStatus.GONE
    title = "The download link has expired"
    message = "下载链接已过期，请重新打开副本记录"


async def request_data_export(tx: Tx, actor: Actor, *, now: datetime) -> DataExport:
    """Have a copy made of everything that is kept about the caller.

    Raises: DataExportUnderWay.
    """
    export = DataExport(
        person_id=actor.person_id,
        requested_at=now,
        storage_key=f"copies/{now:%Y/%m/%d}/{uuid4().hex}",
        secret=AESGCM.generate_key(256),
    )
    tx.add(export)
    with refusing({"uq_data_export_under_way": DataExportUnderWay}):
        await tx.flush()
    await enqueue(tx, "privacy.export_data", export_id=str(export.id))
    return export


def data_exports_of(person_id: UUID, page: PageRequest) -> Select[DataExport]:
    """Select a page of a person's copies, newest first."""
    mine = select(DataExport).where(
        DataExport.person_id == person_id, DataExport.id < page.below
    )
    return mine.order_by(DataExport.id.desc()).limit(page.fetch)


async def find_data_export(tx: ReadTx, actor: Actor, export_id: UUID) -> DataExport:
    """Return one of the caller's copies.

    Raises: DataExportNotFound.
    """
    export = await tx.get(DataExport, export_id)
    if export is None or export.person_id != actor.person_id:
        raise DataExportNotFound
    return export


def data_export_view(export: DataExport, links: Links, *, now: datetime) -> DataExportOut:
    """Show how far a copy is, with links to its files while these are there."""
    there = is_there(export, now)
    urls = {
        form: sign_copy(links, export.id, form, now) if there else None for form in CopyFormat
    }
    return DataExportOut(
        id=export.id,
        state=DataExportState(export.state),
        requested_at=export.requested_at,
        expires_at=export.expires_at,
        html_url=urls[CopyFormat.HTML],
        json_url=urls[CopyFormat.JSON],
    )


def is_there(export: DataExport, now: datetime) -> bool:
    """Tell whether the files of a copy can be downloaded."""
    kept = export.expires_at is not None and export.expires_at > now
    return kept and export.storage_key is not None


def sign_copy(links: Links, export_id: UUID, form: CopyFormat, now: datetime) -> str:
    """Return a link to a copy that is good for ten minutes, without signing in."""
    expires = int(now.timestamp()) + LINK_SECONDS
    signature = _signature(links, export_id, form, expires)
    path = f"{links.prefix}/me/data-exports/{export_id}/file"
    return f"{path}?format={form}&expires={expires}&signature={signature}"


@dataclass(frozen=True)
class SignedCopy:
    """What a link to a copy says."""

    export_id: UUID
    form: CopyFormat
    expires: int
    signature: str

    def check(self, links: Links, *, now: datetime) -> None:
        """Refuse a link that we did not make, or whose time is over.

        Raises: CopyLinkInvalid, CopyLinkExpired.
        """
        right = _signature(links, self.export_id, self.form, self.expires)
        if not hmac.compare_digest(right.encode(), self.signature.encode()):
            raise CopyLinkInvalid
        if self.expires <= now.timestamp():
            raise CopyLinkExpired


def _signature(links: Links, export_id: UUID, form: CopyFormat, expires: int) -> str:
    signed = f"data-export\n{export_id}\n{form}\n{expires}".encode()
    digest = hmac.digest(links.secret, signed, sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")


async def ids_of(tx: ReadTx, person_id: UUID) -> list[UUID]:
    """Return the id of a person, and those of all accounts that turned out to be hers."""
    hers = select(Person.id).where(Person.id == person_id).cte("hers", recursive=True)
    merged = select(Person.id).join(hers, Person.merged_into_id == hers.c.id)
    everyone = hers.union(merged)
    return list(await tx.scalars(select(everyone.c.id)))


async def copy_of(tx: ReadTx, person_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """Return everything that is kept about a person, by section."""
    ids = await ids_of(tx, person_id)
    return {
        section.name: [
            _naming_the_post(dict(row))
            for row in (await tx.execute(section.statement(ids))).mappings()
        ]
        for section in SECTIONS
    }


def _naming_the_post(row: dict[str, Any]) -> dict[str, Any]:
    """Fill in what a post is usually called, where its district has no name of its own."""
    if row.get("role") is not None and OWN_NAME in row:
        row[OWN_NAME] = row[OWN_NAME] or named("", "role", row["role"])
    return row


async def write_data_export(
    database: Database, store: Store, export_id: UUID, *, kept_days: int, now: datetime
) -> None:
    """Write the files of a copy, as things stand in one moment; safe to begin anew.

    Raises: FileStoreUnavailable.
    Emits: DataExportFinished.
    """
    async with database.transaction() as tx:
        _ = await tx.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        export = await tx.get(DataExport, export_id)
        if export is None or export.state != "queued":
            return
        key, secret = export.storage_key, export.secret
        if key is None or secret is None:
            return
        copy = await copy_of(tx, export.person_id)
    for form, content in _files(copy, made_at=now).items():
        locked = AESGCM(secret).encrypt(_nonce(form), content, None)
        await blobs.put(store, f"{key}.{form}", locked)
    async with database.transaction() as tx:
        done = await tx.get(DataExport, export_id, with_for_update=True)
        if done is not None and done.state == "queued" and done.storage_key is not None:
            done.state, done.expires_at = "done", now + timedelta(days=kept_days)
            _finished(tx, done)
            return
    await blobs.delete(store, *files_of(key))  # she was erased meanwhile


def _files(
    copy: Mapping[str, Sequence[Mapping[str, Any]]], *, made_at: datetime
) -> dict[CopyFormat, bytes]:
    head = {"made_at": _plain(made_at), "titles": {one.name: one.title for one in SECTIONS}}
    text = json.dumps(head | {"data": copy}, ensure_ascii=False, indent=1, default=_plain)
    return {
        CopyFormat.JSON: text.encode(),
        CopyFormat.HTML: page_of(copy, made_at=made_at).encode(),
    }


def _nonce(form: CopyFormat) -> bytes:
    """Return the nonce of a file: a key is used for one copy, and once for each form."""
    return form.value.encode().ljust(12)


async def read_copy(store: Store, export: DataExport | None, form: CopyFormat) -> bytes:
    """Return a file of a copy.

    Raises: DataExportGone, FileStoreUnavailable.
    """
    if export is None or export.storage_key is None or export.secret is None:
        raise DataExportGone
    locked = await blobs.fetch(store, f"{export.storage_key}.{form}")
    if locked is None:
        raise DataExportGone
    return AESGCM(export.secret).decrypt(_nonce(form), locked, None)


def files_of(key: str) -> tuple[str, ...]:
    """Return what lies under the key of a copy."""
    return tuple(f"{key}.{form}" for form in CopyFormat)


async def delete_data_exports(database: Database, store: Store, *, now: datetime) -> int:
    """Delete the files of copies whose time is over, and give up what never ended.

    Returns how many copies. Safe to repeat.

    Raises: FileStoreUnavailable.
    """
    async with database.transaction() as tx:
        stuck = select(DataExport).where(
            DataExport.state == "queued", DataExport.requested_at < now - GIVEN_UP
        )
        for export in await tx.scalars(stuck.with_for_update(skip_locked=True)):
            export.state = "failed"
            _finished(tx, export)
    old = (
        select(DataExport.id, DataExport.storage_key)
        .where(
            DataExport.storage_key.is_not(None),
            or_(DataExport.expires_at <= now, DataExport.state == "failed"),
        )
        .order_by(DataExport.requested_at)
        .limit(DELETED_AT_ONCE)
    )
    async with database.transaction() as tx:
        gone = (await tx.execute(old)).all()
    for one in gone:  # the files first: a row that still names them is met again
        await blobs.delete(store, *files_of(one.storage_key))
    forgotten = update(DataExport).where(DataExport.id.in_([one.id for one in gone]))
    async with database.transaction() as tx:
        await tx.execute(forgotten.values(storage_key=None, secret=None))
    return len(gone)


def _finished(tx: Tx, export: DataExport) -> None:
    done = export.state == "done"
    emit(tx, DataExportFinished(export_id=export.id, person_id=export.person_id, done=done))


def _plain(value: Any) -> Any:  # noqa: ANN401  (whatever a column holds)
    if isinstance(value, datetime):
        return value.astimezone(SHOWN_ZONE).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
