"""What may be spent: the limits of an order, a site and an account, and whether one more request stays within them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasking.errors import InvalidOrder
from tasking.form import Form
from tasking.money import Amount, Budget, CurrencyOrEmpty, Money

Scope = Literal["order", "site", "account"]

SCOPES: frozenset[Scope] = frozenset(("order", "site", "account"))

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class AccountBudget(Form):
    """What all orders of this account together may cost in a month. Left empty, there is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Budget")

    per_month: Amount | None = Field(
        default=None,
        title="Per month",
        description="All requests of this account in a month. Months begin at 00:00 UTC of the first, by our clock.",
    )
    per_site_and_month: Amount | None = Field(
        default=None,
        title="Per site and month",
        description="Each site's requests in a month, under this account. Orders without a site have no such limit.",
    )
    currency: CurrencyOrEmpty = Field(
        default="", title="Currency", description="Of both limits: three letters of ISO 4217, e.g. EUR; or credits."
    )

    @model_validator(mode="after")
    def _in_a_currency(self) -> Self:
        if (self.per_month is not None or self.per_site_and_month is not None) and not self.currency:
            raise InvalidOrder("budget.currency", "(empty)", "name the currency of the limits, e.g. EUR or credits")
        return self


class Payer(NamedTuple):
    """For whom a request is made: by these its costs are counted."""

    reference: str
    account: str
    site: str | None


class Tally(BaseModel):
    """What requests cost so far, by currency.

    Attributes:
        reserved: Announced or made, and it may still be due; or chosen with such a one, and requested after it.
        spent: Due, whatever happens.
        unpriced: Requests that may be due and whose price is not known; they are in neither sum.
    """

    model_config = ConfigDict(frozen=True)

    reserved: Mapping[str, Decimal] = {}
    spent: Mapping[str, Decimal] = {}
    unpriced: int = 0

    def taken(self, currency: str) -> Decimal:
        """What is no longer free, in one currency."""
        return self.reserved.get(currency, Decimal(0)) + self.spent.get(currency, Decimal(0))


Counted = Mapping[Scope, Tally]
"""What counts against each limit: all of the order; of its site and account what was announced in one month."""


class Limit(NamedTuple):
    """One limit, as it holds for one request.

    Attributes:
        most: What may be reserved and spent at most.
        whose: For what it holds, as the subject of a sentence.
        remedy: How to go on once it is reached.
    """

    scope: Scope
    most: Money
    whose: str
    remedy: str


class Charge(BaseModel):
    """What a request costs that is about to be announced, and which limits it has to stay within.

    Attributes:
        price: ``None`` when nothing tells.
        after: Prices of what was chosen with it and is requested after it: all of that has to stay within the limits,
            or nothing of it is begun.
        of_order: The order's own limit.
        of_account: The limits in the account block.
    """

    model_config = ConfigDict(frozen=True)

    price: Money | None = None
    after: tuple[Money | None, ...] = ()
    of_order: Budget | None = None
    of_account: AccountBudget = AccountBudget()

    @property
    def unlimited(self) -> Charge:
        """The same without limits: for what is bought already."""
        return Charge(price=self.price)

    def limits(self, payer: Payer, at: datetime) -> list[Limit]:
        """The limits that hold for a request that ``payer`` makes at this time of ours."""
        found: list[Limit] = []
        if self.of_order is not None:
            remedy = "order again with a higher budget and a new reference"
            found.append(Limit("order", self.of_order.most, f"order {payer.reference}", remedy))
        ours, month = self.of_account, month_name(at)
        if payer.site is not None and ours.per_site_and_month is not None:
            most = Money(ours.per_site_and_month, ours.currency)
            whose = f"site {payer.site} under account {payer.account} in {month}"
            found.append(Limit("site", most, whose, _raise("per_site_and_month")))
        if ours.per_month is not None:
            most = Money(ours.per_month, ours.currency)
            found.append(Limit("account", most, f"account {payer.account} in {month}", _raise("per_month")))
        return found


def _raise(field: str) -> str:
    return f"raise budget.{field} in the account block, or wait for the next month, and press Retry on the order's run"


def over_budget(
    price: Money | None, limits: Sequence[Limit], counted: Counted, after: Sequence[Money | None] = ()
) -> str | None:
    """Why one more request is not within its limits, for a person; ``None`` when it is. Without limits it always is.

    Args:
        price: What it costs.
        limits: See `Charge.limits`.
        counted: What is reserved and spent without it.
        after: See `Charge.after`.
    """
    every = [one for one in (price, *after) if one is not None]
    for limit in limits:
        if len(every) <= len(after):
            return (
                f"its price is not known, and {limit.whose} may cost {limit.most} at most: fill in price_list "
                "(per_capture or per_km2, and currency) in the account block, or take the limit out; then press Retry "
                "on the order's run"
            )
        currency = limit.most.currency
        if (other := next((one for one in every if one.currency != currency), None)) is not None:
            return (
                f"it costs {other}, and {limit.whose} may cost {limit.most} at most: two currencies are not compared. "
                "Give the limit in the currency of the price; if that comes from price_list, give both in one"
            )
        tally = counted.get(limit.scope, Tally())
        whole = Money(sum((one.amount for one in every), Decimal(0)), currency)
        if tally.taken(currency) + whole.amount > limit.most.amount:
            return _too_much(whole, len(after), limit, tally)
    return None


def _too_much(price: Money, others: int, limit: Limit, tally: Tally) -> str:
    currency = price.currency
    together = f" together with the {others} captures that were chosen with it" if others else ""
    over = tally.taken(currency) + price.amount - limit.most.amount
    spent = Money(tally.spent.get(currency, Decimal(0)), currency)
    reserved = Money(tally.reserved.get(currency, Decimal(0)), currency)
    more = f", and {tally.unpriced} more have no known price" if tally.unpriced else ""
    return (
        f"over budget by {Money(over, currency)}: it costs {price}{together}, and {limit.whose} may cost {limit.most} "
        f"at most, of which {spent} are spent and {reserved} reserved{more}. To go on, {limit.remedy}"
    )


def month_of(at: datetime) -> tuple[datetime, datetime]:
    """The month of a time of ours: its first moment and that of the next, UTC."""
    start = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start, after


def month_name(at: datetime) -> str:
    """The month of a time of ours, for a person."""
    start, _ = month_of(at)
    return f"{_MONTHS[start.month - 1]} {start.year} (UTC)"
