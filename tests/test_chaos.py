"""The harness that strikes orders, and its judge: what they claim is worth nothing unless they can say no."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos.judge import lost, wrong_files
from chaos.plan import Plan, Strike
from chaos.point import Point, file_pattern, path_pattern
from chaos.trace import Trace

TIFF = b"II*\0 the whole picture"


def published(*files: bytes) -> list[dict[str, Any]]:
    """What a provider says it published."""
    return [{"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for data in files]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An order's folder with one item and one picture."""
    item = tmp_path / "scene"
    item.mkdir()
    (tmp_path / "catalog.json").write_text("{}")
    (tmp_path / ".lock").touch()
    (item / "scene.json").write_text('{"stac_version": "1.0.0"}')
    (item / "picture.tif").write_bytes(TIFF)
    return tmp_path


def test_a_folder_that_holds_what_was_published_has_no_wrong_files(folder: Path) -> None:
    assert wrong_files(published(TIFF), folder) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "scene" / "picture.tif").write_bytes(TIFF[:-1]), "missing"),
        (lambda folder: (folder / "scene" / "picture.tif").write_bytes(TIFF[:-1] + b"?"), "not the provider's"),
        (lambda folder: (folder / "scene" / "picture.tif").unlink(), "missing"),
        (lambda folder: (folder / "scene" / "picture.tif.part").write_bytes(b"half"), "not the provider's"),
        (lambda folder: (folder / "scene" / "again.tif").write_bytes(TIFF), "not the provider's"),
        (lambda folder: (folder / "catalog.json").unlink(), "catalog.json is missing"),
    ],
    ids=["cut", "changed", "absent", "left over", "twice", "no catalog"],
)
def test_the_judge_sees_a_folder_that_is_not_as_published(folder: Path, spoil: Any, said: str) -> None:
    spoil(folder)
    assert any(said in one for one in wrong_files(published(TIFF), folder))


def test_files_of_an_order_that_was_not_delivered_are_judged_all_the_same(folder: Path) -> None:
    (folder / "catalog.json").unlink()
    assert wrong_files(published(TIFF, b"never came"), folder, delivered=False) == []
    (folder / "scene" / "picture.tif").write_bytes(TIFF[:-1])
    assert any("not the provider's" in one for one in wrong_files(published(TIFF), folder, delivered=False))


def ended(state: str, message: str = "") -> dict[str, Any]:
    """A flow run as Prefect tells it."""
    return {"id": "r", "state_type": state, "state_name": state.title(), "state": {"message": message}}


@pytest.mark.parametrize(
    ("runs", "made", "standing", "cancelled", "said"),
    [
        ([ended("RUNNING")], 1, ["t1"], False, "stands Running"),
        ([ended("CRASHED")], 1, ["t1"], False, "stands Crashed"),
        ([ended("COMPLETED"), ended("COMPLETED")], 1, ["t1"], False, "2 runs"),
        ([ended("COMPLETED")], 0, [], False, "made nothing"),
        ([ended("FAILED", "no pass")], 1, ["t1"], False, "no pass"),
        ([ended("FAILED", "no pass")], 0, [], True, "no pass"),
        ([ended("CANCELLED")], 0, [], False, "CANCELLED"),
        ([ended("CANCELLED", "by a person")], 1, ["t1"], True, "without a word of t1"),
    ],
)
def test_the_judge_sees_an_order_that_is_lost(
    runs: list[dict[str, Any]], made: int, standing: list[str], cancelled: bool, said: str
) -> None:
    assert said in lost(runs, {"tasks": made}, standing, cancelled=cancelled)


@pytest.mark.parametrize(
    ("runs", "made", "standing", "cancelled"),
    [
        ([ended("COMPLETED"), ended("FAILED", "owned by another run")], 1, ["t1"], False),
        ([ended("COMPLETED")], 1, ["t1"], True),
        ([ended("CANCELLED", "before anything was ordered")], 0, [], True),
        ([ended("CANCELLED", "at iceye: request t1")], 1, [], True),
        ([ended("CANCELLED", "on our side; request t1 stands")], 1, ["t1"], True),
    ],
)
def test_the_judge_takes_a_true_end(
    runs: list[dict[str, Any]], made: int, standing: list[str], cancelled: bool
) -> None:
    assert lost(runs, {"tasks": made}, standing, cancelled=cancelled) == ""


def struck(trace: Trace, reached: list[tuple[Any, str]]) -> list[str]:
    """What hit while these points were reached."""
    return [str(strike) for kind, what in reached if (strike := trace.reach(kind, what))]


def test_a_strike_hits_once_at_the_time_it_is_meant_for_whichever_process_gets_there(tmp_path: Path) -> None:
    strike = Strike(at=Point(kind="provider", what="POST /tasks", nth=2), way="killed after")
    Trace(tmp_path, "bay").prepare(Plan(strikes=(strike,)))
    assert struck(Trace(tmp_path, "bay"), [("provider", "POST /tasks"), ("ledger", "POST /tasks")]) == []
    assert struck(Trace(tmp_path, "bay"), [("provider", "POST /tasks")]) == [str(strike)]
    assert struck(Trace(tmp_path, "bay"), [("provider", "POST /tasks")] * 3) == []
    assert Trace(tmp_path, "bay").hits() == [strike]


def test_points_of_two_orders_have_the_same_names() -> None:
    assert path_pattern("/v2/tasks/0b5f4f9c-9d44-4f0e-8a06-6a9b1f0e1a11/products") == "/v2/tasks/*/products"
    assert path_pattern("/tasking/tasks/1017/captures/") == "/tasking/tasks/*/captures/"
    assert path_pattern("/v2/collections/plans/items") == "/v2/collections/plans/items"
    assert file_pattern("/archive/bay/GRUS1B_20261203_TCI.tif.part") == "*.tif.part"
    assert file_pattern("/archive/bay/catalog.json.4711.new") == "catalog.json"


def test_a_process_that_is_to_be_killed_before_a_call_never_sends_it(tmp_path: Path) -> None:
    strike = Strike(at=Point(kind="provider", what="GET /somewhere"), way="killed before")
    Trace(tmp_path, "bay").prepare(Plan(strikes=(strike,)))
    program = (
        "import sys, httpx; from pathlib import Path; from chaos.struck_http import strike_http;"
        "from chaos.trace import Trace; strike_http(Trace(Path(sys.argv[1]), 'bay'), 'http://127.0.0.1:1/api');"
        "httpx.get('http://127.0.0.1:9/somewhere', trust_env=False); print('it lives')"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    assert "it lives" not in ended.stdout
