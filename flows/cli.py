"""`tasking-flows`: look into the ledger from a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import pydantic_core
import typer
from prefect.settings import get_current_settings
from rich.console import Console
from rich.table import Table

from blocks.order_ledger import load_ledger
from flows import account_commands, order_listing
from flows.saying import ERRORS, in_a_sentence, words
from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable
from tasking.ledger import Filter, Ledger, open_ledger
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


app.command("contracts")(account_commands.list_contracts)
app.add_typer(account_commands.webhooks, name="webhooks")


if __name__ == "__main__":
    app()
