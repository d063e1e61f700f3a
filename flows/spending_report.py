"""What was spent, for a terminal, and for a program."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from blocks.account import load_account
from flows.saying import sentence
from tasking.budget import month_of
from tasking.errors import InvalidOrder
from tasking.ledger import ChargeRecord
from tasking.money import amount_text
from tasking.provider import Accounts
from tasking.spending import SpendingLine, differences, without_contract

FORMULA = ("=", "+", "-", "@")
COLUMNS = tuple(SpendingLine.model_fields)


def month(text: str) -> tuple[datetime, datetime]:
    """The first moment of a month such as ``2026-11``, and that of the next; raises `InvalidOrder`."""
    try:
        return month_of(datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC))
    except ValueError:
        raise InvalidOrder("month", text, "give year and month, e.g. 2026-11") from None


def row(line: SpendingLine) -> tuple[str, ...]:
    """A line of the table, in `COLUMNS`."""
    sums = (amount_text(each) if line.currency else "" for each in (line.reserved, line.spent, line.refunded))
    counts = (str(each) for each in (line.orders, line.delivered, line.requests))
    names = (line.provider, line.account, line.site or "", line.month, line.currency or "(no known price)")
    return (*names, *counts, *sums)


def as_csv(lines: Sequence[SpendingLine]) -> str:
    """A table with a head, for a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for line in lines:
        cells = {name: "" if value is None else value for name, value in line.model_dump().items()}
        # a cell that begins like a formula is one to a spreadsheet
        writer.writerow({name: f"'{each}" if str(each).startswith(FORMULA) else each for name, each in cells.items()})
    return text.getvalue()


def compared(charges: Sequence[ChargeRecord]) -> list[str]:
    """What each account's provider says otherwise, or that it says the same: one sentence each."""
    found = []
    for account in sorted({one.account for one in charges}):
        mine = [one for one in charges if one.account == account]
        try:
            with closing(load_account(account).open()) as provider:
                if not isinstance(provider, Accounts):
                    found.append(f"{account}: {provider.name} tells neither money nor requests")
                    continue
                statements = provider.statements()
        except Exception as error:  # what was reported stands; the other accounts are compared all the same
            found.append(f"{account}: cannot be compared: {sentence(error)}")
            continue
        said = [each for one in statements for each in differences(one, mine)]
        if any(one.contract_id is not None for one in statements):
            said += without_contract(mine)
        found += [f"{account}: {each}" for each in said or ("the provider says the same",)]
    return found
