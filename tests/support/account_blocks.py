"""The blocks of this project, and the fields of an account."""

from __future__ import annotations

from typing import Any

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
