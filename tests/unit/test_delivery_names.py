"""Names and addresses from outside cannot lead out of the order's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasking.delivery.file_names import LONGEST, checked_href, file_name, folder_name, safe_name
from tasking.delivery.storage import archive_folder
from tasking.errors import InvalidOrder, UnsafeAsset

HOSTILE = [
    "../../etc/passwd", "/etc/passwd", "..", ".", "", " ", "a/b", "a\\b", "C:\\x.tif", ".hidden", ".lock", "-rf",
    "nul", "CON.tif", "com1", "a\0b", "a\nb.tif", "x.tif.part", "x" * 300 + ".tif", "ÅÄÖ.tif", "東京.tif", "‮fit.exe",
    "a:b", "a|b", "a?b=c", "~", "~root", "$HOME", "%2e%2e%2f", "....//", "a..b", "end.", "\ud800",
]  # fmt: skip


def harmless(name: str) -> bool:
    return (
        1 <= len(name) <= LONGEST
        and name.isascii()
        and all(each.isalnum() or each in "._-" for each in name)
        and name[0] not in ".-"
        and not name.endswith((".", ".part"))
        and Path(name).name == name
    )


@pytest.mark.parametrize("given_name", HOSTILE, ids=[ascii(name)[:30] for name in HOSTILE])
def test_a_hostile_name_becomes_a_harmless_one_of_its_own(given_name: str) -> None:
    made = safe_name(given_name)
    assert harmless(made)
    assert made == safe_name(given_name)
    others = {safe_name(other) for other in HOSTILE if other != given_name}
    assert made not in others


@given(st.text(max_size=200))
def test_any_name_becomes_harmless(text: str) -> None:
    assert harmless(safe_name(text))


@pytest.mark.parametrize("name", ["tci.tif", "GRUS1A_20210716005528_L3A_PSM_N43182307.tif", "band1", "a-b_c.d"])
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == name


def test_a_shortened_name_keeps_its_ending() -> None:
    assert safe_name("x" * 300 + ".tif").endswith(".tif")


@pytest.mark.parametrize(
    ("key", "asset", "expected"),
    [
        ("tci", {"href": "https://h/x/scene.tif?sig=secret"}, "scene.tif"),
        ("tci", {"href": "https://h/download?id=5", "type": "image/tiff; application=geotiff"}, "tci.tif"),
        ("preview.png", {"href": "https://h/download"}, "preview.png"),
        ("data", {"href": "https://h/"}, "data"),
        ("tci", {"href": "https://h/x/%2e%2e%2fscene.tif"}, "scene.tif"),
    ],
)
def test_a_file_is_called_as_in_its_address_or_by_its_key(key: str, asset: dict[str, Any], expected: str) -> None:
    assert file_name(key, asset, set()) == expected


def test_files_of_one_name_are_told_apart_also_where_case_does_not_count() -> None:
    taken: set[str] = set()
    asset = [{"href": "https://h/a/scene.tif"}, {"href": "https://h/b/scene.tif"}, {"href": "https://h/c/SCENE.TIF"}]
    names = [file_name(f"band{n}", each, taken) for n, each in enumerate(asset)]
    assert len({name.lower() for name in names}) == 3
    assert all(harmless(name) for name in names)


def test_items_of_one_name_get_folders_of_their_own() -> None:
    assert folder_name("grus-1/scene", "scene", {}) == "scene"
    assert folder_name("grus-1/scene", "scene", {"scene": "grus-1/scene"}) == "scene"
    other = folder_name("grus-2/scene", "scene", {"scene": "grus-1/scene"})
    assert other.startswith("scene-")
    assert folder_name("/catalog.json", "catalog.json", {}) != "catalog.json"


@pytest.mark.parametrize(
    "href",
    [
        "https://cdn.example.com/x.tif?sig=a%20b",
        "http://127.0.0.1:8600/x.tif",
        "http://localhost/x.tif",
        "http://[::1]:80/x.tif",
    ],
)
def test_an_address_that_may_be_followed_is_left_as_it_is(href: str) -> None:
    assert checked_href(href, "asset") == href


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "../x.tif",
        "./x.tif",
        "x.tif",
        "s3://bucket/x.tif",
        "ftp://h/x.tif",
        "http://example.com/x.tif",
        "http://10.0.0.1/x.tif",
        "http://localhost.example.com/x",
        "https://",
        "https:///x",
        "https://user:word@example.com/x",
        "https://h:99999/x",
        "https://[::1/x",
        "data:image/png;base64,AA==",
        "javascript:alert(1)",
        "//example.com/x.tif",
        "https://h/a\nb",
        "",
        None,
        5,
    ],
)
def test_an_address_that_must_not_be_followed_is_refused(href: object) -> None:
    with pytest.raises(UnsafeAsset, match=r"item 1, asset tci: .*nothing was fetched"):
        checked_href(href, "item 1, asset tci")


def test_a_refusal_does_not_show_the_signature() -> None:
    with pytest.raises(UnsafeAsset) as refused:
        checked_href("ftp://h/x.tif?sig=secret", "asset")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("/data/archive", Path("/data/archive")),
        ("file:///data/my%20archive", Path("/data/my archive")),
        ("file://localhost/data", Path("/data")),
        ("~/archive", Path.home() / "archive"),
    ],
)
def test_an_archive_is_a_local_folder(url: str, folder: Path) -> None:
    assert archive_folder(url) == folder


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3://bucket/x", "s3:// is not supported yet"),
        ("https://h/x", "https:// is not supported yet"),
        ("archive", "is relative and would differ from worker to worker"),
        ("file:archive", "is relative"),
        ("file://server/share", "'server' is read as a host"),
        ("", "give an absolute path"),
        ("~nobody-of-that-name/x", "no such home folder"),
    ],
)
def test_another_kind_of_archive_is_refused_with_what_is_supported(url: str, why: str) -> None:
    with pytest.raises(InvalidOrder) as refused:
        archive_folder(url)
    assert why in str(refused.value)
    assert "file:///data/archive" in str(refused.value)
