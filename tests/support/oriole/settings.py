"""What must be known to speak to Oriole as one account."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from tasking.account import AskAgainSeconds, Calls, ClientId, SettleSeconds, refuse_to_settle_early
from tasking.http.address import checked_url
from tasking.http.settings import HttpSettings


class OrioleSettings(BaseModel):
    """Address, credentials and timing of one account."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, title="Oriole account")

    client_id: ClientId
    client_secret: SecretStr = Field(min_length=1, title="Client secret", description="From Oriole; do not share it.")
    api_url: str = Field(title="API address", description="Base of Oriole's API.")
    settle_seconds: SettleSeconds = 180.0
    poll_interval_seconds: float = Field(
        default=600.0, gt=0, title="Poll interval (seconds)", description="How often a status is read at most."
    )
    ask_again_seconds: AskAgainSeconds = 30.0
    http: Calls = HttpSettings()

    @field_validator("api_url")
    @classmethod
    def _address(cls, value: str) -> str:
        return checked_url("api_url", value).rstrip("/")

    @model_validator(mode="after")
    def _settles_after_the_time_outs(self) -> OrioleSettings:
        refuse_to_settle_early(self.settle_seconds, self.http)
        return self
