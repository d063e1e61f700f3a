"""A process that dies right after something was written into the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

from sqlalchemy.orm import Session

from tasking.ledger.transactions import Transactions


class Killed(BaseException):
    """The process is gone; nothing on its way out takes it for an error."""


@contextmanager
def killed_after(writes: int) -> Iterator[None]:
    """Whoever is inside dies once so many transactions were committed; returns as usual where there are fewer."""
    left = writes
    session = Transactions.session

    @contextmanager
    def mortal(self: Transactions, *, reading: bool = False) -> Iterator[Session]:
        nonlocal left
        with session(self, reading=reading) as opened:
            yield opened
        if not reading:
            left -= 1
            if left <= 0:
                raise Killed

    made: Any = mortal
    with patch.object(Transactions, "session", made), suppress(Killed):
        yield
