"""For how long does a flow run hold a process? Seen from outside, in the list of the machine's processes."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from devstack.programs import RUN_MARK, cpu_seconds, with_mark

CAN_LOOK = Path("/proc/self/environ").exists()
"""Whether this system shows its processes as Linux does."""


class Held:
    """Watches a run's processes in a thread, from ``start`` to ``stop``.

    Attributes:
        spans: For each process: when it was first and last seen (seconds of a monotonic clock) and its CPU seconds.
    """

    def __init__(self, run_id: str, every_seconds: float = 0.2) -> None:
        self.spans: dict[int, tuple[float, float, float]] = {}
        self._run_id, self._every = run_id, every_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Held:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stopped.wait(self._every):
            now = time.monotonic()
            for pid in with_mark(RUN_MARK, self._run_id):
                first, _, used = self.spans.get(pid, (now, now, 0.0))
                self.spans[pid] = first, now, max(used, cpu_seconds(pid))

    @property
    def seconds(self) -> float:
        """Seconds of ours in which a process was there, all together; right to about the interval for each."""
        return sum(last - first + self._every for first, last, _ in self.spans.values())

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds the processes used, as far as seen."""
        return sum(used for _, _, used in self.spans.values())

    @property
    def processes(self) -> int:
        """How many processes there were."""
        return len(self.spans)
