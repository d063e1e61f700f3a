"""How providers prove themselves to our webhook receiver."""

from __future__ import annotations

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, HttpUrl, SecretStr, model_validator

from tasking.errors import InvalidOrder

SHORTEST = 16
SECRETS = ("secret_path", "bearer_token", "client_secret")


class WebhookReceiver(Block):
    """Secrets that a provider shows when it notifies us; one of the three ways is enough.

    Example:
        ```python
        from blocks.webhook_receiver import WebhookReceiver

        receiver = WebhookReceiver.load("BLOCK_NAME")
        ```
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True, title="Webhook receiver")

    _block_type_name = "Webhook receiver"
    _block_type_slug = "webhook-receiver"
    _documentation_url: ClassVar[HttpUrl] = HttpUrl("https://docs.iceye.com/constellation/api/")
    _description = (
        "What a provider has to show when it notifies the webhook receiver: a secret address, a bearer token, or an "
        "OAuth2 client of yours. Make one block, and name it default."
    )

    secret_path: SecretStr | None = Field(
        default=None,
        title="Secret path",
        description="The last part of the address you give the provider: 16 letters, digits, _ and - or more.",
    )
    bearer_token: SecretStr | None = Field(
        default=None, title="Bearer token", description="A fixed token the provider sends: 16 characters or more."
    )
    client_id: SecretStr | None = Field(
        default=None,
        title="OAuth2 client ID",
        description="For a provider that gets a token at /token of the receiver first, as ICEYE documents it.",
    )
    client_secret: SecretStr | None = Field(
        default=None, title="OAuth2 client secret", description="Its secret: 16 characters or more."
    )

    @model_validator(mode="after")
    def _can_let_somebody_in(self) -> WebhookReceiver:
        for name in SECRETS:
            secret: SecretStr | None = getattr(self, name)
            if secret is not None and len(secret.get_secret_value()) < SHORTEST:
                raise InvalidOrder(name, "(hidden)", f"is too easy to guess; give {SHORTEST} characters or more")
        path = self.secret_path.get_secret_value() if self.secret_path is not None else "a"
        if not path.replace("_", "a").replace("-", "a").isalnum() or not path.isascii():
            raise InvalidOrder("secret_path", "(hidden)", "use letters, digits, _ and - only, as in an address")
        if (self.client_id is None) != (self.client_secret is None):
            missing, given = (
                ("client_secret", "client_id") if self.client_secret is None else ("client_id", "client_secret")
            )
            raise InvalidOrder(missing, "(missing)", f"give it together with {given}")
        if all(getattr(self, name) is None for name in SECRETS):
            raise InvalidOrder("secret_path", "(none)", "give a secret path, a bearer token or an OAuth2 client")
        return self
