"""Whether a file is whole by its own account: a cut file with a matching length is still found."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from tasking.delivery.integrity.formats import format_of
from tasking.delivery.integrity.inspection import find_damage
from tests.support.image_files import archive, hdf5, png, tiff

WHOLE = {
    "classic.tif": tiff(),
    "motorola.tif": tiff(">"),
    "big.tiff": tiff(big=True),
    "big-tiled.TIF": tiff(big=True, tiled=True),
    "picture.png": png(),
    "picture.jpg": b"\xff\xd8\xff\xe0" + bytes(500) + b"\xff\xd9",
    "all.zip": archive(),
    "item.json": b'{"a": [1, 2, 3]}',
    "old.h5": hdf5(0),
    "indexed.h5": hdf5(1),
    "radar.h5": hdf5(2),
    "newest.h5": hdf5(3),
    "frame.xml": b'<?xml version="1.0"?>\n<frame><orbit n="1">ascending</orbit></frame>',
    "place.kml": b'<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark/></kml>',
    "unknown.xyz": b"anything",
    "page.html": b"<html></html>",
}


def check(folder: Path, name: str, body: bytes) -> str | None:
    path = folder / "body"
    path.write_bytes(body)
    return find_damage(path, name)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_is_whole(tmp_path: Path, name: str) -> None:
    assert check(tmp_path, name, WHOLE[name]) is None


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in ("unknown.xyz", "page.html")])
def test_a_file_cut_anywhere_is_found(tmp_path: Path, name: str) -> None:
    body = WHOLE[name]
    for length in range(len(body)):
        assert check(tmp_path, name, body[:length]), f"{length} of {len(body)} bytes"


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in ("unknown.xyz", "page.html")])
def test_something_else_under_a_files_name_is_found(tmp_path: Path, name: str) -> None:
    assert check(tmp_path, name, b"Internal error, please try again later." * 20)
    assert check(tmp_path, name, b"\n <!DOCTYPE html><p>Log in</p>")


def test_a_real_cloud_optimized_geotiff_is_whole_and_its_first_half_is_not(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    numpy = pytest.importorskip("numpy")
    for big in ("YES", "NO"):
        path = tmp_path / "real.tif"
        pixels = numpy.random.default_rng(1).integers(0, 4000, (3, 600, 600)).astype("uint16")
        place = rasterio.Affine(0.001, 0.0, 139.0, 0.0, -0.001, 36.0)
        with rasterio.open(
            path, "w", driver="COG", width=600, height=600, count=3, dtype="uint16", crs="EPSG:4326",
            transform=place, compress="deflate", blocksize=256, bigtiff=big,
        ) as file:  # fmt: skip
            file.write(pixels)
        assert find_damage(path, "real.tif") is None
        body = path.read_bytes()
        for share in (0.1, 0.5, 0.9, 0.999):
            assert check(tmp_path, "real.tif", body[: int(len(body) * share)])


def test_a_tiff_whose_directories_lead_in_a_circle_is_read_once(tmp_path: Path) -> None:
    body = bytearray(tiff(pages=1))
    body[8 + 2 + 24 : 8 + 2 + 28] = struct.pack("<I", 8)
    assert check(tmp_path, "circle.tif", bytes(body)) is None


def _overlapping(directories: int, children: int, tags: tuple[int, ...] = (330,)) -> bytes:
    """A small TIFF that asks for much: each directory's children are a part of one array, as are its other values."""
    size = 2 + 12 * (1 + len(tags)) + 4
    first = 8 + 4 * (children + directories)
    array = list(range(2, 2 + children)) if directories == 1 else [0] * children
    array += [first + (n + 1) * size for n in range(directories - 1)] + [0]
    out = [struct.pack("<2sHI", b"II", 42, first), struct.pack(f"<{len(array)}I", *array)]
    for n in range(directories):
        out.append(struct.pack("<H", 1 + len(tags)) + struct.pack("<HHII", 273, 4, 1, 0))
        out += [struct.pack("<HHII", tag, 4, children, 8 + 4 * (n + 1)) for tag in tags]
        out.append(struct.pack("<I", first + (n + 1) * size if n + 1 < directories else 0))
    return b"".join(out)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (lambda: _overlapping(40, 400_000), "400000 values, which no image has"),
        (lambda: _overlapping(1, 3_900_000, (273, 279, 324, 325)), "more than 12000000 entries and values"),
        (lambda: _overlapping(3_000, 10_000), "more than 12000000 entries and values"),
    ],
    ids=["children", "blocks", "many directories"],
)
def test_a_small_tiff_that_asks_for_much_is_refused_before_it_fills_the_memory(
    tmp_path: Path, body: Callable[[], bytes], why: str
) -> None:
    path = tmp_path / "hostile.tif"
    path.write_bytes(body())
    tracemalloc.start()
    found = find_damage(path, path.name)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found is not None
    assert why in found
    assert peak < 70e6


def test_a_tiff_of_more_directories_than_any_image_has_is_refused(tmp_path: Path) -> None:
    body = _overlapping(10_001, 2)
    assert "more than 10000 directories" in str(check(tmp_path, "many.tif", body))


def test_a_tiff_of_as_many_blocks_as_a_huge_image_has_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    path.write_bytes(_overlapping(1, 2_000_000, (279,)) + bytes(2_000_002))
    assert find_damage(path, path.name) is None


def test_xml_that_declares_entities_is_not_unfolded(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    assert check(tmp_path, "bomb.xml", bomb) is None


def test_a_tiff_without_pixels_is_damaged(tmp_path: Path) -> None:
    body = b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIII", 1, 256, 4, 1, 7, 0)
    assert check(tmp_path, "none.tif", body) == "it does not say where its pixels are"


def test_the_format_comes_from_the_name_else_from_the_media_type() -> None:
    assert format_of("a.TIFF", "image/png") == "tiff"
    assert format_of("a", "image/tiff; application=geotiff; profile=cloud-optimized") == "tiff"
    assert format_of("a.xyz", None) is None
