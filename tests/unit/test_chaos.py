"""The harness that strikes orders: a strike hits the point and the time it is meant for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from chaos.drawing import beyond, every_detour
from chaos.order import Subject
from chaos.plan import EXHAUSTIVE, Plan, Strike
from chaos.point import Kind, Point, file_pattern, path_pattern
from chaos.trace import Trace


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


def test_an_order_is_struck_again_where_only_a_struck_order_comes_to() -> None:
    asked, made, adopted = (Point(kind="ledger", what=what) for what in ("asked", "made", "adopted"))
    lost = Strike(at=made, way="answer lost")
    subjects = [
        Subject(reference="a", provider="iceye", plan=Plan(strikes=(Strike(at=asked, way="killed before"),))),
        Subject(reference="b", provider="iceye", plan=Plan(strikes=(lost,))),
    ]
    went = {"a": [asked, asked.model_copy(update={"nth": 2}), made], "b": [asked, made, adopted, made]}
    detours = beyond({"iceye": [asked, made]}, went, subjects)
    assert detours == [(subjects[1], adopted)]
    further = every_detour([*detours, *detours])
    assert [one.plan.strikes for one in further] == [
        (lost, Strike(at=adopted, way=way)) for way in EXHAUSTIVE["ledger"]
    ]
    assert len({one.reference for one in further}) == len(further)


def test_an_order_is_struck_again_at_each_step_that_settles_a_create_in_doubt() -> None:
    undisturbed = [life("ledger request intended"), life("provider POST /tasks"), life("ledger request made")]
    undisturbed += [life("provider GET /tasks")]
    killed = Subject(
        reference="a", provider="iceye", plan=Plan(strikes=(Strike(at=undisturbed[1], way="killed before"),))
    )
    settling = [life("provider GET /tasks", 2), life("ledger request not seen"), life("ledger request absent")]
    again = [life("ledger request intended", 2), life("provider POST /tasks", 2)]
    polled = [life("ledger request made"), life("provider GET /tasks", 3)]
    went = [*undisturbed[:2], life("provider GET /tasks"), *settling, *again, *polled]
    assert [point for _, point in beyond({"iceye": undisturbed}, {"a": went}, [killed])] == [*settling, *again]


def life(words: str, nth: int = 1) -> Point:
    """A point by its kind and what it does."""
    kind, _, what = words.partition(" ")
    return Point(kind=cast(Kind, kind), what=what, nth=nth)
