"""What must be known to speak to ICEYE as one account."""

from __future__ import annotations

from pydantic import ConfigDict, Field, field_validator

from tasking import account
from tasking.budget import AccountBudget
from tasking.http.settings import HttpSettings
from tasking.http.urls import checked_url
from tasking.iceye.fields import contract_id, identifier
from tasking.price_list import PriceList

API_URL = "https://platform.iceye.com/api"
TOKEN_PATH = "/v1/token"  # noqa: S105 # a path


class IceyeSettings(account.AccountSettings):
    """Addresses, credentials and timing of one account. All times count in the provider's seconds."""

    model_config = ConfigDict(title="ICEYE account")

    client_id: account.ClientId
    client_secret: account.ClientSecret
    auth_url: str = Field(
        title="Token address",
        description="Your organisation's own address for tokens, from ICEYE; /v1/token is added when it lacks it.",
        examples=["https://auth.example.com"],
    )
    api_url: account.ApiUrl = Field(
        default=API_URL,
        title="API address",
        description="Base of ICEYE's APIs; /tasking/v2 and /company/v1 follow it.",
    )
    contract_id: str | None = Field(
        default=None,
        title="Contract",
        description="The contract that orders go to unless they name one; not needed when the account has one only.",
    )
    webhook_id: str | None = Field(
        default=None,
        title="Webhook",
        description="The webhook that orders name unless they name one themselves, by its id at ICEYE.",
    )
    webhook_url_field: str = Field(
        default="url",
        min_length=1,
        title="Field of a webhook's address",
        description="What registering a webhook calls the address. ICEYE publishes that it carries one, not its name.",
    )
    trusted_urls: account.TrustedUrls = ()
    settle_seconds: account.SettleSeconds = 180.0
    feasibility_seconds: float = Field(
        default=120.0,
        gt=0,
        le=600,
        title="Feasibility time-out (seconds)",
        description="Seconds to wait for a feasibility check, which is slow; ICEYE's own example waits 120.",
    )
    decision_seconds: float = Field(
        default=1200.0,
        ge=0,
        title="Decision after (seconds)",
        description="Tasking API v2, 'Get task': an optimizer decides within 20 minutes after a task was received.",
    )
    poll_interval_seconds: float = Field(
        default=600.0,
        gt=0,
        title="Poll interval (seconds)",
        description="How often one order's status is read at most. Ours; ICEYE's demo reads every 5 seconds.",
    )
    ask_again_seconds: account.AskAgainSeconds = 30.0
    products_after_seconds: float = Field(
        default=account.DAY,
        ge=0,
        title="Products after (seconds)",
        description="How long after imaging products are due, for a task that names neither a time nor an SLA. Ours.",
    )
    delivery_patience_seconds: account.DeliveryPatienceSeconds = 14 * account.DAY
    token_margin_seconds: account.TokenMarginSeconds = 300.0
    budget: account.MonthlyBudget = AccountBudget()
    price_list: account.Prices = PriceList()
    http: account.Calls = HttpSettings()

    @field_validator("auth_url")
    @classmethod
    def _auth_address(cls, value: str) -> str:
        return checked_url("auth_url", value).rstrip("/").removesuffix(TOKEN_PATH)

    @field_validator("contract_id", mode="before")
    @classmethod
    def _contract(cls, value: object) -> object:
        return contract_id(value)

    @field_validator("webhook_id", mode="before")
    @classmethod
    def _webhook(cls, value: object) -> object:
        return identifier("webhook_id", value, "a webhook")

    @property
    def token_url(self) -> str:
        """Where a token is asked for."""
        return self.auth_url + TOKEN_PATH
