"""Which call a redirect asks for. The token follows to the provider's own addresses only, and no create is carried over
to where it may not have been meant.

==========  =====================================  ==================================================
status      a call that makes nothing              a create
==========  =====================================  ==================================================
307, 308    the same call there                    the same call there: it was not carried out here
301, 302    the same call there                    the same for a slash more or less; `Moved` when it
                                                   leads elsewhere; unknown when it leads below the
                                                   address asked, as to a thing that was just made
303         a GET there                            unknown: the call was carried out, says HTTP, and this
                                                   leads to what came of it, also for a slash more or less
elsewhere   `Moved`                                `Moved`, but 303: unknown
==========  =====================================  ==================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from tasking.http.urls import host_shown, resolved, same_origin, shown

MOST_REDIRECTS = 5
"""Of one call; browsers take twenty."""
REDIRECTS = (301, 302, 303, 307, 308)


class Moved(Exception):
    """A redirect that is not followed; says where it leads. What was asked was not carried out."""


@dataclass(frozen=True)
class Next:
    """The call that a redirect asks for.

    Attributes:
        url: Where.
        as_get: It is asked by GET, without a body.
    """

    url: httpx.URL
    as_get: bool = False


def next_call(answer: httpx.Response, *, makes: bool, may_go: Callable[[httpx.URL, httpx.URL], bool]) -> Next | None:
    """The call that an answer asks for; ``None`` when it is none, or does not tell what became of a create.

    Args:
        answer: To the call.
        makes: Whether the call makes or changes something.
        may_go: Whether a call at the first address, with its token, may go on to the second.

    Raises:
        Moved: It leads to where this call may not go.
        ValueError: A call that makes nothing is led to no address.
    """
    if answer.status_code not in REDIRECTS:
        return None
    try:
        url = _location(answer)
    except ValueError:
        if makes:
            return None
        raise
    slash = _same_but_a_slash(answer.url, url)
    if makes and (answer.status_code == 303 or (answer.status_code < 303 and not slash and _below(answer.url, url))):
        return None
    if not may_go(answer.url, url):
        raise Moved(f"redirected to another host: {host_shown(url)}; not followed")
    if makes and not slash and answer.status_code < 303:
        raise Moved(f"redirected to {shown(url)}; not followed: give the right address to the account")
    return Next(url, as_get=answer.status_code == 303 and not slash)


def _location(answer: httpx.Response) -> httpx.URL:
    given = answer.headers.get("Location", "")
    try:
        if given.strip():
            return resolved(answer.url, given)
        why = "it names none"
    except ValueError as error:
        why = str(error)
    raise ValueError(f"a redirect whose address cannot be followed: {why}")


def _same_but_a_slash(here: httpx.URL, there: httpx.URL) -> bool:
    same = same_origin(here, there) and here.query in (there.query, b"")
    return same and here.path != there.path and here.path.rstrip("/") == there.path.rstrip("/")


def _below(here: httpx.URL, there: httpx.URL) -> bool:
    return same_origin(here, there) and there.path.startswith(here.path.rstrip("/") + "/")
