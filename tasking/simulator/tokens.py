"""The tokens of a provider, and how often their holders may call. How it asks and refuses is each provider's own."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from typing import Any

from tasking.simulator.journal import token_mark
from tasking.simulator.world import World


def _segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Tokens:
    """Tokens that look like signed JSON web tokens.

    Args:
        world: Where they are kept.
        provider: Whose they are.
    """

    def __init__(self, world: World, provider: str) -> None:
        self._world, self._kind = world, f"{provider} token"
        self._calls: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    @property
    def issued(self) -> int:
        """How many were ever given out."""
        return len(self._world.store.all(self._kind))

    def issue(self, request: Any, client_id: str, life_seconds: int, **claims: str) -> str:
        """A new token; ``request`` is the call that asked for it, whose journal entry will name it."""
        world, now = self._world, self._world.clock.seconds()
        with world.store.together():
            number = world.store.next_number(self._kind)
            times = {"iat": int(now), "exp": int(now + life_seconds), "jti": str(number)}
            parts = (
                _json({"alg": "HS256", "typ": "JWT"}),
                _json({"sub": client_id, **claims, **times}),
                world.chance(self._kind, number).randbytes(32),
            )
            token = ".".join(map(_segment, parts))
            dies = now + (world.switches.now.token_dies_after_seconds or life_seconds)
            world.store.put(self._kind, token, {"client_id": client_id, "dies": dies})
        request.state.created_ids = [token_mark(token)]
        return token

    def holder(self, token: str) -> str | None:
        """The account that a living token belongs to."""
        known = self._world.store.get(self._kind, token.strip())
        alive = known is not None and known["dies"] > self._world.clock.seconds()
        return str(known["client_id"]) if known is not None and alive else None

    def revoke(self) -> int:
        """End all tokens now; returns how many were alive."""
        now, ended = self._world.clock.seconds(), 0
        with self._world.store.together():
            for key, token in self._world.store.items(self._kind):
                if token["dies"] > now:
                    self._world.store.put(self._kind, key, {**token, "dies": now})
                    ended += 1
        return ended

    def too_many(self, client_id: str) -> int | None:
        """Count a call; how many real seconds to wait when it is one too many in a minute."""
        limit = self._world.switches.now.rate_limit_per_minute
        if not limit:
            return None
        now = time.monotonic()
        with self._lock:
            calls = self._calls.setdefault(client_id, deque())
            while calls and calls[0] <= now - 60:
                calls.popleft()
            if len(calls) >= limit:
                return max(1, int(calls[0] + 60 - now) + 1)
            calls.append(now)
        return None
