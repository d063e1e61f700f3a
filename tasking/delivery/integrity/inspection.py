"""Is a file whole by its own account? A small look at the structure, for the formats that satellites come home in.

A server can state the length of the half it kept, and can answer 200 with an error page. The length then agrees with
the wrong bytes, so the file itself is asked: do its pixels, chunks or directories lie inside it, does its end stand
where it belongs?

What a file is, its first bytes say; its name and its media type are a claim. Where both are images, or both are packed,
and differ, the file is judged as what it is and that is noted. Where an image is claimed and a text came, the text is
taken for an error message. What cannot be judged is taken at the length that its server states, with a note.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tasking.delivery.integrity import images, packed, science, texts
from tasking.delivery.integrity.formats import (
    FORMATS,
    MEDIA_TYPE_OF,
    NOT_JUDGED,
    TEXTS,
    NotJudged,
    format_of,
    of_media_type,
)
from tasking.delivery.integrity.sniffing import HEAD, sniff
from tasking.delivery.integrity.tiff import tiff_damage

_SAME = ({"hdf", "hdf4", "netcdf"}, {"jp2", "j2k"}, {"nitf", "j2k"})
"""Formats that go by one another's names."""
_ERROR_DOCUMENT = re.compile(rb"(?:<\?[^>]*>\s*)*+<(?:\w+:)?(?:Error|ExceptionReport|ServiceExceptionReport)\b")
"""XML that a store or a map server sends instead of a file; no metadata of an image begins like this."""
_ENVELOPE = re.compile(rb"(?:<\?[^>]*>\s*)*+<(?:\w+:)?(?:Fault|Envelope)\b")
_ERROR_OBJECT = re.compile(rb'\{\s*"(?:error|errors|message|detail|fault|code)"\s*:', re.IGNORECASE)


class Inspection(NamedTuple):
    """What a look at a file found.

    Attributes:
        damage: What is wrong with it, in words; ``None`` when nothing is known to be.
        note: What a person should know of a file that is taken: it is of another format than was said, or not judged.
        media_type: What it is, when that is another format than was claimed.
        text: Whether it is, and is said to be, a text or something without a known structure.
    """

    damage: str | None = None
    note: str = ""
    media_type: str | None = None
    text: bool = False


def find_damage(path: Path, name: str, media_type: str | None = None) -> str | None:
    """What is wrong with the file as a ``name`` of this media type, in words; ``None`` when nothing is known to be."""
    return inspect_file(path, name, media_type).damage


def inspect_file(path: Path, name: str, media_type: str | None = None) -> Inspection:
    """Judge a file by what it is.

    Args:
        path: Where the bytes are now.
        name: The name it will get; its ending is a claim.
        media_type: The media type promised for it; a claim, too, when the name says nothing.

    Raises:
        OSError: The disk does not hand it out. Nothing else leaves it: a look that goes wrong has not judged.
    """
    size = path.stat().st_size
    if size == 0:
        return Inspection("it is empty")
    claimed = format_of(name, media_type)
    with path.open("rb") as file:
        head = file.read(HEAD)
        found = sniff(file, head)
        text = found in (None, "text", *TEXTS) and claimed in (None, NOT_JUDGED, *TEXTS)
        if (wrong := _not_what_was_asked_for(claimed, found, head)) is not None:
            if claimed == "zip" and found not in ("text", *TEXTS) and packed.zip_damage(path) is None:
                return Inspection()  # with a program before it that takes it apart
            return Inspection(wrong, text=text)
        odd = _odd(claimed, found) or _odd(of_media_type(media_type), found)
        try:
            wrong = _damage(file, path, size, head, found)
        except NotJudged as error:
            return Inspection(note=_notes(odd, f"{error}; not judged"), media_type=_type(odd, found), text=text)
        except (struct.error, IndexError):
            wrong = "it ends in the middle of its structure"
        except OSError:
            raise
        except Exception as error:  # a mistake of the look says nothing of the file
            why = f"the look at it failed ({type(error).__name__}); not judged"
            return Inspection(note=_notes(odd, why), media_type=_type(odd, found), text=text)
    if wrong is not None:
        return Inspection(f"{wrong} ({odd})" if odd else wrong, text=text)
    return Inspection(note=odd, media_type=_type(odd, found), text=text)


