"""Whether a classic netCDF file is whole: its header says where each variable lies. netCDF-4 is HDF5."""

from __future__ import annotations

import struct
from typing import BinaryIO

from tasking.delivery.integrity.verdict import NotJudged

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_MOST = 100_000
"""Dimensions, attributes and variables that are read."""
_PADDING = 3
"""Bytes at the very end that only fill up to four."""


def netcdf_damage(file: BinaryIO, size: int) -> str | None:
    """What is wrong with a classic netCDF (CDF-1, CDF-2, CDF-5); ``None`` when every variable lies inside the file."""
    return _Header(file, size).damage()


class _Header:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.left = file, size, _MOST
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
        told = max(ends) - _PADDING
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
            raise NotJudged(f"its header lists more than {_MOST} things")
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
        if kind not in _SIZES:
            raise NotJudged(f"it holds values of a kind ({kind}) that is not known here")
        return _SIZES[kind]

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
