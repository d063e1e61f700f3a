"""A stack of real processes with all three providers, whose every secret is marked and whose every logger speaks."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from devstack.kit import Kit
from devstack.programs import Program
from devstack.stack import Stack
from tasking.simulator.app import create_app
from tasking.simulator.world import Config
from tests.support.secrets_search import MARK, marked

PROVIDERS = ("iceye", "axelglobe", "satellogic")
CLIENT_ID = "MarkedClientIdOfOurs"
"""Hidden like a secret: it has no business anywhere but in the account block, where it is encrypted."""
_KEYS = {"iceye": "iceye file key", "satellogic": "satellogic signatures"}
"""What the simulator derives the keys of its signed addresses from."""
LOUD = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "tasking,httpx,httpcore,urllib3,sqlalchemy.engine",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}


class MarkedStack(Stack):
    """All three providers; each account's credentials are marked, and so is the webhook's address."""

    def __init__(self) -> None:
        self.client_ids = {name: f"{CLIENT_ID}{name}" for name in PROVIDERS}
        self.client_secrets = {name: marked("Secret", name) for name in PROVIDERS}
        super().__init__(
            PROVIDERS[0],
            others=PROVIDERS[1:],
            rate=120.0,
            watch_seconds=600.0,  # started by hand when there is something to see,
            order_slots=4,
            account={"ask_again_seconds": 1.0},
        )
        self.secret_path = f"{MARK}Path"
        self.state = self.folder / "simulator.sqlite"
        self._make_state()

    def _make_state(self) -> None:
        """Make the simulator's state with the accounts, which a command line would show."""
        ours = {self.client_ids[name]: self.client_secrets[name] for name in PROVIDERS}
        clients = {"demo-client": "demo-secret", **ours}
        told = {"start": self._start, "rate": self._rate}
        switches = {"satellogic.attachment_access": "signed", "satellogic.demand": 0}
        app = create_app(Config.model_validate({"clients": clients, "state": self.state, "switches": switches, **told}))
        try:
            self._keys = {name: app.world.chance(about).randbytes(32) for name, about in _KEYS.items()}
        finally:
            app.close()

    def program(self, name: str, arguments: list[str], folder: Path | None = None) -> Program:
        """Each program of the stack logs all it can, and has a home of its own."""
        quiet = self._environment | {"HOME": str(self.folder / "user")}
        # not the server: its database library would write each statement, 300,000 lines
        self._environment = quiet if name == "server" else quiet | LOUD
        try:
            return super().program(name, arguments, folder)
        finally:
            self._environment = quiet

    def _blocks(self, kit: Kit) -> dict[str, dict[str, Any]]:
        """The account's block with marked credentials, and one whose token is refused."""
        ((address, fields),) = super()._blocks(kit).items()
        fields |= kit.account(self.sim, (self.client_ids[kit.name], self.client_secrets[kit.name]))
        where = "auth_url" if "auth_url" in fields else "token_url"
        refused = {**fields, where: f"{self.simulator_url}/refused/{kit.name}"}
        return {address: fields, f"{kit.block}/refused": refused}

    def tokens(self) -> dict[str, str]:
        """All tokens that were given out, with their providers."""
        with closing(sqlite3.connect(self.state)) as state:
            rows = state.execute("select key, kind from facts where kind like '% token'").fetchall()
        return {str(token): str(kind).split()[0] for token, kind in rows}

    def signatures(self) -> set[str]:
        """The signatures of all files that were asked for by a signed address, computed as the provider does.

        The provider's own log leaves them out. Each is proved: the provider takes it, or says that its time is over.
        """
        found = set()
        for call in self.sim.get("/_sim/journal", params={"query": "expires=*"}).raise_for_status().json()["calls"]:
            path, ends = str(call["path"]), parse_qs(call["query"])["expires"][0]
            if path.startswith("/iceye/"):
                name, signed = "sig", self._sign("iceye", f"{path.removeprefix('/iceye/files/')}?{ends}")
            else:
                name, signed = "signature", self._sign("satellogic", f"{path} {ends}")
            answer = self.sim.get(path, params={"expires": ends, name: signed})
            assert answer.is_success or "expired" in answer.text, answer.text
            found.add(signed)
        return found

    def _sign(self, provider: str, text: str) -> str:
        return hmac.new(self._keys[provider], text.encode(), hashlib.sha256).hexdigest()
