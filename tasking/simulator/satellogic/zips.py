"""Delivery zips: a good one, and traps for those who unpack without care."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache

_WHEN = (2026, 1, 1, 0, 0, 0)
_MEBIBYTE = 1024 * 1024
BOMB_MEBIBYTES = 512
UNDERSTATED_MEBIBYTES = 64
MANY_ENTRIES = 20_000


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A plain zip: the same bytes for the same files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made:
        for name, data in files.items():
            made.writestr(_entry(name), data)
    return target.getvalue()


def _entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry


def _with(good: bytes, *extra: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    target = io.BytesIO(good)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as made:
        for entry, data in extra:
            made.writestr(entry, data)
    return target.getvalue()


def _central(data: bytes) -> int:
    """Where the first entry of the central directory stands."""
    end = data.rindex(b"PK\x05\x06")
    return int(struct.unpack_from("<I", data, end + 16)[0])


def _last_central(data: bytes) -> int:
    return data.rindex(b"PK\x01\x02")


def _patched(data: bytes, place: int, form: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, place, value)
    return bytes(changed)


@lru_cache(maxsize=2)
def _zeros(mebibytes: int) -> tuple[bytes, int]:
    """So many MiB of zeros as a raw deflate stream of a thousandth of their size, and their CRC.

    After a full flush every MiB is coded alike, so one coded piece is repeated rather than all of it coded.
    """
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = squeezer.compress(bytes(_MEBIBYTE)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    crc, zeros = 0, bytes(_MEBIBYTE)
    for _ in range(mebibytes):
        crc = zlib.crc32(zeros, crc)
    return piece * mebibytes + b"\x03\x00", crc


def _zip_of_zeros(name: str, mebibytes: int, declared: int) -> bytes:
    """A zip of one entry of zeros that declares a size of its own choice."""
    packed, crc = _zeros(mebibytes)
    raw = name.encode()
    shared = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x5C21, crc, len(packed), declared, len(raw), 0)
    local = b"PK\x03\x04" + shared + raw + packed
    central = b"PK\x01\x02" + struct.pack("<H", 0x0314) + shared
    central += struct.pack("<HHHII", 0, 0, 0, (stat.S_IFREG | 0o644) << 16, 0) + raw
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def trapped(kind: str, files: Mapping[str, bytes]) -> bytes:
    """A delivery zip that is a trap; "" is none.

    ================ ===================================================================================
    parent_path      an entry ``../evil.txt``
    absolute_path    an entry ``/tmp/evil-from-the-simulator.txt``
    backslash_path   an entry ``..\\evil.txt``, which is a path on some systems
    symlink          an entry that is a link to ``/etc``, and an entry through it
    bomb             512 MiB of zeros in half a MiB, honestly declared
    understated      64 MiB of zeros declared as 1000 bytes
    huge_declared    a small entry declared as 4 GB
    wrong_crc        one byte of one file flipped
    truncated        the first half of the zip
    duplicate        two entries of one name
    many_entries     20,000 empty entries
    encrypted        an entry marked as encrypted
    not_a_zip        an HTML page
    cut_tiff         a sound zip in which a GeoTIFF is cut in half
    ================ ===================================================================================
    """
    good = zip_of(files)
    match kind:
        case "parent_path":
            return _with(good, (_entry("../evil.txt"), b"evil"))
        case "absolute_path":
            return _with(good, (_entry("/tmp/evil-from-the-simulator.txt"), b"evil"))  # noqa: S108 (an entry's name)
        case "backslash_path":
            return _with(good, (_entry("..\\evil.txt"), b"evil"))
        case "symlink":
            link = _entry("attached", stat.S_IFLNK | 0o777)
            return _with(good, (link, b"/etc"), (_entry("attached/evil.txt"), b"evil"))
        case "bomb":
            return _zip_of_zeros("analytic.tif", BOMB_MEBIBYTES, BOMB_MEBIBYTES * _MEBIBYTE)
        case "understated":
            return _zip_of_zeros("analytic.tif", UNDERSTATED_MEBIBYTES, 1000)
        case "huge_declared":
            return _patched(good, _last_central(good) + 24, "<I", 0xFFFFFFFE)
        case "wrong_crc":
            first = zipfile.ZipFile(io.BytesIO(good)).infolist()[-1]
            place = first.header_offset + 30 + len(first.filename) + first.file_size // 2
            return _patched(good, place, "<B", good[place] ^ 0xFF)
        case "truncated":
            return good[: len(good) // 2]
        case "duplicate":
            # Written under a name of the same length, then renamed: the writer itself refuses a twin.
            name = next(iter(files))
            other = name[:-1] + "~"
            return _with(good, (_entry(other), b"a twin with other content")).replace(other.encode(), name.encode())
        case "many_entries":
            return _with(good, *((_entry(f"part/{number:05}"), b"") for number in range(MANY_ENTRIES)))
        case "encrypted":
            return _patched(_patched(good, 6, "<H", 1), _central(good) + 8, "<H", 1)
        case "not_a_zip":
            return b"<!doctype html><html><body><h1>We will be back soon</h1></body></html>"
        case "cut_tiff":
            cut = {name: data[: len(data) // 2] if name.endswith(".tif") else data for name, data in files.items()}
            return zip_of(cut)
        case _:
            return good
