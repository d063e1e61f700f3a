"""Does everything in an order's folder still stand as it was delivered?"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from tasking.delivery.download import FileFacts, checksum_of
from tasking.delivery.stac.item import NOTE
from tasking.delivery.storage import is_inside, is_plain, translate_os_errors

# pystac, behind `tasking.delivery.catalog`, is imported by the functions that need it: not at each start of a run


def intact_files(place: Path, item: dict[str, Any]) -> list[FileFacts]:
    """The files of an item that are on disk with the size and checksum its JSON gives; hashes each of them."""
    found = []
    for key, asset in item["assets"].items():
        facts, problem = _check(place, key, asset)
        if facts is not None and problem is None:
            found.append(facts.model_copy(update={"item_id": item["id"], "note": str(asset.get(NOTE) or "")}))
    return found


def intact_items(folder: Path, *, hashed: bool = False) -> set[str]:
    """The items of the catalog whose files all stand, by the names of their folders.

    Args:
        folder: The order's.
        hashed: Compare checksums, which reads every file; without, sizes only.

    Raises:
        DeliveryFailed: The disk does not answer, so what stands there is not known.
    """
    from tasking.delivery.catalog import read_catalog

    with translate_os_errors(folder):
        return {
            name
            for name, item in read_catalog(folder).items()
            if not any(_check(folder / name, key, asset, hashed)[1] for key, asset in item["assets"].items())
        }


def verify(folder: Path) -> list[str]:
    """What is wrong in an order's folder, one line each; empty when it is whole.

    Every link of the catalog leads to an item, and every asset of every item is a file beside it with the size and the
    checksum that the item gives. Nothing outside the folder is read and nothing is changed.
    """
    from tasking.delivery.catalog import FolderIO

    home, problems = FolderIO(folder), list[str]()

    def read(href: str) -> dict[str, Any] | None:
        name = PurePosixPath(href).name
        try:
            return home.read_json(href)
        except OSError as error:
            problems.append(f"{name}: it cannot be read ({error.strerror})")
        except (ValueError, RecursionError) as error:
            problems.append(f"{name}: it is not readable JSON ({error})")
        return None

    catalog = read("catalog.json")
    if catalog is None:
        return problems
    given = catalog.get("links")
    links = [link for link in given if isinstance(link, dict)] if isinstance(given, list) else []
    if not any(link.get("rel") == "item" for link in links):
        problems.append("catalog.json: it links to no item")
    for link in links:
        rel, href = link.get("rel"), str(link.get("href"))
        if rel not in ("child", "item"):
            continue
        if not is_inside(folder, folder / href):
            problems.append(f"catalog.json: its link {href} leads out of the folder")
            continue
        found = read(href)
        if found is None or rel == "child":
            continue
        assets, path = found.get("assets"), folder / href
        shown = path.relative_to(folder)
        if not isinstance(assets, dict) or not assets:
            problems.append(f"{shown}: it has no assets")
            continue
        for key, asset in assets.items():
            _, problem = _check(path.parent, key, asset)
            if problem:
                problems.append(f"{shown}: asset {key}: {problem}")
    return problems


def _check(place: Path, key: str, asset: dict[str, Any], hashed: bool = True) -> tuple[FileFacts | None, str | None]:
    if not isinstance(asset, dict):
        return None, "it is not an object"
    href, size, checksum = str(asset.get("href")), asset.get("file:size"), asset.get("file:checksum")
    path = place / href
    if not is_inside(place, path):
        return None, f"{href} leads out of the item's folder"
    if not is_plain(path):
        return None, f"{path.name} is missing" if not path.is_symlink() else f"{path.name} is a link"
    if not isinstance(size, int) or not isinstance(checksum, str):
        return None, f"{path.name} has no file:size and file:checksum to check"
    if (found := path.stat().st_size) != size:
        return None, f"{path.name} has {found} bytes instead of {size}"
    if hashed and checksum_of(path) != checksum:
        return None, f"{path.name} is not what was delivered: its checksum differs"
    return FileFacts(path=path, size=size, checksum=checksum, asset_key=key), None
