"""The one folder where tasking-flows keeps files of its own on a machine."""

from __future__ import annotations

import os
from pathlib import Path

from tasking.errors import OtherEnvironment


def home() -> Path:
    """``$TASKING_FLOWS_HOME``, else ``~/.tasking-flows``. Created readable by its owner only.

    Raises:
        OtherEnvironment: The setting is relative. Runs start in folders of their own: each would have its own ledger.
    """
    named = os.environ.get("TASKING_FLOWS_HOME", "").strip()
    folder = Path(named or "~/.tasking-flows").expanduser()
    if not folder.is_absolute():
        raise OtherEnvironment(
            f"TASKING_FLOWS_HOME: {named}: is relative, so each process would use a folder of its own; "
            "write the whole path in the environment of server, workers and terminals"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
