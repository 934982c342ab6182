"""Bringing a database to the schema of this version, and telling whether it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from neighborhood_api.tables import METADATA

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 2_026_112_201
"""Any number, always the same: two `migrate` at once wait for each other."""


def migrate(url: str) -> None:
    """Apply all migrations that the database at `url` lacks; safe to repeat and to race."""
    with _connection(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
        command.upgrade(_config(connection), "head")


def new_migration(url: str, slug: str) -> None:
    """Write a migration file for what the models have and the database lacks."""
    with _connection(url) as connection:
        command.revision(_config(connection), message=slug, autogenerate=True)


def differences(url: str) -> list[str]:
    """Return what the models have and the migrated database lacks, or the reverse."""
    with _connection(url) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        return [str(change) for change in compare_metadata(context, METADATA)]


def head() -> str:
    """Return the newest revision that this version knows."""
    return ScriptDirectory(str(FOLDER)).get_current_head() or ""


def current(url: str) -> str | None:
    """Return the database's revision, None when it was never migrated."""
    with _connection(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _ours(_: object, name: str | None, kind: str, __: bool, ___: object) -> bool:  # noqa: FBT001
    return not (
        kind == "table" and (name or "").startswith(("procrastinate_", "alembic_version"))
    )


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool
    )
    with engine.begin() as connection:
        yield connection


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option(
        "file_template", "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s"
    )
    config.attributes["connection"] = connection
    return config
