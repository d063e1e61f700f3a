"""`make demo`, as a person runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from devstack.programs import kill_all, with_mark
from devstack.stack import PROJECT
from tasking.delivery.verify import verify

MARK = "TEST_DEMO_MARK"
"""Everything the demo starts inherits this variable, so that nothing it leaves can hide."""


def started(folder: Path, mark: str) -> subprocess.Popen[str]:
    """The demo, with folders of its own for images and for what it throws away."""
    temporary = folder / "temporary"
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "demo", "--archive", str(folder / "archive")],
        cwd=PROJECT,
        env={**os.environ, MARK: mark, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(demo: subprocess.Popen[str], mark: str) -> str:
    """What it said, once it ended by itself."""
    try:
        return demo.communicate(timeout=420)[0]
    except subprocess.TimeoutExpired:
        kill_all(list(with_mark(MARK, mark)))
        raise


def test_the_demo_delivers_a_verified_catalog_and_leaves_nothing_running(tmp_path: Path) -> None:
    mark = str(uuid.uuid4())
    demo = started(tmp_path, mark)
    said = ended(demo, mark)

    assert demo.returncode == 0, said
    (order,) = (one for one in (tmp_path / "archive").iterdir() if one.is_dir())
    assert len(list(order.glob("*/*.tif"))) >= 6
    assert verify(order) == []
    for part in ("curl -X POST", "Waiting for candidates", "Waiting for imagery", "Delivered", "1 plan, 1 request"):
        assert part in said
    assert with_mark(MARK, mark) == {}
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_demo_that_is_told_to_end_leaves_nothing_running(tmp_path: Path) -> None:
    mark = str(uuid.uuid4())
    demo = started(tmp_path, mark)
    give_up = time.monotonic() + 120
    while len(with_mark(MARK, mark)) < 4 and time.monotonic() < give_up:
        time.sleep(0.1)
    assert len(with_mark(MARK, mark)) >= 4, "the demo, the server, the simulator and what prepares them"

    demo.send_signal(signal.SIGTERM)
    said = ended(demo, mark)

    assert demo.returncode == 128 + signal.SIGTERM, said
    assert with_mark(MARK, mark) == {}
    assert list((tmp_path / "temporary").iterdir()) == []
