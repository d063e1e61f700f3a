"""What the simulated Satellogic delivers: scenes, zips that open, zips that are traps, and the archive."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pystac
import pytest
import rasterio
import shapely

from tasking.simulator import Simulator
from tasking.simulator.satellogic.zips import BOMB_MEBIBYTES, MANY_ENTRIES, trapped
from tests.support.satellogic_story import AREA, CONTRACT, DAY, POINT, Caller, delivered, story, unpacked

FILES = {"metadata.json": b"{}", "analytic.tif": b"some bytes of a picture", "preview.png": b"more"}


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Simulator, Caller, str]]:
    with story() as (simulator, caller):
        yield simulator, caller, delivered(simulator, caller)


def sized(data: bytes) -> Any:
    with rasterio.MemoryFile(data) as memory, memory.open() as picture:
        assert picture.read().any()
        bounds = rasterio.warp.transform_bounds(picture.crs, "EPSG:4326", *picture.bounds)
        return picture.count, picture.dtypes[0], shapely.box(*bounds)


def test_a_published_capture_has_one_scene_with_a_delivery_zip(told: tuple[Simulator, Caller, str]) -> None:
    _, caller, capture_id = told
    scene = caller.scenes(capture_id)[0]
    assert scene["sceneset_id"] == capture_id
    (attachment,) = scene["attachments"]
    assert attachment.keys() == {"name", "url", "file_name"}
    assert attachment["name"] == "delivery_zip"
    assert caller.scenes("another") == []


def test_what_is_not_published_has_no_scene() -> None:
    with story() as (simulator, caller):
        task_id = caller.order()
        while "processing" not in caller.words(task_id):
            simulator.advance(1800)
        assert caller.scenes(caller.captures(task_id)[0]["capture_id"]) == []


def test_the_zip_holds_pictures_of_the_place(told: tuple[Simulator, Caller, str]) -> None:
    _, caller, capture_id = told
    answer = caller.http.get(caller.zip_url(capture_id))
    assert answer.headers["content-type"] == "application/zip"
    files = unpacked(answer.content)
    assert files.keys() == {"metadata.json", "analytic.tif", "visual.tif", "preview.png"}
    assert json.loads(files["metadata.json"])["capture_id"] == capture_id
    for name, shape in (("analytic.tif", (4, "uint16")), ("visual.tif", (3, "uint8"))):
        count, kind, ground = sized(files[name])
        assert (count, kind) == shape
        assert ground.contains(shapely.Point(POINT["coordinates"]))
    assert files["preview.png"].startswith(b"\x89PNG")
    assert caller.http.get(caller.zip_url(capture_id)).content == answer.content


def test_a_zip_can_be_fetched_from_the_middle(told: tuple[Simulator, Caller, str]) -> None:
    _, caller, capture_id = told
    whole = caller.http.get(caller.zip_url(capture_id))
    rest = caller.http.get(
        caller.zip_url(capture_id), headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]}
    )
    assert (rest.status_code, rest.content) == (206, whole.content[100:])


def test_strips_of_an_area_show_different_ground_and_together_all_of_it() -> None:
    with story() as (_, caller):
        task_id = caller.order(product=178, target=AREA)
        caller.until(task_id, "completed", step=DAY)
        grounds = []
        for capture in caller.captures(task_id):
            files = unpacked(caller.http.get(caller.zip_url(capture["capture_id"])).content)
            grounds.append(shapely.geometry.shape(json.loads(files["metadata.json"])["footprint"]))
        wanted = shapely.geometry.shape(AREA)
        assert shapely.union_all(grounds).intersection(wanted).area > 0.999 * wanted.area
        assert sum(ground.intersection(wanted).area for ground in grounds) < 1.01 * wanted.area


def test_files_ask_for_the_headers(told: tuple[Simulator, Caller, str]) -> None:
    _, caller, capture_id = told
    assert httpx.get(caller.zip_url(capture_id)).status_code == 401


def test_a_signed_address_needs_no_headers_and_ends() -> None:
    with story(**{"satellogic.attachment_access": "signed"}) as (simulator, caller):
        url = caller.zip_url(delivered(simulator, caller))
        assert httpx.get(url).status_code == 200
        assert httpx.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
        simulator.advance(3601)
        assert httpx.get(url).status_code == 403
        assert "signature=(redacted)" in str(simulator.journal(path="*.zip"))


def test_the_next_zip_can_be_a_trap_and_the_one_after_it_is_sound(told: tuple[Simulator, Caller, str]) -> None:
    simulator, caller, capture_id = told
    url = caller.zip_url(capture_id)
    good = caller.http.get(url).content
    wish = {"zip_trap": "parent_path", "zips": 1}
    assert httpx.patch(f"{simulator.url}/_sim/satellogic", json=wish).status_code == 200
    assert "../evil.txt" in unpacked(caller.http.get(url).content)
    assert caller.http.get(url).content == good
    assert httpx.patch(f"{simulator.url}/_sim/satellogic", json={"zip_trap": "nonsense"}).status_code == 400


def opened(kind: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(trapped(kind, FILES)))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("parent_path", "../evil.txt"),
        ("absolute_path", "/tmp/evil-from-the-simulator.txt"),
        ("backslash_path", "..\\evil.txt"),
        ("symlink", "attached/evil.txt"),
    ],
)
def test_a_path_trap_reaches_outside_with_sound_bytes(kind: str, name: str) -> None:
    trap = opened(kind)
    assert trap.read(name) == b"evil"
    assert trap.testzip() is None
    if kind == "symlink":
        assert trap.getinfo("attached").external_attr >> 28 == 0o12


def test_the_bomb_is_small_and_says_its_size() -> None:
    (entry,) = opened("bomb").infolist()
    assert entry.file_size == BOMB_MEBIBYTES * 1024 * 1024
    assert entry.compress_size < entry.file_size / 900
    with opened("bomb").open(entry) as unpacking:
        assert unpacking.read(3_000_000) == bytes(3_000_000)


def test_other_traps_are_what_they_are_called() -> None:
    assert opened("understated").infolist()[0].file_size == 1000
    assert opened("huge_declared").infolist()[-1].file_size == 0xFFFFFFFE
    assert opened("wrong_crc").testzip() == "preview.png"
    assert opened("duplicate").namelist().count("metadata.json") == 2
    assert len(opened("many_entries").infolist()) == MANY_ENTRIES + len(FILES)
    assert opened("encrypted").infolist()[0].flag_bits & 1
    assert opened("cut_tiff").read("analytic.tif") == FILES["analytic.tif"][:11]
    for kind in ("truncated", "not_a_zip"):
        with pytest.raises(zipfile.BadZipFile):
            opened(kind)
    assert opened("").testzip() is None


def test_the_archive_finds_the_tiles_of_a_capture_in_both_ways(told: tuple[Simulator, Caller, str]) -> None:
    _, caller, capture_id = told
    wanted = {"op": "=", "args": [{"property": "satl:outcome_id"}, capture_id]}
    found = caller.search(collections=["l1d"], filter=wanted, **{"filter-lang": "cql2-json"})
    assert {item["properties"]["satl:outcome_id"] for item in found["features"]} == {capture_id}
    assert 1 <= found["numberMatched"] <= 4
    text = caller.http.get("/archive/stac/search", params={"filter": f"\"satl:outcome_id\" = '{capture_id}'"}).json()
    assert [item["id"] for item in text["features"]] == [item["id"] for item in found["features"]]
    other = {"op": "=", "args": [{"property": "satl:outcome_id"}, "another"]}
    assert caller.search(filter=other)["features"] == []


def test_tiles_are_sound_items_of_two_by_two_kilometres_with_pictures(told: tuple[Simulator, Caller, str]) -> None:
    _, caller, _ = told
    for item in caller.search(limit=4)["features"]:
        assert pystac.Item.from_dict(item).properties["gsd"] == 0.7
        west, south, east, north = item["bbox"]
        assert north - south == pytest.approx(2 / 110.7, rel=0.02)
        assert datetime.fromisoformat(item["properties"]["datetime"])
        assert east > west
    assert item["assets"].keys() == {"visual", "analytic", "preview", "thumbnail", "cloud"}
    data = caller.http.get(item["assets"]["analytic"]["href"]).content
    count, kind, ground = sized(data)
    assert (count, kind) == (4, "uint16")
    assert ground.intersects(shapely.geometry.shape(item["geometry"]))


def test_the_archive_is_paged_and_bounded(told: tuple[Simulator, Caller, str]) -> None:
    _, caller, _ = told
    page = caller.search(limit=1)
    (after,) = [link for link in page["links"] if link["rel"] == "next"]
    second = caller.http.post(after["href"], json=after["body"]).json()
    assert second["features"][0]["id"] != page["features"][0]["id"]
    assert caller.search(bbox=[0, 0, 1, 1])["features"] == []
    assert caller.search(intersects=POINT)["features"] != []
    assert caller.search(datetime="2026-12-20T00:00:00Z/..")["features"] == []


def test_the_query_extension_is_refused(told: tuple[Simulator, Caller, str]) -> None:
    answer = told[1].http.post("/archive/stac/search", json={"query": {"satl:outcome_id": {"eq": "x"}}})
    assert answer.status_code == 403


def test_another_contract_sees_nothing_of_it(told: tuple[Simulator, Caller, str]) -> None:
    _, caller, capture_id = told
    rush = {CONTRACT: caller.contracts[1]["contract_id"]}
    assert caller.http.get("/telluric/scenes/", params={"sceneset_id": capture_id}, headers=rush).json()["count"] == 0
    assert caller.http.post("/archive/stac/search", json={}, headers=rush).json()["features"] == []
