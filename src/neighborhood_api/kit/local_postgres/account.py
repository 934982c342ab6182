"""Who PostgreSQL runs as: ourselves, or, because it refuses root, an unprivileged account."""

import hashlib
import os
import sys
from dataclasses import dataclass
from errno import ENOTDIR
from pathlib import Path
from typing import Any

from neighborhood_api.kit.local_postgres import failures

if sys.platform != "win32":
    import pwd

SHARED = Path("/var/lib/neighborhood-api")
"""Where root puts what the unprivileged account cannot reach otherwise."""


@dataclass(frozen=True)
class Account:
    """A user of this machine that may run PostgreSQL."""

    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        """Whether that is the user we run as."""
        return self.uid == os.geteuid()

    def process_options(self) -> dict[str, Any]:
        """Return the arguments with which `subprocess` runs a program as this account."""
        if self.is_us:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, path: Path, mode: int = 0o700) -> None:
        """Give the account a folder or file of its own."""
        if not self.is_us:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def can_enter(self, path: Path) -> bool:
        """Tell whether the account gets to `path`: all folders above may be passed."""
        return self.is_us or all(self._may_pass(part) for part in (path, *path.parents))

    def _may_pass(self, path: Path) -> bool:
        found = path.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & 0o100)
        if found.st_gid == self.gid:
            return bool(found.st_mode & 0o010)
        return bool(found.st_mode & 0o001)


def account_for(data_dir: Path) -> Account:
    """Choose who runs the database of this data folder.

    Raises: PostgresNotStarted, when we are root and there is no other account.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    cluster = data_dir / "postgres" / "cluster"
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("nobody", "postgres", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise failures.no_account()


def home_of(data_dir: Path, account: Account) -> Path:
    """Return the folder of the database, `data_dir`/postgres, made if need be.

    It is a link to a folder under `SHARED` where the account cannot enter `data_dir`.

    Raises: PostgresNotStarted, when an existing folder cannot be entered.
    """
    place = data_dir / "postgres"
    ours = 0o700 if account.is_us else 0o711
    if not place.exists():
        if data_dir.exists() and not data_dir.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(data_dir))
        _make(data_dir, ours)
        if account.can_enter(data_dir.resolve()):
            _make(place, ours)
        else:
            key = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
            _make(shared_folder() / key, ours)
            place.unlink(missing_ok=True)
            place.symlink_to(SHARED / key)
    home = place.resolve()
    if not account.can_enter(home):
        raise failures.out_of_reach(home)
    return home


def shared_folder() -> Path:
    """Return `SHARED`, made if need be."""
    _make(SHARED, 0o755)
    return SHARED


def _make(folder: Path, mode: int) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(mode)  # whatever the umask
