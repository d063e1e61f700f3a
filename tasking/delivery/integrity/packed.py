"""Whether a packed file is whole: does what was packed come out to its end, does the directory stand there?"""

from __future__ import annotations

import bz2
import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

from tasking.delivery.integrity.formats import NotJudged
from tasking.delivery.integrity.sniffing import tar_checksum_is_right

_PIECE = 1024 * 1024
_MOST_UNPACKED = 8 * 1024**3
"""Bytes that are unpacked to see the end of a file."""
_EXPANSION, _FREE = 50, 64 * 1024**2
"""What unpacks to more than so many times its size, and to more than so many bytes, is not unpacked further."""
_MOST_MEMBERS = 200_000
_BLOCK = 512


LONGEST_DIRECTORY = 8 * 1024 * 1024
"""Most bytes of a zip's directory that are read: room for more files than are ever taken out of one.

An entry of 46 bytes becomes an object of 700: 8 MiB are 130 MB of our memory at the most, and a second.
"""


class DirectoryTooLong(zipfile.BadZipFile):
    """It may be whole; its directory is not read."""


class _ShortReads(io.BufferedReader):
    """A file that is never read in long pieces: the zip reader takes a directory in one, as long as the zip says."""

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `LONGEST_DIRECTORY` bytes; asking for more is an error of the zip."""
        wanted = LONGEST_DIRECTORY + 1 if size is None or size < 0 else size
        data = b"" if wanted > LONGEST_DIRECTORY + 1 else super().read(wanted)
        if wanted > LONGEST_DIRECTORY + 1 or len(data) > LONGEST_DIRECTORY:
            raise DirectoryTooLong(f"its directory is longer than {LONGEST_DIRECTORY} bytes")
        return data


class BoundedZip(zipfile.ZipFile):
    """A zip on disk, opened for reading; a context manager like its parent.

    Raises:
        zipfile.BadZipFile: Not a zip, or one whose directory is not whole or too long to be read.
    """

    def __init__(self, path: Path) -> None:
        self._held = _ShortReads(cast(Any, path.open("rb", buffering=0)))
        try:
            super().__init__(self._held)
        except BaseException:
            self._held.close()
            raise

    def close(self) -> None:
        """Close the zip and its file."""
        super().close()
        self._held.close()


def zip_damage(path: Path) -> str | None:
    """ZIP: the directory at the end is whole."""
    try:
        with BoundedZip(path):
            return None
    except DirectoryTooLong as error:
        raise NotJudged(str(error)) from error
    except zipfile.BadZipFile as error:
        if "multiple disks" in str(error) or "span" in str(error):
            raise NotJudged("it is one part of several") from error
        return f"its directory at the end is not whole ({error})"
    except (ValueError, OSError, NotImplementedError) as error:
        return f"its directory at the end is not whole ({error})"


def gzip_damage(file: BinaryIO, size: int) -> str | None:
    """gzip (RFC 1952): each member unpacks to its end, where its checksum stands."""
    file.seek(0)
    out, most = 0, min(_MOST_UNPACKED, max(_FREE, _EXPANSION * size))
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        while data := file.read(_PIECE):
            while data:
                if unpacker.eof:
                    if not data.startswith(b"\x1f\x8b"):
                        return None  # what follows the last member is padding
                    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
                out += len(unpacker.decompress(data, _PIECE))
                if out > most:
                    raise NotJudged(f"it unpacks to more than {most} bytes")
                data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    except zlib.error as error:
        return f"it does not unpack ({error})"
    if not unpacker.eof:
        unpacker.flush()  # a few bytes: all that came has been read
    return None if unpacker.eof else "it ends in the middle of what was packed"


def bzip2_damage(file: BinaryIO, size: int) -> str | None:
    """bzip2: unpacks to its end."""
    file.seek(0)
    out, most = 0, min(_MOST_UNPACKED, max(_FREE, _EXPANSION * size))
    unpacker = bz2.BZ2Decompressor()
    try:
        while True:
            data = file.read(_PIECE) if unpacker.needs_input else b""
            if unpacker.needs_input and not data:
                return "it ends in the middle of what was packed"
            out += len(unpacker.decompress(data, _PIECE))
            if unpacker.eof:
                return None if not unpacker.unused_data.startswith(b"BZh") else _several()
            if out > most:
                raise NotJudged(f"it unpacks to more than {most} bytes")
    except OSError as error:
        return f"it does not unpack ({error})"


def _several() -> str | None:
    raise NotJudged("it is made of several streams")


def xz_damage(file: BinaryIO, size: int) -> str | None:
    """xz (file format 1.2.1): the footer's magic bytes stand at the end, perhaps before padding in fours."""
    file.seek(max(0, size - 1024))
    return None if file.read().rstrip(b"\0").endswith(b"YZ") else "it ends before its footer"


def seven_zip_damage(file: BinaryIO, size: int) -> str | None:
    """7z: the start header says where the directory lies, which is the end."""
    file.seek(12)
    offset, length = struct.unpack("<QQ", file.read(16))
    end = 32 + offset + length
    return None if end <= size else f"it says that it ends at byte {end}; it has {size} bytes"


def tar_damage(file: BinaryIO, size: int) -> str | None:
    """tar (POSIX.1-2001 pax, GNU): each member lies inside the file, and a block of zeros ends it."""
    at, told_size = 0, None
    for _ in range(_MOST_MEMBERS):
        file.seek(at)
        block = file.read(_BLOCK)
        if len(block) < _BLOCK:
            return "it ends before its end mark"
        if not any(block):
            return None
        if not tar_checksum_is_right(block):
            return f"there is no header at byte {at}, where one belongs"
        length = _tar_number(block[124:136])
        kind = block[156:157]
        if kind == b"S":
            raise NotJudged("it holds a sparse file")
        if kind == b"x":
            told_size = _pax_size(file.read(min(length, _PIECE)))
        elif kind not in (b"g", b"L", b"K"):
            length, told_size = (length if told_size is None else told_size), None
        if kind in (b"1", b"2", b"3", b"4", b"5", b"6"):
            length = 0
        if at + _BLOCK + length > size:
            return f"its content goes on to byte {at + _BLOCK + length}; it has {size} bytes"
        at += _BLOCK + length + -length % _BLOCK
    raise NotJudged(f"it holds more than {_MOST_MEMBERS} files")


def _tar_number(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise NotJudged("the length of one of its files cannot be read") from None


def _pax_size(records: bytes) -> int | None:
    """The ``size`` of the member that follows, when the pax records tell it."""
    before, found, after = records.partition(b" size=")
    digits = after.split(b"\n")[0]
    return int(digits) if found and digits.isdigit() and len(digits) < 20 and before else None
