"""Who may fetch a file: those with the headers, or anyone with an address that was signed and has not ended."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote

from fastapi import Request

from tasking.simulator.satellogic.accounts import Accounts
from tasking.simulator.satellogic.answers import PREFIX, Refusal
from tasking.simulator.satellogic.switches import SatellogicSwitches
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World


class Files:
    """Addresses of files, and the gate before them."""

    def __init__(self, world: World, switches: SwitchBoard[SatellogicSwitches], accounts: Accounts) -> None:
        self._world, self._switches, self._accounts = world, switches, accounts

    def address(self, root: str, path: str) -> str:
        """The absolute address of a file; ``path`` is under the prefix and begins with a slash."""
        path = quote(path)
        if self._switches.now.attachment_access == "token":
            return root + path
        ends = int(self._world.clock.seconds()) + self._switches.now.signed_seconds
        return f"{root}{path}?expires={ends}&signature={self._signature(PREFIX + path, ends)}"

    def _signature(self, path: str, ends: int) -> str:
        key = self._world.chance("satellogic signatures").randbytes(32)
        return hmac.new(key, f"{path} {ends}".encode(), hashlib.sha256).hexdigest()

    def open(self, request: Request) -> str | None:
        """Let a call for a file in; returns whose files may be read, ``None`` for anyone's; raises `Refusal`."""
        signature = request.query_params.get("signature")
        if signature is None:
            return self._accounts.enter(request).client_id
        ends = request.query_params.get("expires", "")
        good = self._signature(quote(request.url.path), int(ends) if ends.isascii() and ends.isdigit() else 0)
        if not hmac.compare_digest(good.encode(), signature.encode()):
            raise Refusal(403, "The request signature does not match.")
        if int(ends) <= self._world.clock.seconds():
            raise Refusal(403, "Request has expired.")
        return None
