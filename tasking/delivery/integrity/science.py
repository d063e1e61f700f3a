"""Whether a file of measurements is whole by its own account: where does its header say that it ends?"""

from __future__ import annotations

import struct
from typing import BinaryIO

from tasking.delivery.integrity.verdict import NotJudged


def _shorter(told: int, size: int) -> str | None:
    return None if told <= size else f"it says that it ends at byte {told}; it has {size} bytes"


def hdf5_damage(file: BinaryIO, size: int) -> str | None:
    """HDF5 (format specification 3.0): the superblock says where the file ends."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(96)
        if head.startswith(b"\x89HDF\r\n\x1a\n"):
            break
        at = max(512, 2 * at)
        if at >= size:
            return "it ends before its superblock"
    (version,) = struct.unpack_from("B", head, 8)
    (width,) = struct.unpack_from("B", head, 9 if version > 1 else 13)
    if version > 3 or width not in (2, 4, 8):
        raise NotJudged(f"its superblock is of a kind (version {version}) that is not known here")
    place = (24, 28, 12, 12)[version] + 2 * width  # after the base address and another
    (end,) = struct.unpack_from("<" + {2: "H", 4: "I", 8: "Q"}[width], head, place)
    return _shorter(end, size)


def nitf_damage(file: BinaryIO, size: int) -> str | None:
    """NITF 2.1 and NSIF 1.0 (MIL-STD-2500C): the field FL at byte 342 is the file's length; SICD and SIDD are NITF."""
    file.seek(0)
    head = file.read(354)
    if len(head) < 354:
        return "it ends in the middle of its header"
    if head[4:9] not in (b"02.10", b"01.00"):
        raise NotJudged(f"it is a NITF of version {head[4:9].decode('ascii', 'replace')}")
    told = head[342:354]
    if not told.isdigit() or told == b"9" * 12:
        raise NotJudged("it does not say its length")
    return _shorter(int(told), size)


def grib_damage(file: BinaryIO, size: int) -> str | None:
    """GRIB, editions 1 and 2: the last message ends in 7777."""
    file.seek(max(0, size - 64))
    return None if file.read().rstrip(b"\0\r\n").endswith(b"7777") else "it ends before its end section"


def sqlite_damage(file: BinaryIO, size: int) -> str | None:
    """SQLite, so GeoPackage: the header says the size and the number of the pages."""
    file.seek(0)
    head = file.read(100)
    if len(head) < 100:
        return "it ends in the middle of its header"
    page, changes, pages, valid_for = (
        struct.unpack_from(">H", head, 16)[0],
        *struct.unpack_from(">II", head, 24),
        struct.unpack_from(">I", head, 92)[0],
    )
    if changes != valid_for or not pages:
        raise NotJudged("it does not say how many pages it has")
    return _shorter((65536 if page == 1 else page) * pages, size)


def shapefile_damage(file: BinaryIO, size: int) -> str | None:
    """Shapefile and its index (ESRI white paper, 1998): the length in 16-bit words at byte 24."""
    file.seek(24)
    return _shorter(2 * struct.unpack(">i", file.read(4))[0], size)


def parquet_damage(file: BinaryIO, size: int) -> str | None:
    """Parquet: the footer's length, and the magic bytes once more, stand at the end."""
    file.seek(max(0, size - 8))
    length, magic = struct.unpack("<I4s", file.read(8))
    if magic not in (b"PAR1", b"PARE") or length + 12 > size:
        return "it ends before its footer"
    return None


def pdf_damage(file: BinaryIO, size: int) -> str | None:
    """PDF: ``%%EOF`` stands at the end, within the bytes that readers look at."""
    file.seek(max(0, size - 2048))
    return None if b"%%EOF" in file.read() else "it ends before its end mark"
