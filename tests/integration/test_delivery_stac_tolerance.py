"""One odd word of metadata stops no file: read as a provider writes, and written as valid STAC 1.1."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
import pystac.validation
import pytest

from tasking.delivery.redaction import redact_urls
from tasking.delivery.stac.fields import read_time
from tasking.delivery.verify import verify
from tasking.errors import NotFound, UnsafeAsset
from tests.support.asset_server import FileServer
from tests.support.delivery import Bring, scene, tree
from tests.support.delivery import bring as bring
from tests.support.delivery import client as client
from tests.support.delivery import server as server
from tests.support.image_files import png, tiff

POLYGON = {"type": "Polygon", "coordinates": [[[139, 35], [140, 35], [140, 36], [139, 35]]]}


def properties(**said: Any) -> dict[str, Any]:
    return {"properties": {"datetime": "2026-12-03T01:14:00Z", **said}}


ODD: dict[str, dict[str, Any]] = {
    "no datetime": {"properties": {"gsd": 1}},
    "null datetime": {"properties": {"datetime": None}},
    "null datetime, begin": {"properties": {"datetime": None, "start_datetime": "2026-12-02T01:46:00Z"}},
    "null datetime, end": {"properties": {"datetime": None, "end_datetime": "2026-12-02T01:46:00+09:00"}},
    "begin without end": properties(start_datetime="2026-12-02T01:46:00Z"),
    "begin is null": properties(start_datetime=None, end_datetime=None),
    "yesterday": {"properties": {"datetime": "yesterday"}},
    "a number for a time": {"properties": {"datetime": 1796175240}},
    "a compact time": {"properties": {"datetime": "20261202T014600Z"}},
    "a time without zone": {"properties": {"datetime": "2026-12-02 01:46:00"}},
    "a leap second": {"properties": {"datetime": "2026-12-31T23:59:60Z"}},
    "integer id": {"id": 20261202},
    "no id": {"id": None},
    "empty id": {"id": "  "},
    "null links": {"links": None},
    "links": {"links": [None, 5, {"rel": None}, {"href": "https://h/"}, {"rel": "about", "href": 7}, {"rel": ""}]},
    "an odd link": {"links": [{"rel": "about", "href": "https://h/", "type": 5, "title": None}]},
    "null properties": {"properties": None},
    "a list for properties": {"properties": [1]},
    "null geometry": {"geometry": None},
    "no geometry": {"geometry": {}},
    "words for numbers": {"geometry": {"type": "Point", "coordinates": ["139.7", "35.5"]}, "bbox": ["1", "2"]},
    "an open ring": {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}},
    "a feature for a geometry": {"geometry": {"type": "Feature", "geometry": POLYGON}},
    "an odd kind": {"geometry": {"type": "Circle", "coordinates": [1, 2, 3]}},
    "text for a geometry": {"geometry": "POLYGON ((0 0, 1 0, 1 1, 0 0))"},
    "a collection": {"geometry": {"type": "GeometryCollection", "geometries": [POLYGON]}},
    "null bbox": {"bbox": None},
    "six numbers": {"bbox": [139, 35, 0, 140, 36, 100]},
    "six with null": {"bbox": [139, 35, None, 140, 36, None]},
    "five numbers": {"bbox": [1, 2, 3, 4, 5]},
    "text for a bbox": {"bbox": "139,35,140,36"},
    "not a number": properties(**{"view:off_nadir": math.nan, "list": [math.inf, {"x": -math.inf}]}, nodata=math.nan),
    "a number with 6000 digits": properties(count=10**6000),
    "half a letter": properties(title="\ud83d", **{"\udc00key": 1}),
    "deep": properties(deep=[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]),
    "an old version": {"stac_version": "0.9.0"},
    "a number for the version": {"stac_version": 1.1},
    "no version": {"stac_version": None},
    "extensions by short names": {"stac_extensions": ["eo", "view", None, 5, "https://example.com/x?sig=s3cr3t"]},
    "null extensions": {"stac_extensions": None},
    "one extension as text": {"stac_extensions": "https://example.com/made-up/v1.0.0/schema.json"},
    "an older file extension": {"stac_extensions": ["https://stac-extensions.github.io/file/v1.0.0/schema.json"]},
    "no type": {"type": None},
    "another type": {"type": "FeatureCollection"},
    "a collection without a link": {"collection": "grus-1"},
    "an integer collection": {"collection": 5},
    "a link without a collection": {"links": [{"rel": "collection", "href": "https://h/c?token=s3cr3t"}]},
    "null collection": {"collection": None},
    "words of the core": properties(
        gsd="0.5 m", platform=None, instruments="MSI", constellation=5, license="CC BY 4.0", created="today",
        updated="2026-12-02", providers="ICEYE", keywords="sea, port", description="", mission=[],
        bands={"name": "red"}, data_type="INT", statistics={}, unit=None,
    ),
    "providers": properties(providers=[{"name": "A", "roles": ["seller", "host"], "url": None}, {"name": None}]),
    "the provider's own order": properties(**{"order:status": "Delivered", "order:id": 5, "order:price": 12}),
    "a foreign member": {"conformsTo": [math.nan], "assets_v2": None},
}  # fmt: skip


def valid(folder: Path) -> None:
    """All that was written is valid STAC 1.1 by its schemas, is strict JSON, and each file of it stands."""
    for path in folder.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        document = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        assert document["stac_version"] == "1.1.0"
        assert "s3cr3t" not in text
        extensions = document.pop("stac_extensions", [])
        assert all(one.startswith("https://") for one in extensions)
        pystac.validation.validate_dict({**document, "stac_extensions": []})  # those of the core need no network
    assert verify(folder) == []


@pytest.mark.parametrize("odd", ODD)
def test_one_odd_word_stops_no_file_and_what_is_written_is_strict(server: FileServer, bring: Bring, odd: str) -> None:
    delivery = bring(scene(server) | ODD[odd])
    assert {facts.asset_key for facts in delivery.files} == {"tci", "thumbnail"}
    valid(delivery.folder)
    copied = pystac.Catalog.from_file(str(delivery.folder / "catalog.json")).full_copy()
    (item,) = copied.get_items()
    assert item.datetime is not None or item.common_metadata.start_datetime is not None
    assert bring(scene(server) | ODD[odd]).new_files == 0


ODD_ASSETS: dict[str, Callable[[str], Any]] = {
    "a list": lambda href: [{"name": "tci", "href": href}],
    "an address": lambda href: {"tci": href},
    "words of the core": lambda href: {
        "tci": {
            "href": href, "type": 5, "title": None, "description": "", "roles": "data", "gsd": -1, "bands": ["red"],
            "nodata": math.nan, "data_type": "Int16", "created": "now", "datetime": None, "order:price": 3,
            "start_datetime": "2026-12-02T01:46:00Z", "statistics": {"mean": "x"}, "file:size": "big", "extra": None,
        }
    },
    "beside one without an address": lambda href: {"tci": {"href": href}, "no": {"title": "later"}, "null": None},
    "beside one with null": lambda href: {"tci": {"href": href, "file:checksum": 5}, "no": {"href": None}},
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD_ASSETS)
def test_an_odd_asset_is_fetched_and_keeps_no_other_from_home(server: FileServer, bring: Bring, odd: str) -> None:
    item = scene(server)
    item["assets"] = ODD_ASSETS[odd](item["assets"]["tci"]["href"])
    delivery = bring(item)
    (facts,) = delivery.files
    assert facts.path.read_bytes() == tiff()
    valid(delivery.folder)


def test_an_item_without_a_time_gets_that_of_its_capture(server: FileServer, bring: Bring) -> None:
    start, end = datetime(2026, 12, 3, 1, 14, tzinfo=UTC), datetime(2026, 12, 3, 1, 15, tzinfo=UTC)
    folder = bring(scene(server, properties={}), captured=(start, end)).folder
    said = json.loads((folder / "scene-1/scene-1.json").read_text())["properties"]
    assert said["datetime"] is None
    assert (said["start_datetime"], said["end_datetime"]) == ("2026-12-03T01:14:00Z", "2026-12-03T01:15:00Z")


def test_what_could_not_be_read_is_kept_as_it_was_given(server: FileServer, bring: Bring) -> None:
    said: dict[str, Any] = {
        "properties": {"datetime": "yesterday", "gsd": "half a metre", "created": "2026-12-02"},
        "bbox": "all",
    }
    folder = bring(scene(server, geometry="a circle", **said)).folder
    written = json.loads((folder / "scene-1/scene-1.json").read_text())["properties"]
    assert written["tasking:as_given"] == {
        "datetime": "yesterday", "gsd": "half a metre", "geometry": "a circle", "bbox": "all",
    }  # fmt: skip
    assert written["created"] == "2026-12-02T00:00:00Z"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-12-03T01:14:00.123456789Z", "2026-12-03T01:14:00.123456789Z"),
        ("2026-12-03T01:14:00+00:00", "2026-12-03T01:14:00+00:00"),
        ("2026-12-03T10:14:00+09:00", "2026-12-03T01:14:00Z"),
        ("2026-12-03t01:14:00z", "2026-12-03T01:14:00Z"),
        ("2026/12/03 01:14:00 UTC", "2026-12-03T01:14:00Z"),
        ("2026-12-03", "2026-12-03T00:00:00Z"),
        ("0001-01-01T00:00:00+09:00", None),
        ("2026-13-03T01:14:00Z", None),
        ("", None),
        (1796175240, None),
        (None, None),
        ("9" * 5000, None),
    ],
)
def test_a_time_is_read_as_providers_write_it(given: object, read: str | None) -> None:
    assert read_time(given) == read


# one asset that cannot be fetched -------------------------------------------------------------------------------------


def test_an_alternate_address_is_used_where_the_first_cannot_be_followed_or_fails(
    server: FileServer, bring: Bring
) -> None:
    item = scene(server)
    good = item["assets"]["tci"]["href"]
    item["assets"]["tci"] |= {"href": "s3://bucket/tci.tif", "alternate": {"https": {"href": good}}}
    broken = server.file("/gone", b"<html>gone</html>")
    fine = server.file("/preview.png", png())
    item["assets"]["thumbnail"] |= {"href": broken, "alternate": {"s3": {"href": "s3://b/x"}, "cdn": {"href": fine}}}
    delivery = bring(item)
    assert (delivery.left_out, delivery.new_files) == ((), 2)
    assert verify(delivery.folder) == []
    assert "sig=" not in (delivery.folder / "scene-1/scene-1.json").read_text()


@pytest.mark.parametrize(
    "error",
    [NotFound("there is no such thing"), UnsafeAsset("x download: the address https://h/a?sig=s3cr3t is not followed")],
)
def test_an_asset_that_is_never_handed_out_keeps_nothing_else_from_home(
    server: FileServer, bring: Bring, tmp_path: Path, error: Exception
) -> None:
    item, other = scene(server), scene(server, "scene-2")
    good = item["assets"].pop("thumbnail")
    item["assets"] = {"meta": {"href": "https://h/meta.xml", "roles": ["metadata"]}, **item["assets"], "z": good}

    def open_asset(given: dict[str, Any], key: str) -> Any:
        if key == "meta":
            raise error
        return real(given, key)

    real = opener_of(bring)
    if isinstance(error, UnsafeAsset):
        delivery = bring(item, other, open_asset=open_asset)
        assert len(delivery.left_out) == 1
    else:
        with pytest.raises(NotFound, match=r"item scene-1, asset meta: meta\.xml"):
            bring(item, other, open_asset=open_asset)
    there = tree(tmp_path / "tokyo-1")
    assert {"scene-1/tci.tif", "scene-1/z.png", "scene-2/tci.tif", "catalog.json"} <= set(there)
    assert verify(tmp_path / "tokyo-1") == []
    said = json.loads((tmp_path / "tokyo-1/scene-1/scene-1.json").read_text())["properties"]["tasking:left_out"]
    assert list(said) == ["meta"]
    assert "s3cr3t" not in said["meta"]


def opener_of(_bring: Bring) -> Callable[[dict[str, Any], str], Any]:
    import httpx

    from tests.support.asset_server import opener

    return opener(httpx.Client(timeout=10))


# no secret stays in the archive ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see https://u:word@h.example/a.tif?X-Amz-Signature=word#word now", "see https://h.example/a.tif now"),
        ("HTTPS://H/a?sig=word", "HTTPS://H/a"),
        ('<a href="https://h/a?b=word">x</a>', '<a href="https://h/a">x</a>'),
        ("s3://word@bucket/a?versionId=word", "s3://bucket/a"),
        ("/vsicurl/https://h/a.tif?token=word", "/vsicurl/https://h/a.tif"),
        ("//h/a?sig=word", "//h/a"),
        ("/a.tif?X-Goog-Signature=word&x=1", "/a.tif"),
        ("https://h/{z}/{x}.png?key=word", "https://h/{z}/{x}.png"),
        ("a question? no: a = b", "a question? no: a = b"),
        ("https://h/plain", "https://h/plain"),
    ],
)
def test_addresses_lose_user_query_and_fragment(text: str, left: str) -> None:
    assert redact_urls(text) == left


def test_no_secret_stands_anywhere_in_an_archived_item(server: FileServer, bring: Bring) -> None:
    signed = "https://user:s3cr3t@h.example/x?sig=s3cr3t#s3cr3t"
    item = scene(server, collection="c", description=signed, deep={"list": [{signed: signed}]})
    item[signed] = 1
    item["links"] = [
        {"rel": "collection", "href": signed},
        {
            "rel": "about",
            "href": signed,
            "headers": {"Authorization": "s3cr3t"},
            "body": {"k": "s3cr3t"},
            "title": signed,
        },
    ]
    item["properties"] |= {"description": f"at {signed}", "note": [signed], signed: signed}
    item["assets"]["tci"] |= {"description": signed, "alternate": {"s3": {"href": "s3://s3cr3t@b/x?sig=s3cr3t"}}}
    item["assets"][signed] = {"href": server.file("/more.tif", tiff())}
    item["assets"]["bad"] = {"href": signed, "roles": ["metadata"]}
    delivery = bring(item)
    assert len(delivery.files) == 3
    valid(delivery.folder)
    assert "s3cr3t" not in " ".join(delivery.left_out)
    assert bring(item).new_files == 0
