"""The settings that the accounts of all providers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from tasking.budget import AccountBudget
from tasking.errors import InvalidOrder
from tasking.http.settings import HttpSettings
from tasking.http.urls import checked_url
from tasking.price_list import PriceList

DAY = 86400.0


def _base(value: str) -> str:
    url = checked_url("api_url", value)
    return url if url.endswith("/") else url + "/"


def _trusted(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(checked_url("trusted_urls", each) for each in value)


ApiUrl = Annotated[str, AfterValidator(_base)]
"""The base of the API; it ends with a slash."""
TokenUrl = Annotated[str, AfterValidator(lambda value: checked_url("token_url", value))]
ClientId = Annotated[
    SecretStr,
    Field(min_length=1, title="Client ID", description="From the provider, with the secret; do not share it."),
]
"""Hidden in forms and texts like the secret; blocks that were saved with it in plain are read all the same."""
ClientSecret = Annotated[
    SecretStr, Field(min_length=1, title="Client secret", description="From the provider; do not share it.")
]
TrustedUrls = Annotated[
    tuple[str, ...],
    AfterValidator(_trusted),
    Field(
        title="Further addresses of the provider",
        description="Hosts besides the API's that may receive the token, e.g. one that serves files. Usually none.",
    ),
]
TokenMarginSeconds = Annotated[
    float,
    Field(
        ge=0,
        title="Token margin (seconds)",
        description="A token is renewed so long before it expires, at most a tenth of its life before. Ours.",
    ),
]
DeliveryPatienceSeconds = Annotated[
    float,
    Field(
        gt=0,
        title="Patience for data (seconds)",
        description="How long data is waited for once it could be there, before a person is told. Ours.",
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
MonthlyBudget = Annotated[
    AccountBudget,
    Field(title="Budget", description="What may be reserved and spent in a month; over it, nothing is ordered."),
]
Prices = Annotated[
    PriceList,
    Field(title="Price list", description="What requests cost under your contract, where the provider gives no price."),
]
Calls = Annotated[HttpSettings, Field(title="Calls", description="Time-outs, repeats and limits of the calls.")]


class AccountSettings(BaseModel):
    """What the settings of every account have in common. All times count in the provider's seconds.

    A provider declares the fields itself, in the order of its form, with the types above.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    if TYPE_CHECKING:
        api_url: str
        client_id: SecretStr
        client_secret: SecretStr
        trusted_urls: tuple[str, ...]
        settle_seconds: float
        poll_interval_seconds: float
        ask_again_seconds: float
        token_margin_seconds: float
        budget: AccountBudget
        price_list: PriceList
        http: HttpSettings

        @property
        def token_url(self) -> str: ...

    @model_validator(mode="after")
    def _settles_after_the_time_outs(self) -> Self:
        """A settle time must not end while a create may still be on its way."""
        longest = self.http.longest_create_seconds
        if self.settle_seconds < longest:
            raise InvalidOrder(
                "settle_seconds",
                f"{self.settle_seconds:g}",
                f"a create may be on its way for {longest:g} seconds with these time-outs; "
                "give more, plus what the provider's lists may lag (60 seconds is wise), or lower the time-outs",
            )
        return self
