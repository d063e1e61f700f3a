"""How fast the provider's time runs in a campaign, how patient an order is, and how the providers are set up."""

from __future__ import annotations

import httpx

RATE = 60.0
"""Seconds of the provider's time per second of ours."""

HTTP = {
    **{"connect_seconds": 3, "read_seconds": 6, "write_seconds": 3, "pool_seconds": 5, "create_start_seconds": 8},
    **{"attempts": 3, "wait_initial_seconds": 0.1, "wait_jitter_seconds": 0.1, "wait_max_seconds": 2},
    **{"requests_per_second": 500, "retry_after_max_seconds": 5, "own_clock": True},
}

LIST_LAG_SECONDS = 900
"""Provider's time for which lists do not show what was made: 15 real seconds at this rate.

Long enough that an order whose answer was lost comes back, looks, and finds nothing though it is there.
"""

SETTLE_SECONDS = 20 + LIST_LAG_SECONDS / RATE + 2
"""Our time: a create is over after 20 seconds at the latest, the lists lag by 15, and two to spare."""

MOST_CRASHES = 15
"""An order is killed more often in a row here than the five times after which a run rests for an hour."""

ACCOUNT = {"http": HTTP, "settle_seconds": SETTLE_SECONDS, "poll_interval_seconds": 300, "ask_again_seconds": 5.0}


def set_up(simulator: httpx.Client) -> None:
    """Lists lag; that there is room for all orders is the stack's to see to."""
    simulator.patch("/_sim/switches", json={"list_lag_seconds": LIST_LAG_SECONDS}).raise_for_status()
