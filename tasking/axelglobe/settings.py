"""What must be known to speak to AxelGlobe as one account."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from tasking.account import AskAgainSeconds, Calls, ClientId, SettleSeconds, TrustedUrls, refuse_to_settle_early
from tasking.http.settings import HttpSettings
from tasking.http.urls import checked_url

AUDIENCE = "https://api.axelglobe.com"
DAY = 86400.0


def _base(value: str) -> str:
    url = checked_url("api_url", value)
    return url if url.endswith("/") else url + "/"


class AxelGlobeSettings(BaseModel):
    """Addresses, credentials and timing of one account. All times count in the provider's seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, title="AxelGlobe account")

    api_url: Annotated[str, AfterValidator(_base)] = Field(
        title="API address",
        description="Base of the Tasking API, e.g. https://api.axelglobe.com/wfs/tasking/v2/ or its sandbox.",
        examples=["https://sandbox-api.axelglobe.com/wfs/tasking/v2/"],
    )
    token_url: str = Field(
        title="Token address",
        description="Where a token is asked for. Not in the document; AxelGlobe gives it with the credentials.",
    )
    audience: str = Field(
        default=AUDIENCE,
        min_length=1,
        title="Audience",
        description="Sent with each token request (Tasking API 2.1, 'Authorize Token': required).",
    )
    client_id: ClientId
    client_secret: SecretStr = Field(
        min_length=1, title="Client secret", description="From AxelGlobe; do not share it."
    )
    trusted_urls: TrustedUrls = ()
    settle_seconds: SettleSeconds = 180.0
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
    ask_again_seconds: AskAgainSeconds = 30.0
    data_after_capture_seconds: float = Field(
        default=DAY,
        ge=0,
        title="Data after capture (seconds)",
        description="Tasking API 2.1, 'Check Status': data is generally available 24 to 48 hours after the capture.",
    )
    delivery_patience_seconds: float = Field(
        default=14 * DAY,
        gt=0,
        title="Patience for data (seconds)",
        description="How long after the capture's window data is waited for before a person is told. Ours.",
    )
    token_margin_seconds: float = Field(
        default=300.0,
        ge=0,
        title="Token margin (seconds)",
        description="A token is renewed so long before it expires, at most a tenth of its life. Ours.",
    )
    http: Calls = HttpSettings()

    @field_validator("token_url")
    @classmethod
    def _token_address(cls, value: str) -> str:
        return checked_url("token_url", value)

    @model_validator(mode="after")
    def _settles_after_the_time_outs(self) -> AxelGlobeSettings:
        refuse_to_settle_early(self.settle_seconds, self.http)
        return self
