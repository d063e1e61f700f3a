"""Names and addresses from outside, made harmless: nothing that a provider says can lead out of the order's folder."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from tasking.delivery.integrity.formats import suffix_of
from tasking.errors import UnsafeAsset
from tasking.http.urls import is_loopback

LONGEST = 120
"""Longest file or folder name made here, in characters; all are ASCII."""

COLLECTIONS = "collections"
"""The folder of an order's collections; no item's folder is called so."""

_LOOKED_AT = 600
"""Characters of a given name that are looked at, half of them at its end: combining marks cost by the square."""
_DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
_ENDING = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9_]{0,11}){0,2}\.[A-Za-z0-9]{1,12}$")
"""The ending of a name: ``.tif``, ``.tar.gz``, ``.tif.aux.xml``."""


def safe_name(given: str) -> str:
    """A file or folder name that is like ``given`` and can do no harm on any system.

    ASCII letters, digits, ``.``, ``_`` and ``-``; no leading dot or dash, no trailing dot, at most 120 characters, no
    device name of Windows, not ending in ``.part``. The ending (``.tif``, ``.tar.gz``) stays as it is, whatever stands
    before it. Whatever had to be changed gets eight digits of a hash of what stands before the ending, so different
    names stay different, the same name always becomes the same, and files that belong together (``湾.shp``, ``湾.dbf``)
    still do.
    """
    looked_at = given if len(given) <= _LOOKED_AT else given[: _LOOKED_AT // 2] + given[-_LOOKED_AT // 2 :]
    plain = unicodedata.normalize("NFKD", looked_at).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", plain.strip()).rstrip(".")
    plain = re.sub(r"\.{2,}", ".", plain)
    found = _ENDING.search(plain)
    ending = found[0] if found else ""
    if ending.lower().endswith(".part"):
        ending += "_"
    stem = plain[: found.start()] if found else plain
    stem = stem.lstrip(".-_")
    if (stem + ending).split(".")[0].lower().rstrip("_") in _DEVICES:
        stem = f"{stem}_"
    name = stem + ending
    if stem and name == given and len(name) <= LONGEST:
        return name
    return _joined(stem or "unnamed", given.removesuffix(ending), ending)


def _joined(stem: str, told_apart_by: str, ending: str) -> str:
    digits = hashlib.sha256(told_apart_by.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{stem[: LONGEST - len(ending) - 9]}-{digits}{ending}"


def _with_digits(name: str, told_apart_by: str) -> str:
    found = _ENDING.search(name)
    ending = found[0] if found and found.start() else ""
    return _joined(name[: len(name) - len(ending)], told_apart_by, ending)


def unzip_folder(name: str, taken: set[str]) -> str:
    """A folder for what a zip of this name holds: called like it, told apart from files that are there.

    Args:
        name: The zip's file name.
        taken: Names in lower case that are in use in the folder; the new one is added.
    """
    folder = PurePosixPath(name).stem
    if folder == name or folder.lower() in taken:
        folder = _with_digits(f"{folder}-files", name)
    taken.add(folder.lower())
    return folder


def folder_name(identity: str, shown: str, taken: Mapping[str, str]) -> str:
    """A folder for an item: its id made safe, told apart when another item already has that name.

    Args:
        identity: What makes the item one of its own (collection and id).
        shown: Its id.
        taken: Identities by folder name in lower case.
    """
    name = safe_name(shown)
    if name.lower() in ("catalog.json", COLLECTIONS) or taken.get(name.lower(), identity) != identity:
        name = _with_digits(name, identity)
    return name


def file_name(key: str, asset: Mapping[str, Any], taken: set[str]) -> str:
    """A file for an asset: as its address calls it, else as its key does, told apart from those already there.

    Args:
        key: The asset's key.
        asset: The asset (JSON) with ``href`` and perhaps ``type``.
        taken: Names in lower case that are in use in the folder; the new one is added.
    """
    media_type = asset.get("type")
    suffix = suffix_of(media_type) if isinstance(media_type, str) else ""
    try:
        called = PurePosixPath(unquote(urlsplit(str(asset.get("href", ""))).path)).name.strip()
    except ValueError:
        called = ""
    if not _tells(called):
        called = key if _tells(key) else key + suffix
    elif suffix and not any(letter.isalpha() for letter in PurePosixPath(called).suffix):
        called += suffix  # what stands after its last dot is a number: a time, a version
    name = safe_name(called)
    if name.lower() in taken:
        name = _with_digits(safe_name(f"{key}-{name}"), f"{key}\n{called}")
    taken.add(name.lower())
    return name


def _tells(name: str) -> bool:
    """Whether a name has an ending."""
    found = _ENDING.search(unicodedata.normalize("NFKC", name[-40:]).rstrip(". "))
    return found is not None and len(name) > len(found[0])


def checked_href(href: object, about: str) -> str:
    """An address that may be followed: https, or http on this machine.

    Raises:
        UnsafeAsset: Anything else: other schemes, paths, no host, a user name or password in it. Of the address the
            message shows scheme and host only.
    """
    if not isinstance(href, str) or not href.isprintable():
        raise UnsafeAsset(f"{about}: its address is not a URL; nothing was fetched")
    try:
        url = urlsplit(href)
        host, _ = url.hostname, url.port
    except ValueError:
        raise UnsafeAsset(f"{about}: its address cannot be read; nothing was fetched") from None
    shown = f"{url.scheme[:20]}://{(host or '')[:100]}" if url.scheme else "a path"
    if url.scheme not in ("https", "http") or not host:
        raise UnsafeAsset(f"{about}: only https addresses are followed, not {shown}; nothing was fetched")
    if "@" in url.netloc:
        raise UnsafeAsset(f"{about}: its address holds a user name or password for {host[:100]}; nothing was fetched")
    if url.scheme == "http" and not is_loopback(host):
        raise UnsafeAsset(f"{about}: plain http is followed on this machine only, not {shown}; nothing was fetched")
    return href
