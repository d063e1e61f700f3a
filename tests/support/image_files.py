"""Small image files of each format."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib


def tiff(order: str = "<", big: bool = False, pages: int = 2, tiled: bool = False) -> bytes:
    """A small TIFF: directories first (as in a Cloud-Optimized GeoTIFF), then two blocks of pixels for each."""
    word, inline, count_size, entry_size = ("Q", 8, 8, 20) if big else ("I", 4, 2, 12)
    head = {"<": b"II", ">": b"MM"}[order] + (
        struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8)
    )
    size = count_size + 2 * entry_size + inline
    values = 2 * struct.calcsize(word) * 2
    pixels = len(head) + pages * (size + values)
    out = bytearray(head)
    for page in range(pages):
        at = len(out)
        after = at + size
        following = after + values if page + 1 < pages else 0
        offsets = [pixels + page * 200, pixels + page * 200 + 100]
        out += struct.pack(order + ("Q" if big else "H"), 2)
        for tag, where in ((324 if tiled else 273, after), (325 if tiled else 279, after + values // 2)):
            out += struct.pack(order + "HH" + word + word, tag, 16 if big else 4, 2, where)
        out += struct.pack(order + word, following)
        out += struct.pack(order + word * 4, *offsets, 100, 100)
    return bytes(out) + bytes(200 * pages)


def png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def archive() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("inside.txt", "text")
    return held.getvalue()


def hdf5(version: int) -> bytes:
    """The superblock of each version (HDF5 file format specification), and some bytes of data."""
    signature, size = b"\x89HDF\r\n\x1a\n", 200
    addresses = struct.pack("<QQQ", 0, 0xFFFFFFFFFFFFFFFF, size)
    if version < 2:
        head = signature + bytes([version, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0) + bytes(4 * version)
    else:
        head = signature + bytes([version, 8, 8, 0])
    return (head + addresses).ljust(size, b"\0")
