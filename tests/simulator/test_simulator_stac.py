"""The simulated STAC API is one pystac-client can use, and its files are real Cloud-Optimized GeoTIFFs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pystac_client
import pytest
from rasterio.io import MemoryFile
from rasterio.warp import transform_bounds

from tasking.simulator import Simulator
from tests.support.simulator_story import Caller, first_candidate, story

SEARCH = "/stac/v1/catalogs/axelglobe/search"
KEYS = ["thumbnail", "tci", "band0", "band1", "band2", "band3", "band4", "band5", "msi_udm"]


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Simulator, Caller]]:
    """Three captures whose data is there."""
    with story() as (simulator, caller):
        plan_id = first_candidate(simulator, caller)["properties"]["task_plan_id"]
        for candidate in caller.candidates(plan_id)[:3]:
            caller.request(candidate["id"])
        simulator.advance(14 * 86400)
        yield simulator, caller


@pytest.fixture(scope="module")
def item(told: tuple[Simulator, Caller]) -> dict[str, Any]:
    found: dict[str, Any] = told[1].get(SEARCH).json()["features"][0]
    return found


def test_pystac_client_finds_a_capture_by_its_id(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    headers = {"Authorization": caller.http.headers["Authorization"]}
    wanted = simulator.axelglobe.requests()[1]["capture_id"]
    client = pystac_client.Client.open(simulator.axelglobe.stac_url, headers=headers)
    try:
        search = client.search(
            method="GET", collections=["grus-1"], filter=f"ag:capture_id = '{wanted}'", filter_lang="cql2-text"
        )
        items = list(search.items())
        every = list(client.search(method="GET", collections=["grus-1"], limit=1).items())
        assert [collection.id for collection in client.get_collections()] == ["grus-1"]
    finally:
        client._stac_io.session.close()  # type: ignore[union-attr]
    assert [found.properties["ag:capture_id"] for found in items] == [wanted]
    assert list(items[0].assets) == KEYS
    assert len({found.id for found in every}) == 3


def test_an_item_has_the_documented_properties_and_assets(item: dict[str, Any]) -> None:
    assert item["properties"].keys() == {
        "datetime",
        "ag:capture_id",
        "eo:cloud_cover",
        "view:off_nadir",
        "sat:orbit_state",
        "eo:bands",
    }
    assert list(item["assets"]) == KEYS
    assert {"center_wave_length", "full_width_half_max", "solar_illumination"} <= item["properties"]["eo:bands"][
        0
    ].keys()
    assert all("file:size" not in asset for asset in item["assets"].values())


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 3),
        ({"bbox": "139,35,140,36"}, 3),
        ({"bbox": "139,35,0,140,36,100"}, 3),
        ({"bbox": "0,0,1,1"}, 0),
        ({"datetime": "2026-12-02T00:00:00Z/2026-12-03T00:00:00Z"}, 1),
        ({"datetime": "../2026-12-01T00:00:00Z"}, 0),
        ({"collections": "grus-1,other"}, 3),
        ({"collections": "other"}, 0),
        ({"filter": "ag:capture_id = 'nothing'"}, 0),
    ],
    ids=str,
)
def test_a_search_finds_what_matches(told: tuple[Simulator, Caller], params: dict[str, str], count: int) -> None:
    assert told[1].get(SEARCH, **params).json()["numberMatched"] == count


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "10001"},
        {"bbox": "1,2"},
        {"datetime": "yesterday"},
        {"filter": "eo:cloud_cover < 10"},
        {"filter-lang": "cql2-json"},
        {"sortby": "datetime"},
    ],
    ids=str,
)
def test_a_search_outside_the_rules_is_refused(told: tuple[Simulator, Caller], params: dict[str, str]) -> None:
    assert told[1].get(SEARCH, **params).status_code == 400


def test_a_search_by_post_is_not_documented_and_not_there(told: tuple[Simulator, Caller]) -> None:
    assert told[1].http.post(SEARCH, json={}).status_code == 405


def test_pages_of_a_search_are_followed(told: tuple[Simulator, Caller]) -> None:
    page = told[1].get(SEARCH, limit=2).json()
    follow = [link["href"] for link in page["links"] if link["rel"] == "next"]
    last = told[1].get(follow[0]).json()
    assert [link["rel"] for link in last["links"]] == ["self"]
    assert len({one["id"] for one in (*page["features"], *last["features"])}) == 3


@pytest.mark.parametrize("key", [key for key in KEYS if key != "thumbnail"])
def test_an_asset_is_a_cloud_optimized_geotiff_of_its_footprint(
    told: tuple[Simulator, Caller], item: dict[str, Any], key: str
) -> None:
    answer = told[1].http.get(item["assets"][key]["href"])
    assert len(answer.content) == int(answer.headers["content-length"]) <= 200_000
    assert answer.headers["content-type"] == item["assets"][key]["type"]
    with MemoryFile(answer.content) as memory, memory.open() as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert set(raster.block_shapes) == {(128, 128)}
        assert raster.overviews(1)
        assert raster.crs.to_epsg() == 32654
        assert transform_bounds(raster.crs, "EPSG:4326", *raster.bounds) == pytest.approx(item["bbox"], abs=0.05)
        data = raster.read()
        valid = data[raster.read_masks() > 0]
        assert 0.4 < valid.size / data.size < 0.95
        if key != "msi_udm":
            assert np.std(valid) > 5


def test_sharp_bands_have_half_the_pixel_size_of_coarse_ones(
    told: tuple[Simulator, Caller], item: dict[str, Any]
) -> None:
    sizes, counts = {}, {}
    for key in KEYS[1:]:
        with MemoryFile(told[1].http.get(item["assets"][key]["href"]).content) as memory, memory.open() as raster:
            sizes[key], counts[key] = raster.res[0], raster.count
            assert raster.res[0] == pytest.approx(raster.res[1])
    assert sizes["tci"] == sizes["band0"] == pytest.approx(sizes["band1"] / 2)
    assert counts == {key: 3 if key == "tci" else 1 for key in KEYS[1:]}


def test_the_thumbnail_is_a_picture(told: tuple[Simulator, Caller], item: dict[str, Any]) -> None:
    answer = told[1].http.get(item["assets"]["thumbnail"]["href"])
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["content-type"] == "image/png"


def test_a_file_has_the_same_bytes_each_time_it_is_made(told: tuple[Simulator, Caller], item: dict[str, Any]) -> None:
    from tasking.simulator import rasters

    href = item["assets"]["band3"]["href"]
    once = told[1].http.get(href).content
    rasters._kept.clear()
    assert told[1].http.get(href).content == once


def test_ranges_and_etags_are_honoured(told: tuple[Simulator, Caller], item: dict[str, Any]) -> None:
    http, href = told[1].http, item["assets"]["band1"]["href"]
    whole = http.get(href)
    size, etag = len(whole.content), whole.headers["etag"]
    part = http.get(href, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{size}"
    rest = http.get(href, headers={"Range": f"bytes={size - 10}-", "If-Range": etag})
    assert (rest.status_code, rest.content) == (206, whole.content[-10:])
    assert http.get(href, headers={"Range": "bytes=-7"}).content == whole.content[-7:]
    assert http.get(href, headers={"Range": f"bytes={size}-"}).status_code == 416
    assert http.get(href, headers={"Range": "bytes=0-5", "If-Range": '"other"'}).status_code == 200
    assert http.get(href, headers={"If-None-Match": etag}).status_code == 304
    head = http.head(href)
    assert (int(head.headers["content-length"]), head.content) == (size, b"")


def test_an_unknown_file_or_item_is_not_found(told: tuple[Simulator, Caller], item: dict[str, Any]) -> None:
    root = "/stac/v1/catalogs/axelglobe"
    assert told[1].get(item["assets"]["band1"]["href"] + "x").status_code == 404
    assert told[1].get(f"{root}/collections/grus-1/items/none").status_code == 404
    assert told[1].get(f"{root}/collections/none").status_code == 404
    found = next(link["href"] for link in item["links"] if link["rel"] == "self")
    assert told[1].get(found).json() == item


def test_size_and_checksum_are_true_where_switched_on(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    simulator.axelglobe.switch(asset_file_info=True)
    try:
        asset = caller.get(SEARCH).json()["features"][0]["assets"]["msi_udm"]
    finally:
        simulator.axelglobe.switch(asset_file_info=False)
    data = caller.http.get(asset["href"]).content
    assert (asset["file:size"], asset["file:checksum"]) == (len(data), "1220" + hashlib.sha256(data).hexdigest())
