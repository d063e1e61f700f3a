"""Whether a list of STAC items came to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from tasking.http.api import Api, Operation


class Page(Protocol):
    """One page of a list, as each provider's model of it gives it."""

    @property
    def features(self) -> Sequence[dict[str, Any]]: ...
    @property
    def links(self) -> Sequence[dict[str, Any]]: ...
    @property
    def model_extra(self) -> dict[str, Any] | None: ...


def refuse_cut(api: Api, operation: Operation, last: Page, count: int) -> None:
    """Refuse a list that is said to go on after its last page: what is left out would be missing from an order.

    Args:
        api: Whose list.
        operation: What was asked.
        last: The last page.
        count: How many items were read on all pages.

    Raises:
        UnexpectedAnswer: Fewer were read than it counts; or it counts none and names a next page without an address.
    """
    matched = (last.model_extra or {}).get("numberMatched")
    if isinstance(matched, int) and not isinstance(matched, bool) and matched >= 0:
        if count < matched:
            raise api.unexpected(f"{count} of {matched} items of the capture are listed; none are taken", operation)
    elif last.features and any(link.get("rel") == "next" for link in last.links):
        raise api.unexpected(f"the next page, after {count} items, has no address; none are taken", operation)
