"""The keys under which phones and addresses are kept."""

import secrets
from pathlib import Path

from neighborhood_api.kit.sealing import KEY_BYTES, SealingKey, Seals, use_seals
from neighborhood_api.kit.secret_files import kept_secret
from neighborhood_api.settings import Settings

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
        use_seals(_read(given, "NEIGHBORHOOD_PERSONAL_KEYS"))
        return
    path = key_file(settings.data_dir)
    try:
        kept = kept_secret(path, new_key())
    except OSError as exc:
        raise PersonalKeyError(
            f"cannot keep the keys of personal data in {path} ({exc.strerror}): make it "
            "writable, or set NEIGHBORHOOD_DATA_DIR or NEIGHBORHOOD_PERSONAL_KEYS"
        ) from exc
    use_seals(_read(kept.decode(errors="replace").split(), str(path)))


def new_key() -> str:
    """Make a key as the settings and the file write it."""
    return secrets.token_hex(KEY_BYTES)


def key_file(data_dir: Path) -> Path:
    """Return where keys are kept that the settings do not give."""
    return data_dir / "keys" / NAME


def _read(texts: list[str], where: str) -> Seals:
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
    return Seals(keys)
