"""The examples of schedules in ``prefect.yaml``: off, and right once somebody switches one on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule

from flows.any_order import as_meant, kind_of
from flows.order_anywhere import read_wish
from tasking.errors import InvalidOrder
from tasking.order import Order, order_from

DEPLOYED = yaml.safe_load((Path(__file__).parents[2] / "prefect.yaml").read_text())["deployments"]
EXAMPLES = {
    one["entrypoint"].rpartition(".")[2]: schedule
    for one in DEPLOYED
    for schedule in one.get("schedules", ())
    if schedule["slug"] == "example"
}
TURN = datetime(2026, 11, 30, 6, tzinfo=UTC)


def test_each_order_deployment_has_an_example() -> None:
    ordering = {one["entrypoint"].rpartition(".")[2] for one in DEPLOYED if "order" in one["tags"]}
    assert set(EXAMPLES) == ordering


@pytest.mark.parametrize("flow", EXAMPLES)
def test_an_example_is_off_and_orders_a_week_that_counts_from_its_turn(flow: str) -> None:
    schedule = EXAMPLES[flow]
    assert schedule["active"] is False
    assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).cron == "0 6 * * MON"
    for order in _orders(flow, schedule["parameters"]["order"]):
        assert order.reference is None, "a fixed one would be taken by the first turn"
        assert order.window.start == TURN + timedelta(days=2)
        assert order.window.length == timedelta(days=7)


def _orders(flow: str, given: dict[str, Any]) -> Sequence[Order]:
    if flow == "order_anywhere":
        wish = read_wish(given, TURN)
        assert wish.reference is None
        return wish.orders
    said = {"account": f"{flow.removeprefix('order_')}-tasking/default", **given}
    return [order_from(kind_of(said), said, TURN)]


def test_an_order_that_names_no_account_is_read_as_those_of_before_were() -> None:
    assert kind_of({}).provider == "axelglobe"
    with pytest.raises(
        InvalidOrder, match="it tells whose order this is; name one of axelglobe-tasking/default, iceye"
    ):
        kind_of({"account": "image-archive/default"})


def test_a_json_field_that_is_none_is_kept_as_text_for_the_field_to_refuse() -> None:
    kept: Any = as_meant({"area": {"__prefect_kind": "json", "value": "{nonsense"}, "points": ({"lat": 1},)})
    assert kept == {"area": "{nonsense", "points": [{"lat": 1}]}
