"""The one folder where tasking-flows keeps files of its own on a machine."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """``$TASKING_FLOWS_HOME``, else ``~/.tasking-flows``. Created readable by its owner only."""
    folder = Path(os.environ.get("TASKING_FLOWS_HOME") or Path.home() / ".tasking-flows").expanduser()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
