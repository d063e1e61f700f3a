"""Processes that open one old ledger in the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tasking.ledger import open_ledger

WRITTEN = Path(__file__).parents[1] / "fixtures" / "ledger" / "128290c"
ROOT = Path(__file__).parents[2]

OPENS_FOUR_TIMES_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from tasking.ledger import open_ledger
print("ready", flush=True)
sys.stdin.readline()
def one(_number):
    book = open_ledger(sys.argv[1])
    count = len(book.orders())
    book.close()
    return count
with ThreadPoolExecutor(4) as pool:
    print(*pool.map(one, range(4)))
"""


def test_processes_that_upgrade_in_the_same_moment_do_it_once(dumped: Callable[[Path], str]) -> None:
    old = dumped(WRITTEN)
    start = [sys.executable, "-c", OPENS_FOUR_TIMES_AT_ONCE, old]
    both = [subprocess.Popen(start, cwd=ROOT, stdin=-1, stdout=-1, text=True) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0].split() for process in both]
    count = str(len(json.loads(WRITTEN.with_suffix(".json").read_text())["orders"]))
    assert said == [[count] * 4] * 2
    with closing(open_ledger(old)) as book:
        assert [one.event for one in book.journal("pair")].count("references alike") == 1
