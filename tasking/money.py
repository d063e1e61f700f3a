"""Money: an amount with its currency, and what an order may cost at most."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from tasking.errors import InvalidOrder
from tasking.form import Form

CREDITS = "credits"
"""The currency of accounts that pay in a provider's own credits."""

_ISO = re.compile(r"[A-Z]{3}")
_TEXT = re.compile(r"\s*([0-9][0-9.,_ ']*?)\s*([A-Za-z]+)\s*")
_GROUPED = re.compile(r"[1-9]\d{0,2}([ _',]\d{3})+(\.\d+)?")
"""Thousands set apart, as in 1,250,000.50."""
_EITHER = re.compile(r"[1-9]\d{0,2}\.\d{3}")
"""1.250: one and a quarter to some, one thousand two hundred and fifty to others."""

_NUMBER = {"type": "number", "minimum": 0}


def currency_word(value: str) -> str:
    """A currency in the one spelling by which two are compared; nothing is refused here."""
    word = value.strip()
    return CREDITS if word.lower() in (CREDITS, "credit") else word.upper()


def _checked_currency(value: str) -> str:
    word = currency_word(value)
    if word != CREDITS and not _ISO.fullmatch(word):
        raise InvalidOrder("currency", value or "(empty)", "give the three letters of ISO 4217, e.g. EUR, or credits")
    return word


Amount = Annotated[
    Decimal,
    Field(ge=0, le=Decimal(10**12), allow_inf_nan=False),
    PlainSerializer(float, return_type=float),
    WithJsonSchema(_NUMBER),
]
"""An amount in a currency's main unit (not cents), or of credits."""

Currency = Annotated[str, AfterValidator(_checked_currency)]
"""Three letters of ISO 4217, or ``credits``."""

CurrencyOrEmpty = Annotated[str, AfterValidator(lambda value: _checked_currency(value) if value.strip() else "")]
"""The same, and it may be left out."""


class Money(NamedTuple):
    """An amount in a currency's main unit, or of credits."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        """For a person, e.g. ``1,250.50 EUR`` or ``3 credits``."""
        return f"{amount_text(self.amount)} {self.currency}"


def money(amount: Decimal | None, currency: str | None) -> Money | None:
    """An amount with its currency; ``None`` where either is not known, as neither tells anything alone.

    An amount below nothing is no price: it would make room for others.
    """
    if amount is None or not amount.is_finite() or amount < 0 or not currency or not currency.strip():
        return None
    return Money(amount, currency_word(currency))


def tidy(amount: Decimal) -> Decimal:
    """The same amount without zeros that a database has added."""
    short = amount.normalize()
    return short.quantize(Decimal(1)) if int(short.as_tuple().exponent) > 0 else short


def amount_text(amount: Decimal) -> str:
    """An amount for a person: no decimals where it has none, else two or more."""
    if amount == amount.to_integral_value():
        return f"{amount:,.0f}"
    digits = -int(amount.normalize().as_tuple().exponent)
    return f"{amount:,.{max(2, min(digits, 6))}f}"


def _amount(number: str, currency: str, given: str) -> Decimal:
    """A number as a person writes it; nothing is guessed where it can be read in two ways. Raises `InvalidOrder`."""
    if _EITHER.fullmatch(number):
        whole, less = number.replace(".", ""), f"{Decimal(number).normalize():f}"
        fix = f"a point with three digits after it can be read in two ways: write {whole} {currency}, or {less}"
        raise InvalidOrder("budget", given, f"{fix if '.' in less else fix + '.00'} {currency}")
    if _GROUPED.fullmatch(number):
        return Decimal(re.sub(r"[ _',]", "", number))
    if re.fullmatch(r"\d+(\.\d*)?", number):
        return Decimal(number)
    raise InvalidOrder(
        "budget",
        given,
        "give an amount and its currency, e.g. 500 EUR or 3 credits; write thousands as 1,250 or 1250, and decimals "
        "after a point, as in 0.50",
    )


class Budget(Form):
    """What one order may cost at most, all its requests together.

    Accepts a text such as ``500 EUR`` as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", title="Budget")

    amount: Amount = Field(gt=0, title="Amount", description="In the currency's main unit (not cents), or of credits.")
    currency: Currency = Field(title="Currency", description="Three letters of ISO 4217, e.g. EUR; or credits.")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if (found := _TEXT.fullmatch(value)) is None:
            raise InvalidOrder("budget", value, "give an amount and its currency, e.g. 500 EUR or 3 credits")
        return {"amount": _amount(found[1], found[2], value), "currency": found[2]}

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Text first: the form opens with the first kind."""
        return {
            "title": "Budget",
            "anyOf": [
                {
                    "type": "string",
                    "title": "Text: amount and currency",
                    "description": "For example 500 EUR, or 3 credits",
                    "examples": ["500 EUR"],
                },
                {
                    "type": "object",
                    "title": "Amount and currency",
                    "examples": [{"amount": 500, "currency": "EUR"}],
                },
            ],
            "examples": ["500 EUR"],
        }

    @property
    def most(self) -> Money:
        """The limit."""
        return Money(self.amount, self.currency)
