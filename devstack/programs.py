"""Programs that are started, stopped, killed and started again by their process id."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

RUN_MARK = "PREFECT__FLOW_RUN_ID"
"""In the environment of each flow run's process: the run's id."""


class ProgramEnded(RuntimeError):
    """A program of the stack ended by itself; its last words are in the message."""


class Program:
    """One program in a process group of its own, whose words go to a file.

    Args:
        name: For messages.
        command: What to run.
        environment: All of its environment.
        folder: Where it runs.
        log: Where its words go.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        self.name, self.command, self.log = name, list(command), log
        self._environment, self._folder = dict(environment), folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, given: bytes | None = None) -> None:
        """Start it; ``given`` goes to its standard input."""
        assert self.pid is None, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is ours to answer: everything is then stopped in order
            )
        if given is not None:
            assert self._process.stdin is not None
            with suppress(BrokenPipeError), self._process.stdin as stdin:
                stdin.write(given)

    def finish(self, timeout_seconds: float) -> None:
        """Wait until it has done its work.

        Raises:
            ProgramEnded: It did not, or not well.
        """
        assert self._process is not None
        try:
            code = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProgramEnded(f"{self.name} took longer than {timeout_seconds:g} s. {self.last_words()}") from None
        if code != 0:
            raise ProgramEnded(f"{self.name} ended with {code}. {self.last_words()}")

    def check(self) -> None:
        """Raise `ProgramEnded` if it was started and ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise ProgramEnded(f"{self.name} ended with {self._process.returncode}. {self.last_words()}")

    def last_words(self, lines: int = 15) -> str:
        """The end of what it said, and where the rest is."""
        with suppress(OSError):
            said = self.log.read_text(errors="replace").strip().splitlines()[-lines:]
            return "\n    ".join([f"Its last words ({self.log}):", *said])
        return ""

    def ask_to_end(self) -> None:
        """SIGTERM, without waiting."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self, patience_seconds: float = 10.0) -> None:
        """Ask it to end, and kill it if it does not."""
        self.ask_to_end()
        if self._process is not None:
            try:
                self._process.wait(patience_seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, to it alone: what it started lives on, as when a machine's memory is short."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None


def _environments() -> Iterator[tuple[int, list[bytes]]]:
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            yield int(file.parent.name), file.read_bytes().split(b"\0")
        except OSError:  # ended meanwhile, or another user's
            continue


def with_mark(name: str, value: str | None = None) -> dict[int, str]:
    """Process ids whose environment has the variable (with that value), and what it is there."""
    found = {}
    for pid, items in _environments():
        for item in items:
            key, _, held = item.partition(b"=")
            if key == name.encode() and (value is None or held == value.encode()):
                found[pid] = held.decode(errors="replace")
    return found


def kill_all(pids: Sequence[int]) -> None:
    """SIGKILL to each; those that ended meanwhile are left alone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used so far, 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no signal interrupt the tidying up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
