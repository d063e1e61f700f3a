"""Parameters of flows that take orders of any provider, and orders as a schedule keeps them."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from blocks.account import order_kinds
from tasking.errors import InvalidOrder
from tasking.order import Order, order_from

USUAL = "axelglobe"
"""Whose an order is that names no account: surveys were for this provider alone once, and need not say it."""


def as_meant(given: object) -> object:
    """What a person wrote: of a schedule that was made in the UI, Prefect keeps a JSON field as its form sent it."""
    if isinstance(given, list | tuple):
        return [as_meant(one) for one in given]
    if not isinstance(given, dict):
        return given
    if given.get("__prefect_kind") == "json":
        with suppress(ValueError):  # no JSON: refused as what it is, by the field that it stands in
            return json.loads(str(given.get("value")))
        return given.get("value")
    return {name: as_meant(value) for name, value in given.items()}


def kind_of(given: object) -> type[Order]:
    """The kind of an order: that of the provider whose account it names.

    Raises:
        InvalidOrder: There is no such provider.
    """
    if isinstance(given, Order):
        return type(given)
    account = given.get("account") if isinstance(given, dict) else None
    name = str(account or USUAL).partition("/")[0].removesuffix("-tasking")
    kinds = order_kinds()
    if name not in kinds:
        known = ", ".join(f"{one}-tasking/default" for one in kinds)
        raise InvalidOrder("account", account, f"it tells whose order this is; name one of {known}")
    return kinds[name]


def read_orders(given: object, counted_from: datetime) -> list[Order]:
    """Orders of any providers, as a person listed them.

    Args:
        given: The list.
        counted_from: From when their relative windows count.

    Raises:
        InvalidOrder: One cannot be read; says which.
    """
    if not isinstance(given, list | tuple) or not given:
        raise InvalidOrder("orders", given, "give one order at least, each with its account")
    wishes = []
    for number, one in enumerate(given):
        try:
            wishes.append(order_from(kind_of(one), one, counted_from))
        except InvalidOrder as error:
            raise InvalidOrder(f"orders[{number}].{error.field}", error.value, error.fix) from None
    return wishes


class _AnyKind:
    """An order of whichever provider its account is of. In a form it is a choice of the providers' own forms."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds: Any = reduce(or_, order_kinds().values())
        return core_schema.no_info_before_validator_function(_read, handler.generate_schema(kinds))


def _read(given: object) -> object:
    meant = as_meant(given)
    return order_from(kind_of(meant), meant)


AnyOrder = Annotated[Order, _AnyKind()]
"""A parameter for an order of any provider."""
