"""The archive as a place: folders of any name, links and pipes in it, the order's status, libraries that read it."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pystac
import pytest

from tasking.delivery.catalog import FolderIO
from tasking.delivery.download import FileFacts
from tasking.delivery.order_folder import write_order_status
from tasking.delivery.outcome import Delivery
from tasking.delivery.storage import archive_folder, make_folder
from tasking.delivery.thumbnail import thumbnail
from tasking.delivery.verify import verify
from tasking.errors import DeliveryFailed, InvalidOrder, UnsafeAsset
from tests.support.asset_server import FileServer, opener
from tests.support.delivery import Bring, deliver, scene
from tests.support.delivery import bring as bring
from tests.support.delivery import client as client
from tests.support.delivery import server as server
from tests.support.image_files import png

NAMES = [
    "a#b", "a?b", "100%", "%20", "%23", "a b", "a  b ", "\u6771\u4eac\u6e7e", "\u0635\u0648\u0631", "e\u0301", "a:b",
    "a'b\"c", "a\nb", "a\\b", "[a]*", "{a}", "a&b;c|d", "$HOME", "~", "-rf", "file:", "https:", "<a>", "...",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_archive_folder_of_any_name_holds_a_catalog_whose_links_hold(
    server: FileServer, client: httpx.Client, tmp_path: Path, name: str
) -> None:
    root = archive_folder(f"{tmp_path}/{name}/x")
    assert root == tmp_path / name / "x"
    for _ in range(2):
        delivery = deliver(
            "bay", [scene(server, collection="c")], root, opener(client), title="", description="", order_facts={}
        )
    assert delivery.new_files == 0
    assert verify(delivery.folder) == []
    catalog = json.loads((root / "bay/catalog.json").read_text())
    hrefs = {link["rel"]: link["href"] for link in catalog["links"]}
    assert hrefs == {
        "root": "./catalog.json",
        "item": "./scene-1/scene-1.json",
        "child": "./collections/c.json",
    }
    assert str(tmp_path) not in (root / "bay/scene-1/scene-1.json").read_text()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///data/a%23b", "/data/a#b"),
        ("file:///data/a#b", "/data/a#b"),
        ("file:///data/a?b", "/data/a?b"),
        ("file:///data/100%25", "/data/100%"),
        ("FILE:///data/%E6%9D%B1", "/data/\u6771"),
        ("/data/a://b", "/data/a://b"),
        ("/data/a%20b", "/data/a%20b"),
        ("  /data/a\n", "/data/a"),
    ],
)
def test_an_address_means_the_folder_it_says(url: str, path: str) -> None:
    assert archive_folder(url) == Path(path)


@pytest.mark.parametrize("url", ["file:///data/%ff", "/data/\udcff", "/data/a\0b", "s3://user:word@bucket/x"])
def test_an_address_that_is_no_text_is_refused(url: str) -> None:
    with pytest.raises(InvalidOrder) as refused:
        archive_folder(url)
    assert "word" not in str(refused.value)


# what stands in the way -----------------------------------------------------------------------------------------------


def in_time(do: Callable[[], Any]) -> Any:
    """What ``do`` hands back; a call that hangs fails."""
    held: list[Any] = []
    thread = threading.Thread(target=lambda: held.append(outcome(do)), daemon=True)
    thread.start()
    thread.join(30)
    assert held, "it hangs"
    return held[0]


def outcome(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except Exception as error:
        return error


def put(kind: str, path: Path, outside: Path) -> None:
    """Something else than a plain file or folder at ``path``."""
    if path.is_dir():
        path.rename(outside / "moved")
    else:
        path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(outside / ("moved" if (outside / "moved").exists() else "target"))
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["pipe", "link", "device"])
@pytest.mark.parametrize(
    "where", ["catalog.json", "scene-1/scene-1.json", "scene-1/tci.tif", "scene-1/.received.json", "scene-1", "."]
)
def test_a_link_a_pipe_or_a_device_in_the_archive_is_neither_followed_nor_waited_for(
    server: FileServer, bring: Bring, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, where: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "target").write_text("{}")
    home = bring(scene(server)).folder
    put(kind, home / where if where != "." else home, outside)
    before = sorted(str(path) for path in outside.rglob("*"))
    assert isinstance(in_time(lambda: verify(home)), list)
    said = in_time(lambda: bring(scene(server)))
    if not isinstance(said, Delivery):
        assert isinstance(said, DeliveryFailed)
        assert any(word in str(said) for word in ("link", "plain file", "not a folder"))
    else:
        assert verify(home) == []
    assert sorted(str(path) for path in outside.rglob("*")) == before
    assert (outside / "target").read_text() == "{}"


def test_what_is_written_is_not_written_through_a_link(server: FileServer, bring: Bring, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    home = bring(scene(server)).folder
    for name in ("catalog.json.part", "scene-2/scene-2.json.part", "scene-2/tci.tif.part"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).symlink_to(tmp_path / "mine")
    bring(scene(server, "scene-2"))
    assert (tmp_path / "mine").read_text() == "mine"
    assert verify(home) == []


def test_folders_and_files_are_nobodys_to_write_but_the_owners_and_the_groups(
    server: FileServer, bring: Bring, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        home = bring(scene(server, collection="c")).folder
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [home, *home.rglob("*")]}
    assert [path for path, mode in modes.items() if mode & stat.S_IWOTH] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_a_folder_that_another_user_put_there_beforehand_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "bay").mkdir()
    os.chown(tmp_path / "bay", 4711, 4711)
    with pytest.raises(UnsafeAsset, match=r"belongs to another user \(uid 4711\)"):
        make_folder(tmp_path / "bay")
    tmp_path.chmod(0o775)
    make_folder(tmp_path / "bay")


# the order's status ---------------------------------------------------------------------------------------------------


def statuses(home: Path) -> set[tuple[str, str]]:
    """``order:status`` of everything that has one, with the type of document; each declares the extension."""
    found = set()
    for path in home.rglob("*.json"):
        document = json.loads(path.read_text())
        held = document["properties"] if document["type"] == "Feature" else document
        if any(key.startswith("order:") for key in held):
            assert "https://stac-extensions.github.io/order/v1.1.0/schema.json" in document["stac_extensions"]
            assert document["type"] in ("Feature", "Collection"), "the extension is for no other"
            found.add((document["type"], held["order:status"]))
    return found


def test_an_order_is_shipping_until_it_is_settled(server: FileServer, bring: Bring) -> None:
    home = bring(scene(server, collection="c")).folder
    assert statuses(home) == {("Feature", "shipping"), ("Collection", "shipping")}
    bring(scene(server, "scene-2", collection="c"))
    assert statuses(home) == {("Feature", "shipping"), ("Collection", "shipping")}
    write_order_status(home, "succeeded")
    assert statuses(home) == {("Feature", "succeeded"), ("Collection", "succeeded")}
    assert verify(home) == []
    before = {path: path.stat().st_ino for path in home.rglob("*.json")}
    write_order_status(home, "succeeded")
    assert {path: path.stat().st_ino for path in home.rglob("*.json")} == before, "it is written once"


def test_an_order_of_which_nothing_is_home_has_no_status_to_write(tmp_path: Path) -> None:
    write_order_status(tmp_path / "bay", "failed")
    assert list(tmp_path.iterdir()) == []


# what a person sees --------------------------------------------------------------------------------------------------


def test_the_picture_shown_is_a_small_one_by_its_first_bytes(tmp_path: Path) -> None:
    def facts(key: str, body: bytes) -> FileFacts:
        path = tmp_path / key
        path.write_bytes(body)
        return FileFacts(path=path, size=len(body), checksum="", asset_key=key)

    jpeg = facts("preview.png", b"\xff\xd8\xff" + bytes(500))
    other = facts("a-first.png", png())
    page = facts("thumbnail.jpg", b"<script>alert(1)</script>")
    large = facts("overview.png", png() + bytes(200_000))
    assert str(thumbnail([other, large, page, jpeg])).startswith("data:image/jpeg;base64,/9j/")
    assert str(thumbnail([large, page, other])).startswith("data:image/png;base64,iVBOR")
    assert thumbnail([large, page]) is None
    page.path.unlink()
    assert thumbnail([page]) is None


# libraries ------------------------------------------------------------------------------------------------------------


def test_the_providers_collection_is_via_and_the_archives_own_is_found(server: FileServer, bring: Bring) -> None:
    refused = server.file("/collections/grus-1", b"no", status=401)
    links = [{"rel": "collection", "href": refused}]
    bring(scene(server, collection="grus-1", links=links))
    home = bring(scene(server, "scene-2", collection="GRUS-1", links=links)).folder
    hits = server.hits["/collections/grus-1"]
    catalog = pystac.Catalog.from_file(str(home / "catalog.json"))
    copy = catalog.full_copy()
    for one in (catalog, copy):
        items = list(one.get_items(recursive=True))
        assert [(item.id, getattr(item.get_collection(), "id", None)) for item in items] == [
            ("scene-1", "grus-1"),
            ("scene-2", "GRUS-1"),
        ]
        assert {child.id for child in one.get_children()} == {"grus-1", "GRUS-1"}
        assert all(item.get_links("via")[0].href == refused for item in items)
    copy.normalize_and_save(str(home.parent / "copy"), pystac.CatalogType.SELF_CONTAINED)
    assert server.hits["/collections/grus-1"] == hits, "nobody asks the provider"
    assert verify(home) == []


@pytest.mark.parametrize("name", ["a#b", "a?b=c", "100%", "https:", "\u6771"])
def test_pystac_reads_an_archive_in_a_folder_of_any_name(
    server: FileServer, client: httpx.Client, tmp_path: Path, name: str
) -> None:
    home = deliver(
        "bay",
        [scene(server, collection="c")],
        tmp_path / name,
        opener(client),
        title="",
        description="",
        order_facts={},
    ).folder
    catalog = pystac.Catalog.from_file("/catalog.json", stac_io=FolderIO(home))
    (item,) = catalog.get_items()
    assert (item.id, getattr(item.get_collection(), "id", None)) == ("scene-1", "c")


@pytest.mark.parametrize("href", ["../outside.json", "/../outside.json", "https://example.com/x.json", "link/x.json"])
def test_pystac_reads_and_writes_nothing_outside_of_the_orders_folder(tmp_path: Path, href: str) -> None:
    home = tmp_path / "bay"
    home.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (home / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path / "outside.json", tmp_path / "elsewhere" / "x.json"):
        path.write_text("{}")
    with pytest.raises(OSError, match=r"leads out|No such file"):
        FolderIO(home).read_text(href)
    if "https" not in href:
        with pytest.raises(OSError, match="leads out"):
            FolderIO(home).write_text(href, "gone")
    assert (tmp_path / "outside.json").read_text() == "{}"
    assert (tmp_path / "elsewhere" / "x.json").read_text() == "{}"


def test_a_damaged_catalog_loses_none_of_what_can_still_be_read(server: FileServer, bring: Bring) -> None:
    home = bring(scene(server)).folder
    catalog = json.loads((home / "catalog.json").read_text())
    (home / "catalog.json").write_text(json.dumps({"links": catalog["links"]}))
    assert bring(scene(server, "scene-2")).items == ("scene-1", "scene-2")
    assert verify(home) == []


def test_a_time_in_nanoseconds_stays_one(server: FileServer, bring: Bring) -> None:
    exact = "2026-12-03T01:14:00.123456789Z"
    home = bring(scene(server, properties={"datetime": exact}, collection="c")).folder
    write_order_status(home, "succeeded")
    assert json.loads((home / "scene-1/scene-1.json").read_text())["properties"]["datetime"] == exact
