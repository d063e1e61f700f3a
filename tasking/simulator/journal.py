"""Every provider call the simulator received, with what became of it. Secrets never enter it."""

from __future__ import annotations

import hashlib
import json
import re
import time
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from tasking.simulator.clock import SimulatedClock, utc_text
from tasking.simulator.store import Store

_SHOWN_HEADERS = {
    "accept",
    "content-type",
    "content-length",
    "host",
    "range",
    "if-range",
    "if-none-match",
    "user-agent",
}
_TOKEN_HEADERS = {"authorization", "authorizationtoken"}
_SECRETS = {"client_secret", "access_token", "refresh_token", "password"}


_SECRET_PARAMETERS = re.compile(r"(?<![^&])(sig|signature)=[^&]*", re.IGNORECASE)


def token_mark(token: str) -> str:
    """A short name for a token, from which the token cannot be found."""
    return "token-" + hashlib.sha256(token.encode()).hexdigest()[:8]


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "(redacted)" if key in _SECRETS else _redacted(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_redacted(held) for held in value]
    return value


def _readable(body: bytes) -> Any:
    if not body:
        return None
    try:
        return _redacted(json.loads(body))
    except (ValueError, RecursionError):
        return f"({len(body)} bytes that are not JSON)"


class Journal:
    """The calls, oldest first; ``index`` counts from 1 and never starts again, even when the journal is cleared."""

    def __init__(self, store: Store, clock: SimulatedClock) -> None:
        self._store, self._clock = store, clock
        self._shown = set(_SHOWN_HEADERS)

    def show(self, *headers: str) -> None:
        """Keep further headers of calls, named in lower case."""
        self._shown |= set(headers)

    def open(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """Write down a call on its arrival; `close` completes the entry."""
        shown = {name: value for name, value in headers.items() if name in self._shown}
        for name in _TOKEN_HEADERS & headers.keys():
            scheme, _, token = headers[name].partition(" ")
            shown[name] = f"{scheme if token else 'unreadable'} {token_mark(token or headers[name])}"
        with self._store.together():
            entry = {
                "index": self._store.next_number("journal"),
                "simulated_time": utc_text(self._clock.seconds()),
                "real_time": datetime.fromtimestamp(time.time(), UTC).isoformat(),
                "method": method,
                "path": path,
                "query": _SECRET_PARAMETERS.sub(r"\1=(redacted)", query),
                "headers": shown,
                "body": _readable(body),
                "client_id": None,
                "status": None,
                "acted": False,
                "fault": None,
                "created_ids": [],
            }
            self._store.put("journal", f"{entry['index']:09}", entry)
        return entry

    def close(self, entry: dict[str, Any], **outcome: Any) -> None:
        """Complete an entry: ``status`` that left (or ``"reset"``), ``acted``, ``fault``, ids made."""
        key = f"{entry['index']:09}"
        with self._store.lock:
            if self._store.get("journal", key) is not None:  # else it was cleared meanwhile
                self._store.put("journal", key, {**entry, **outcome})

    def read(self, path: str = "*", method: str = "*", since: int = 0, query: str = "*") -> list[dict[str, Any]]:
        """Entries whose index is above ``since`` and whose path, method and query match the globs."""
        return [
            dict(entry)
            for entry in self._store.all("journal")
            if entry["index"] > since
            and fnmatchcase(entry["path"], path)
            and fnmatchcase(entry["method"], method.upper())
            and fnmatchcase(entry["query"], query)
        ]

    def clear(self) -> int:
        """Forget all entries; returns how many there were."""
        return self._store.drop("journal")
