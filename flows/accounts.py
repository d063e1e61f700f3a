"""Asking all accounts side by side: one that hangs, or refuses, keeps no other waiting, and is named."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import NamedTuple

from prefect import get_run_logger

from tasking.clock import utc_now
from tasking.ledger import OrderRecord
from tasking.paths import state_dir

SHOWN = 300
"""Characters of an account's error in the watch's message; the log has all of it."""


class Silent(NamedTuple):
    """An account that could not be asked.

    Attributes:
        account: Its block, ``type/name``.
        since: When this machine's watches first saw it so, without an answer since.
        why: The last error.
    """

    account: str
    since: datetime
    why: str


def look_at_all(
    look: Callable[[str, list[OrderRecord]], int],
    accounts: Mapping[str, list[OrderRecord]],
    longest: timedelta,
) -> dict[str, int | Exception]:
    """Look at each account in a thread of its own; a look that takes longer is left to itself, and ends with us.

    Returns:
        For each account how many orders were asked about, or what was in the way.
    """
    looks: dict[str, int | Exception] = {}

    def ask(account: str, records: list[OrderRecord]) -> None:
        try:
            looks[account] = look(account, records)
        except Exception as error:
            get_run_logger().warning("Account %s could not be asked: %s", account, error)
            looks[account] = error

    threads = {
        account: threading.Thread(target=copy_context().run, args=(ask, account, records), daemon=True)
        for account, records in accounts.items()
    }
    for thread in threads.values():
        thread.start()
    end = time.monotonic() + longest.total_seconds()
    for thread in threads.values():
        thread.join(max(0.0, end - time.monotonic()))
    took = TimeoutError(f"it took longer than {longest.total_seconds() / 60:g} minutes")
    return {account: looks.get(account, took) for account in accounts}


def silent_accounts(looks: Mapping[str, int | Exception]) -> Sequence[Silent]:
    """The accounts that could not be asked just now, and since when; kept for the next watch on this machine.

    An account of which no order was due was not asked: that is no answer, and no failure either.
    """
    file = state_dir() / "silent-accounts.json"
    before: dict[str, str] = {}
    with suppress(OSError, ValueError, AttributeError):
        before = {str(account): str(since) for account, since in json.loads(file.read_text()).items()}
    known = {account: since for account, since in before.items() if looks.get(account) == 0}
    silent = []
    for account, look in looks.items():
        if isinstance(look, Exception):
            since = _read(before.get(account)) or utc_now()
            known[account] = since.isoformat()
            silent.append(Silent(account, since, " ".join(str(look).split())[:SHOWN] or type(look).__name__))
    fresh = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):  # a full disk: counted from the next watch on
        fresh.write_text(json.dumps(known))
        fresh.replace(file)
    return silent


def _read(since: str | None) -> datetime | None:
    with suppress(ValueError, TypeError):
        return None if since is None else datetime.fromisoformat(since)
    return None
