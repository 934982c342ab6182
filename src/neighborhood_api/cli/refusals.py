"""What can go wrong with a command, in one sentence that says what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import psycopg
import typer
from alembic.util import CommandError
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import DBAPIError

from neighborhood_api.cli.demonstration import NotADemoDatabase
from neighborhood_api.cli.ground import UnusableDatabase
from neighborhood_api.files.links import LinkSecretError
from neighborhood_api.files.store import FileStoreError
from neighborhood_api.identity.keys import SigningKeyError
from neighborhood_api.identity.personal_keys import PersonalKeyError
from neighborhood_api.kit.local_postgres import PostgresNotStarted
from neighborhood_api.kit.problems import Problem
from neighborhood_api.serving import CannotServe

_SAY_IT_THEMSELVES = (
    UnusableDatabase,
    NotADemoDatabase,
    FileStoreError,
    LinkSecretError,
    SigningKeyError,
    PersonalKeyError,
    PostgresNotStarted,
    CannotServe,
)
_DATABASE_WENT = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    psycopg.Error,
    DBAPIError,
    ConnectionError,
    TimeoutError,
)


class Refused(Exception):  # noqa: N818  (named for what happened)
    """A command cannot go on; the message says what to do about it."""


@contextmanager
def plainly(console: Console) -> Iterator[None]:
    """End the command with a red sentence when the trouble is one we know, else let it out."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception as exc:
        told = sentence(exc)
        if told is None:
            raise
        console.print(told, style="bold red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from exc


def sentence(exc: BaseException) -> str | None:
    """Say what happened and what to do; None when that is not known."""
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    for kinds, say in _SENTENCES:
        if isinstance(exc, kinds):
            return say(exc)
    return None


def _invalid(exc: Any) -> str:  # noqa: ANN401  (like the next ones: of the kind in the table)
    told = (
        f"{_name(exc, error)}{error['msg'].removeprefix('Value error, ').rstrip('.')}"
        for error in exc.errors(include_input=False, include_url=False)
    )
    where = " Correct it in the environment or in .env." if exc.title == "Settings" else ""
    return "; ".join(told) + "." + where


def _name(exc: Any, error: Any) -> str:  # noqa: ANN401
    """Name the environment variable, or the answer, that cannot be read."""
    name = str((error["loc"] or ("",))[-1])
    if exc.title != "Settings" or name in {"", "DATABASE_URL"}:
        return f"{name.replace('_', ' ').capitalize()}: " if name else ""
    return f"NEIGHBORHOOD_{name.upper()}: "


def _problem(exc: Any) -> str:  # noqa: ANN401
    return f"{exc.title}. {exc.message}"


def _migration(exc: Any) -> str:  # noqa: ANN401
    return (
        f"The database cannot be migrated: {exc}. "
        "It belongs to another version of the program: use that one, or start with an empty "
        "database (or another NEIGHBORHOOD_DATA_DIR)."
    )


def _database(exc: Any) -> str:  # noqa: ANN401
    return (
        f"The database refused or went away ({type(exc).__name__}). "
        "See that it is running and reachable, and start again."
    )


def _file(exc: Any) -> str:  # noqa: ANN401
    where = f" {exc.filename}" if exc.filename else ""
    return (
        f"Cannot use{where}: {exc.strerror or exc}. Make it readable and writable, "
        "or set NEIGHBORHOOD_DATA_DIR to another folder."
    )


_SENTENCES: tuple[tuple[tuple[type[BaseException], ...], Callable[[Any], str]], ...] = (
    ((*_SAY_IT_THEMSELVES, Refused), str),
    ((ValidationError,), _invalid),
    ((Problem,), _problem),
    ((CommandError,), _migration),
    (_DATABASE_WENT, _database),
    ((OSError,), _file),
)
"""The first kind that fits says it."""
