"""The harness that strikes orders: a fault hits the point and the time it is meant for."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

import chaos.__main__ as harness
from chaos.checker import Verdict
from chaos.fail_point import FailPoint, Kind, file_pattern, path_pattern
from chaos.fault_plan import EXHAUSTIVE, Fault, FaultPlan
from chaos.generators import at_random, batches, beyond, every_detour, every_fault
from chaos.orders import TestOrder
from chaos.outcome import Outcome
from chaos.trace import Trace
from chaos.wide import bought_too_much, covers_too_little


def struck(trace: Trace, reached: list[tuple[Any, str]]) -> list[str]:
    """What hit while these points were reached."""
    return [str(fault) for kind, what in reached if (fault := trace.reach(kind, what))]


def test_a_strike_hits_once_at_the_time_it_is_meant_for_whichever_process_gets_there(tmp_path: Path) -> None:
    fault = Fault(at=FailPoint(kind="provider", what="POST /tasks", nth=2), kind="killed after")
    Trace(tmp_path, "bay").prepare(FaultPlan(faults=(fault,)))
    assert struck(Trace(tmp_path, "bay"), [("provider", "POST /tasks"), ("ledger", "POST /tasks")]) == []
    assert struck(Trace(tmp_path, "bay"), [("provider", "POST /tasks")]) == [str(fault)]
    assert struck(Trace(tmp_path, "bay"), [("provider", "POST /tasks")] * 3) == []
    assert Trace(tmp_path, "bay").hits() == [fault]


def test_points_of_two_orders_have_the_same_names() -> None:
    assert path_pattern("/v2/tasks/0b5f4f9c-9d44-4f0e-8a06-6a9b1f0e1a11/products") == "/v2/tasks/*/products"
    assert path_pattern("/tasking/tasks/1017/captures/") == "/tasking/tasks/*/captures/"
    assert path_pattern("/v2/collections/plans/items") == "/v2/collections/plans/items"
    assert file_pattern("/archive/bay/GRUS1B_20261203_TCI.tif.part") == "*.tif.part"
    assert file_pattern("/archive/bay/catalog.json.4711.new") == "catalog.json"


def test_a_process_that_is_to_be_killed_before_a_call_never_sends_it(tmp_path: Path) -> None:
    fault = Fault(at=FailPoint(kind="provider", what="GET /somewhere"), kind="killed before")
    Trace(tmp_path, "bay").prepare(FaultPlan(faults=(fault,)))
    program = (
        "import sys, httpx; from pathlib import Path; from chaos.inject_http import inject_http;"
        "from chaos.trace import Trace; inject_http(Trace(Path(sys.argv[1]), 'bay'), 'http://127.0.0.1:1/api');"
        "httpx.get('http://127.0.0.1:9/somewhere', trust_env=False); print('it lives')"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    assert "it lives" not in ended.stdout


def test_an_order_is_struck_again_where_only_a_struck_order_comes_to() -> None:
    asked, made, adopted = (FailPoint(kind="ledger", what=what) for what in ("asked", "made", "adopted"))
    lost = Fault(at=made, kind="answer lost")
    subjects = [
        TestOrder(reference="a", provider="iceye", plan=FaultPlan(faults=(Fault(at=asked, kind="killed before"),))),
        TestOrder(reference="b", provider="iceye", plan=FaultPlan(faults=(lost,))),
    ]
    went = {"a": [asked, asked.model_copy(update={"nth": 2}), made], "b": [asked, made, adopted, made]}
    detours = beyond({"iceye": [asked, made]}, went, subjects)
    assert detours == [(subjects[1], adopted)]
    further = every_detour([*detours, *detours])
    assert [one.plan.faults for one in further] == [
        (lost, Fault(at=adopted, kind=kind)) for kind in EXHAUSTIVE["ledger"]
    ]
    assert len({one.reference for one in further}) == len(further)


def test_an_order_is_struck_again_at_each_step_that_settles_a_create_in_doubt() -> None:
    undisturbed = [life("ledger request intended"), life("provider POST /tasks"), life("ledger request made")]
    undisturbed += [life("provider GET /tasks")]
    killed = TestOrder(
        reference="a", provider="iceye", plan=FaultPlan(faults=(Fault(at=undisturbed[1], kind="killed before"),))
    )
    settling = [life("provider GET /tasks", 2), life("ledger request not seen"), life("ledger request absent")]
    again = [life("ledger request intended", 2), life("provider POST /tasks", 2)]
    polled = [life("ledger request made"), life("provider GET /tasks", 3)]
    went = [*undisturbed[:2], life("provider GET /tasks"), *settling, *again, *polled]
    assert [point for _, point in beyond({"iceye": undisturbed}, {"a": went}, [killed])] == [*settling, *again]


def life(words: str, nth: int = 1) -> FailPoint:
    """A point by its kind and what it does."""
    kind, _, what = words.partition(" ")
    return FailPoint(kind=cast(Kind, kind), what=what, nth=nth)


AREA = {"type": "Polygon", "coordinates": [[[10, 0], [12, 0], [12, 1], [10, 1], [10, 0]]]}
WIDE = {"area": AREA, "max_captures": 3, "coverage_min_percent": 80}


def bought(name: str, west: float, status: str = "DATA_AVAILABLE") -> dict[str, Any]:
    ring = [[west, -1], [west + 1, -1], [west + 1, 2], [west, 2], [west, -1]]
    return {
        "candidate_id": name,
        "status": status,
        "capture": {"geometry": {"type": "Polygon", "coordinates": [ring]}},
    }


def test_a_set_with_a_hole_or_a_capture_too_many_is_found_by_the_provider_s_own_captures() -> None:
    west, east = bought("a", 10), bought("b", 11)
    assert bought_too_much([west, east], WIDE) == 0
    assert covers_too_little([west, east], WIDE) == ""
    assert "covers 50.0 %" in covers_too_little([west], WIDE)
    assert covers_too_little([west, bought("b", 11, "REJECTED")], WIDE) == "", "it is told, and not ordered again"
    assert bought_too_much([west, bought("a", 10)], WIDE) == 1
    assert bought_too_much([west, east, bought("c", 11), bought("d", 11)], WIDE) == 1


def test_what_a_wide_order_does_again_and_again_is_struck_at_first_in_the_middle_and_at_last() -> None:
    often = [FailPoint(kind="disk", what="rename *.tif", nth=number) for number in range(1, 10)]
    once = FailPoint(kind="disk", what="rename catalog.json")

    def struck(kind: str) -> list[tuple[str, int]]:
        faults = [one.plan.faults[0] for one in every_fault({kind: [*often, once]})]
        return sorted({(fault.at.what, fault.at.nth) for fault in faults})

    assert struck("axelglobe-wide") == [("rename *.tif", nth) for nth in (1, 2, 5, 9)] + [("rename catalog.json", 1)]
    assert len(struck("axelglobe")) == 10, "of an order of one capture nothing is left out"


def test_each_batch_of_orders_drawn_at_random_holds_some_of_every_kind() -> None:
    points = [FailPoint(kind="disk", what="rename catalog.json")]
    kinds = ["axelglobe", "axelglobe-wide", "iceye", "satellogic"]
    drawn = at_random(dict.fromkeys(kinds, points), 40, Random(1), (1, 1))
    for batch in batches(drawn, 10):
        assert {kind: sum(one.reference.rpartition("-")[0] == kind for one in batch) for kind in kinds} == {
            kind: pytest.approx(2.5, abs=1) for kind in kinds
        }


def test_orders_that_an_interrupted_run_has_struck_are_not_struck_again_and_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = [TestOrder(reference=f"iceye-{number}", provider="iceye") for number in range(5)]
    struck: list[str] = []

    def batch(orders: list[TestOrder], *_: object) -> Outcome:
        struck.extend(one.reference for one in orders)
        if len(struck) > 4:
            raise KeyboardInterrupt
        verdicts = [
            Verdict(subject=one, end="", made={}, duplicates=0, lost="", untrue=[], wrong_files=[]) for one in orders
        ]
        return Outcome(verdicts=verdicts)

    monkeypatch.setattr(harness, "_batch", batch)
    given = Namespace(outcomes=tmp_path / "outcomes", batch=2)
    with pytest.raises(KeyboardInterrupt):
        harness._batches(subjects, {}, given, Random(1))
    kept, struck[:] = struck[:4], []
    given.batch = 3  # and drawn into other batches
    outcomes = harness._batches(subjects, {}, given, Random(1))
    assert sorted([*kept, *struck]) == [one.reference for one in subjects]
    assert len(struck) == 1
    assert sorted(one.subject.reference for each in outcomes for one in each.verdicts) == sorted([*kept, *struck])
