"""What the account of every provider has in common: some of its settings, and the verbs that only pass them on."""

from __future__ import annotations

from typing import Annotated, Generic, Protocol, Self, TypeVar

from pydantic import AfterValidator, Field, SecretStr

from tasking.clock import ProviderClock
from tasking.errors import InvalidOrder
from tasking.http.settings import HttpSettings
from tasking.http.urls import checked_url


def _trusted(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(checked_url("trusted_urls", each) for each in value)


ClientId = Annotated[
    SecretStr,
    Field(min_length=1, title="Client ID", description="From the provider, with the secret; do not share it."),
]
"""Hidden in forms and texts like the secret; blocks that were saved with it in plain are read all the same."""
TrustedUrls = Annotated[
    tuple[str, ...],
    AfterValidator(_trusted),
    Field(
        title="Further addresses of the provider",
        description="Hosts besides the API's that may receive the token, e.g. one that serves files. Usually none.",
    ),
]
SettleSeconds = Annotated[
    float,
    Field(
        gt=0,
        title="Settle time (seconds)",
        description=(
            "A create without a clear answer is looked for so long before it may be sent again, by the provider's "
            "clock and by ours: longer than our time-outs and the provider's lists may lag together. Ours; the "
            "provider documents no idempotency key."
        ),
    ),
]
AskAgainSeconds = Annotated[
    float,
    Field(
        gt=0,
        title="Ask again after (seconds)",
        description="First pause after the provider was away; doubled each time, up to an hour. Ours.",
    ),
]
Calls = Annotated[HttpSettings, Field(title="Calls", description="Time-outs, repeats and limits of the calls.")]


class Timing(Protocol):
    """The settings that the verbs below pass on."""

    @property
    def settle_seconds(self) -> float: ...
    @property
    def poll_interval_seconds(self) -> float: ...
    @property
    def ask_again_seconds(self) -> float: ...


class Client(Protocol):
    """A provider's client."""

    @property
    def clock(self) -> ProviderClock: ...
    def close(self) -> None: ...


S = TypeVar("S", bound=Timing)
C = TypeVar("C", bound=Client)


class ProviderBase(Generic[S, C]):
    """A provider as one account sees it; close it, or use it as a context manager.

    Args:
        settings: Addresses, credentials and timing.
        client: Speaks to the provider.
    """

    def __init__(self, settings: S, client: C) -> None:
        self.settings, self.client, self.clock = settings, client, client.clock

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


def refuse_to_settle_early(settle_seconds: float, http: HttpSettings) -> None:
    """Refuse a settle time that ends while a create may still be on its way; raises `InvalidOrder`."""
    if settle_seconds < http.longest_create_seconds:
        raise InvalidOrder(
            "settle_seconds",
            f"{settle_seconds:g}",
            f"a create may be on its way for {http.longest_create_seconds:g} seconds with these time-outs; "
            "give more, plus what the provider's lists may lag (60 seconds is wise), or lower the time-outs",
        )
