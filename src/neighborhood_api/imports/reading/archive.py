"""The zip file that a workbook is, read without trusting what it says of itself."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from neighborhood_api.imports.reading.patience import Patience
from neighborhood_api.imports.reading.problems import (
    DamagedWorkbook,
    LockedWorkbook,
    SuspiciousWorkbook,
)
from neighborhood_api.imports.reading.tables import Limits

CHUNK = 64 * 1024
SMALL_PART = 1024 * 1024
"""Below this a part may be as compressible as it likes."""
BYTES_OF_A_NAME = 512
"""Of the directory, for each part; names in workbooks are short."""
_END = struct.Struct("<4s4H2LH")
_END_MARK, _LARGE_END_MARK = b"PK\x05\x06", b"PK\x06\x07"
_LARGE_END_LENGTH = 20
_LONGEST_REMARK = 65_535
_BROKEN = (
    BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    UnicodeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Archive:
    """The parts of a workbook; what they unpack to is counted, whatever they claim."""

    def __init__(self, file: BinaryIO, limits: Limits, patience: Patience) -> None:
        """Read the directory, once its size is known to be small.

        Raises: DamagedWorkbook, SuspiciousWorkbook.
        """
        self._limits = limits
        self._patience = patience
        self._inflated: Counter[str] = Counter()
        _check_directory(file, limits)
        try:
            self._zip = ZipFile(file)
        except _BROKEN:
            raise DamagedWorkbook from None
        self._parts: dict[str, ZipInfo] = {}
        for info in self._zip.infolist():
            if info.filename in self._parts:
                raise SuspiciousWorkbook("同一个部分在文件里出现了两次")
            self._parts[info.filename] = info

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a part."""
        return name in self._parts

    def chunks(self, name: str) -> Iterator[bytes]:
        """Unpack a part piece by piece.

        Raises: DamagedWorkbook, SuspiciousWorkbook, LockedWorkbook, TakesTooLong.
        """
        info = self._parts.get(name)
        if info is None:
            raise DamagedWorkbook
        if info.flag_bits & 1:
            raise LockedWorkbook
        if info.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise DamagedWorkbook
        unpacked = 0
        for chunk in _unpack(self._zip, info):
            unpacked += len(chunk)
            self._inflated[name] = max(unpacked, self._inflated[name])
            if self._inflated.total() > self._limits.inflated_bytes:
                raise SuspiciousWorkbook("解压后的内容太大，请拆成几个文件分别上传")
            if unpacked > max(SMALL_PART, info.compress_size * self._limits.inflation):
                raise SuspiciousWorkbook("压缩比异常，请把数据复制到新建的 Excel 文件里再上传")
            yield chunk
            self._patience.check()

    def whole(self, name: str, most: int = SMALL_PART * 4) -> bytes:
        """Unpack a small part.

        Raises: DamagedWorkbook, SuspiciousWorkbook, LockedWorkbook.
        """
        gathered = bytearray()
        for chunk in self.chunks(name):
            gathered += chunk
            if len(gathered) > most:
                raise SuspiciousWorkbook
        return bytes(gathered)


def _unpack(archive: ZipFile, info: ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as part:
            while chunk := part.read(CHUNK):
                yield chunk
    except _BROKEN:
        raise DamagedWorkbook from None


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    """Refuse a directory that would fill the memory before a single part is read.

    Raises: DamagedWorkbook, SuspiciousWorkbook.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - _LONGEST_REMARK - _LARGE_END_LENGTH))
    tail = file.read()
    file.seek(0)
    start = len(tail) - _END.size
    if tail[start : start + 4] != _END_MARK or tail[-2:] != b"\0\0":
        start = tail.rfind(_END_MARK)
    if start < 0 or start + _END.size > len(tail):
        raise DamagedWorkbook
    _, _, _, _, parts, length, _, _ = _END.unpack_from(tail, start)
    before = max(0, start - _LARGE_END_LENGTH)
    if tail[before : before + 4] == _LARGE_END_MARK:  # for archives of more than 4 GB
        raise SuspiciousWorkbook
    if parts > limits.parts or length > limits.parts * BYTES_OF_A_NAME:
        raise SuspiciousWorkbook("文件里的部分太多")
