"""The signing keys: made on first start, kept private, rotated without signing anyone out."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk

from neighborhood_api.kit.logs import describe

log = structlog.get_logger(__name__)

ALGORITHM = "ES256"


class SigningKeyError(Exception):
    """The keys cannot be read or written; the text says what to do."""


@dataclass(frozen=True)
class SigningKey:
    """One key pair."""

    kid: str
    pem: str = field(repr=False)
    public: dict[str, Any]


class Keyring:
    """The keys of a deployment: the first signs, all of them verify.

    A key that appears in the folder, or leaves it, is noticed before the next token is
    signed and when a token names a key that is not known here.
    """

    def __init__(self, keys: list[SigningKey], folder: Path | None = None) -> None:
        """Hold `keys`, and look for newer ones in `folder`."""
        self._folder = folder
        self._seen: list[tuple[str, int, int]] = []
        self.generation = 0
        """How often the keys were read; what was verified with those before may be void."""
        self._set(keys)

    @classmethod
    def from_text(cls, pems: str) -> "Keyring":
        """Read the keys that the environment gives, the signing one first.

        Raises: SigningKeyError.
        """
        parts = [part for part in pems.replace("\\n", "\n").split("-----BEGIN") if part.strip()]
        return cls([_read("-----BEGIN" + part) for part in parts])

    @classmethod
    def from_folder(cls, folder: Path) -> "Keyring":
        """Read the keys in `folder`, newest first; the first start makes one.

        Raises: SigningKeyError.
        """
        if not any(folder.glob("*.pem")):
            make_key(folder)
        return cls(_keys_of(_files_in(folder)), folder)

    @property
    def signing(self) -> SigningKey:
        """The key that signs new tokens."""
        self._look_again()
        return self._keys[0]

    def public(self, kid: str) -> dict[str, Any] | None:
        """Return the public key `kid`; another process may have made it a moment ago."""
        if kid not in self._by_kid:
            self._look_again()
        key = self._by_kid.get(kid)
        return None if key is None else key.public

    def jwks(self) -> list[dict[str, Any]]:
        """Return all public keys, for third parties that verify our tokens."""
        self._look_again()
        return [key.public for key in self._keys]

    def _look_again(self) -> None:
        """Take what is in the folder now; what cannot be read leaves the keys as they are.

        It is read again when it changes: a key may be met while it is still being copied.
        """
        if self._folder is None or (state := _state_of(self._folder)) == self._seen:
            return
        try:
            self._set(_keys_of(_files_in(self._folder)))
        except SigningKeyError as exc:
            log.error("signing_keys_unreadable", **describe(exc))  # noqa: TRY400  (no key texts)
        self._seen = state

    def _set(self, keys: list[SigningKey]) -> None:
        if not keys:
            raise SigningKeyError("there is no signing key: give at least one PEM key")
        self._keys = keys
        self.generation += 1
        self._by_kid = {key.kid: key for key in keys}


def make_key(folder: Path) -> str:
    """Make a new signing key in `folder`, readable by its owner only; return its id.

    Raises: SigningKeyError.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f") + ".pem"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / (name + ".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        draft.rename(folder / name)  # a reader never meets half a key
    except OSError as exc:
        raise SigningKeyError(
            f"cannot write a signing key into {folder} ({exc.strerror}): "
            "make it writable, or set NEIGHBORHOOD_DATA_DIR or NEIGHBORHOOD_SIGNING_KEYS"
        ) from exc
    return _read(pem.decode()).kid


def _files_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.pem"), reverse=True)


def _state_of(folder: Path) -> list[tuple[str, int, int]]:
    """Return what tells that the keys in a folder are no longer those that were read."""
    found = []
    for path in _files_in(folder):
        with suppress(OSError):  # gone meanwhile
            there = path.stat()
            found.append((path.name, there.st_ctime_ns, there.st_size))
    return found


def _keys_of(files: list[Path]) -> list[SigningKey]:
    try:
        return [_read(path.read_text()) for path in files]
    except (OSError, UnicodeDecodeError) as exc:
        raise SigningKeyError("the signing keys in the data folder cannot be read") from exc


def _read(pem: str) -> SigningKey:
    try:
        private = serialization.load_pem_private_key(pem.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise SigningKeyError("a signing key is not a readable PEM private key") from exc
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise SigningKeyError("a signing key must be an EC key on curve P-256")
    point = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kid = sha256(point).hexdigest()[:16]
    public: dict[str, Any] = jwk.construct(point.decode(), ALGORITHM).to_dict()
    return SigningKey(kid, pem, public | {"kid": kid, "use": "sig", "alg": ALGORITHM})
