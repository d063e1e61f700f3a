"""Whether a TIFF is whole by its own account."""

from __future__ import annotations

import operator
import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

_MOST_DIRECTORIES, _MOST_ENTRIES, _MOST_VALUES = 10_000, 65_535, 4_000_000
"""What a TIFF may hold of each (entries and values in one directory); more is needed by no image, and fills memory."""

_MOST_IN_ALL = 3 * _MOST_VALUES
"""Values of all directories together: the blocks of the largest image and of its overviews.

A small file can ask for any number, as its directories and arrays may lie on top of one another.
"""
_MOST_ENTRIES_IN_ALL = 400_000
"""Entries of all directories together: forty in each of 10,000."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_ORDERS = {b"II": "<", b"MM": ">"}
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _CHILDREN = 273, 279, 324, 325, 330
_JPEG, _JPEG_BYTES = 513, 514
"""Where the pixels are in JPEG of the old kind (compression 6)."""
_PIXELS = ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES), (_JPEG, _JPEG_BYTES))
_MOST_OF = {tag: _MOST_VALUES for pair in _PIXELS for tag in pair} | {_CHILDREN: _MOST_DIRECTORIES}


def tiff_damage(file: BinaryIO, size: int, head: bytes) -> str | None:
    """What is wrong with a TIFF or BigTIFF: every directory, value, strip and tile lies inside the file.

    Raises:
        struct.error: It ends in the middle of its structure.
    """
    order = _ORDERS[head[:2]]
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    first = struct.unpack(order + "Q", head[8:16])[0] if big else struct.unpack(order + "I", head[4:8])[0]
    tiff = _Tiff(file, size, order, big)
    waiting = [first] if first else []
    known = set(waiting)
    while waiting:
        at = waiting.pop()
        if at >= size:
            return f"its directory at byte {at} is not inside its {size} bytes"
        tags, following = tiff.directory(at)
        if isinstance(tags, str):
            return tags
        news = {following, *tags.get(_CHILDREN, ())} - known - {0}
        known |= news
        if len(known) > _MOST_DIRECTORIES:
            return f"it has more than {_MOST_DIRECTORIES} directories, which no image has"
        waiting += news
        for offsets, lengths in _PIXELS:
            end = max(map(operator.add, tags.get(offsets, ()), tags.get(lengths, ())), default=0)
            if end > size:
                return f"pixels up to byte {end} are missing; it has {size} bytes"
        if at == first and not any(tags.get(offsets) for offsets, _ in _PIXELS):
            return "it does not say where its pixels are"
    return None if known else "it holds no image"


@dataclass
class _Tiff:
    """A TIFF as it is read.

    Attributes:
        left: How many values may still be read of it.
        entries_left: How many entries.
    """

    file: BinaryIO
    size: int
    order: str
    big: bool
    left: int = _MOST_IN_ALL
    entries_left: int = _MOST_ENTRIES_IN_ALL

    def directory(self, at: int) -> tuple[Mapping[int, array[int]] | str, int]:
        """The wanted tags of one directory (or what is wrong with it), and the offset of the next one."""
        self.file.seek(at)
        count_size, entry_size, inline = (8, 20, 8) if self.big else (2, 12, 4)
        (count,) = struct.unpack(self.order + ("Q" if self.big else "H"), self.file.read(count_size))
        if count > _MOST_ENTRIES:
            return f"its directory at byte {at} has {count} entries, which no image has", 0
        if at + count_size + count * entry_size + inline > self.size:
            return f"its directory at byte {at} is cut; it has {self.size} bytes", 0
        self.entries_left -= count
        if self.entries_left < 0:
            return f"its directories have more than {_MOST_ENTRIES_IN_ALL} entries, which no image has", 0
        entries = self.file.read(count * entry_size)
        (following,) = struct.unpack(self.order + ("Q" if self.big else "I"), self.file.read(inline))
        tags: dict[int, array[int]] = {}
        for n in range(count):
            entry = entries[n * entry_size : (n + 1) * entry_size]
            tag, kind = struct.unpack(self.order + "HH", entry[:4])
            (values,) = struct.unpack(self.order + ("Q" if self.big else "I"), entry[4 : 4 + inline])
            length = values * _SIZES.get(kind, 1)
            where = None
            if length > inline:
                (where,) = struct.unpack(self.order + ("Q" if self.big else "I"), entry[-inline:])
                if where + length > self.size:
                    return f"the values of its tag {tag} end at byte {where + length}; it has {self.size} bytes", 0
            if tag not in _MOST_OF:
                continue
            if values > _MOST_OF[tag]:
                return f"its tag {tag} has {values} values, which no image has", 0
            self.left -= values
            if self.left < 0:
                return f"its directories have more than {_MOST_IN_ALL} entries and values, which no image has", 0
            if kind in _WHOLE:
                tags[tag] = self._numbers(kind, length, entry[-inline:], where)
        return tags, following

    def _numbers(self, kind: int, length: int, inline: bytes, where: int | None) -> array[int]:
        """Whole numbers, packed as in the file: as a list they would take ten times as much."""
        if where is not None:
            self.file.seek(where)
            inline = self.file.read(length)
        found = array(_WHOLE[kind], inline[:length])
        if (self.order == "<") != (sys.byteorder == "little"):
            found.byteswap()
        return found
