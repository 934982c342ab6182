"""Secrets kept beside the data: made whole by whichever process comes first, for us alone."""

import os
import secrets
from pathlib import Path


def kept_secret(path: Path, make: str) -> bytes:
    """Read the secret in `path`; where there is none yet, `make` becomes it.

    Raises: OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _keep(path, make)
    return path.read_bytes()


def replace_secret(path: Path, secret: str) -> None:
    """Write another secret in the place of the one there; a reader meets one or the other.

    Raises: OSError.
    """
    draft = _drafted(path, secret)
    try:
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _keep(path: Path, secret: str) -> None:
    """Write a secret whole or not at all; of two processes that try, one wins."""
    draft = _drafted(path, secret)
    try:
        os.link(draft, path)  # unlike a rename, refuses where the other was first
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


def _drafted(path: Path, secret: str) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secret.encode())
            file.flush()
            os.fsync(handle)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft
