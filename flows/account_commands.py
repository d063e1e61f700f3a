"""`tasking-flows contracts` and `tasking-flows webhooks`: what an account holds at its provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer
from prefect.settings import get_current_settings
from rich.console import Console
from rich.table import Table

from blocks.account import load_account
from flows.saying import ERRORS, in_a_sentence, words
from tasking.errors import InvalidOrder
from tasking.provider import Contracts, Notifies, Provider

AccountName = Annotated[str, typer.Argument(help="The account block, as type/name, e.g. iceye-tasking/default.")]
webhooks = typer.Typer(help="Webhooks of an account: who is told of changes.", no_args_is_help=True)


@contextmanager
def _opened(account: str) -> Iterator[Provider]:
    with in_a_sentence():
        if get_current_settings().api.url is None:
            raise InvalidOrder(
                "account",
                account,
                "PREFECT_API_URL is not set, so this block cannot be read: set it to the address of your Prefect "
                "server, e.g. http://127.0.0.1:4200/api",
            )
        with closing(load_account(account).open()) as provider:
            yield provider


def list_contracts(account: AccountName) -> None:
    """The contracts of an account, and what each allows."""
    with _opened(account) as provider:
        if not isinstance(provider, Contracts):
            ERRORS.print(f"{words(account)}: {provider.name} has no contracts to choose from")
            raise typer.Exit(2)
        table = Table("id", "name", "what it allows")
        for one in provider.contracts():
            table.add_row(*map(words, (one.id, one.name or "", "; ".join(one.facts))))
    Console().print(table)


@webhooks.command("list")
def list_webhooks(account: AccountName) -> None:
    """The webhooks registered with the provider; an order or the account names one by its id."""
    with _opened(account) as provider:
        table = Table("id", "address")
        for one in _notifies(account, provider).webhooks():
            table.add_row(*map(words, (one.id, one.url or "")))
    Console().print(table)


@webhooks.command("register")
def register_webhook(
    account: AccountName, url: Annotated[str, typer.Argument(help="The receiver's address, https://...")]
) -> None:
    """Register an address with the provider; prints the id that an order or the account names it by."""
    with _opened(account) as provider:
        typer.echo(_notifies(account, provider).register_webhook(url).id)


def _notifies(account: str, provider: Provider) -> Notifies:
    if not isinstance(provider, Notifies):
        ERRORS.print(f"{words(account)}: {provider.name} has no webhooks")
        raise typer.Exit(2)
    return provider
