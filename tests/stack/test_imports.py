"""What a process loads: tested in one of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_start_of_a_run_loads_nothing_that_only_a_later_step_needs() -> None:
    heavy = "pystac", "pystac_client", "rasterio", "scipy"
    asked = f"import sys, flows.order; print([one for one in {heavy} if one in sys.modules])"
    told = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_an_orders_form_is_imported_without_a_client() -> None:
    code = "import sys; from tasking.axelglobe import AxelGlobeOrder as order; print(order.provider, *sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    provider, *loaded = said.stdout.split()
    assert provider == "axelglobe"
    assert {"tasking.axelglobe.order", "httpx", "tasking.axelglobe.client"} & set(loaded) == {"tasking.axelglobe.order"}
