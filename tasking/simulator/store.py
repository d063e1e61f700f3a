"""What the simulator remembers: one table of facts, kept in memory and written through to SQLite.

A fact is a JSON object under a kind and a key. With a file every change is committed before the answer leaves, so a
process killed with SIGKILL and started again on the same file goes on where it stood (WAL: safe against a killed
process; a power cut may lose the last changes, which is no concern of a simulator).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Fact = dict[str, Any]


class Store:
    """Facts by kind and key, in the order they were first put.

    Args:
        path: SQLite file, created when absent; ``None`` keeps everything in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(str(path or ":memory:"), check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.execute("create table if not exists facts (kind text, key text, body text, primary key (kind, key))")
        self._facts: dict[str, dict[str, Fact]] = {}
        for kind, key, body in self._db.execute("select kind, key, body from facts order by rowid"):
            self._facts.setdefault(kind, {})[key] = json.loads(body)

    def close(self) -> None:
        """Give the file back."""
        with self.lock:
            self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All changes made inside are committed as one, and nobody else changes anything meanwhile."""
        with self.lock:
            if self._depth == 0:
                self._db.execute("begin immediate")
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("commit")

    def put(self, kind: str, key: str, fact: Fact) -> None:
        """Set one fact; durable on return (or when the enclosing `together` ends)."""
        body = json.dumps(fact, separators=(",", ":"))
        with self.lock:
            self._db.execute(
                "insert into facts values (?, ?, ?) on conflict (kind, key) do update set body = excluded.body",
                (kind, key, body),
            )
            self._facts.setdefault(kind, {})[key] = fact

    def get(self, kind: str, key: str) -> Fact | None:
        """One fact, or ``None``. Treat it as read-only: change it with `put`."""
        with self.lock:
            return self._facts.get(kind, {}).get(key)

    def all(self, kind: str) -> list[Fact]:
        """All facts of a kind, oldest first."""
        with self.lock:
            return list(self._facts.get(kind, {}).values())

    def items(self, kind: str) -> list[tuple[str, Fact]]:
        """All keys and facts of a kind, oldest first."""
        with self.lock:
            return list(self._facts.get(kind, {}).items())

    def drop(self, kind: str, key: str | None = None) -> int:
        """Forget one fact, or a whole kind; returns how many there were."""
        with self.lock:
            if key is None:
                self._db.execute("delete from facts where kind = ?", (kind,))
                return len(self._facts.pop(kind, {}))
            self._db.execute("delete from facts where kind = ? and key = ?", (kind, key))
            return 0 if self._facts.get(kind, {}).pop(key, None) is None else 1

    def next_number(self, name: str) -> int:
        """1, 2, 3, ... for each name; never the same twice, also after a restart."""
        with self.lock:
            number = int((self.get("numbers", name) or {"last": 0})["last"]) + 1
            self.put("numbers", name, {"last": number})
            return number
