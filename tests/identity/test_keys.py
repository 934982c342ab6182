"""Signing keys: made once, private, rotated without signing anyone out."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from neighborhood_api.app import keyring_from
from neighborhood_api.identity.keys import Keyring, SigningKeyError, make_key
from neighborhood_api.identity.tokens import NotSignedIn, Standing, Tokens
from neighborhood_api.settings import Settings


def issue(tokens: Tokens) -> str:
    return tokens.make(uuid4(), uuid4(), 0, Standing(), datetime.now(UTC))


def accepts(tokens: Tokens, token: str) -> bool:
    try:
        return tokens.read(token).epoch == 0
    except NotSignedIn:
        return False


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "数据 data" / "keys"
    ring = Keyring.from_folder(folder)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    again = Keyring.from_folder(folder)
    assert again.signing.kid == ring.signing.kid
    assert len(list(folder.iterdir())) == 1


def test_a_new_key_signs_and_old_tokens_stay_valid(tmp_path: Path) -> None:
    tokens = Tokens(Keyring.from_folder(tmp_path))
    before = issue(tokens)
    kid = make_key(tmp_path)
    after = issue(tokens)
    assert tokens.keyring.signing.kid == kid
    assert after.split(".")[0] != before.split(".")[0]
    assert accepts(tokens, before)
    assert accepts(tokens, after)
    assert tokens.keyring.jwks()[0]["kid"] == kid


def test_another_process_accepts_old_and_new_without_a_restart(tmp_path: Path) -> None:
    one = Tokens(Keyring.from_folder(tmp_path))
    other = Tokens(Keyring.from_folder(tmp_path))
    before = issue(one)
    kid = make_key(tmp_path)
    after = issue(one)
    assert accepts(other, after)
    assert accepts(other, before)
    assert kid in [key["kid"] for key in other.keyring.jwks()]


def test_the_published_keys_name_a_new_key_before_it_is_met(tmp_path: Path) -> None:
    ring = Keyring.from_folder(tmp_path)
    kid = make_key(tmp_path)
    assert ring.jwks()[0]["kid"] == kid


def test_a_key_taken_away_is_worth_nothing_once_noticed(tmp_path: Path) -> None:
    tokens = Tokens(Keyring.from_folder(tmp_path))
    stolen = issue(tokens)
    assert accepts(tokens, stolen)
    (old,) = tmp_path.glob("*.pem")
    make_key(tmp_path)
    old.unlink()
    fresh = Tokens(tokens.keyring)
    assert accepts(fresh, issue(fresh))
    assert not accepts(fresh, stolen)
    assert not accepts(tokens, stolen)  # though it was verified once


def test_a_key_that_was_met_half_copied_is_taken_when_it_is_whole(tmp_path: Path) -> None:
    here, there = Tokens(Keyring.from_folder(tmp_path / "a")), tmp_path / "b"
    there.mkdir()
    make_key(there)
    (key,) = there.glob("*.pem")
    copied, whole = tmp_path / "a" / key.name, key.read_bytes()
    copied.write_bytes(whole[:40])
    assert accepts(here, issue(here))
    copied.write_bytes(whole)
    assert accepts(here, issue(Tokens(Keyring.from_folder(there))))


@pytest.mark.parametrize("content", [b"", b"not a key", b"\xff\xfe"])
def test_an_unreadable_key_in_a_running_system_changes_nothing(
    content: bytes, tmp_path: Path
) -> None:
    tokens = Tokens(Keyring.from_folder(tmp_path))
    before = issue(tokens)
    (tmp_path / "zzz.pem").write_bytes(content)
    assert accepts(Tokens(tokens.keyring), before)
    assert accepts(tokens, issue(tokens))
    with pytest.raises(SigningKeyError):
        Keyring.from_folder(tmp_path)


def test_a_vanished_folder_changes_nothing_in_a_running_system(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    tokens = Tokens(Keyring.from_folder(folder))
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert accepts(tokens, issue(tokens))


@pytest.mark.parametrize("line_end", ["\n", "\\n"])
def test_keys_may_come_from_the_environment_the_signing_one_first(
    line_end: str, tmp_path: Path
) -> None:
    old, new = Keyring.from_folder(tmp_path / "old"), Keyring.from_folder(tmp_path / "new")
    text = (new.signing.pem + old.signing.pem).replace("\n", line_end)
    settings = Settings(_env_file=None, data_dir=tmp_path / "none", signing_keys=text)
    ring = keyring_from(settings)
    assert ring.signing.kid == new.signing.kid
    assert accepts(Tokens(ring), issue(Tokens(old)))
    assert not (tmp_path / "none").exists()


def pem(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, secret: bytes | None = None
) -> str:
    lock = NoEncryption() if secret is None else BestAvailableEncryption(secret)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()


UNFIT = {
    "empty": "",
    "garbage": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    "other curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "rsa": pem(rsa.generate_private_key(65537, 2048)),
    "encrypted": pem(ec.generate_private_key(ec.SECP256R1()), b"secret"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_an_unfit_key_is_told_in_a_sentence(kind: str) -> None:
    with pytest.raises(SigningKeyError, match="key"):
        Keyring.from_text(UNFIT[kind])


def test_the_private_key_is_in_no_representation(tmp_path: Path) -> None:
    ring = Keyring.from_folder(tmp_path)
    assert "PRIVATE" not in repr(ring.signing)
    assert "d" not in ring.signing.public


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where a folder should be")
    with pytest.raises(SigningKeyError, match="NEIGHBORHOOD_DATA_DIR"):
        Keyring.from_folder(tmp_path / "keys")
