"""Files with people's data at rest: encrypted with a key of their own, which only a row knows.

Each block of a megabyte is sealed by itself (AES-256-GCM) with its number as nonce, and the
last one is marked as such, so that blocks cannot be exchanged, repeated or cut off unnoticed.
When the row forgets the key, every copy of the file is worth nothing.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from neighborhood_api.files import store as blobs
from neighborhood_api.files.store import Store
from neighborhood_api.kit.problems import Problem

BLOCK = 1024 * 1024
_TAG = 16
_NONCE = 12


class StoredFileGone(Problem):
    """The file was deleted after a day or at the end, or is not there yet."""

    status = HTTPStatus.GONE
    title = "The file is not there any more"
    message = "文件已删除或尚未生成，请重新上传或导出"


def new_secret() -> str:
    """Return a key for the files of one import or export."""
    return secrets.token_hex(32)


async def keep(store: Store, key: str, secret: str, source: BinaryIO) -> None:
    """Encrypt a file into the store, some at a time.

    Raises: FileStoreUnavailable.
    """
    await blobs.put_stream(store, key, _sealed(AESGCM(bytes.fromhex(secret)), source))


async def keep_path(store: Store, key: str, secret: str, path: Path) -> None:
    """Encrypt a local file into the store.

    Raises: FileStoreUnavailable.
    """
    with await asyncio.to_thread(path.open, "rb") as source:
        await keep(store, key, secret, source)


async def opened(store: Store, key: str, secret: str | None) -> AsyncIterator[bytes]:
    """Return the blocks of a file in the clear.

    Raises: StoredFileGone, FileStoreUnavailable.
    """
    found = None if secret is None else await blobs.stream(store, key)
    if found is None or secret is None:
        raise StoredFileGone
    return _opened(AESGCM(bytes.fromhex(secret)), found[1])


async def fetch_to(store: Store, key: str, secret: str | None, path: Path) -> None:
    """Decrypt a file of the store into a local one.

    Raises: StoredFileGone, FileStoreUnavailable.
    """
    blocks = await opened(store, key, secret)
    with await asyncio.to_thread(path.open, "wb") as target:
        async for block in blocks:
            await asyncio.to_thread(target.write, block)


def _mark(*, last: bool) -> bytes:
    return b"last" if last else b"more"


async def _sealed(cipher: AESGCM, source: BinaryIO) -> AsyncIterator[bytes]:
    number = 0
    block = await asyncio.to_thread(source.read, BLOCK)
    while True:
        following = await asyncio.to_thread(source.read, BLOCK) if block else b""
        nonce = number.to_bytes(_NONCE, "big")
        yield cipher.encrypt(nonce, block, _mark(last=not following))
        if not following:
            return
        block, number = following, number + 1


async def _opened(cipher: AESGCM, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    whole = BLOCK + _TAG
    number, held = 0, bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) > whole:  # what is left is the last block, or a part of one
            yield _decrypted(cipher, number, bytes(held[:whole]), last=False)
            del held[:whole]
            number += 1
    yield _decrypted(cipher, number, bytes(held), last=True)


def _decrypted(cipher: AESGCM, number: int, block: bytes, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(number.to_bytes(_NONCE, "big"), block, _mark(last=last))
    except InvalidTag as exc:
        raise StoredFileGone("the file was changed or cut off") from exc
