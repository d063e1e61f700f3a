"""Whether a file of measurements is whole by its own account: where does its header say that it ends?"""

from __future__ import annotations

import struct
from typing import BinaryIO

from tasking.delivery.integrity.formats import NotJudged


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


_NETCDF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_NETCDF_MOST = 100_000
"""Dimensions, attributes and variables that are read."""
_NETCDF_PADDING = 3
"""Bytes at the very end that only fill up to four."""


def netcdf_damage(file: BinaryIO, size: int) -> str | None:
    """What is wrong with a classic netCDF (CDF-1, CDF-2, CDF-5); ``None`` when every variable lies inside the file."""
    return _NetcdfHeader(file, size).damage()


class _NetcdfHeader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.left = file, size, _NETCDF_MOST
        file.seek(0)
        self.version = file.read(4)[3]

    def damage(self) -> str | None:
        records = self.number()
        self.tag()
        lengths = [self.dimension() for _ in range(self.count())]
        self.attributes()
        self.tag()
        ends, of_record, first_record = [0], list[int](), None
        for _ in range(self.count()):
            begin, length, of_records = self.variable(lengths)
            if of_records:
                of_record.append(length)
                first_record = begin if first_record is None else min(first_record, begin)
            else:
                ends.append(begin + _padded(length))
        streaming = records in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
        if first_record is not None and records and not streaming:
            # one variable alone has its records without the bytes that fill up to four
            size = of_record[0] if len(of_record) == 1 else sum(map(_padded, of_record))
            ends.append(first_record + records * size)
        told = max(ends) - _NETCDF_PADDING
        return None if told <= self.size else f"it says that it ends at byte {max(ends)}; it has {self.size} bytes"

    def unpack(self, kind: str) -> int:
        return int(struct.unpack(kind, self.file.read(struct.calcsize(kind)))[0])

    def number(self) -> int:
        return self.unpack(">Q" if self.version == 5 else ">I")

    def tag(self) -> int:
        return self.unpack(">I")

    def count(self) -> int:
        found = self.number()
        self.left -= found
        if self.left < 0:
            raise NotJudged(f"its header lists more than {_NETCDF_MOST} things")
        return found

    def skip(self, length: int) -> None:
        if self.file.tell() + length > self.size:
            raise struct.error
        self.file.seek(_padded(length), 1)

    def dimension(self) -> int:
        self.skip(self.number())
        return self.number()

    def attributes(self) -> None:
        self.tag()
        for _ in range(self.count()):
            self.skip(self.number())
            kind = self.tag()
            self.skip(self.number() * self.kind(kind))

    def kind(self, kind: int) -> int:
        if kind not in _NETCDF_SIZES:
            raise NotJudged(f"it holds values of a kind ({kind}) that is not known here")
        return _NETCDF_SIZES[kind]

    def variable(self, dimensions: list[int]) -> tuple[int, int, bool]:
        """Where it begins, its bytes (of one record), and whether it has one part for each record."""
        self.skip(self.number())
        given = [self.number() for _ in range(self.count())]
        if any(one >= len(dimensions) for one in given):
            raise NotJudged("a variable has a dimension that is not there")
        shape = [dimensions[one] for one in given]
        self.attributes()
        length = self.kind(self.tag())
        self.number()  # vsize: too small a field for large variables, so the shape tells
        begin = self.unpack(">I" if self.version == 1 else ">Q")
        of_records = bool(shape) and shape[0] == 0
        for extent in shape[1:] if of_records else shape:
            length *= extent
        return begin, length, of_records


def _padded(length: int) -> int:
    return length + -length % 4
