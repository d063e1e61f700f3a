"""Prefect's engine for one flow run; that of an order under test with the faults that its plan holds."""

from __future__ import annotations

import os
import runpy
import sys
import warnings
from pathlib import Path

from chaos.trace import FOLDER, ORDER, Trace


def run() -> None:
    """Carry out the flow run that the environment names, as ``python -m prefect.engine`` does."""
    if order := os.environ.get(ORDER):
        from chaos.inject_disk import inject_disk
        from chaos.inject_http import inject_http
        from chaos.inject_ledger import inject_ledger
        from chaos.inject_process import inject_process

        folder = Path(os.environ[FOLDER])
        trace = Trace(folder, order)
        inject_http(trace, os.environ["PREFECT_API_URL"])
        inject_ledger(trace)
        inject_process(trace, os.environ["PREFECT_API_URL"])
        inject_disk(trace, folder.parent / "archive")
    sys.argv = sys.argv[:1]  # the run is named by the environment
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it is imported already
        runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run()
