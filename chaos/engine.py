"""Prefect's engine for one flow run; that of an order under test with the strikes that its plan holds."""

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
        from chaos.struck_disk import strike_disk
        from chaos.struck_http import strike_http
        from chaos.struck_ledger import strike_ledger
        from chaos.struck_process import strike_process

        folder = Path(os.environ[FOLDER])
        trace = Trace(folder, order)
        strike_http(trace, os.environ["PREFECT_API_URL"])
        strike_ledger(trace)
        strike_process(trace, os.environ["PREFECT_API_URL"])
        strike_disk(trace, folder.parent / "archive")
    sys.argv = sys.argv[:1]  # the run is named by the environment
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it is imported already
        runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run()
