"""A zip from a provider is taken apart without harm, or not at all."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasking.delivery import unzip as unzip_module
from tasking.delivery.integrity import packed
from tasking.delivery.outcome import Delivery
from tasking.delivery.unzip import UNZIP, DamagedZip, Limits, unzip
from tasking.delivery.verify import verify
from tasking.errors import DeliveryFailed, UnsafeAsset
from tests.support.asset_server import FileServer, file_server, opener
from tests.support.delivery import deliver
from tests.support.image_files import hdf5, png, tiff
from tests.support.zip_files import zipped

Members = list[tuple[str | zipfile.ZipInfo, bytes]]


def info(name: str, mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr, made.create_system, made.compress_type = mode << 16, 3, method
    return made


def raw_name(name: bytes, instead_of: bytes = b"plain.txt") -> bytes:
    """A zip with a name that zipfile would not write; both names are of one length."""
    assert len(name) == len(instead_of)
    return zipped((instead_of.decode(), b"x")).replace(instead_of, name)


def flagged(bits: int) -> bytes:
    """A zip whose only file carries general purpose bits, in both of its headers."""
    body = bytearray(zipped(("a.txt", b"x")))
    central = body.index(b"PK\x01\x02")
    struct.pack_into("<H", body, 6, bits)
    struct.pack_into("<H", body, central + 8, bits)
    return bytes(body)


def understated(size: int) -> bytes:
    """A zip that says its file has ``size`` bytes, and holds 100000."""
    body = bytearray(zipped(("a.txt", bytes(100_000))))
    central = body.index(b"PK\x01\x02")
    struct.pack_into("<I", body, 22, size)
    struct.pack_into("<I", body, central + 24, size)
    return bytes(body)


SMALL = Limits(files=3, file_bytes=1000, total_bytes=2000, levels=3)

HOSTILE: list[tuple[str, Callable[[], bytes], str]] = [
    ("parent", lambda: zipped(("../evil.txt", b"x")), "leads out"),
    ("parent inside", lambda: zipped(("a/../../evil.txt", b"x")), "leads out"),
    ("absolute", lambda: zipped(("/tmp/evil.txt", b"x")), "absolute"),
    ("drive", lambda: raw_name(b"C:/ev.txt"), "absolute"),
    ("backslash", lambda: raw_name(b"..\\ev.txt"), "backslash"),
    ("hidden end", lambda: raw_name(b"a.tif\0txt"), "hidden end"),
    ("empty part", lambda: zipped(("a//b.txt", b"x")), "empty part"),
    ("dot part", lambda: zipped(("a/./b.txt", b"x")), "empty part"),
    ("deep", lambda: zipped(("a/b/c/d.txt", b"x")), "more than 3 folders"),
    ("link", lambda: zipped((info("link", stat.S_IFLNK | 0o777), b"/etc/passwd")), "is a link"),
    ("device", lambda: zipped((info("null", stat.S_IFCHR | 0o666), b"")), "neither a file"),
    ("pipe", lambda: zipped((info("pipe", stat.S_IFIFO | 0o666), b"")), "neither a file"),
    ("password", lambda: flagged(0x1), "password"),
    ("odd method", lambda: zipped(("a.txt", b"x"), method=zipfile.ZIP_LZMA), "method 14"),
    ("two of one name", lambda: zipped(("a.txt", b"x"), (info("A.TXT"), b"y")), "name of another"),
    ("file and folder", lambda: zipped(("a", b"x"), ("a/b.txt", b"y")), "name of another"),
    ("folder and file", lambda: zipped(("a/b.txt", b"y"), ("A", b"x")), "name of another"),
    ("many", lambda: zipped(*((f"{n}.txt", b"x") for n in range(4))), "more than 3 files"),
    ("very many", lambda: zipped(*((f"{n}.txt", b"x") for n in range(40))), "40 entries"),
    ("a bomb", lambda: zipped(("a.txt", bytes(10_000_000))), "10000000 bytes; at most 1000"),
    ("together", lambda: zipped(*((f"{n}.txt", bytes(900)) for n in range(3))), "more than 2000 bytes together"),
    ("folder with content", lambda: zipped((info("a/"), b"x" * 10)), "has content"),
]


@pytest.mark.parametrize(
    ("make", "why"), [(make, why) for _, make, why in HOSTILE], ids=[name for name, _, _ in HOSTILE]
)
def test_a_hostile_zip_is_refused_before_anything_is_written(
    make: Callable[[], bytes], why: str, tmp_path: Path
) -> None:
    archive = tmp_path / "delivery.zip"
    archive.write_bytes(make())
    with pytest.raises(UnsafeAsset, match=why) as caught:
        unzip(archive, tmp_path / "out", limits=SMALL)
    assert not caught.value.retryable
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [archive]


def test_a_small_zip_of_much_is_a_bomb_within_the_absolute_limits_too(tmp_path: Path) -> None:
    archive = tmp_path / "delivery.zip"
    archive.write_bytes(zipped(("a.txt", bytes(1_000_000))))
    with pytest.raises(UnsafeAsset, match="at most 50 times as much"):
        unzip(archive, tmp_path / "out", limits=Limits(expansion_from_bytes=10_000))
    assert unzip(archive, tmp_path / "out")  # an empty mask is no bomb


def wrong_crc() -> bytes:
    body = zipped(("a.txt", b"some text"), method=zipfile.ZIP_STORED)
    return body.replace(b"some text", b"sOme text")


DAMAGED: list[tuple[str, Callable[[], bytes], str]] = [
    ("crc", wrong_crc, "Bad CRC-32"),
    ("understated", lambda: understated(10), "Bad CRC-32"),
    ("cut", lambda: zipped(("a.txt", b"x" * 100))[:-30], "not whole"),
    ("no zip", lambda: b"<html>please log in</html>", "not whole"),
    ("empty", zipped, "holds no files"),
    ("only folders", lambda: zipped((info("a/"), b"")), "holds no files"),
    ("cut tiff", lambda: zipped(("a.tif", tiff()[:-150])), "pixels up to byte"),
    ("cut hdf5", lambda: zipped(("a.h5", hdf5(2)[:-1])), "ends at byte 200"),
    ("cut preview", lambda: zipped(("a.jpg", b"\xff\xd8\xff\xe0none")), "end marker"),
    ("a web page called tif", lambda: zipped(("a.tif", b"<html>error</html>")), "web page"),
    ("overstated", lambda: understated(200_000), "200000"),
]


@pytest.mark.parametrize(
    ("make", "why"), [(make, why) for _, make, why in DAMAGED], ids=[name for name, _, _ in DAMAGED]
)
def test_a_damaged_zip_leaves_no_damaged_file(make: Callable[[], bytes], why: str, tmp_path: Path) -> None:
    archive = tmp_path / "delivery.zip"
    archive.write_bytes(make())
    with pytest.raises(DamagedZip, match=why) as caught:
        unzip(archive, tmp_path / "out")
    assert caught.value.retryable
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [archive]


def test_a_directory_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "LONGEST_DIRECTORY", 2000)
    archive = tmp_path / "delivery.zip"
    archive.write_bytes(zipped(*((f"{n}.txt", b"x") for n in range(100))))
    with pytest.raises(DamagedZip, match="its directory is longer than 2000 bytes"):
        unzip(archive, tmp_path / "out")


def test_files_keep_their_folders_and_get_their_checksums(tmp_path: Path) -> None:
    archive = tmp_path / "delivery.zip"
    archive.write_bytes(zipped((info("rasters/"), b""), ("rasters/a.tif", tiff()), ("read me.txt", b""), ("NUL", b"x")))
    found = unzip(archive, tmp_path / "out")
    whole = found["rasters/a.tif"]
    assert whole is not None
    assert whole.path == tmp_path / "out" / "rasters" / "a.tif"
    assert whole.path.read_bytes() == tiff()
    assert whole.checksum == "1220" + hashlib.sha256(tiff()).hexdigest()
    assert {Path(path).name.split("-")[0] for path in found} == {"a.tif", "read_me", "NUL_"}  # made harmless


def test_many_small_files_cost_one_sync_of_each_folder_after_their_names_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, int]] = []

    def sync(folder: Path) -> None:
        synced.append((folder, len([one for one in folder.iterdir() if one.is_file()])))

    monkeypatch.setattr(unzip_module, "sync_folder", sync)
    (tmp_path / "delivery.zip").write_bytes(zipped(*((f"rasters/deep/{n}.txt", b"x") for n in range(40))))
    unzip(tmp_path / "delivery.zip", tmp_path / "out")
    out = tmp_path / "out"
    assert synced == [(tmp_path, 1), (out, 0), (out / "rasters", 0), (out / "rasters/deep", 40)]


def test_what_stands_is_left_alone(tmp_path: Path) -> None:
    archive = tmp_path / "delivery.zip"
    archive.write_bytes(zipped(("a.txt", b"new"), ("b.txt", b"new")))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_bytes(b"old")
    found = unzip(archive, tmp_path / "out", {"a.txt"})
    assert found["a.txt"] is None
    assert found["b.txt"] is not None
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"old"


def test_a_folder_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    archive = tmp_path / "delivery.zip"
    archive.write_bytes(zipped(("a/b.txt", b"x")))
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeAsset, match="outside"):
        unzip(archive, tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_disk_without_room_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "delivery.zip"
    archive.write_bytes(zipped(("a.txt", b"x" * 100)))
    monkeypatch.setattr("tasking.delivery.storage.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(DeliveryFailed, match="unpacking needs 100 bytes and 10 are free"):
        unzip(archive, tmp_path / "out")


# in a delivery --------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


@pytest.fixture
def bring(tmp_path: Path) -> Iterator[Callable[..., Delivery]]:
    with httpx.Client(timeout=10, trust_env=False, verify=False) as client:

        def run(*items: dict[str, Any]) -> Delivery:
            return deliver(
                "bay", items, tmp_path, opener(client), title="Bay", description="Bay", order_facts={}, wait_seconds=0
            )

        yield run


def item(href: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "scene",
        "geometry": None,
        "properties": {"datetime": "2026-12-01T00:00:00Z"},
        "assets": {"delivery": {"href": href, "type": "application/zip", UNZIP: True, **more}},
        "links": [],
    }


CONTENT: Members = [("rasters/a.tif", tiff()), ("preview.png", png()), ("meta.json", b"{}")]


def test_what_a_zip_holds_becomes_assets_with_checksums(
    server: FileServer, bring: Callable[..., Delivery], tmp_path: Path
) -> None:
    delivery = bring(item(server.file("/scene.zip", zipped(*CONTENT))))
    assert verify(delivery.folder) == []
    assets = json.loads((tmp_path / "bay/scene/scene.json").read_text())["assets"]
    assert set(assets) == {"delivery", "delivery/rasters/a.tif", "delivery/preview.png", "delivery/meta.json"}
    raster = assets["delivery/rasters/a.tif"]
    assert raster["href"] == "./scene/rasters/a.tif"
    assert raster["type"] == "image/tiff; application=geotiff"
    assert raster["file:checksum"] == "1220" + hashlib.sha256(tiff()).hexdigest()
    assert UNZIP not in assets["delivery"]
    assert (len(delivery.files), delivery.new_files) == (4, 1)


def test_delivering_again_fetches_and_unpacks_nothing(
    server: FileServer, bring: Callable[..., Delivery], tmp_path: Path
) -> None:
    given = item(server.file("/scene.zip", zipped(*CONTENT)))
    bring(given)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "bay/scene").rglob("*") if path.is_file()}
    delivery = bring(given)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "bay/scene").rglob("*") if path.is_file()} == before
    assert (len(delivery.files), delivery.new_files, server.hits["/scene.zip"]) == (4, 0, 1)


def test_a_file_lost_from_the_archive_is_taken_out_of_the_zip_again(
    server: FileServer, bring: Callable[..., Delivery], tmp_path: Path
) -> None:
    given = item(server.file("/scene.zip", zipped(*CONTENT)))
    bring(given)
    (tmp_path / "bay/scene/scene/rasters/a.tif").write_bytes(b"damaged")
    (tmp_path / "bay/scene/scene/x.tif.part").write_bytes(b"left by a killed run")
    delivery = bring(given)
    assert verify(delivery.folder) == []
    assert (tmp_path / "bay/scene/scene/rasters/a.tif").read_bytes() == tiff()
    assert not (tmp_path / "bay/scene/scene/x.tif.part").exists()
    assert server.hits["/scene.zip"] == 1


def test_a_zip_damaged_inside_is_fetched_again_next_time(
    server: FileServer, bring: Callable[..., Delivery], tmp_path: Path
) -> None:
    given = item(server.file("/scene.zip", wrong_crc()))
    with pytest.raises(DeliveryFailed, match=r"item scene, asset delivery: .*Bad CRC-32"):
        bring(given)
    assert not (tmp_path / "bay/catalog.json").exists()
    server.file("/scene.zip", zipped(*CONTENT))
    delivery = bring(given)
    assert verify(delivery.folder) == []
    assert server.hits["/scene.zip"] == 2


def test_a_whole_zip_is_kept_and_delivered_although_a_text_in_it_is_odd(
    server: FileServer, bring: Callable[..., Delivery], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    latin = '{"name": "München"}'.encode("latin-1")
    odd: Members = [("about.json", latin), ("legal.xml", b"see website")]
    given = item(server.file("/scene.zip", zipped(("rasters/a.tif", tiff()), *odd)))
    for _ in range(2):
        assert verify(bring(given).folder) == []
    assert (tmp_path / "bay/scene/scene/rasters/a.tif").read_bytes() == tiff()
    assert (tmp_path / "bay/scene/scene/about.json").read_bytes() == latin
    assert server.hits["/scene.zip"] == 1
    assert "about.json: it is not readable JSON" in caplog.text


def test_a_hostile_zip_ends_the_delivery_without_a_catalog(
    server: FileServer, bring: Callable[..., Delivery], tmp_path: Path
) -> None:
    with pytest.raises(UnsafeAsset, match=r"item scene, asset delivery: .*leads out"):
        bring(item(server.file("/scene.zip", zipped(("../../evil.txt", b"x")))))
    assert not (tmp_path / "bay/catalog.json").exists()
    assert not list(tmp_path.rglob("evil.txt"))
    assert not list(tmp_path.rglob("*.zip"))
