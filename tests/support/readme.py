"""The README and the bodies of the calls it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PREFECT = {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "PREFECT_API_AUTH_STRING": "admin:secret"}


RECORDING_CURL = 'curl() { while [ $# -gt 0 ]; do [ "$1" = -d ] && printf "%s\\n" "$2"; shift; done; true; }'


def bodies(after: str) -> list[Any]:
    """JSON bodies of the curl calls to an address that ends so, with what the shell puts into them."""
    console = "\n".join(re.findall(r"```console\n(.*?)```", README, flags=re.S))
    commands = re.findall(r"^\$ (.*?)(?=^\$ |\Z)", console, flags=re.S | re.M)
    settings = [one for one in commands if re.match(r"REFERENCE=", one)]
    calls = [one for one in commands if re.match(rf"curl -X POST \S+{after} ", one)]
    said = [
        subprocess.run(
            ["bash", "-euc", "\n".join([RECORDING_CURL, *settings, call])],
            env={"PATH": os.environ["PATH"], "DEPLOYMENT_ID": "1", "SURVEY_ID": "2", **PREFECT},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for call in calls
    ]
    return [json.loads(one) for one in said]
