"""What a person and a program see of an order: its status with us, the provider's word, its share and its deadlines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.order_listing import facts
from tasking import lifecycle
from tasking.candidate import Candidate
from tasking.ledger import Deliverable, Ledger, RequestRecord, open_ledger
from tasking.provider import FeeStep, TaskingRequest
from tasking.status import OrderStatus, StatusCode

NOW = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHOSEN = Candidate(
    id="c", start=NOW + 50 * HOUR, end=NOW + 51 * HOUR, valid_until=NOW + 20 * HOUR, area_covered_percent=93.4
)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.sqlite'}"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    book = open_ledger(url(tmp_path))
    order = {"name": "Bay", "account": "a/b", "area": "POLYGON (...)"}
    book.claim("bay", order, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False)
    yield book
    book.close()


def request(word: str, status: StatusCode | None, **more: Any) -> TaskingRequest:
    facts = {"next_look_at": NOW + HOUR, "give_up_at": NOW + 500 * HOUR, **more}
    return TaskingRequest(id="r", status=status, provider_status=word, **facts)


def ordered(ledger: Ledger, last: TaskingRequest, candidate: Candidate = CHOSEN) -> None:
    """The order has a request that was read last so."""
    made = RequestRecord(attempt=1, label="bay", candidate=candidate, last=last)
    ledger.record("bay", requests=[made], candidate=candidate, status=last.status, provider_status=last.provider_status)


def listed(folder: Path, *options: str) -> list[dict[str, Any]]:
    """What `tasking-flows list --json` prints."""
    said = CliRunner().invoke(app, ["list", "--ledger", url(folder), "--json", *options])
    assert said.exit_code == 0, said.output
    return [json.loads(line) for line in said.output.splitlines()]


def test_an_order_is_completed_once_it_is_in_the_archive_and_not_when_the_provider_says_so(
    ledger: Ledger, tmp_path: Path
) -> None:
    ordered(ledger, request("DATA_AVAILABLE", StatusCode.COMPLETED, capture_ids=("k",)))
    (seen,) = listed(tmp_path)
    assert (seen["status"], seen["provider_status"]) == ("delivering", "DATA_AVAILABLE")
    assert seen["provider_status_code"] == "completed"
    assert listed(tmp_path, "--status", "completed") == []
    assert len(listed(tmp_path, "--provider-status", "DATA_AVAILABLE")) == 1
    for command in (["list"], ["show", "bay"]):
        said = CliRunner().invoke(app, [*command, "--ledger", url(tmp_path)], env={"COLUMNS": "200"}).output
        assert "delivering" in said
        assert "DATA_AVAILABLE" in said
        assert "completed" not in said
    ledger.delivered("bay", "r", "/archive/bay", [Deliverable(name="k")], "Delivered", [])
    assert listed(tmp_path)[0]["status"] == "ordered", "home, and not ended yet"
    ledger.revise("bay", lambda _now: lifecycle.ending(ledger, StatusCode.COMPLETED, "Delivered 5 files"))
    assert [one["reference"] for one in listed(tmp_path, "--status", "completed")] == ["bay"]
    assert listed(tmp_path, "--status", "ordered") == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "planning"),
        ({"waits_for": "candidates", "status": "received"}, "planning"),
        ({"candidate": CHOSEN, "waits_for": "approval"}, "awaiting_approval"),
        ({"candidate": CHOSEN, "waits_for": "settling"}, "ordering"),
        ({"waits_for": "settling"}, "planning"),  # a plan that got no answer
        ({"cancel_asked": True}, "cancelling"),
    ],
)
def test_an_open_order_says_what_it_is_at(ledger: Ledger, fields: dict[str, Any], status: str) -> None:
    assert ledger.record("bay", **fields).order_status == status


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("completed", "completed"),
        ("rejected", "rejected"),
        ("expired", "expired"),
        ("failed", "failed"),
        ("user_cancelled", "cancelled"),
        ("cancelled", "cancelled"),
        ("processing", "failed"),  # an older ledger may hold anything
        (None, "failed"),
    ],
)
def test_an_order_that_ended_says_how(ledger: Ledger, code: str | None, status: str) -> None:
    assert ledger.record("bay", status=code, ended=NOW).order_status == OrderStatus(status)


def test_one_that_waits_for_the_next_try_is_planning_again(ledger: Ledger) -> None:
    ordered(ledger, request("REJECTED", StatusCode.REJECTED))
    assert ledger.record("bay", waits_for="imagery").order_status == "ordered"
    assert ledger.record("bay", candidate=None, waits_for="candidates").order_status == "planning"


def test_a_filter_finds_its_orders_behind_newer_ones(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(3):
        order = {"name": "Bay", "account": "a/b"}
        book = ledger.claim(
            f"new-{number}", order, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False
        )
        assert book.order_status == "planning"
    ordered(ledger, request("ACCEPTED", StatusCode.ACCEPTED))
    found = listed(tmp_path, "--status", "ordered", "--limit", "1")
    assert [one["reference"] for one in found] == ["bay"]


def test_the_share_of_the_area_is_shown_and_called_unknown_where_nothing_tells(ledger: Ledger, tmp_path: Path) -> None:
    ordered(ledger, request("ACCEPTED", StatusCode.ACCEPTED))
    assert listed(tmp_path)[0]["area_covered_percent"] == 93.4
    assert dict(facts(ledger.read("bay"), NOW))["covers"] == "93.4 % of the area"
    ordered(ledger, request("pending", StatusCode.SCHEDULED), CHOSEN.model_copy(update={"area_covered_percent": None}))
    assert dict(facts(ledger.read("bay"), NOW))["covers"] == "unknown of the area"


def test_deadlines_are_shown_while_they_lie_ahead(ledger: Ledger) -> None:
    chosen = ledger.record("bay", candidate=CHOSEN)
    assert dict(facts(chosen, NOW))["ordering"] == "what was chosen can be ordered until 2026-12-01 20:00 UTC"
    assert "ordering" not in dict(facts(chosen, NOW + 21 * HOUR))
    steps = (
        FeeStep(until=NOW + 10 * HOUR, percent=0),
        FeeStep(until=NOW + 34 * HOUR, percent=10),
        FeeStep(until=NOW + 60 * HOUR, percent=100),
    )
    ordered(ledger, request("ACTIVE", StatusCode.ACCEPTED, cancel_fees=steps))
    assert dict(facts(ledger.read("bay"), NOW))["cancelling"] == (
        "a cancel costs nothing until 2026-12-01 10:00 UTC, 10 % of the price until 2026-12-02 10:00 UTC, "
        "100 % of the price until 2026-12-03 12:00 UTC"
    )
    assert dict(facts(ledger.read("bay"), NOW + 20 * HOUR))["cancelling"].startswith("a cancel costs 10 %")
    assert "cancelling" not in dict(facts(ledger.read("bay"), NOW + 90 * HOUR))
    ordered(ledger, request("ACCEPTED", StatusCode.ACCEPTED, cancel_until=NOW + 5 * HOUR))
    said = dict(facts(ledger.read("bay"), NOW))
    assert said["cancelling"] == "cancels are taken until 2026-12-01 05:00 UTC"
    assert "ordering" not in said, "it is ordered"
    ledger.revise("bay", lambda _now: lifecycle.ending(ledger, StatusCode.FAILED, "no imagery"))
    assert "cancelling" not in dict(facts(ledger.read("bay"), NOW))
