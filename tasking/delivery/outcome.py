"""What came of a delivery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

from tasking.delivery.download import FileFacts
from tasking.errors import DeliveryFailed, ProviderError, Unavailable, UnsafeAsset

Trouble: TypeAlias = DeliveryFailed | ProviderError
"""What may be wrong with one file and not with the next."""


class Delivery(BaseModel):
    """What stands in an order's folder after a delivery.

    Attributes:
        folder: The order's folder; ``catalog.json`` is in it.
        items: Ids of all items in the catalog.
        taken_in: Names of the folders of the items that were given and are there, in their order.
        files: Every file of every item, also those of earlier deliveries.
        bytes_total: Size of all files in bytes.
        new_files: How many were downloaded this time.
        left_out: Assets of the given items that cannot be fetched, with the reason, for a person.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    items: tuple[str, ...]
    taken_in: tuple[str, ...]
    files: tuple[FileFacts, ...]
    bytes_total: int
    new_files: int
    left_out: tuple[str, ...] = ()


class ItemOutcome(NamedTuple):
    """What became of one given item.

    Attributes:
        folder: Its folder's name; empty when nothing of it is home.
        troubles: What went wrong and may go well another time; empty when the item is as whole as it can be.
        left_out: Assets that cannot be fetched, with the reason.
        fetched: How many files were downloaded.
    """

    folder: str
    troubles: tuple[Trouble, ...] = ()
    left_out: tuple[str, ...] = ()
    fetched: int = 0


def error_to_raise(troubles: Sequence[Trouble]) -> Trouble:
    """The one to raise: an outage says when to come back; what must not be taken never passes, and comes last."""
    return min(troubles, key=lambda one: (isinstance(one, UnsafeAsset), not isinstance(one, Unavailable)))
