"""A self-contained catalog for each order: whole when it is there, added to in parts, and never damaged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pystac
import pytest

from tasking.delivery.outcome import Delivery
from tasking.delivery.storage import folder_lock
from tasking.delivery.verify import verify
from tasking.errors import DeliveryFailed, UnsafeAsset
from tests.support.asset_server import FileServer, Handler, opener
from tests.support.delivery import Bring, deliver, scene, tree
from tests.support.delivery import bring as bring
from tests.support.delivery import client as client
from tests.support.delivery import server as server
from tests.support.image_files import png, tiff


def test_a_delivery_is_a_self_contained_catalog_that_pystac_reads(server: FileServer, bring: Bring) -> None:
    item = scene(server)
    delivery = bring(item)
    assert list(tree(delivery.folder)) == [
        "catalog.json",
        "scene-1/scene-1.json",
        "scene-1/tci.tif",
        "scene-1/thumbnail.png",
    ]
    catalog = pystac.Catalog.from_file(str(delivery.folder / "catalog.json"))
    assert (catalog.id, catalog.title) == ("tokyo-1", "Tokyo Bay")
    (read,) = catalog.get_items()
    assert (read.properties["order:id"], read.properties["order:status"]) == ("r-1", "shipping")
    assert read.get_root() is catalog
    assert read.to_dict()["properties"]["ag:capture_id"] == "c=="
    for asset in read.assets.values():
        assert asset.href.startswith("./")
        assert Path(str(asset.get_absolute_href())).stat().st_size == asset.extra_fields["file:size"]
        assert asset.extra_fields["file:checksum"].startswith("1220")
    assert verify(delivery.folder) == []


def test_an_item_passes_through_unchanged_but_for_its_files(server: FileServer, bring: Bring) -> None:
    item = scene(server, own_member={"kept": True})
    folder = bring(item).folder
    text = (folder / "scene-1/scene-1.json").read_text()
    written = json.loads(text)
    assert "secret" not in text
    assert str(folder) not in text
    assert written["stac_version"] == "1.1.0"
    assert written["stac_extensions"] == [
        *item["stac_extensions"],
        "https://stac-extensions.github.io/order/v1.1.0/schema.json",
        "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    ]
    assert written["properties"] == {**item["properties"], "order:id": "r-1", "order:status": "shipping"}
    for member in ("id", "geometry", "bbox", "own_member"):
        assert written[member] == item[member]
    for key, asset in item["assets"].items():
        left = {**written["assets"][key]}
        assert left.pop("file:size")
        assert left.pop("file:checksum")
        assert left.pop("href").startswith("./")
        assert left == {name: value for name, value in asset.items() if name != "href"}


def test_links_lead_into_the_archive_or_to_public_pages_and_hold_no_secret(server: FileServer, bring: Bring) -> None:
    links = [
        {"rel": "self", "href": "https://api.example.com/items/scene-1"},
        {"rel": "root", "href": "https://api.example.com/"},
        {"rel": "collection", "href": "https://api.example.com/c?token=secret"},
        {"rel": "license", "href": "https://example.com/license"},
        {"rel": "preview", "href": "https://example.com/preview?sig=secret"},
        {"rel": "about", "href": "file:///etc/passwd"},
    ]
    folder = bring(scene(server, links=links, collection="grus-1")).folder
    written = json.loads((folder / "scene-1/scene-1.json").read_text())
    assert {(link["rel"], link["href"]) for link in written["links"]} == {
        ("root", "../catalog.json"),
        ("parent", "../catalog.json"),
        ("collection", "../collections/grus-1.json"),
        ("via", "https://api.example.com/c"),
        ("license", "https://example.com/license"),
        ("preview", "https://example.com/preview"),
    }
    assert written["collection"] == "grus-1"
    assert verify(folder) == []


def test_delivering_again_fetches_and_changes_nothing(server: FileServer, bring: Bring) -> None:
    item = scene(server)
    first = bring(item)
    before, hits = tree(first.folder), dict(server.hits)
    again = bring(item)
    after = tree(first.folder)
    assert (first.new_files, again.new_files) == (2, 0)
    assert again.files == first.files
    assert again.bytes_total == first.bytes_total == len(tiff()) + len(png())
    assert dict(server.hits) == hits
    assert {name: after[name] for name in after if name != "catalog.json"} == {
        name: before[name] for name in before if name != "catalog.json"
    }


def test_later_parts_join_the_catalog_and_leave_the_earlier_ones_alone(server: FileServer, bring: Bring) -> None:
    folder = bring(scene(server)).folder
    before = tree(folder)
    second = bring(scene(server, "scene-2"))
    after = tree(folder)
    assert second.items == ("scene-1", "scene-2")
    assert second.new_files == 2
    assert {facts.item_id for facts in second.files} == {"scene-1", "scene-2"}
    assert {name: after[name] for name in before if name != "catalog.json"} == {
        name: before[name] for name in before if name != "catalog.json"
    }
    catalog = pystac.Catalog.from_file(str(folder / "catalog.json"))
    assert [item.id for item in catalog.get_items()] == ["scene-1", "scene-2"]
    assert verify(folder) == []


def test_a_later_asset_of_an_item_is_added_to_it(server: FileServer, bring: Bring) -> None:
    item = scene(server)
    early = {**item, "assets": {"thumbnail": item["assets"]["thumbnail"]}}
    bring(early)
    full = bring(item)
    assert full.new_files == 1
    assert {facts.asset_key for facts in full.files} == {"tci", "thumbnail"}
    late = {**item, "assets": {"mask": {"href": server.file("/mask.tif", tiff()), "type": "image/tiff"}}}
    assert {facts.asset_key for facts in bring(late).files} == {"tci", "thumbnail", "mask"}
    assert verify(full.folder) == []


def test_items_of_one_id_in_two_collections_are_both_kept(server: FileServer, bring: Bring) -> None:
    optical, radar = scene(server, collection="a"), scene(server, collection="b")
    delivery = bring(optical, radar)
    assert delivery.new_files == 4
    assert len({facts.path for facts in delivery.files}) == 4
    again = bring(radar, optical)
    assert again.new_files == 0
    assert verify(delivery.folder) == []


def test_a_failed_asset_keeps_no_other_from_home_and_the_next_run_fetches_only_what_is_missing(
    server: FileServer, bring: Bring, tmp_path: Path
) -> None:
    item = scene(server)
    server.answers["/scene-1/thumbnail"] = lambda handler: handler.say(b"<html>busy</html>")
    with pytest.raises(DeliveryFailed, match=r"item scene-1, asset thumbnail: thumbnail\.png: it is a web page"):
        bring(item)
    home = tmp_path / "tokyo-1"
    assert list(tree(home)) == ["catalog.json", "scene-1/scene-1.json", "scene-1/tci.tif"]
    assert verify(home) == []
    named = json.loads((home / "scene-1/scene-1.json").read_text())["properties"]["tasking:left_out"]
    assert "thumbnail.png: it is a web page" in named["thumbnail"]
    server.file("/scene-1/thumbnail", png())
    assert bring(item).new_files == 1
    assert server.hits["/scene-1/tci.tif"] == 1
    assert verify(home) == []
    assert "tasking:left_out" not in json.loads((home / "scene-1/scene-1.json").read_text())["properties"]
    assert not (home / "scene-1/.received.json").exists()


def test_a_failed_later_part_leaves_the_catalog_as_it_was(server: FileServer, bring: Bring) -> None:
    folder = bring(scene(server)).folder
    before = json.loads((folder / "catalog.json").read_text())["links"]
    item = scene(server, "scene-2")
    del item["assets"]["thumbnail"]
    server.answers["/scene-2/tci.tif"] = lambda handler: handler.say(tiff()[:-1])
    with pytest.raises(DeliveryFailed, match="are missing"):
        bring(item)
    assert json.loads((folder / "catalog.json").read_text())["links"] == before
    assert verify(folder) == []


def _flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda home: _flip(home / "scene-1/tci.tif"), "asset tci: tci.tif is not what was delivered"),
        (lambda home: (home / "scene-1/tci.tif").unlink(), "asset tci: tci.tif is missing"),
        (lambda home: (home / "scene-1/tci.tif").write_bytes(b"x"), "asset tci: tci.tif has 1 bytes instead of"),
        (lambda home: (home / "scene-1/scene-1.json").unlink(), "scene-1.json: it cannot be read"),
        (lambda home: (home / "scene-1/scene-1.json").write_text("{"), "scene-1.json: it is not readable JSON"),
    ],
)
def test_what_was_spoilt_on_disk_is_found_and_the_next_delivery_mends_it(
    server: FileServer, bring: Bring, spoil: Callable[[Path], object], found: str
) -> None:
    item = scene(server)
    home = bring(item).folder
    spoil(home)
    (problem,) = verify(home)
    assert found in problem
    bring(item)
    assert verify(home) == []


def test_a_folder_without_a_catalog_is_not_whole(tmp_path: Path) -> None:
    assert verify(tmp_path) == ["catalog.json: it cannot be read (No such file or directory)"]


def test_verify_reads_nothing_outside_the_folder(server: FileServer, bring: Bring) -> None:
    home = bring(scene(server)).folder
    path = home / "scene-1/scene-1.json"
    item = json.loads(path.read_text())
    item["assets"]["tci"]["href"] = "../../../../../../etc/passwd"
    path.write_text(json.dumps(item))
    (problem,) = verify(home)
    assert "leads out of the item's folder" in problem


@pytest.mark.parametrize("id", ["../../up", "/abs", "..", "a/b", "catalog.json", ".lock", "con", "x" * 300, "東京"])
def test_a_hostile_item_stays_inside_the_orders_folder(
    server: FileServer, bring: Bring, tmp_path: Path, id: str
) -> None:
    href = server.file("/own.tif", tiff())
    item = scene(server, "plain")
    item |= {"id": id, "assets": {"../../evil": {"href": href}, "/abs": {"href": href + "/%2e%2e%2f%2e%2e%2fevil"}}}
    server.file("/own.tif/%2e%2e%2f%2e%2e%2fevil", b"text")
    delivery = bring(item)
    assert {path.name for path in tmp_path.iterdir()} == {"tokyo-1"}
    assert all(facts.path.resolve().is_relative_to(tmp_path / "tokyo-1") for facts in delivery.files)
    assert delivery.items == (id,)
    assert verify(delivery.folder) == []
    assert bring(item).new_files == 0


@pytest.mark.parametrize("href", ["file:///etc/passwd", "../x", "http://example.com/x.tif", "s3://b/x?sig=word", ""])
def test_an_asset_that_must_not_be_followed_is_named_and_keeps_no_other_from_home(
    server: FileServer, bring: Bring, href: object
) -> None:
    item = scene(server)
    item["assets"]["bad"] = {"href": href}
    delivery = bring(item)
    assert {facts.asset_key for facts in delivery.files} == {"tci", "thumbnail"}
    (said,) = delivery.left_out
    assert said.startswith("item scene-1, asset bad: ")
    assert "word" not in said
    written = json.loads((delivery.folder / "scene-1/scene-1.json").read_text())
    assert written["properties"]["tasking:left_out"] == {"bad": said}
    assert verify(delivery.folder) == []


def test_an_image_that_must_not_be_followed_does_not_pass_for_delivered_with_its_thumbnail(
    server: FileServer, bring: Bring, tmp_path: Path
) -> None:
    item = scene(server)
    item["assets"]["tci"]["href"] = "s3://bucket/tci.tif"
    with pytest.raises(UnsafeAsset, match=r"item scene-1, asset tci: only https .* not s3://bucket;"):
        bring(item)
    assert "scene-1/thumbnail.png" in tree(tmp_path / "tokyo-1")


@pytest.mark.parametrize("reference", ["../up", "", "a/b", ".", "x."])
def test_an_unsafe_reference_is_refused(tmp_path: Path, client: httpx.Client, reference: str) -> None:
    with pytest.raises(UnsafeAsset):
        deliver(reference, [], tmp_path, opener(client), title="", description="", order_facts={})


@pytest.mark.parametrize("assets", [{}, None, "none", [], {"tci": None}, {"tci": 5}])
def test_an_item_without_any_file_is_told_and_nothing_is_fetched(
    server: FileServer, bring: Bring, assets: object
) -> None:
    with pytest.raises(DeliveryFailed, match="it has no assets, so there is nothing to deliver yet"):
        bring(scene(server, assets=assets))
    assert not server.hits


@pytest.mark.parametrize("item", ["text", None, 5, []])
def test_something_that_is_no_item_at_all_is_told(bring: Bring, item: object) -> None:
    with pytest.raises(DeliveryFailed, match="no STAC item"):
        bring(item)


def test_no_items_are_no_delivery(bring: Bring, tmp_path: Path) -> None:
    with pytest.raises(DeliveryFailed, match="nothing to deliver yet"):
        bring()
    assert not (tmp_path / "tokyo-1/catalog.json").exists()


def test_a_second_process_waits_and_then_says_who_is_there(server: FileServer, bring: Bring, tmp_path: Path) -> None:
    item = scene(server)
    with folder_lock(tmp_path / "tokyo-1", 0), pytest.raises(DeliveryFailed, match="another process is delivering"):
        bring(item, lock_wait_seconds=0)
    assert not server.hits
    assert bring(item, lock_wait_seconds=0).new_files == 2


def test_two_deliveries_at_once_fetch_every_file_once(server: FileServer, bring: Bring) -> None:
    item, done = scene(server), list[Delivery]()
    threads = [threading.Thread(target=lambda: done.append(bring(item, lock_wait_seconds=30))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(delivery.new_files for delivery in done) == [0, 0, 2]
    assert set(server.hits.values()) == {1}


KILLED = """
import json, sys, httpx
from pathlib import Path
from tests.support.delivery import deliver
from tests.support.asset_server import opener
item = json.loads(sys.argv[1])
with httpx.Client(timeout=60) as client:
    deliver("tokyo-1", [item], Path(sys.argv[2]), opener(client), title="t", description="d", order_facts={})
"""


def test_a_killed_delivery_leaves_no_final_name_and_the_next_run_completes(
    server: FileServer, bring: Bring, tmp_path: Path
) -> None:
    item, body, killed = scene(server), png(), threading.Event()

    def stall(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:20])
        handler.wfile.flush()
        killed.wait(30)
        handler.close_connection = True

    server.answers["/scene-1/thumbnail"] = stall
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, json.dumps(item), str(tmp_path)], cwd=Path(__file__).parents[2]
    )
    part = tmp_path / "tokyo-1/scene-1/thumbnail.png.part"
    try:
        until = time.monotonic() + 30
        while not part.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed.set()
    assert part.exists()
    assert list(tree(tmp_path)) == ["tokyo-1/scene-1/tci.tif", "tokyo-1/scene-1/thumbnail.png.part"]

    server.file("/scene-1/thumbnail", body)
    delivery = bring(item, lock_wait_seconds=0)
    assert delivery.new_files == 1
    assert server.hits["/scene-1/tci.tif"] == 1
    assert not part.exists()
    assert verify(delivery.folder) == []