def _damage(file: BinaryIO, path: Path, size: int, head: bytes, found: str | None) -> str | None:
    """What is wrong with a file of this format.

    Raises:
        NotJudged: The look does not tell.
        struct.error: It ends in the middle of its structure.
    """
    match found:
        case "tiff":
            return tiff_damage(file, size, head)
        case "xml":
            return texts.xml_damage(file, size, head)
        case "json":
            return texts.json_damage(file, size, head)
        case "zip":
            return packed.zip_damage(path)
        case "jp2":
            return images.boxes_damage(file, size, b"jp2c")
        case None | "text" | "html":
            raise NotJudged("nothing in it says where it ends")
    judge = _JUDGES.get(found)
    if judge is None:
        raise NotJudged(f"files that are {_called(found)} are not judged")
    return judge(file, size)


_JUDGES = {
    "png": images.png_damage,
    "jpeg": images.jpeg_damage,
    "webp": images.webp_damage,
    "gif": images.gif_damage,
    "j2k": images.codestream_damage,
    "jxl": images.boxes_damage,
    "boxes": images.boxes_damage,
    "hdf": science.hdf5_damage,
    "netcdf": science.netcdf_damage,
    "nitf": science.nitf_damage,
    "grib": science.grib_damage,
    "sqlite": science.sqlite_damage,
    "shapefile": science.shapefile_damage,
    "parquet": science.parquet_damage,
    "pdf": science.pdf_damage,
    "gzip": packed.gzip_damage,
    "bzip2": packed.bzip2_damage,
    "xz": packed.xz_damage,
    "7z": packed.seven_zip_damage,
    "tar": packed.tar_damage,
}


def _not_what_was_asked_for(claimed: str | None, found: str | None, head: bytes) -> str | None:
    """Why it is taken for an error message, or for bytes that lost their beginning; ``None`` when it is not."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if found == "html" and claimed != "html":
        return "it is a web page (HTML), probably an error or login page of the server"
    if found == "xml" and _ERROR_DOCUMENT.match(start):
        return f"it is an error message of the server: {_begin(head)!r}"
    if claimed is None or claimed in (NOT_JUDGED, found):
        return None
    if claimed in TEXTS:
        if found is None or (found == "text" and claimed != "html" and b"{" not in head and b"<" not in head):
            return _instead(claimed, head)
        if (found == "xml" and _ENVELOPE.match(start)) or (found == "json" and _ERROR_OBJECT.match(start)):
            return _instead(claimed, head)
        return None
    return _instead(claimed, head) if found in (None, "text", *TEXTS) else None


def _odd(claimed: str | None, found: str | None) -> str:
    """A note when it is whole and something else than was said."""
    if claimed is None or found is None or claimed in (NOT_JUDGED, found) or found == "text":
        return ""
    if any(claimed in one and found in one for one in _SAME):
        return ""
    return f"it is {_called(found)}, not {_called(claimed)}"


def _called(kind: str) -> str:
    return FORMATS[kind].called if kind in FORMATS else kind


def _type(odd: str, found: str | None) -> str | None:
    return MEDIA_TYPE_OF.get(found or "") if odd else None


def _notes(*said: str) -> str:
    return "; ".join(filter(None, said))


def _instead(claimed: str, head: bytes) -> str:
    return f"it is not {_called(claimed)}; it starts with {_begin(head)!r}"


def _begin(head: bytes) -> str:
    start = head.lstrip()[:80]
    return start.decode("ascii") if start.isascii() and b"\0" not in start else start[:12].hex(" ")
