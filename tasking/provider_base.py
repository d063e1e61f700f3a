"""What all providers do alike, as one account sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Generic, Self, TypeVar

import httpx

from tasking.account import AccountSettings
from tasking.budget import AccountBudget
from tasking.client_base import ClientBase
from tasking.clock import ProviderClock
from tasking.errors import CredentialsRefused, InvalidOrder, NotFound, ProviderError, Refused, UnexpectedAnswer
from tasking.http.api import Operation
from tasking.http.downloads import Downloads
from tasking.matching import Nameless
from tasking.order import Order
from tasking.price_list import PriceList

S = TypeVar("S", bound=AccountSettings)
C = TypeVar("C", bound=ClientBase[Any])
OrderT = TypeVar("OrderT", bound=Order)


class ProviderBase(Generic[S, C, OrderT]):
    """A provider as one account sees it; close it, or use it as a context manager.

    Args:
        settings: Addresses, credentials and timing.
        transport: For tests.

    Attributes:
        name: The provider's.
        title: The same, for a person.
        client_type, order_type: What it speaks with, and what it takes.
    """

    name: str
    title: str
    client_type: type[C]
    order_type: type[OrderT]

    def __init__(self, settings: S, *, transport: httpx.BaseTransport | None = None) -> None:
        self.settings, self.client = settings, self.client_type(settings, transport=transport)
        self.clock: ProviderClock = self.client.clock
        self.downloads = Downloads(self.client.api, self._fresh_address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self.client.close()

    @property
    def settle_seconds(self) -> float:
        """How long a create without an answer is looked for before it counts as not arrived (real seconds)."""
        return self.settings.settle_seconds

    @property
    def poll_interval_seconds(self) -> float:
        """How often one order's status is read at most (provider time)."""
        return self.settings.poll_interval_seconds

    @property
    def ask_again_seconds(self) -> float:
        """First pause after the provider was away (provider time)."""
        return self.settings.ask_again_seconds

    @property
    def budget(self) -> AccountBudget:
        """What the account may spend in a month."""
        return self.settings.budget

    @property
    def price_list(self) -> PriceList:
        """What requests cost where the provider gives no price."""
        return self.settings.price_list

    def learn_time(self) -> None:
        """Ask the least there is unless an answer has told the time already: any answer does, also a refusal."""
        if self.clock.known:
            return
        try:
            self.client.touch()
        except (CredentialsRefused, NotFound):
            raise
        except (Refused, UnexpectedAnswer):
            if not self.clock.known:
                raise

    def open_asset(self, item: dict[str, Any], key: str) -> AbstractContextManager[httpx.Response]:
        """Open one asset of an item from ``products`` as a stream; an address that has expired is asked for anew."""
        return self.downloads.open(item, key)

    def _fresh_address(self, item: dict[str, Any], key: str, refused: str) -> str | None:
        """The address of an asset as the provider gives it now; ``None`` when it gives none but the refused one."""
        raise NotImplementedError

    def _ours(self, order: Order) -> OrderT:
        """The order, if it is one of this provider's."""
        if not isinstance(order, self.order_type):
            named = self.order_type.__name__
            raise InvalidOrder(
                "order", type(order).__name__, f"give {'an' if named[0] in 'AI' else 'a'} {named} to {self.title}"
            )
        return order

    @contextmanager
    def _about(self, label: str) -> Iterator[None]:
        """Errors say which order they are about."""
        try:
            yield
        except ProviderError as error:
            error.reference = error.reference or label
            raise
        except Nameless as odd:
            raise self.client.api.unexpected(str(odd), Operation("find", reference=label)) from None
