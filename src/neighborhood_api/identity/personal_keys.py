"""The keys under which phones and addresses are kept.

Keys in the data folder can be changed while everything runs: each process looks at the file
again, once a second and whenever it meets a key that it does not know.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

import structlog

from neighborhood_api.kit.logs import describe
from neighborhood_api.kit.sealing import KEY_BYTES, SealingKey, Seals, use_seals
from neighborhood_api.kit.secret_files import kept_secret, replace_secret
from neighborhood_api.settings import Settings

log = structlog.get_logger(__name__)

NAME = "personal"
"""The file in the folder of keys; one key a line, the sealing one first."""


class PersonalKeyError(Exception):
    """The keys cannot be read or written; the text says what to do."""


def use_personal_keys(settings: Settings) -> None:
    """Give this process the keys of the settings, or those of the data folder.

    Raises: PersonalKeyError.
    """
    if settings.personal_keys is not None:
        given = settings.personal_keys.get_secret_value().split(",")
        use_seals(Seals(_read(given, "NEIGHBORHOOD_PERSONAL_KEYS")))
        return
    path = key_file(settings.data_dir)
    rereading = _Rereading(path)  # first: what changes while it is read is read again
    try:
        kept = kept_secret(path, new_key())
    except OSError as exc:
        raise PersonalKeyError(
            f"cannot keep the keys of personal data in {path} ({exc.strerror}): make it "
            "writable, or set NEIGHBORHOOD_DATA_DIR or NEIGHBORHOOD_PERSONAL_KEYS"
        ) from exc
    keys = _read(kept.decode(errors="replace").split(), str(path))
    use_seals(Seals(keys, rereading))


class _Rereading:
    """Looks whether a file of keys has changed; one that cannot be read changes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()

    def __call__(self) -> Sequence[SealingKey] | None:
        state = self._state()
        if state is None or state == self._seen:
            return None
        try:
            keys = read_keys(self._path)
        except (OSError, PersonalKeyError) as exc:
            log.error("personal_keys_unreadable", **describe(exc))  # noqa: TRY400  (no key texts)
            return None
        self._seen = state
        return keys

    def _state(self) -> tuple[int, int, int] | None:
        try:
            there = self._path.stat()
        except OSError:
            return None
        return there.st_ino, there.st_mtime_ns, there.st_size


def read_keys(path: Path) -> list[SealingKey]:
    """Read the keys in a file, the sealing one first.

    Raises: OSError, PersonalKeyError.
    """
    return _read(path.read_bytes().decode(errors="replace").split(), str(path))


def write_keys(path: Path, keys: Sequence[SealingKey]) -> None:
    """Put these keys in the place of those in a file, the sealing one first.

    Raises: PersonalKeyError.
    """
    try:
        replace_secret(path, "\n".join(key.secret.hex() for key in keys) + "\n")
    except OSError as exc:
        raise PersonalKeyError(
            f"cannot write {path} ({exc.strerror}): make it writable"
        ) from exc


def new_key() -> str:
    """Make a key as the settings and the file write it."""
    return secrets.token_hex(KEY_BYTES)


def key_file(data_dir: Path) -> Path:
    """Return where keys are kept that the settings do not give."""
    return data_dir / "keys" / NAME


def _read(texts: list[str], where: str) -> list[SealingKey]:
    keys = []
    for text in texts:
        try:
            secret = bytes.fromhex(text.strip())
        except ValueError:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise PersonalKeyError(
                f"{where} does not hold keys of {KEY_BYTES} bytes in hexadecimal, for example "
                f"from `openssl rand -hex {KEY_BYTES}`: put back the keys that the data was "
                "written with; new ones cannot read it"
            )
        keys.append(SealingKey(secret))
    if not keys:
        raise PersonalKeyError(f"{where} is empty: put back the keys of the data")
    return keys
