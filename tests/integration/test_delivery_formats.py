"""Every format that images of this field come home in: what is whole is taken, what is cut is found, by what it is."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
from pathlib import Path

import pytest

from tasking.delivery.integrity.formats import FORMAT_OF_ENDING, FORMAT_OF_MEDIA_TYPE, NOT_JUDGED
from tasking.delivery.integrity.inspection import Inspection, find_damage, inspect_file
from tests.support.image_files import archive, hdf5, png, tiff

TEXT = b"one line of text, and then another one of the same kind\n" * 20


def tarred() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as file:
        info = tarfile.TarInfo("\u6771\u4eac/a.tif")
        info.size = 700
        file.addfile(info, io.BytesIO(bytes(700)))
    return held.getvalue()[:3072]  # with one block of zeros; what else is at its end may be lost without harm


def netcdf() -> bytes:
    """Classic netCDF: one fixed variable of 4 values, one with 2 records of 2 bytes."""

    def text(said: bytes) -> bytes:
        return struct.pack(">I", len(said)) + said + b"\0" * (-len(said) % 4)

    def variable(name: bytes, dimension: int, kind: int, length: int, begin: int) -> bytes:
        return text(name) + struct.pack(">III", 1, dimension, 0) + struct.pack(">IIII", 0, kind, length, begin)

    dimensions = struct.pack(">II", 10, 2) + text(b"x") + struct.pack(">I", 4) + text(b"time") + struct.pack(">I", 0)
    attributes = struct.pack(">II", 12, 1) + text(b"title") + struct.pack(">II", 2, 5) + b"T\xc3\xb4ky\0\0\0"[:8]
    head = b"CDF\x01" + struct.pack(">I", 2) + dimensions + attributes + struct.pack(">II", 11, 2)
    at = len(head) + len(variable(b"v", 0, 5, 16, 0)) + len(variable(b"r", 1, 3, 4, 0))
    return head + variable(b"v", 0, 5, 16, at) + variable(b"r", 1, 3, 4, at + 16) + bytes(16) + bytes(4)


def nitf(version: bytes = b"NITF02.10") -> bytes:
    return (version.ljust(342, b" ") + b"000000000600").ljust(600, b" ")


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


J2K = b"\xff\x4f\xff\x51" + bytes(200) + b"\xff\xd9"
JP2 = b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + box(b"jp2h", bytes(30)) + box(b"jp2c", J2K)
JPEG = b"\xff\xd8\xff\xe1\x00\x10Exif\0\0\xff\xd8\xff\xd9\0\0\0\0\xff\xda\x00\x04\0\0" + bytes(300) + b"\xff\xd9"
SQLITE = (b"SQLite format 3\0" + struct.pack(">H", 512) + bytes(6) + struct.pack(">II", 7, 3)).ljust(92, b"\0") + (
    struct.pack(">I", 7) + bytes(4)
)
UTF_16 = '<?xml version="1.0" encoding="UTF-16"?><a><b>\u6771\u4eac</b></a>'

WHOLE: dict[str, bytes] = {
    "photo.jpg": JPEG,
    "map.webp": b"RIFF" + struct.pack("<I", 104) + b"WEBP" + bytes(100),
    "map.gif": b"GIF89a" + bytes(100) + b";",
    "scene.jp2": JP2,
    "scene.j2k": J2K,
    "late.h5": bytes(512) + hdf5(2)[:12] + struct.pack("<QQQ", 0, 0xFFFFFFFFFFFFFFFF, 712) + bytes(164),
    "sea.nc": netcdf(),
    "sicd.nitf": nitf(),
    "slc.ntf": nitf(b"NSIF01.00"),
    "meta.json.gz": gzip.compress(TEXT, mtime=0) + gzip.compress(TEXT, mtime=0),
    "all.tgz": gzip.compress(tarred(), mtime=0),
    "all.tar": tarred(),
    "meta.bz2": bz2.compress(TEXT),
    "meta.xz": lzma.compress(TEXT),
    "report.pdf": b"%PDF-1.7\n" + bytes(100) + b"\ntrailer\nstartxref\n9\n%%EOF",
    "footprints.parquet": b"PAR1" + bytes(50) + struct.pack("<I", 20) + b"PAR1",
    "footprints.gpkg": SQLITE.ljust(1536, b"\0"),
    "area.shp": b"\0\0\x27\x0a" + bytes(20) + struct.pack(">i", 60) + bytes(92),
    "wind.grib2": b"GRIB\0\0\0\x02" + bytes(60) + b"7777",
    "all.7z": b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(4) + struct.pack("<QQ", 40, 28) + bytes(72),
    "doc.kmz": archive(),
    "area.kml": b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- a --><kml><Placemark/></kml>',
    "area.gml": b"\xef\xbb\xbf  <gml/>",
    "wide.xml": UTF_16.encode("utf-16"),
    "wide-be.xml": UTF_16.encode("utf-16-be"),
    "sjis.xml": '<?xml version="1.0" encoding="Shift_JIS"?><a>\u8868\u793a\u2460</a>'.encode("cp932"),
    "gbk.xml": '<?xml version="1.0" encoding="GBK"?><a>\u5317\u4eac</a>'.encode("gbk"),
    "euc.xml": '<?xml version="1.0" encoding="EUC-JP"?><a>\u6771\u4eac</a>'.encode("euc_jp"),
    "cyrillic.xml": '<?xml version="1.0" encoding="windows-1251"?><a>\u041c\u043e\u0441\u043a\u0432\u0430</a>'.encode(
        "cp1251"
    ),
    "unknown-encoding.xml": b'<?xml version="1.0" encoding="x-made-up"?><a>\xff\xfe</a>',
    "no-dash.xml": '<?xml version="1.0" encoding="utf8"?><a>\u6771</a>'.encode(),
    "item.geojson": b'{"type": "Feature", "bbox": [NaN, -Infinity, 1e999, 4], "n": ' + b"9" * 6000 + b"}",
    "bom.json": b"\xef\xbb\xbf" + b'{"a": "]}\\"", "b": "\\\\"}',
    "wide.json": json.dumps({"a": "\u6771"}, ensure_ascii=False).encode("utf-16"),
    "lines.ndjson": b'{"a": 1}\n{"a": 2}\n',
    "seq.geojsonseq": b'\x1e{"a": 1}\n\x1e{"a": 2}\n',
    "deep.json": b"[" * 50_000 + b"]" * 50_000,
    "sjis.json": '{"name": "\u8868"}'.encode("cp932"),
}
NOT_FOUND_BY_END = {"wide.xml", "wide-be.xml", "wide.json", "report.pdf", "lines.ndjson", "seq.geojsonseq", "deep.json"}


def see(folder: Path, name: str, body: bytes, media_type: str | None = None) -> Inspection:
    path = folder / "body"
    path.write_bytes(body)
    return inspect_file(path, name, media_type)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_is_taken_under_its_own_name_and_under_any_other(tmp_path: Path, name: str) -> None:
    assert see(tmp_path, name, WHOLE[name]).damage is None
    assert see(tmp_path, "asset", WHOLE[name]).damage is None
    assert see(tmp_path, "\u6771\u4eac" + Path(name).suffix.upper(), WHOLE[name]).damage is None


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_anywhere_is_found_also_under_a_name_that_says_nothing(tmp_path: Path, name: str) -> None:
    body = WHOLE[name]
    lengths = range(len(body)) if len(body) < 800 else [*range(0, len(body), 97), len(body) // 2, len(body) - 1]
    if name in NOT_FOUND_BY_END:
        lengths = [len(body) // 2, len(body) * 3 // 4 + 1]
    if name == "seq.geojsonseq" or name == "lines.ndjson":
        lengths = [3, len(body) - 4]
    if name == "meta.json.gz":
        lengths = [length for length in lengths if length - len(body) // 2 not in (0, 1)]  # whole, and a byte
    if name == "sea.nc":
        lengths = range(len(body) - 4)
    for length in lengths:
        assert see(tmp_path, name, body[:length]).damage, f"{length} of {len(body)} bytes"
        if length >= 600:  # enough to tell what it is
            assert see(tmp_path, "asset", body[:length]).damage, f"{length} of {len(body)} bytes"


@pytest.mark.parametrize(
    ("name", "media_type", "body", "kind"),
    [
        ("thumbnail.png", "image/png", JPEG, "image/jpeg"),
        ("thumbnail.jpg", "image/jpeg", png(), "image/png"),
        ("scene.tif", "image/tiff", png(), "image/png"),
        ("scene.tif", "image/tiff", gzip.compress(tiff(), mtime=0), "application/gzip"),
        ("meta.json", "application/json", gzip.compress(TEXT, mtime=0), "application/gzip"),
        ("meta.json.gz", "application/json", gzip.compress(TEXT, mtime=0), "application/gzip"),
        ("scene.h5", None, nitf(), "application/vnd.nitf"),
        ("scene.zip", "application/zip", tarred(), "application/x-tar"),
    ],
    ids=["jpeg", "png", "png for tif", "gz for tif", "gz for json", "json.gz", "nitf", "tar"],
)
def test_a_whole_file_of_another_format_is_taken_and_noted_and_a_cut_one_is_found(
    tmp_path: Path, name: str, media_type: str | None, body: bytes, kind: str
) -> None:
    seen = see(tmp_path, name, body, media_type)
    assert (seen.damage, seen.media_type) == (None, kind)
    assert seen.note.startswith("it is a")
    assert see(tmp_path, name, body[:-150] if len(body) > 600 else body[:-3], media_type).damage


ERRORS = {
    "text": b"Internal error, please try again later.\n",
    "json": b'{"detail": "expired"}',
    "html": b"\r\n<!-- x --><html><body>Log in</body></html>",
    "store": b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>',
    "map server": b'<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="x"><a/></ows:ExceptionReport>',
    "zeros": bytes(2000),
}
TEXTUAL = ("json", "xml", "html", NOT_JUDGED)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("ending", sorted(one for one, kind in FORMAT_OF_ENDING.items() if kind not in TEXTUAL))
def test_an_error_message_is_no_image_whatever_image_was_asked_for(tmp_path: Path, ending: str, error: str) -> None:
    assert see(tmp_path, f"a.{ending}", ERRORS[error]).damage


@pytest.mark.parametrize("media_type", sorted(one for one, kind in FORMAT_OF_MEDIA_TYPE.items() if kind not in TEXTUAL))
def test_nor_where_only_the_media_type_says_what_was_asked_for(tmp_path: Path, media_type: str) -> None:
    assert see(tmp_path, "asset", ERRORS["text"], f"{media_type.upper()}; profile=x").damage
    assert see(tmp_path, "asset.dat", ERRORS["json"], media_type).damage


@pytest.mark.parametrize("ending", sorted(one for one, kind in FORMAT_OF_ENDING.items() if kind == NOT_JUDGED))
def test_what_cannot_be_judged_is_taken_and_says_so(tmp_path: Path, ending: str) -> None:
    for body in (TEXT, b"\x03\x7f\x0b\x01" + bytes(500)):
        seen = see(tmp_path, f"a.{ending}", body)
        assert seen.damage is None
        assert "not judged" in seen.note


KNOWN = (
    "tif tiff cog jp2 h5 hdf5 nc nitf sicd ntf png jpg jpeg webp json geojson xml kml kmz zip tar gz tgz pdf csv txt "
    "html md5 sha256 gml shp shx dbf prj cpg sbn sbx ovr aux tfw hdr imd rpb til gpkg fgb laz parquet"
)


@pytest.mark.parametrize("ending", KNOWN.split())
def test_every_ending_of_this_field_is_known(ending: str) -> None:
    assert ending in FORMAT_OF_ENDING


@pytest.mark.parametrize(
    "body",
    [
        b"<a><b></a></b>", b"<a/><b/>", b"<a>&nbsp;</a>", b"<a b='1' b='2'/>", b"<a>\x00</a>", b"<x:a/>",
        b'<?xml version="1.1"?><a/>', b"<a b=1/>", b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
        b"<a b='" + b"x" * 3_000_000 + b"'/>",
    ],
    ids=["crossed", "two roots", "entity", "twice", "zero", "prefix", "1.1", "unquoted", "declared", "long"],
)  # fmt: skip
def test_xml_that_a_strict_parser_dislikes_is_taken_and_not_judged(tmp_path: Path, body: bytes) -> None:
    seen = see(tmp_path, "a.xml", body)
    assert seen.damage is None
    assert "not judged" in seen.note or not seen.note
    assert see(tmp_path, "a.xml", body[:-1]).damage


@pytest.mark.parametrize("body", [b'{"a": 1,}', b"{'a': 1}", b'{"a": 1, "a": 2}', b'{"a": undefined}', b"// x\n{}"])
def test_json_that_a_strict_parser_dislikes_is_taken(tmp_path: Path, body: bytes) -> None:
    assert see(tmp_path, "a.json", body).damage is None


def test_a_text_of_json_that_goes_on_over_many_pieces_is_followed(tmp_path: Path) -> None:
    body = b'{"a": "' + b"\\\\" * 600_000 + b'\\"]' * 400_000 + b'"}'
    assert see(tmp_path, "a.json", body).damage is None
    assert see(tmp_path, "a.json", body[:-2] + b"}").damage


def test_a_look_that_goes_wrong_says_nothing_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_given: object) -> str | None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("tasking.delivery.integrity.texts.xml_damage", fails)
    seen = see(tmp_path, "a.xml", b"<a/>")
    assert (seen.damage, seen.note) == (None, "the look at it failed (RuntimeError); not judged")


def test_a_gzip_that_unpacks_without_end_is_not_judged_and_costs_little(tmp_path: Path) -> None:
    assert "unpacks to more than" in see(tmp_path, "a.gz", gzip.compress(bytes(80_000_000), mtime=0)).note


def test_a_resource_fork_of_another_system_is_not_taken_for_a_damaged_image(tmp_path: Path) -> None:
    assert damage_of(tmp_path, "._a.tif", b"\x00\x05\x16\x07\x00\x02\x00\x00" + bytes(100)) is None


def test_a_tiff_of_the_old_jpeg_kind_says_where_its_pixels_are(tmp_path: Path) -> None:
    entries = struct.pack("<HHIIHHII", 513, 4, 1, 50, 514, 4, 1, 100)
    body = struct.pack("<2sHIH", b"II", 42, 8, 2) + entries + bytes(4) + bytes(120)
    assert damage_of(tmp_path, "old.tif", body[:150]) is None
    assert damage_of(tmp_path, "old.tif", body[:149])


def damage_of(folder: Path, name: str, body: bytes) -> str | None:
    path = folder / "body"
    path.write_bytes(body)
    return find_damage(path, name)
