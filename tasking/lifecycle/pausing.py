"""When to ask again."""

from __future__ import annotations

from datetime import datetime

from tasking.ledger import OrderRecord
from tasking.provider import Provider
from tasking.waiting import Wait, readable, wait_until


def look_after(provider: Provider, seconds: float) -> datetime:
    """Our time from which asking the provider again makes sense: ``seconds`` of its time from now."""
    return provider.clock.local(provider.clock.in_seconds(seconds))


def provider_away(provider: Provider, record: OrderRecord, why: Exception) -> Wait:
    """The pause after a step that found somebody away: longer each time, up to an hour, or as the server asked."""
    pause = min(provider.ask_again_seconds * 2 ** min(record.failures, 10), 3600.0)
    asked = getattr(why, "retry_after", None)
    when = provider.clock.in_seconds(max(pause, asked or 0.0))
    return wait_until(provider.clock, when, "provider", f"Trying again at {readable(when)}: {why}")
