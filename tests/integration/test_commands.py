"""The commands say what is in the way in a sentence, whatever it is."""

from __future__ import annotations

import csv
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner, Result

from flows import account_commands, cli, spending_report
from tasking.errors import LedgerUnavailable
from tasking.ledger import Ledger, open_ledger
from tasking.status import StatusCode
from tests.support.charges import becomes, buy, charge, claim

SERVER = "http://127.0.0.1:4200/api"


def answered(code: int) -> PrefectHTTPStatusError:
    request = httpx.Request("GET", SERVER)
    return PrefectHTTPStatusError("no", request=request, response=httpx.Response(code, request=request))


AWAY: dict[str, tuple[Exception, str]] = {
    "a wrong password": (answered(401), "refuses this password (401): set PREFECT_API_AUTH_STRING"),
    "no right": (answered(403), "refuses this password (403)"),
    "another server": (answered(404), "answered 404; is that the address of its API"),
    "a server in trouble": (answered(503), "answered 503"),
    "no server": (httpx.ConnectError("[Errno 111] Connection refused"), "does not answer ([Errno 111] Connection"),
    "a slow server": (httpx.ReadTimeout(""), "does not answer (ReadTimeout)"),
    "no name": (httpx.ConnectError("[Errno -2] Name or service not known"), "does not answer"),
    "no certificate": (ssl.SSLCertVerificationError("self-signed"), "does not answer"),
    "other versions": (RuntimeError("Found incompatible versions:\nclient: 3.9.1"), "Found incompatible versions:"),
    "the ledger is away": (LedgerUnavailable("the ledger at h/d did not answer"), "the ledger at h/d did not answer"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """Prefect takes long to read its settings."""
    with temporary_settings({PREFECT_API_URL: SERVER}):
        yield


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "command", [["list"], ["list", "--open", "--json"], ["show", "bay"], ["approve", "bay"]], ids=" ".join
)
@pytest.mark.parametrize("what", AWAY)
def test_what_is_in_the_way_is_one_sentence(monkeypatch: pytest.MonkeyPatch, what: str, command: list[str]) -> None:
    error, told = AWAY[what]

    def away() -> Ledger:
        raise error

    monkeypatch.setattr(cli, "load_ledger", away)
    one_sentence(CliRunner().invoke(cli.app, command), told)


ACCOUNT_COMMANDS = [
    ["contracts", "iceye-tasking/default"],
    ["webhooks", "list", "iceye-tasking/default"],
    ["webhooks", "register", "iceye-tasking/default", "https://b.example.com/y"],
]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("command", ACCOUNT_COMMANDS, ids=" ".join)
@pytest.mark.parametrize("what", ["a wrong password", "no server", "other versions"])
def test_what_is_in_the_way_of_an_account_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, what: str, command: list[str]
) -> None:
    error, told = AWAY[what]

    def away(_account: str) -> None:
        raise error

    monkeypatch.setattr(account_commands, "load_account", away)
    one_sentence(CliRunner().invoke(cli.app, command), told)


def one_sentence(result: Result, told: str) -> None:
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert told in line


def test_a_ledger_that_goes_away_while_it_is_read_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def orders(*_args: object, **_named: object) -> None:
        raise LedgerUnavailable("the ledger did not answer: server closed the connection")

    monkeypatch.setattr(Ledger, "orders", orders)
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    one_sentence(CliRunner().invoke(cli.app, ["list", "--ledger", url]), "server closed the connection")


BAD: dict[str, Callable[[Path], str]] = {
    "no address": lambda _folder: "nonsense",
    "a kind without a driver": lambda _folder: "mysql://u:the-password@h/d",
    "a folder": lambda folder: f"sqlite:///{folder}",
    "no database": lambda folder: f"sqlite:///{folder / 'text'}",
}


@pytest.mark.parametrize("what", BAD)
def test_a_wrong_ledger_address_is_told_and_shows_no_password(tmp_path: Path, what: str) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to be read as one" * 100)
    result = CliRunner().invoke(cli.app, ["list", "--ledger", BAD[what](tmp_path)])
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.output
    assert "the-password" not in result.output


def test_without_a_server_the_commands_start_none_and_say_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with temporary_settings(restore_defaults=[PREFECT_API_URL]):
        for command in (["list"], *ACCOUNT_COMMANDS):
            one_sentence(CliRunner().invoke(cli.app, command), "PREFECT_API_URL is not set")


def test_a_password_in_the_servers_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "load_ledger", lambda: (_ for _ in ()).throw(httpx.ConnectError("refused")))
    with temporary_settings({PREFECT_API_URL: "http://me:the-password@127.0.0.1:4200/api"}):
        result = CliRunner().invoke(cli.app, ["list"])
    assert "127.0.0.1:4200" in result.stderr
    assert "the-password" not in result.output


def test_the_list_shows_the_orders_name(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    book = open_ledger(url)
    order = {"name": "Bay [one]", "account": "a/b"}
    book.claim("r-1", order, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False)
    book.close()
    shown = CliRunner().invoke(cli.app, ["list", "--ledger", url]).stdout
    assert "Bay" in shown
    assert "[one]" in shown


def test_what_does_not_wait_for_a_person_cannot_be_approved(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    book = open_ledger(url)
    order = {"name": "Bay", "account": "a/b"}
    book.claim("bay", order, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False)
    book.close()
    for command, told in (
        (["approve", "bay"], "bay does not wait for an approval: planning"),
        (["approve", "port"], "port: no such order"),
        (["approve", "bay", "--choose", "2", "--decline"], "Give either --choose or --decline"),
    ):
        one_sentence(CliRunner().invoke(cli.app, [*command, "--ledger", url]), told)


def test_the_report_sums_up_what_was_spent_for_people_programs_and_spreadsheets(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with closing(open_ledger(url)) as book:
        for reference, site in (("bay", "Tokyo"), ("other", "=Tokyo"), ("late", None)):
            claim(book, reference, site)
            buy(book, reference, charge(1250.5))
        becomes(book, "bay", StatusCode.COMPLETED, "capture")
        month = f"{book.now():%Y-%m}"

    def said(*more: str) -> str:
        result = CliRunner().invoke(cli.app, ["report", "--ledger", url, *more], env={"COLUMNS": "300"})
        assert result.exit_code == 0, result.output
        return result.output

    assert "1,250.50" in said()
    (line,) = [json.loads(one) for one in said("--json", "--site", "Tokyo", "--month", month).splitlines()]
    assert (line["spent"], line["reserved"], line["currency"], line["orders"]) == ("1250.5", "0", "EUR", 1)
    head, *rows = csv.reader(said("--csv").splitlines())
    assert head[:5] == ["provider", "account", "site", "month", "currency"]
    assert sorted(one[2] for one in rows) == ["", "'=Tokyo", "Tokyo"], "no formula for a spreadsheet"
    assert said("--json", "--month", "2020-01") == ""
    one_sentence(CliRunner().invoke(cli.app, ["report", "--ledger", url, "--month", "May"]), "give year and month")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("what", AWAY)
def test_what_is_in_the_way_of_comparing_is_a_sentence_after_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    error, told = AWAY[what]

    def away(_account: str) -> None:
        raise error

    monkeypatch.setattr(spending_report, "load_account", away)
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with closing(open_ledger(url)) as book:
        claim(book)
        buy(book, "bay", charge(1250.5))
    result = CliRunner().invoke(cli.app, ["report", "--ledger", url, "--compare"], env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    assert "1,250.50" in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("axelglobe-tasking/default: cannot be compared: ")
    assert told in line
