"""Web addresses: which are accepted as settings, which may be followed, and where a token may go.

A name is judged twice: by itself, before it is asked, and by what it stands for, at the moment of the connection.
Behind a proxy only the proxy knows the latter.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import quote

import httpx

from tasking.errors import InvalidOrder
from tasking.excerpt import excerpt

Origin = tuple[str, str, int]
"""Scheme, host and port: two addresses belong together only when all three agree."""

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is handed out for the world (RFC 4291); what leads on to IPv4 is looked at by itself."""
_CARRIES_V4 = {
    "64:ff9b::/96": 96,  # NAT64 (RFC 6052)
    "::ffff:0:0/96": 96,  # IPv4-mapped (RFC 4291)
    "::ffff:0:0:0/96": 96,  # IPv4-translated (RFC 7915)
    "::/96": 96,  # IPv4-compatible (RFC 4291)
    "2002::/16": 16,  # 6to4 (RFC 3056)
}
"""IPv6 addresses that stand for an IPv4 one, and after how many bits it stands there."""

_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_RAW_QUOTED = re.compile(r"'[^']*'")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine: ``localhost``, ``127.0.0.0/8`` or ``::1``."""
    if host.lower().removesuffix(".").rpartition(".")[2] == "localhost":  # RFC 6761: and all names below it
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin(url: httpx.URL | str) -> Origin:
    """Scheme, host and port of an address, the port filled in when it is the scheme's own."""
    url = httpx.URL(url)
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme, 0)


def same_origin(here: httpx.URL, there: httpx.URL) -> bool:
    """Whether two addresses belong together."""
    return origin(here) == origin(there)


def checked_url(field: str, value: str) -> str:
    """An address that is fit to be a setting: ``https://``, or ``http://`` for a loopback address only.

    Meant for pydantic validators as well: the error is a `ValueError`.

    Raises:
        InvalidOrder: Naming the field, the value and what would be right.
    """
    text = value.strip()
    try:
        url = httpx.URL(text)
        port = url.port
    except (httpx.InvalidURL, ValueError):
        raise InvalidOrder(field, value, "is not a web address; write it like https://api.example.com/") from None
    if url.userinfo:
        shown = text.replace(url.userinfo.decode("ascii", "replace"), "***")
        raise InvalidOrder(field, shown, "leave user and password out of the address; they have fields of their own")
    if url.scheme not in ("https", "http") or not url.host:
        raise InvalidOrder(field, value, "write the whole address, beginning with https://")
    if url.scheme == "http" and not is_loopback(url.host):
        raise InvalidOrder(field, value, "use https://; plain http:// is taken for this machine only (localhost)")
    if port is not None and not 0 < port < 65536:
        raise InvalidOrder(field, value, "give a port between 1 and 65535, or none")
    if url.fragment or url.query:
        raise InvalidOrder(field, value, "end the address before '?' and '#'")
    return str(url)


def resolved(base: httpx.URL, href: str) -> httpx.URL:
    """The address a server's ``href`` means, ready to be sent.

    Servers write links with raw spaces and quotes (``?filter=task_plan_id = 'abc='``), absolute or host-relative.
    A ``+`` in such a raw query is a plus, e.g. in base64, and not a space; in an encoded query it stays as it is.

    Args:
        base: The address the link was found at.
        href: The link's address.

    Raises:
        ValueError: It is no web address, or it carries user and password; says which.
    """
    path, mark, query = href.strip().partition("?")
    if " " in query:
        query = query.replace("+", "%2B")
    else:
        query = _RAW_QUOTED.sub(lambda quoted: quoted[0].replace("+", "%2B"), query)
    try:
        url = base.join(path + mark + query)
        if url.scheme not in ("https", "http") or not url.host:
            raise ValueError("not a web address")
        if url.userinfo:
            raise ValueError("an address with a user in it")
        if not _can_be_asked(url):
            raise ValueError("not a web address")
    except httpx.InvalidURL:
        raise ValueError("not a web address") from None
    return url.copy_with(fragment=None)


def _can_be_asked(url: httpx.URL) -> bool:
    """Whether host and port are some: the HTTP library and the system's resolver stumble over others.

    A name that ends in a number is none: some resolvers read ``127.1`` and ``2130706433`` as this machine.
    """
    if url.port is not None and not 0 < url.port < 65536:
        return False
    try:
        ipaddress.ip_address(url.host)
    except ValueError:
        labels = url.raw_host.decode("ascii", "replace").removesuffix(".").split(".")
        whole = len(url.raw_host) <= 253 and all(1 <= len(label) <= 63 for label in labels)
        return whole and not _NUMBER.fullmatch(labels[-1])
    return True


def why_not_follow(url: httpx.URL, base: httpx.URL) -> str | None:
    """Why an address found in a provider's answer must not be followed; ``None`` when it may be.

    Plain http and addresses inside a network are for a provider that itself runs on this machine (a simulator).
    """
    if is_loopback(base.host):
        if url.scheme == "https" or is_loopback(url.host):
            return None
        return "it is not https"
    if url.scheme != "https":
        return "it is not https"
    if is_loopback(url.host) or _names_this_machine(url.host):
        return "it leads to this machine"
    return why_not_connect(url.host)


def _names_this_machine(host: str) -> bool:
    ours = socket.gethostname().lower()
    short = ours.partition(".")[0]
    return host.lower().removesuffix(".") in {ours, short, f"{short}.local", f"{short}.localdomain"} - {""}


def why_not_connect(address: str) -> str | None:
    """Why there must be no connection to what a name from a provider's answer stands for; ``None`` when there may be.

    Args:
        address: A number; a name, which stands for nothing yet, may pass.
    """
    try:
        ip: _IP = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    meant = _carried(ip) or ip
    if meant.is_loopback or meant.is_unspecified or _is_of_this_machine(ip) or _is_of_this_machine(meant):
        return "it leads to this machine"
    if meant.is_multicast:
        return "it leads to many machines at once"
    public = meant.is_global and (isinstance(meant, ipaddress.IPv4Address) or meant in _PUBLIC_V6)
    return None if public else "it leads into a private network"


def _carried(ip: _IP) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads on to."""
    if isinstance(ip, ipaddress.IPv4Address) or int(ip) < 2:  # "::" and "::1" are meant as they are
        return None
    for network, bits in _CARRIES_V4.items():
        if ip in ipaddress.IPv6Network(network):
            return ipaddress.IPv4Address(int(ip) >> (96 - bits) & 0xFFFFFFFF)
    return None


def _is_of_this_machine(ip: _IP) -> bool:
    """Whether a network card of ours has this address: only then can a socket be bound to it."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as ours:
            ours.bind((str(ip), 0))
    except OSError:
        return False
    return not ip.is_multicast  # a socket can be bound to these, too


def segment(identifier: str) -> str:
    """An id as one piece of a path: slashes, dots and base64's ``+`` and ``=`` keep their meaning."""
    return "%2E" * len(identifier) if identifier in (".", "..") else quote(identifier, safe="")


def shown(url: httpx.URL | str) -> str:
    """An address fit for messages and logs: the query, which may be a signature, and a user are left out."""
    url = httpx.URL(url)
    return excerpt(str(url.copy_with(query=None, fragment=None, userinfo=b""))) + ("?…" if url.query else "")


def host_shown(url: httpx.URL | str) -> str:
    """Scheme and host of an address that is not asked: its path, too, may be a secret."""
    url = httpx.URL(url)
    return shown(url.copy_with(path="/", query=None)).rstrip("/")
