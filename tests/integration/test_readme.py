"""What the README shows works as it stands."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.support.readme import README, ROOT, bodies


def test_the_example_orders_a_window_that_every_provider_takes_and_a_new_reference() -> None:
    (body,) = bodies("/create_flow_run")
    order = body["parameters"]["order"]
    start = datetime.fromisoformat(order["window"]["start"])
    assert timedelta(days=6) <= start - datetime.now(UTC) <= timedelta(days=7), "AxelGlobe takes 30 days ahead at most"
    assert datetime.fromisoformat(order["window"]["end"]) - start == timedelta(days=7)
    assert re.fullmatch(r"tokyo-bay-\d{8}-\d{6}", order["reference"])
    assert body["idempotency_key"] == order["reference"]


def test_the_example_for_a_notebook_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    exec(compile(code, "README.md", "exec"), {})
    assert "% of the area" in capsys.readouterr().out


def test_each_deployment_names_a_flow_that_exists() -> None:
    from prefect.flows import load_flow_from_entrypoint

    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    names = {load_flow_from_entrypoint(one["entrypoint"]).name for one in deployments}
    assert {"order-axelglobe", "watch-orders", "cancel-order", "survey-site"} <= names


def test_each_setting_of_prefect_that_the_documents_name_exists() -> None:
    import prefect.settings

    documents = [ROOT / "README.md", ROOT / "prefect.yaml", *(ROOT / "docs").rglob("*.md")]
    named = {name for one in documents for name in re.findall(r"\bPREFECT_[A-Z][A-Z_]+[A-Z]\b", one.read_text())}
    assert "PREFECT_SERVER_API_AUTH_STRING" in named
    # Prefect reads these from the environment alone
    named -= {"PREFECT_SERVER_ENCRYPTION_KEY", "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"}
    assert {name for name in named if not hasattr(prefect.settings, name)} == set()


def test_an_order_in_the_ledger_is_listed_and_shown_in_the_terminal(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from flows.cli import app
    from tasking.ledger import open_ledger

    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    book = open_ledger(url)
    order = {"name": "Bay [one]", "account": "a/b"}
    book.claim("bay", order, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False)
    book.close()
    runner = CliRunner()
    listed = runner.invoke(app, ["list", "--open", "--ledger", url])
    assert (listed.exit_code, "bay" in listed.output) == (0, True)
    assert "the newest 1;" in runner.invoke(app, ["list", "--limit", "1", "--ledger", url]).output
    (line,) = runner.invoke(app, ["list", "--json", "--ledger", url]).stdout.splitlines()
    told = json.loads(line)
    assert (told["reference"], told["flow_run_id"], told["order"]) == ("bay", "run", order)
    shown = runner.invoke(app, ["show", "bay", "--ledger", url])
    assert "Bay [one]" in shown.output
    assert "claimed" in shown.output
    unknown = runner.invoke(app, ["show", "nowhere", "--ledger", url])
    assert unknown.exit_code == 2
    assert "tasking-flows list" in unknown.output
