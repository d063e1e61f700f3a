"""`tasking-flows`: look into the ledger from a terminal."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import httpx
import pydantic_core
import typer
from prefect.settings import get_current_settings
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blocks.order_ledger import load_ledger
from flows import account_commands, order_listing
from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable, TaskingError
from tasking.ledger import Filter, Ledger, open_ledger
from tasking.plain_text import printable
from tasking.status import OrderStatus

app = typer.Typer(help="Satellite tasking orders: what is open, and what happened.", no_args_is_help=True)
LedgerUrl = Annotated[
    str | None,
    typer.Option("--ledger", envvar="TASKING_LEDGER_URL", help="Database URL; default: the order-ledger block."),
]


_ERRORS = Console(stderr=True, soft_wrap=True)


def _words(text: str) -> str:
    """Text from the ledger or an error as it is: rich makes no style of it, and the terminal obeys nothing in it."""
    return escape(printable(text, lines=True))


@contextmanager
def _asking(url: str | None) -> Iterator[Ledger]:
    """The ledger; whatever is in the way of it is said in a sentence."""
    try:
        if not url and get_current_settings().api.url is None:
            raise LedgerUnavailable(
                "PREFECT_API_URL is not set, so the order-ledger block cannot be read: set it to the address of your "
                "Prefect server, e.g. http://127.0.0.1:4200/api, or give the database's with --ledger"
            )
        with closing(open_ledger(url) if url else load_ledger()) as book:
            yield book
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        _ERRORS.print(_words(_in_a_sentence(error)))
        raise typer.Exit(2) from None
    finally:
        # Prefect sends its own events when it read a block; at the end it waits for that and says so. They may be lost
        logging.getLogger("EventsWorker").setLevel(logging.CRITICAL)


def _in_a_sentence(error: Exception) -> str:
    if isinstance(error, TaskingError) or type(error) is ValueError:  # the latter: an address that is none
        return str(error)
    server = f"The Prefect server at {httpx.URL(get_current_settings().api.url or '').copy_with(userinfo=b'')}"
    if isinstance(error, httpx.HTTPStatusError):
        code = error.response.status_code
        if code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return f"{server} refuses this password ({code}): set PREFECT_API_AUTH_STRING as it is set for the server"
        return f"{server} answered {code}; is that the address of its API (it ends in /api)?"
    if isinstance(error, httpx.HTTPError | OSError):
        return f"{server} does not answer ({_first_line(error)}): is it running, and is PREFECT_API_URL its address?"
    return f"This cannot be read just now: {type(error).__name__}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


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
        records = book.orders(which, unreadable=lambda _run, why: _ERRORS.print(_words(why)))
    if as_json:
        for one in records:
            # in ASCII: a terminal that it is printed to obeys nothing in it
            typer.echo(json.dumps(pydantic_core.to_jsonable_python(order_listing.as_json(one))))
        return
    table = Table(*order_listing.COLUMNS)
    for one in records:
        table.add_row(*map(_words, order_listing.row(one)))
    Console().print(table)
    if len(records) == limit:
        _ERRORS.print(f"These are the newest {limit}; see more with --limit.")


@app.command("show")
def show_order(reference: str, ledger: LedgerUrl = None) -> None:
    """Everything that happened to one order."""
    with _asking(ledger) as book:
        record = book.find(reference)
        if record is None:
            _ERRORS.print(f"{_words(reference)}: no such order; see: tasking-flows list")
            raise typer.Exit(2)
        entries = book.journal(reference)
    console = Console()
    console.print(f"[bold]{_words(record.name)}[/bold]  {_words(reference)}  run {record.flow_run_id}")
    for label, value in order_listing.facts(record, utc_now()):
        console.print(f"{label:>13}  {_words(value)}")
    for one in entries:
        console.print(f"{one.at:%Y-%m-%d %H:%M:%S}  [bold]{_words(one.event)}[/bold]  {_words(one.message)}")


app.command("contracts")(account_commands.list_contracts)
app.add_typer(account_commands.webhooks, name="webhooks")


if __name__ == "__main__":
    app()
