"""`tasking-flows`: look into the ledger from a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Literal

import pydantic_core
import typer
from prefect.settings import get_current_settings
from rich.console import Console
from rich.table import Table

from blocks.order_ledger import load_ledger
from flows import account_commands, answering, order_listing, spending_report
from flows.saying import ERRORS, in_a_sentence, words
from tasking.approval import Answer
from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable
from tasking.ledger import Filter, Ledger, open_ledger
from tasking.spending import spending
from tasking.status import OrderStatus

app = typer.Typer(help="Satellite tasking orders: what is open, and what happened.", no_args_is_help=True)
LedgerUrl = Annotated[
    str | None,
    typer.Option("--ledger", envvar="TASKING_LEDGER_URL", help="Database URL; default: the order-ledger block."),
]


@contextmanager
def _asking(url: str | None) -> Iterator[Ledger]:
    """The ledger; whatever is in the way of it is said in a sentence."""
    with in_a_sentence():
        if not url and get_current_settings().api.url is None:
            raise LedgerUnavailable(
                "PREFECT_API_URL is not set, so the order-ledger block cannot be read: set it to the address of your "
                "Prefect server, e.g. http://127.0.0.1:4200/api, or give the database's with --ledger"
            )
        with closing(open_ledger(url) if url else load_ledger()) as book:
            yield book


@app.command("list")
def list_orders(
    ledger: LedgerUrl = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider's.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account block's, as type/name.")] = None,
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    status: Annotated[OrderStatus | None, typer.Option(help="Only where the order stands so with us.")] = None,
    provider_status: Annotated[
        str | None, typer.Option(help="Only where the provider calls its request so, in its own word.")
    ] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only orders that have not ended.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: all that is known, one order a line.")] = False,
) -> None:
    """Orders, newest first."""
    which = Filter(
        provider=provider,
        account=account,
        site=site,
        status=status,
        provider_status=provider_status,
        open_only=open_only,
        limit=limit,
    )
    with _asking(ledger) as book:
        records = book.orders(which, unreadable=lambda _run, why: ERRORS.print(words(why)))
    if as_json:
        for one in records:
            # in ASCII: a terminal that it is printed to obeys nothing in it
            typer.echo(json.dumps(pydantic_core.to_jsonable_python(order_listing.as_json(one))))
        return
    table = Table(*order_listing.COLUMNS)
    for one in records:
        table.add_row(*map(words, order_listing.row(one)))
    Console().print(table)
    if len(records) == limit:
        ERRORS.print(f"These are the newest {limit}; see more with --limit.")


@app.command("show")
def show_order(reference: str, ledger: LedgerUrl = None) -> None:
    """Everything that happened to one order."""
    with _asking(ledger) as book:
        record = book.find(reference)
        if record is None:
            ERRORS.print(f"{words(reference)}: no such order; see: tasking-flows list")
            raise typer.Exit(2)
        entries, parts = book.journal(reference), book.parts(reference)
    console = Console()
    console.print(f"[bold]{words(record.name)}[/bold]  {words(reference)}  run {record.flow_run_id}")
    for label, value in order_listing.facts(record, utc_now(), parts):
        console.print(f"{label:>13}  {words(value)}")
    for one in entries:
        console.print(f"{one.at:%Y-%m-%d %H:%M:%S}  [bold]{words(one.event)}[/bold]  {words(one.message)}")


@app.command("report")
def report_spending(
    ledger: LedgerUrl = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider's.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account block's, as type/name.")] = None,
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    month: Annotated[str | None, typer.Option(help="Only what was announced in it (UTC), e.g. 2026-11.")] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also ask the accounts' providers, and say where they differ.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one line of the table a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
) -> None:
    """What is reserved, spent and refunded, by provider, account, site, month and currency."""
    with _asking(ledger) as book:
        since, before = (None, None) if month is None else spending_report.month(month)
        charges = book.charges(provider=provider, account=account, site=site, since=since, before=before)
        of_all_time = book.charges(provider=provider, account=account) if compare else []
    lines = spending(charges)
    if as_json:
        for one in lines:
            typer.echo(json.dumps(one.model_dump(mode="json")))
    elif as_csv:
        typer.echo(spending_report.as_csv(lines), nl=False)
    else:
        table = Table(*spending_report.COLUMNS)
        for one in lines:
            table.add_row(*map(words, spending_report.row(one)))
        Console().print(table)
    for said in spending_report.compared(of_all_time):
        ERRORS.print(words(said))


@app.command("approve")
def approve(
    reference: str,
    choose: Annotated[int | None, typer.Option(help="Approve this number of the list. Empty: number 1.", min=1)] = None,
    decline: Annotated[bool, typer.Option("--decline", help="Decline: the order ends, nothing is ordered.")] = False,
    note: Annotated[str, typer.Option(help="Kept in the order's journal.")] = "",
    by: Annotated[
        str | None, typer.Option(help="Who decides, for the record. Default: the user of this machine.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is sent.")] = False,
    ledger: LedgerUrl = None,
) -> None:
    """Answer an order that waits for approval: shows what is asked, asks you, and resumes its run."""
    if decline and choose is not None:
        ERRORS.print("Give either --choose or --decline.")
        raise typer.Exit(2)
    decision: Literal["approve", "decline"] = "decline" if decline else "approve"
    answer = Answer(decision=decision, candidate=choose, decided_by=by or answering.user_here(), note=note)
    with _asking(ledger) as book:
        answering.answer(book, reference, answer, sure=yes)


app.command("contracts")(account_commands.list_contracts)
app.add_typer(account_commands.webhooks, name="webhooks")


if __name__ == "__main__":
    app()
