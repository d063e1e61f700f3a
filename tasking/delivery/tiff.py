"""Whether a TIFF is whole by its own account."""

from __future__ import annotations

import struct
from typing import BinaryIO

_MOST_DIRECTORIES, _MOST_ENTRIES, _MOST_VALUES = 10_000, 65_535, 4_000_000
"""What a TIFF may hold of each (entries and values in one directory); more is needed by no image, and fills memory."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_ORDERS = {b"II": "<", b"MM": ">"}
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _CHILDREN = 273, 279, 324, 325, 330


def is_tiff(head: bytes) -> bool:
    """Whether a file begins as a TIFF or BigTIFF does; raises `struct.error` where it ends before."""
    order = _ORDERS.get(head[:2])
    return order is not None and struct.unpack(order + "H", head[2:4])[0] in (42, 43)


def tiff_damage(file: BinaryIO, size: int, head: bytes) -> str | None:
    """What is wrong with a TIFF or BigTIFF: every directory, value, strip and tile lies inside the file."""
    order = _ORDERS[head[:2]]
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    first = struct.unpack(order + "Q", head[8:16])[0] if big else struct.unpack(order + "I", head[4:8])[0]
    waiting, seen = [first], set[int]()
    while waiting:
        at = waiting.pop()
        if at == 0 or at in seen:
            continue
        seen.add(at)
        if at >= size or len(seen) > _MOST_DIRECTORIES:
            return f"its directory at byte {at} is not inside its {size} bytes"
        tags, following = _directory(file, size, order, big, at)
        if isinstance(tags, str):
            return tags
        waiting += [*following, *tags.get(_CHILDREN, ())]
        for offsets, lengths in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
            for start, length in zip(tags.get(offsets, ()), tags.get(lengths, ()), strict=False):
                if start + length > size:
                    return f"pixels up to byte {start + length} are missing; it has {size} bytes"
        if at == first and not tags.get(_STRIPS) and not tags.get(_TILES):
            return "it does not say where its pixels are"
    return None if seen else "it holds no image"


def _directory(
    file: BinaryIO, size: int, order: str, big: bool, at: int
) -> tuple[dict[int, tuple[int, ...]] | str, list[int]]:
    """The wanted tags of one directory (or what is wrong with it), and the offset of the next one."""
    file.seek(at)
    count_size, entry_size, inline = (8, 20, 8) if big else (2, 12, 4)
    (count,) = struct.unpack(order + ("Q" if big else "H"), file.read(count_size))
    if count > _MOST_ENTRIES:
        return f"its directory at byte {at} has {count} entries, which no image has", []
    if at + count_size + count * entry_size + inline > size:
        return f"its directory at byte {at} is cut; it has {size} bytes", []
    entries = file.read(count * entry_size)
    (following,) = struct.unpack(order + ("Q" if big else "I"), file.read(inline))
    tags: dict[int, tuple[int, ...]] = {}
    for n in range(count):
        entry = entries[n * entry_size : (n + 1) * entry_size]
        tag, kind = struct.unpack(order + "HH", entry[:4])
        (values,) = struct.unpack(order + ("Q" if big else "I"), entry[4 : 4 + inline])
        length = values * _SIZES.get(kind, 1)
        raw = entry[-inline:]
        if length > inline:
            (where,) = struct.unpack(order + ("Q" if big else "I"), raw)
            if where + length > size:
                return f"the values of its tag {tag} end at byte {where + length}; it has {size} bytes", []
            if tag in (_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _CHILDREN):
                if values > _MOST_VALUES:
                    return f"its tag {tag} has {values} values, which no image has", []
                file.seek(where)
                raw = file.read(length)
        if tag in (_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _CHILDREN) and kind in _WHOLE:
            tags[tag] = struct.unpack(f"{order}{values}{_WHOLE[kind]}", raw[:length])
    return tags, [following]
