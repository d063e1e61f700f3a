"""The blocks of this project, the fields of an account, and how tests save them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

from prefect import get_client
from prefect.blocks.core import Block
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.exceptions import ObjectNotFound

import blocks
from blocks.account import Account
from blocks.axelglobe_tasking import AxelGlobeTasking
from blocks.image_archive import ImageArchive
from blocks.order_ledger import OrderLedger
from blocks.webhook_receiver import WebhookReceiver

ACCOUNT: dict[str, Any] = {
    "client_id": "me",
    "client_secret": "a-secret-value",
    "api_url": "https://api.axelglobe.com/wfs/tasking/v2",
    "token_url": "https://auth.example.com/oauth/token",
}

OURS = [
    kind
    for kind in (AxelGlobeTasking, ImageArchive, OrderLedger, WebhookReceiver, *Account.__subclasses__())
    if kind.__module__.startswith((f"{blocks.__name__}.", "tests.support."))
]


@contextmanager
def saved_again_at_once() -> Iterator[None]:
    """A block that is overwritten is changed by one call; its first save, and one of a deleted block, are Prefect's."""
    documents: dict[tuple[type[Block], str], UUID] = {}
    at_first: Callable[..., Any] = Block.save

    def save(self: Block, name: str, overwrite: bool = False) -> UUID:
        key = type(self), name
        if not (overwrite and key in documents and _changed(self, name, documents[key])):
            documents[key] = at_first(self, name, overwrite=overwrite)
        return documents[key]

    with patch.object(Block, "save", save):
        yield


def _changed(block: Block, name: str, there: UUID) -> bool:
    """Whether the document was there to be changed."""
    told = block._to_block_document(name=name, include_secrets=True).model_dump(include={"block_schema_id", "data"})
    with get_client(sync_client=True) as client:
        try:
            client.update_block_document(there, BlockDocumentUpdate(**told))
        except ObjectNotFound:
            return False
    return True
