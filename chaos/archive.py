"""What lies in an order's folder, against what the provider published. Reads the catalog with code of its own."""

from __future__ import annotations

import hashlib
import os.path
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, StrictInt

LOCK, CATALOG = ".lock", "catalog.json"
SHA_256 = "1220"
"""How a multihash of SHA-256 begins: its code, and its length of 32 bytes."""

_DOWN = ("child", "item")


class _Link(BaseModel):
    rel: str
    href: str


class _Asset(BaseModel):
    href: str
    size: StrictInt | None = Field(None, alias="file:size")
    checksum: str | None = Field(None, alias="file:checksum")


class _Document(BaseModel):
    """A catalog or an item, as far as it is judged."""

    id: str = ""
    links: list[_Link] = Field(default_factory=list)
    assets: dict[str, _Asset] = Field(default_factory=dict)


def wrong_files(published: list[dict[str, Any]], folder: Path) -> list[str]:
    """What is wrong in an order's folder, one line each; empty when it is what the provider published.

    All that was published is there under the provider's names and nothing else, the catalog leads to every file, what
    the catalog says of a file is so, and each file is the asset it was published as, in its own item.

    Args:
        published: ``name``, ``size`` and ``sha256`` of each file, as the provider tells them; ``item``, which the id of
            our item holds, and ``asset``, its key, where the provider has one.
        folder: The order's, in the archive.
    """
    there = _Folder(folder)
    if published or CATALOG in there.files:
        there.read(CATALOG)
    held = {path: facts for path, facts in there.files.items() if path not in (LOCK, *there.documents)}
    said = [f"in no item: {path}" for path in held if path not in there.assets]
    promised = Counter((PurePosixPath(one["name"]).name, one["size"], one["sha256"]) for one in published)
    found = Counter((PurePosixPath(path).name, *facts) for path, facts in held.items())
    return [
        *(f"missing: {_shown(one)}" for one in (promised - found).elements()),
        *(f"not the provider's: {_shown(one)}" for one in (found - promised).elements()),
        *there.problems,
        *said,
        *there.misplaced(published),
    ]


class _Folder:
    """The files of a folder by relative path, and what its catalog says of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = {path.relative_to(folder).as_posix(): _facts(path) for path in folder.rglob("*") if path.is_file()}
        self.problems: list[str] = []
        self.documents: list[str] = []
        self.assets: dict[str, list[tuple[str, str]]] = {}
        """The items, by id, that each file is in, and its key there."""

    def read(self, path: str) -> None:
        """Read the catalog or an item, and whatever it leads down to."""
        if path not in self.files:
            self.problems.append(f"{path} is missing")
            return
        self.documents.append(path)
        try:
            document = _Document.model_validate_json((self._folder / path).read_bytes())
        except (OSError, ValueError):
            self.problems.append(f"not readable: {path}")
            return
        for link in document.links:
            self._follow(path, link)
        for key, asset in document.assets.items():
            self._check(path, document.id, key, asset)

    def misplaced(self, published: list[dict[str, Any]]) -> Iterator[str]:
        """Published files that no item has as what they are: they are another's, or another asset."""
        for one in published:
            facts = PurePosixPath(one["name"]).name, one["size"], one["sha256"]
            same = [path for path, held in self.files.items() if (PurePosixPath(path).name, *held) == facts]
            places = [place for path in same for place in self.assets.get(path, [])]
            if places and not any(one["item"] in item and one["asset"] in (None, key) for item, key in places):
                yield f"{one['name']} of {one['item']} is misplaced: {places}"

    def _follow(self, path: str, link: _Link) -> None:
        if _is_address(link.href) and link.rel not in _DOWN:
            return  # a page of the provider
        end = self._end(path, link.href)
        if end is None:
            self.problems.append(f"{path}: its link {link.rel} leads to nothing in the folder: {link.href}")
        elif link.rel in _DOWN and end not in self.documents:
            self.read(end)

    def _check(self, path: str, item: str, key: str, asset: _Asset) -> None:
        end = self._end(path, asset.href)
        if end is None:
            self.problems.append(f"{path}: its asset {key} is not in the folder: {asset.href}")
            return
        self.assets.setdefault(end, []).append((item, key))
        size, digest = self.files[end]
        if asset.size not in (None, size):
            self.problems.append(f"{path}: its asset {key} has {size} bytes and not file:size {asset.size}")
        if asset.checksum not in (None, SHA_256 + digest):
            self.problems.append(f"{path}: its asset {key} does not have the file:checksum {asset.checksum}")

    def _end(self, path: str, href: str) -> str | None:
        """The file of the folder that a relative address leads to."""
        end = os.path.normpath(PurePosixPath(path).parent / href)
        return end if end in self.files and not _is_address(href) else None


def _is_address(href: str) -> bool:
    try:
        return bool(urlsplit(href).scheme)
    except ValueError:
        return True


def _shown(one: tuple[str, int, str]) -> str:
    name, size, digest = one
    return f"{name}, {size} bytes, {digest[:12]}"


def _facts(path: Path) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), hashlib.sha256(data).hexdigest()
