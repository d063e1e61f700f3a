"""What must be known to speak to AxelGlobe as one account."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from tasking import account
from tasking.budget import AccountBudget
from tasking.http.settings import HttpSettings
from tasking.price_list import PriceList

AUDIENCE = "https://api.axelglobe.com"


class AxelGlobeSettings(account.AccountSettings):
    """Addresses, credentials and timing of one account. All times count in the provider's seconds."""

    model_config = ConfigDict(title="AxelGlobe account")

    api_url: account.ApiUrl = Field(
        title="API address",
        description="Base of the Tasking API, e.g. https://api.axelglobe.com/wfs/tasking/v2/ or its sandbox.",
        examples=["https://sandbox-api.axelglobe.com/wfs/tasking/v2/"],
    )
    token_url: account.TokenUrl = Field(
        title="Token address",
        description="Where a token is asked for. Not in the document; AxelGlobe gives it with the credentials.",
    )
    audience: str = Field(
        default=AUDIENCE,
        min_length=1,
        title="Audience",
        description="Sent with each token request (Tasking API 2.1, 'Authorize Token': required).",
    )
    client_id: account.ClientId
    client_secret: account.ClientSecret
    trusted_urls: account.TrustedUrls = ()
    settle_seconds: account.SettleSeconds = 180.0
    candidates_after_seconds: float = Field(
        default=1200.0,
        ge=0,
        title="Candidates after (seconds)",
        description="Tasking API 2.1, 'Plan': it can take 10 to 20 minutes until a plan has candidates.",
    )
    candidates_patience_seconds: float = Field(
        default=10800.0,
        ge=0,
        title="Patience for candidates (seconds)",
        description=(
            "An empty list is asked again so long after that. Tasking API 2.1 calls a plan that has none after 20 "
            "minutes not feasible; an older copy of the documentation says up to three hours."
        ),
    )
    poll_interval_seconds: float = Field(
        default=3600.0,
        gt=0,
        title="Poll interval (seconds)",
        description="Tasking API 2.1, 'Check Status': polling about once per hour is recommended.",
    )
    ask_again_seconds: account.AskAgainSeconds = 30.0
    data_after_capture_seconds: float = Field(
        default=account.DAY,
        ge=0,
        title="Data after capture (seconds)",
        description="Tasking API 2.1, 'Check Status': data is generally available 24 to 48 hours after the capture.",
    )
    delivery_patience_seconds: account.DeliveryPatienceSeconds = 14 * account.DAY
    token_margin_seconds: account.TokenMarginSeconds = 300.0
    budget: account.MonthlyBudget = AccountBudget()
    price_list: account.Prices = PriceList()
    http: account.Calls = HttpSettings()
