"""Every status word of the three providers, by the table of facts that was gathered from their documents.

The table stands here as it was gathered and is not read from the code, or both could be wrong together. Where the facts
list a word twice (AxelGlobe's ACCEPTED and ICEYE's ACTIVE as accepted and as scheduled) it is ``accepted``: both can
still be changed or cancelled, which STAPI's ``scheduled`` excludes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tasking.axelglobe import conversions as axelglobe
from tasking.axelglobe.models import TaskRequest
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.iceye import conversions as iceye
from tasking.iceye.models import Task as IceyeTask
from tasking.iceye.settings import IceyeSettings
from tasking.provider import TaskingRequest
from tasking.satellogic import conversions as satellogic
from tasking.satellogic.models import Task as SatellogicTask
from tasking.satellogic.settings import SatellogicSettings
from tasking.status import StatusCode

FACTS = """
STAPI          | axelglobe      | iceye     | satellogic
received       | PLANNED        | RECEIVED  | received
accepted       | ACCEPTED       | ACTIVE    | planning
scheduled      |                |           | pending
processing     | PROCESSING     | FULFILLED | in_progress
completed      | DATA_AVAILABLE | DONE      | completed, partially_completed
rejected       | REJECTED       | REJECTED  | rejected
failed         |                | FAILED    |
expired        |                |           | failed
user_cancelled |                | CANCELED  | canceled
"""

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {"client_id": "me", "client_secret": "hush"}
AXELGLOBE = AxelGlobeSettings(
    api_url="https://axelglobe.invalid/v2/", token_url="https://axelglobe.invalid/token", **ACCOUNT
)
ICEYE = IceyeSettings(
    api_url="https://iceye.invalid/api",
    auth_url="https://iceye.invalid/auth",
    contract_id="6f8c3f4c-0000-4000-8000-000000000000",
    **ACCOUNT,
)
SATELLOGIC = SatellogicSettings(contract_id="cont.1", **ACCOUNT)


def of_axelglobe(word: str) -> TaskingRequest:
    task = TaskRequest.model_validate({"type": "Feature", "id": "1", "properties": {"status": word}})
    return axelglobe.request_of(task, AXELGLOBE, NOW)


def of_iceye(word: str) -> TaskingRequest:
    return iceye.request_of(IceyeTask.model_validate({"id": "1", "status": word}), None, ICEYE, NOW)


def of_satellogic(word: str) -> TaskingRequest:
    return satellogic.request_of(SatellogicTask.model_validate({"task_id": 1, "status": word}), (), SATELLOGIC, NOW)


READ: dict[str, Callable[[str], TaskingRequest]] = {
    "axelglobe": of_axelglobe,
    "iceye": of_iceye,
    "satellogic": of_satellogic,
}


def rows() -> list[tuple[str, str, str]]:
    """Provider, its word, and the STAPI code."""
    head, *lines = ([cell.strip() for cell in line.split("|")] for line in FACTS.strip().splitlines())
    return [
        (provider, word.strip(), cells[0])
        for cells in lines
        for provider, words in zip(head[1:], cells[1:], strict=True)
        for word in words.split(",")
        if word.strip()
    ]


@pytest.mark.parametrize(("provider", "word", "code"), rows())
def test_a_provider_s_word_means_what_the_facts_say(provider: str, word: str, code: str) -> None:
    read = READ[provider](word)
    assert (read.status, read.provider_status) == (StatusCode(code), word)


@pytest.mark.parametrize(("provider", "final"), [("axelglobe", False), ("iceye", True), ("satellogic", True)])
def test_only_axelglobe_may_accept_what_it_rejected(provider: str, final: bool) -> None:
    word = "rejected" if provider == "satellogic" else "REJECTED"
    assert READ[provider](word).final is final


def test_partial_completion_is_a_success_with_a_word_about_what_is_missing() -> None:
    assert of_satellogic("partially_completed").note
    assert not of_satellogic("completed").note


@pytest.mark.parametrize("provider", READ)
@pytest.mark.parametrize("word", ["PONDERING", "Completed", "done ", ""])
def test_an_unknown_word_is_shown_and_never_guessed(provider: str, word: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read = READ[provider](word)
    assert (read.status, read.provider_status, read.capture_ids) == (None, word, ())
    assert repr(word) in caplog.text
