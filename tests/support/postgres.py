"""A PostgreSQL for the test run: the one of `DATABASE_URL`, or one of our own."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from neighborhood_api.kit.local_postgres import LocalPostgres

EMPTY = "template1"
NewDatabase = Callable[[], AbstractContextManager[str]]
"""Gives the URL of a migrated database that is gone afterwards."""


@contextmanager
def scratch_database() -> Iterator[str]:
    """Give the URL of an empty database that is gone afterwards."""
    given = os.environ.get("DATABASE_URL")
    if given:
        with database_beside(given) as url:
            yield url
    else:
        with open_folder() as folder, local_postgres(folder) as server:
            yield server.start()


@contextmanager
def local_postgres(folder: Path, *, durable: bool = False) -> Iterator[LocalPostgres]:
    """Give a running server whose data is gone afterwards, wherever it had to put it."""
    server = LocalPostgres(folder, durable=durable)
    try:
        with server:
            yield server
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a temporary folder that others may pass through, as PostgreSQL must as root.

    pytest's own `tmp_path` lies in a folder that only its owner may enter.
    """
    folder = Path(tempfile.mkdtemp(prefix="neighborhood-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database_beside(url: str, *, like: str = EMPTY) -> Iterator[str]:
    """Give another database of the server, a copy of `like` that nobody may be using."""
    name = f"neighborhood_test_{uuid4().hex[:12]}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(like)))
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            # WITH (FORCE): connections that a failed test left open must not keep it.
            admin.execute(drop.format(sql.Identifier(name)))


@contextmanager
def migrated_databases(url: str) -> Iterator[NewDatabase]:
    """Migrate one database of the server, and give what makes copies of it, quickly."""
    from neighborhood_api.migrate import migrate  # noqa: PLC0415  (imports all that has tables)

    with database_beside(url) as pattern:
        migrate(pattern)
        yield partial(database_beside, url, like=urlsplit(pattern).path[1:])
