"""What a dry run or an exploration came to, on the run's page: a ranked table for people, and the same as JSON.

The data of a table is JSON for Prefect's API: programs read the artifact whose key ends with ``options``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasking.exploring import Exploration
from tasking.lifecycle.rehearsal import price_of
from tasking.plain_text import markdown_text
from tasking.study import Option, Study, row
from tasking.waiting import format_utc
from tasks.show import artifact_key

SHOWN = 50
"""Rows of the table for people; the one for programs has all."""

EXPLORATION = "exploration"


def show_study(study: Study) -> None:
    """What a dry run came to."""
    lines = [f"# Dry run: {_text(study.name)}", "", _text(study.outcome), "", *_table(study.options)]
    key = artifact_key(study.reference, "dry-run")
    _put("\n".join(lines), study.options, key, "What would be ordered")


def show_exploration(found: Exploration) -> None:
    """What all accounts could bring, in one table, and what each study came to."""
    lines = ["# What could be ordered", ""]
    lines += [
        f"- **{_text(one.account)}**, {_text(one.name)}: {'refused. ' if one.refused else ''}{_text(one.outcome)}"
        for one in found.studies
    ]
    _put("\n".join([*lines, "", *_table(found.options)]), found.options, EXPLORATION, "Ranked over all accounts")


def _table(options: Sequence[Option]) -> list[str]:
    if not options:
        return ["There is nothing to choose from."]
    lines = [
        "| | score | account | taken (UTC) | covers | off nadir | price | order until (UTC) |",
        "| --- | ---: | --- | --- | ---: | ---: | --- | --- |",
    ]
    for number, one in enumerate(options[:SHOWN], 1):
        it = one.candidate
        price = price_of(one.price, one.currency) if one.price is not None else ""
        lines.append(
            f"| {number}{' **wished**' if one.wished else ''} | {one.score:.2f} | {_text(one.account)} "
            f"| {it.start:%Y-%m-%d %H:%M} to {it.end:%Y-%m-%d %H:%M} | {_number(one.coverage_percent, ' %')} "
            f"| {_number(it.off_nadir_deg, '°')} | {_text(price)} "
            f"| {'' if one.order_until is None else format_utc(one.order_until)} |"
        )
    lines += ["", *(f"{number}. {_why(one)}" for number, one in enumerate(options[:SHOWN], 1))]
    if len(options) > SHOWN:
        lines += ["", f"{len(options) - SHOWN} more are not shown here."]
    return lines


def _why(one: Option) -> str:
    return _text(one.reason) if one.usable else f"cannot be ordered: {_text(one.exclusion_reason)}"


def _put(markdown: str, options: Sequence[Option], key: str, description: str) -> None:
    """What is shown to a person is never worth a run's failure; the ledger has it as well."""
    try:
        create_markdown_artifact(markdown, key=key, description=description)
        rows: list[dict[str, Any]] = [row(one) for one in options]
        create_table_artifact(rows, key=f"{key}-options", description=f"{description}, as JSON")
    except Exception as error:
        get_run_logger().warning("Not shown on the run's page: %s", error)


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.1f}{unit}"


def _text(said: str) -> str:
    return markdown_text(said[:1000])
