"""What must be known to speak to Oriole as one account."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from tasking import account
from tasking.budget import AccountBudget
from tasking.http.settings import HttpSettings
from tasking.price_list import PriceList


class OrioleSettings(account.AccountSettings):
    """Address, credentials and timing of one account."""

    model_config = ConfigDict(title="Oriole account")

    api_url: account.ApiUrl = Field(title="API address", description="Base of Oriole's API.")
    client_id: account.ClientId
    client_secret: account.ClientSecret
    trusted_urls: account.TrustedUrls = ()
    settle_seconds: account.SettleSeconds = 180.0
    poll_interval_seconds: float = Field(
        default=600.0, gt=0, title="Poll interval (seconds)", description="How often a status is read at most."
    )
    ask_again_seconds: account.AskAgainSeconds = 30.0
    token_margin_seconds: account.TokenMarginSeconds = 60.0
    budget: account.MonthlyBudget = AccountBudget()
    price_list: account.Prices = PriceList()
    http: account.Calls = HttpSettings()

    @property
    def token_url(self) -> str:
        """Where a token is asked for."""
        return f"{self.api_url}token"
