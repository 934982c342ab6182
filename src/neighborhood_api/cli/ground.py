"""The database under a command: the one of `DATABASE_URL`, or the embedded one."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

import psycopg
import structlog
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from neighborhood_api.kit.db import plain_url
from neighborhood_api.kit.local_postgres import LocalPostgres, PostgresNotStarted
from neighborhood_api.kit.logs import describe
from neighborhood_api.migrate import current, head
from neighborhood_api.settings import Settings

log = structlog.get_logger(__name__)

OLDEST = 15
_CHECK_SECONDS = 1.0
_MIGRATE = "neighborhood-api migrate"
_GONE = (
    "The command that ran the embedded database has ended, and this one does not take it over. "
    "Start that command again, and this one goes on; or stop this one and start it anew, and "
    "it runs the database itself."
)


class UnusableDatabase(Exception):  # noqa: N818  (named for what happened)
    """The database cannot be worked with as it is; the message says what to do about it."""


@contextmanager
def database_of(settings: Settings) -> Iterator[str]:
    """Give the URL of a database that answers, started if it is the embedded one.

    Raises: UnusableDatabase, PostgresNotStarted.
    """
    given = settings.database_url
    if given is not None:
        yield checked_url(given.get_secret_value())
        return
    server = LocalPostgres(settings.data_dir)
    try:
        url = server.start()
    except PostgresNotStarted:
        running = server.running_url()  # another command of ours runs it: use it too
        if running is None:
            raise
        with _told_when_gone(server):
            yield checked_url(running)
        return
    with _kept_running(server):
        yield url


@contextmanager
def throw_away_database() -> Iterator[str]:
    """Give the URL of an empty database that is gone afterwards.

    Raises: PostgresNotStarted.
    """
    folder = Path(tempfile.mkdtemp(prefix="neighborhood-"))
    folder.chmod(0o711)  # as root, PostgreSQL runs as somebody else, who must pass through
    server = LocalPostgres(folder, durable=False)
    try:
        with server:
            yield server.start()
    finally:
        rmtree(server.folder, ignore_errors=True)
        rmtree(folder, ignore_errors=True)


def checked_url(url: str) -> str:
    """Return `url` if a PostgreSQL that we can work with answers there.

    Raises: UnusableDatabase.
    """
    password = _address(url).password
    try:
        with psycopg.connect(plain_url(url), connect_timeout=10) as connection:
            version = connection.info.server_version // 10_000
            encoding = connection.info.parameter_status("server_encoding")
    except psycopg.Error as exc:
        raise UnusableDatabase(
            f"Cannot use the database of DATABASE_URL: {_reason(exc, password)}. "
            "Check the address, the user and the password, and that PostgreSQL is running."
        ) from exc
    if version < OLDEST:
        raise UnusableDatabase(
            f"The database of DATABASE_URL is PostgreSQL {version}; {OLDEST} or newer is "
            "needed. Upgrade it, or unset DATABASE_URL to use the embedded one."
        )
    if encoding != "UTF8":
        raise UnusableDatabase(
            f"The database of DATABASE_URL is encoded in {encoding}, which cannot hold every "
            "name. Make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0."
        )
    return url


def require_migrated(url: str) -> None:
    """Refuse a database whose tables are not those of this version.

    Raises: UnusableDatabase.
    """
    found, needed = current(url), head()
    if found == needed:
        return
    if found is None:
        raise UnusableDatabase(f"The database has no tables yet. Run `{_MIGRATE}` first.")
    raise UnusableDatabase(
        f"The database is at revision {found}, this version needs {needed}. "
        f"Run `{_MIGRATE}`; if that does not know {found}, the database belongs to a newer "
        "version of the program."
    )


def _address(url: str) -> URL:
    with suppress(ArgumentError, ValueError):
        address = make_url(url)
        if address.get_backend_name() in {"postgresql", "postgres"}:
            return address
    raise UnusableDatabase(
        "DATABASE_URL is not a PostgreSQL address. "
        "Write it as postgresql://user:password@host:5432/name."
    )


def _reason(exc: psycopg.Error, password: object) -> str:
    lines = [line.strip(" -\t") for line in str(exc).splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith(("?", "were:"))] or ["no reason given"]
    reason = told[-1].rstrip(".")
    return reason.replace(str(password), "***") if password else reason


@contextmanager
def _kept_running(server: LocalPostgres) -> Iterator[None]:
    """Start the server anew whenever it dies, and stop it in the end."""
    done = threading.Event()
    watching = threading.Thread(target=_watch, args=(server, done), daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()
        server.stop()


@contextmanager
def _told_when_gone(server: LocalPostgres) -> Iterator[None]:
    """Say what to do when the command ends whose database this one uses too."""
    done = threading.Event()
    watching = threading.Thread(target=_watch_from_afar, args=(server, done), daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()


def _watch_from_afar(server: LocalPostgres, done: threading.Event) -> None:
    gone = False
    while not done.wait(_CHECK_SECONDS):
        was_gone, gone = gone, server.running_url() is None
        if gone and not was_gone:
            log.error("database_gone", reason=_GONE)


def _watch(server: LocalPostgres, done: threading.Event) -> None:
    while not done.wait(_CHECK_SECONDS):
        if server.is_running():
            continue
        log.warning("database_died")
        try:
            server.start()
        except PostgresNotStarted as exc:
            log.error("database_not_restarted", reason=str(exc))  # noqa: TRY400
        except Exception as exc:  # noqa: BLE001  (this thread must go on whatever happens)
            log.error("database_not_restarted", **describe(exc))  # noqa: TRY400
        else:
            log.warning("database_restarted")
