"""ICEYE's webhooks: a task that names one has its changes of status posted to it.

What ICEYE posts is not published: the body here is made up. A webhook is registered by the Notifications API, or, with
what it says to the receiver, by a control route. Documented is
that ICEYE authenticates to the receiver by OAuth2 client credentials; a fixed bearer token is there for simple tests.
Each change is tried once, only loopback addresses are called. When time jumps over several changes, the last counts.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import Any
from urllib.parse import urlsplit

import httpx

from tasking.simulator.iceye.calls import Json, stamp
from tasking.simulator.iceye.contracts import TASK
from tasking.simulator.iceye.timeline import standing
from tasking.simulator.world import World

Fact = dict[str, Any]
_KIND, _SEEN, _SENT = "iceye webhook", "iceye webhook seen", "iceye webhook sent"
_EVERY_SECONDS = 0.05  # real
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Webhooks:
    """Registered webhooks, and a thread that watches the tasks which name one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        if world.store.all(_KIND):
            self._watch()

    def of(self, client_id: str) -> list[Fact]:
        """The webhooks that an account registered itself, oldest first."""
        return [one for one in self._world.store.all(_KIND) if one.get("client_id") == client_id]

    def register(
        self, url: str, token: str | None = None, oauth: Fact | None = None, client_id: str | None = None
    ) -> str:
        """Register a receiver; returns its id.

        Args:
            url: Where to post, on loopback.
            token: A fixed bearer token.
            oauth: ``token_url``, ``client_id`` and ``client_secret`` for a token of the receiver's own.
            client_id: The account that registers it; none by the control route.

        Raises:
            ValueError: For an address that is not on loopback.
        """
        for address in (url, (oauth or {}).get("token_url", url)):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or parts.hostname not in _LOOPBACK:
                raise ValueError(f"{address!r} is not an address on loopback")
        with self._world.store.together():
            webhook_id = self._world.new_uuid(_KIND)
            self._world.store.put(
                _KIND,
                webhook_id,
                {"id": webhook_id, "url": url, "token": token, "oauth": oauth, "client_id": client_id},
            )
        self._watch()
        return webhook_id

    def sent(self) -> list[Fact]:
        """What was posted, oldest first: ``webhook_id``, ``body`` and ``status`` (or the error)."""
        return self._world.store.all(_SENT)

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5)

    def _watch(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="iceye webhooks")
            self._thread.start()

    def _run(self) -> None:
        with httpx.Client(timeout=2, verify=False, trust_env=False) as http:  # noqa: S501 (loopback only)
            while not self._ended.wait(_EVERY_SECONDS):
                try:
                    for webhook, body in self._changes():
                        self._post(http, webhook, body)
                except sqlite3.ProgrammingError:  # the store was closed: the simulator has ended
                    return

    def _changes(self) -> list[tuple[Fact, Json]]:
        store, now, found = self._world.store, self._world.clock.seconds(), []
        for task in store.all(TASK):
            webhook_id = task["asked"].get("notifications", {}).get("webhook", {}).get("id", "")
            webhook = store.get(_KIND, webhook_id)
            if webhook is None:
                continue
            stands = standing(task, now)
            seen = (store.get(_SEEN, task["id"]) or {"status": "RECEIVED"})["status"]
            if stands.status != seen:
                store.put(_SEEN, task["id"], {"status": stands.status})
                body = {
                    "id": self._world.new_uuid("iceye event"),
                    "type": "task.status",
                    "taskID": task["id"],
                    "status": stands.status,
                    "updatedAt": stamp(int(stands.changed)),
                }
                found.append((webhook, body))
        return found

    def _post(self, http: httpx.Client, webhook: Fact, body: Json) -> None:
        outcome: str | int
        try:
            token, oauth = webhook["token"], webhook["oauth"]
            if oauth:
                asked = http.post(
                    oauth["token_url"],
                    data={"grant_type": "client_credentials"},
                    auth=(oauth["client_id"], oauth["client_secret"]),
                )
                token = asked.raise_for_status().json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            outcome = http.post(webhook["url"], json=body, headers=headers).status_code
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            outcome = f"{type(error).__name__}: {error}"
        number = self._world.store.next_number(_SENT)
        self._world.store.put(_SENT, f"{number:09}", {"webhook_id": webhook["id"], "body": body, "status": outcome})
