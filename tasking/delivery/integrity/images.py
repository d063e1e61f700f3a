"""Whether a picture is whole by its own account: does its last chunk, segment or box lie inside the file?"""

from __future__ import annotations

import struct
from typing import BinaryIO

from tasking.delivery.integrity.formats import NotJudged

_MOST_PARTS = 200_000
"""Chunks, segments or boxes that are walked."""
_PIECE = 1024 * 1024


def png_damage(file: BinaryIO, size: int) -> str | None:
    """PNG (third edition, section 5): chunks up to IEND."""
    at = 8
    for _ in range(_MOST_PARTS):
        if at + 12 > size:
            return "it ends before its IEND chunk"
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        at += 12 + length
        if kind == b"IEND":
            return None if at <= size else "it ends before its last chunk does"
    raise NotJudged(f"it has more than {_MOST_PARTS} chunks")


def jpeg_damage(file: BinaryIO, size: int) -> str | None:
    """JPEG (T.81, annex B): the end marker comes after the scan; one before it is that of a preview inside."""
    try:
        return _scanned_jpeg(file)
    except NotJudged:
        if not _holds(file, max(2, size - 4096), b"\xff\xd9"):
            return "it ends before its end marker"
        raise


def _scanned_jpeg(file: BinaryIO) -> str | None:
    at = 2
    for _ in range(_MOST_PARTS):
        file.seek(at)
        marker = file.read(4)
        if len(marker) < 4:
            return "it ends before its picture, and before its end marker"
        if marker[0] != 0xFF:
            raise NotJudged("its segments do not follow one another")
        if marker[1] == 0xFF:  # padding
            at += 1
        elif marker[1] == 0xDA:
            return None if _holds(file, at + 2, b"\xff\xd9") else "it ends before its end marker"
        elif marker[1] == 0xD9:
            return "it ends before its picture, and before its end marker"
        elif marker[1] == 0x01 or 0xD0 <= marker[1] <= 0xD7:
            at += 2
        else:
            at += 2 + struct.unpack(">H", marker[2:])[0]
    raise NotJudged(f"it has more than {_MOST_PARTS} segments")


def _holds(file: BinaryIO, start: int, mark: bytes) -> bool:
    file.seek(start)
    before = b""
    while piece := file.read(_PIECE):
        if mark in before + piece:
            return True
        before = piece[-len(mark) + 1 :]
    return False


def webp_damage(file: BinaryIO, size: int) -> str | None:
    """WebP: the RIFF header says how long the file is."""
    file.seek(4)
    (length,) = struct.unpack("<I", file.read(4))
    return None if length + 8 <= size + (length & 1) else f"it says that it has {length + 8} bytes; it has {size}"


def gif_damage(file: BinaryIO, size: int) -> str | None:
    """GIF89a: the last byte is the trailer; some writers pad after it."""
    file.seek(max(0, size - 512))
    return None if file.read().rstrip(b"\0\r\n").endswith(b";") else "it ends before its trailer"


def codestream_damage(file: BinaryIO, size: int) -> str | None:
    """JPEG 2000 codestream (T.800, annex A): the last marker is EOC."""
    file.seek(max(0, size - 512))
    return None if file.read().rstrip(b"\0\r\n").endswith(b"\xff\xd9") else "it ends before its end marker"


def boxes_damage(file: BinaryIO, size: int, needed: bytes = b"") -> str | None:
    """JP2 (T.800, annex I), MP4, HEIF and AVIF: boxes one after another, each with its length.

    Args:
        file: The file.
        size: Its bytes.
        needed: A kind of box without which it is not whole.
    """
    at, last, seen = 0, 0, not needed
    for _ in range(_MOST_PARTS):
        if at == size:
            break
        if at + 8 > size:
            return "it ends in the middle of a box"
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        elif length == 0:
            length = size - at
        if length < 8:
            raise NotJudged("the lengths of its boxes do not add up")
        last, at = at, at + length
        seen = seen or kind == needed
        if at > size:
            return f"a part of it goes on to byte {at}; it has {size} bytes"
        if kind == b"jp2c" and at == size:
            seen = True
            if wrong := codestream_damage(file, size):
                return wrong
    else:
        raise NotJudged(f"it has more than {_MOST_PARTS} boxes")
    return None if seen and last else "it ends before its picture, and before its end marker"
