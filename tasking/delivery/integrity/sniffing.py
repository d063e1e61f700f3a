"""What a file is, by its first bytes."""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

HEAD = 1024
"""Bytes that are looked at."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"II*\0", "tiff"), (b"MM\0*", "tiff"), (b"II+\0", "tiff"), (b"MM\0+", "tiff"),
    (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"), (b"\xff\x4f\xff\x51", "j2k"), (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\x89HDF\r\n\x1a\n", "hdf"), (b"\x0e\x03\x13\x01", "hdf4"),
    (b"CDF\x01", "netcdf"), (b"CDF\x02", "netcdf"), (b"CDF\x05", "netcdf"),
    (b"NITF0", "nitf"), (b"NSIF0", "nitf"),
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar"), (b"PAR1", "parquet"), (b"PARE", "parquet"),
    (b"SQLite format 3\0", "sqlite"), (b"\0\0\x27\x0a\0\0\0\0", "shapefile"),
    (b"GRIB", "grib"), (b"LASF", "las"), (b"fgb", "flatgeobuf"),
    (b"ARROW1", "arrow"), (b"SIMPLE  =", "fits"), (b"UHL1", "dted"), (b"msid", "mrsid"), (b"\x93NUMPY", "numpy"),
    (b"EHFA_HEADER_TAG", "hfa"), (b"\0\x05\x16\x07", "appledouble"),
)  # fmt: skip
_ANYWHERE_IN_HEAD = (b"%PDF-",)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\xff\xfe", b"\xfe\xff")
_EBCDIC_XML = b"\x4c\x6f\xa7\x94\x93"
_HTML = re.compile(  # possessive: a head full of comments costs no more than one
    rb"(?:(?><\?xml[^>]*>\s*)|(?><!--.*?-->\s*))*+<(?:!doctype\s+html|html|head|body)\b", re.DOTALL | re.IGNORECASE
)
_JSON_TEXT_SEQUENCE = b"\x1e"
_NOT_TEXT = bytes({*range(32)} - {7, 8, 9, 10, 12, 13, 27})


def sniff(file: BinaryIO, head: bytes) -> str | None:
    """The format of an open file, ``"text"`` for a text of no known kind; ``None`` when nothing is known of it.

    Args:
        file: The file; its position is moved.
        head: Its first `HEAD` bytes, or all of it when it is shorter.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return "boxes"
    if _tar_header(head):
        return "tar"
    if any(mark in head for mark in _ANYWHERE_IN_HEAD) and head.lstrip().startswith(b"%"):
        return "pdf"
    if head.startswith(_EBCDIC_XML):
        return "xml"
    return _text(head) or _late_hdf(file)


def _text(head: bytes) -> str | None:
    """A text of any encoding: byte order marks, and the zeros of UTF-16 and UTF-32, are left out of the look."""
    plain = head
    for mark in _BOMS:
        if plain.startswith(mark):
            plain = plain[len(mark) :]
            break
    wide = len(plain) >= 4 and 0 in plain[:4] and plain[:4].strip(b"\0") != b""
    if wide:
        plain = plain.replace(b"\0", b"")
    start = plain.lstrip(b" \t\r\n\f" + _JSON_TEXT_SEQUENCE)
    if _HTML.match(start):
        return "html"
    if start.startswith(b"<"):
        return "xml"
    if start.startswith((b"{", b"[")):
        return "json"
    if plain and not wide and not any(byte in _NOT_TEXT for byte in plain):
        return "text"
    return None


def _late_hdf(file: BinaryIO) -> str | None:
    """HDF5 may leave its first 512 bytes, or a double of that, to its user (MATLAB does)."""
    at = 512
    while at <= 1024 * 1024:
        file.seek(at)
        if file.read(8) == b"\x89HDF\r\n\x1a\n":
            return "hdf"
        at *= 2
    return None


def _tar_header(head: bytes) -> bool:
    """A tar's first header: its checksum is right, with ``ustar`` or without, as older ones are."""
    return len(head) >= 512 and any(head[:100]) and tar_checksum_is_right(head[:512])


def tar_checksum_is_right(block: bytes) -> bool:
    """Whether a block of 512 bytes carries the sum of its own bytes, as the header of a tar does."""
    try:
        told = int(block[148:156].strip(b" \0") or b"-1", 8)
    except ValueError:
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    return told in (sum(rest), sum(struct.unpack("512b", rest)))
