"""Text from outside stays text in each medium that shows it."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasking.area import Area
from tasking.candidate import Candidate
from tasking.excerpt import excerpt
from tasking.footprint_map import footprint_svg
from tasking.ledger import open_ledger
from tasking.plain_text import markdown_text, printable
from tasking.ranking import RankedCandidate

OBEYED = {
    "colour": "\x1b[31mred",
    "link of a terminal (OSC 8)": "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "title (OSC 0)": "\x1b]0;owned\x07",
    "C1 control": "\x9b31mred",
    "backspace": "FAILED\b\b\b\b\b\bDONE  ",
    "carriage return": "FAILED\rDONE",
    "override of direction": "\u202egpj.exe",
    "isolate": "\u2066a\u2069",
    "line separator": "one\u2028two",
    "half a surrogate pair": "\ud83d",
    "NUL": "a\0b",
}


def obeys_nothing(text: str) -> bool:
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u206f\ud800-\udfff]", text)


@pytest.mark.parametrize("what", OBEYED)
def test_nothing_in_a_text_is_obeyed_by_a_terminal(what: str) -> None:
    assert obeys_nothing(printable(OBEYED[what]))
    assert obeys_nothing(excerpt(OBEYED[what]))  # and so in logs, states and the ledger
    assert "\n" not in printable("one\ntwo")
    assert printable("one\ntwo", lines=True) == "one\ntwo"


@pytest.mark.parametrize(
    "said", ["GRUS-1C", "Порт Выборг", "ميناء \u200fجدة", "ท่าเรือ\u200bกรุงเทพ", "50 % of 3 × 4 km²"]
)
def test_what_people_write_stays_as_it_is(said: str) -> None:
    assert printable(said) == said
    assert markdown_text(said) == said


MADE = {
    "link": "[pay here](https://evil.example)",
    "picture": "![](https://evil.example/seen.png)",
    "bare address": "see https://evil.example now",
    "bare www": "www.evil.example",
    "mail": "mail bob@evil.example",
    "HTML": "<img src=x onerror=alert(1)>",
    "entity": "&lt;b&gt;",
    "cell": "a | b",
    "heading": "# Approved",
    "struck out": "~~not~~",
    "code": "`rm`",
    "reference": "[a]: https://evil.example",
    "autolink": "<https://evil.example>",
    "escaped already": "\\[a\\](b)",
}


@pytest.mark.parametrize("what", MADE)
def test_a_page_makes_nothing_of_a_text(what: str) -> None:
    shown = markdown_text(MADE[what])
    unescaped = re.sub(r"\\.", "", shown)
    assert not re.search(r"[\[\]<>|`#~&!*@]|://|www\.", unescaped), shown
    read = re.sub(r"\\(.)", r"\1", shown)
    assert read.replace("\u2060", "") == MADE[what]
    # Prefect's page looks for bare addresses once more in what is left when the backslashes are gone (GFM's literals)
    assert not re.search(r"https?://|www\.|[-.\w+]+@[-\w]+\.[-.\w]+", read, re.IGNORECASE)


def test_the_picture_is_whole_also_with_a_platform_that_no_xml_holds() -> None:
    area = Area.model_validate("POLYGON ((139.7 35.6, 139.85 35.6, 139.85 35.72, 139.7 35.72, 139.7 35.6))")
    now = datetime(2026, 12, 1, tzinfo=UTC)
    odd = Candidate.model_construct(id="1", start=now, end=now, platform='\x1b[31m</text><script>"', footprint=None)
    chosen = RankedCandidate.__new__(RankedCandidate)
    object.__setattr__(chosen, "candidate", odd)
    svg = footprint_svg(area, [], [chosen])
    assert ElementTree.fromstring(svg) is not None
    assert "<script" not in svg


def test_the_command_line_prints_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    nasty = "".join(OBEYED.values()) + "[bold]big[/bold] [link=http://evil.example]here[/link]"
    with closing(open_ledger(url)) as book:
        order = {"name": f"Bay {nasty}", "account": "a/b", "site": nasty[:90]}
        book.claim("bay", order, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False)
        book.record("bay", "status", nasty, waits_message=nasty, provider_status=nasty)
    for command in (["list"], ["show", "bay"], ["list", "--json"], ["show", nasty]):
        said = CliRunner().invoke(app, [*command, "--ledger", url])
        assert obeys_nothing(said.output), (command, said.output)
    told = CliRunner().invoke(app, ["list", "--json", "--ledger", url]).output
    assert json.loads(told)["reference"] == "bay"
