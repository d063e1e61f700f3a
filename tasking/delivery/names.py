"""Names and addresses from outside, made harmless: nothing that a provider says can lead out of the order's folder."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from tasking.delivery.structure import SUFFIX_OF, format_of
from tasking.errors import UnsafeAsset
from tasking.http.address import is_loopback

LONGEST = 120
"""Longest file or folder name made here, in characters; all are ASCII."""

_DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}


def safe_name(given: str) -> str:
    """A file or folder name that is like ``given`` and can do no harm on any system.

    ASCII letters, digits, ``.``, ``_`` and ``-``; no leading dot or dash, no trailing dot, at most 120 characters, no
    device name of Windows, not ending in ``.part``. Whatever had to be changed gets eight digits of a hash of the given
    text, so different names stay different and the same name always becomes the same.
    """
    plain = unicodedata.normalize("NFKD", given).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).lstrip(".-_").rstrip(".")
    plain = re.sub(r"\.{2,}", ".", plain)
    if plain.split(".")[0].lower() in _DEVICES or plain.lower().endswith(".part"):
        plain = f"{plain}_"
    if plain == given and 1 <= len(plain) <= LONGEST:
        return plain
    return _with_digits(plain or "unnamed", given)


def _with_digits(name: str, told_apart_by: str) -> str:
    digits = hashlib.sha256(told_apart_by.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    suffix = PurePosixPath(name).suffix
    suffix = suffix if 1 < len(suffix) <= 10 else ""
    stem = name[: len(name) - len(suffix)] if suffix else name
    return f"{stem[: LONGEST - len(suffix) - 9]}-{digits}{suffix}"


def folder_name(identity: str, shown: str, taken: Mapping[str, str]) -> str:
    """A folder for an item: its id made safe, told apart when another item already has that name.

    Args:
        identity: What makes the item one of its own (collection and id).
        shown: Its id.
        taken: Identities by folder name in lower case.
    """
    name = safe_name(shown)
    if name.lower() == "catalog.json" or taken.get(name.lower(), identity) != identity:
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
    called = PurePosixPath(unquote(urlsplit(str(asset.get("href", ""))).path)).name
    if not 1 < len(PurePosixPath(called).suffix) <= 10:
        kind = format_of("", media_type if isinstance(media_type, str) else None)
        called = key if PurePosixPath(key).suffix or kind is None else key + SUFFIX_OF[kind]
    name = safe_name(called)
    if name.lower() in taken:
        name = _with_digits(safe_name(f"{key}-{name}"), f"{key}\n{called}")
    taken.add(name.lower())
    return name


def checked_href(href: object, about: str) -> str:
    """An address that may be followed: https, or http on this machine.

    Raises:
        UnsafeAsset: Anything else: other schemes, paths, no host, a user name or password in it.
    """
    shown = str(href).split("?")[0][:120]
    if not isinstance(href, str) or not href.isprintable():
        raise UnsafeAsset(f"{about}: its address is not a URL: {shown!r}; nothing was fetched")
    try:
        url = urlsplit(href)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise UnsafeAsset(f"{about}: its address cannot be read ({error}): {shown!r}; nothing was fetched") from None
    if url.scheme not in ("https", "http") or not host:
        raise UnsafeAsset(f"{about}: only https addresses are followed, not {shown!r}; nothing was fetched")
    if "@" in url.netloc:
        raise UnsafeAsset(f"{about}: its address holds a user name or password for {host}; nothing was fetched")
    if url.scheme == "http" and not is_loopback(host):
        raise UnsafeAsset(f"{about}: plain http is followed on this machine only, not {shown!r}; nothing was fetched")
    return href
