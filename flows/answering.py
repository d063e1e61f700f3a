"""`tasking-flows approve`: a person's answer from a terminal, through Prefect's API."""

from __future__ import annotations

import getpass
from typing import Any, NoReturn
from uuid import UUID

import typer
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from rich.console import Console
from rich.table import Table

from flows.approval import form_key
from flows.saying import ERRORS, words
from tasking import lifecycle
from tasking.approval import Answer, Question
from tasking.approval_page import COLUMNS, cells, line
from tasking.errors import LedgerUnavailable
from tasking.ledger import Ledger, OrderRecord
from tasking.waiting import format_utc


def user_here() -> str:
    """The user of this machine; empty where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no entry for the user id, in a container
        return ""


def answer(ledger: Ledger, reference: str, given: Answer, *, sure: bool) -> None:
    """Show what is asked, and send the answer once the person is sure.

    Args:
        ledger: Where the question is.
        reference: The order's.
        given: What is to be answered.
        sure: Do not ask before it is sent.

    Raises:
        typer.Exit: Nothing was sent, and why was said.
    """
    record, question = _asked(ledger, reference)
    _show(record, question)
    offer = question.offer(given.candidate)
    if offer is None:
        _refuse(f"There is no number {given.candidate}: choose 1 to {len(question.offers)}.")
    approves = given.decision == "approve"
    what = f"Approve number {given.candidate or 1} ({line(offer)})? This costs money" if approves else "Decline"
    if not sure and not typer.confirm(words(what)):
        _refuse("Nothing was sent.")
    again, same = _asked(ledger, reference)  # a list that was made anew meanwhile has other numbers
    if (same.count, same.offers) != (question.count, question.offers):
        _refuse("It was asked anew meanwhile, and nothing was sent: call this again and look at the new list.")
    _send(again, same, given)
    word, then = ("Approved", "orders it") if approves else ("Declined", "ends, and nothing is ordered")
    typer.echo(f"{word}. The run starts again within seconds and {then}. See: tasking-flows show {reference}")


def _asked(ledger: Ledger, reference: str) -> tuple[OrderRecord, Question]:
    record = ledger.find(reference)
    if record is None:
        _refuse(f"{reference}: no such order; see: tasking-flows list")
    open_still = record.ended is None and not record.cancel_asked
    if not open_still or record.waits_for != "approval" or record.approval_question is None:
        state = record.outcome or record.waits_message or record.order_status.value
        _refuse(f"{reference} does not wait for an approval: {state}")
    if record.candidate is None or record.wake_at is None:
        _refuse(f"{reference} is being asked about just now; call this again in a minute.")
    return record, lifecycle.question_of(record, record.wake_at)


def _show(record: OrderRecord, question: Question) -> None:
    console = Console()
    console.print(f"[bold]{words(record.name)}[/bold]  {words(record.reference)}  run {record.flow_run_id}")
    console.print(words(f"{question.text}."))
    for fact in question.facts:
        console.print(words(fact))
    rows = [cells(number, one) for number, one in enumerate(question.offers, 1)]
    kept = [at for at in range(len(COLUMNS)) if any(row[at] for row in rows)]
    table = Table(*(COLUMNS[at] for at in kept))
    for row in rows:
        table.add_row(*(words(row[at]) for at in kept))
    console.print(table)
    for number, one in enumerate(question.offers, 1):
        if one.reason:
            console.print(words(f"{number}: {one.reason}"))
    console.print(f"Answer until {format_utc(question.deadline)}. {question.otherwise}")


def _send(record: OrderRecord, question: Question, given: Answer) -> None:
    if get_current_settings().api.url is None:
        raise LedgerUnavailable(
            "PREFECT_API_URL is not set, so the run cannot be resumed: set it to the address of your Prefect server, "
            "e.g. http://127.0.0.1:4200/api"
        )
    with get_client(sync_client=True) as client:
        try:
            run = client.read_flow_run(UUID(record.flow_run_id))
        except ObjectNotFound:
            _refuse("This Prefect server does not know the order's run: is PREFECT_API_URL the address of its server?")
        state = run.state
        if state is None or not state.is_paused() or state.state_details.pause_key != form_key(question):
            name = state.name if state is not None else "unknown"
            _refuse(f"The run does not wait for this answer just now (it is {name}); call this again in a minute.")
        reply = client.request(
            "POST",
            "/flow_runs/{id}/resume",
            path_params={"id": run.id},
            json={"run_input": _filled_in(client, run, given)},
        ).json()
    if reply["status"] != "ACCEPT":
        _refuse(f"Prefect did not take the answer: {(reply.get('details') or {}).get('reason') or reply['status']}")


def _filled_in(client: SyncPrefectClient, run: FlowRun, given: Answer) -> dict[str, Any]:
    """The answer in the fields that this form has: an older version asked for a decision and a note only."""
    assert run.state is not None, "it is paused"
    key = (run.state.state_details.run_input_keyset or {}).get("schema", "")
    form = client.request("GET", "/flow_runs/{id}/input/{key}", path_params={"id": run.id, "key": key}).json()
    fields = given.model_dump(exclude_none=True)
    if "candidate" not in form["properties"]:
        fields.pop("candidate", None)
        if (given.candidate or 1) != 1:
            _refuse("This was asked by an older version, which offers number 1 only.")
    if "decided_by" not in form["properties"]:
        fields["note"] = f"{given.decided_by}: {given.note}".strip(": ")
        del fields["decided_by"]
    return fields


def _refuse(why: str) -> NoReturn:
    ERRORS.print(words(why))
    raise typer.Exit(2)
