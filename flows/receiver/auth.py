"""Who may notify us: a secret address, a fixed bearer token, or a token from our own OAuth2 endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import unquote

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

from blocks.account import load_block
from blocks.webhook_receiver import WebhookReceiver

TOKEN_SECONDS = 3600
SETTINGS = {
    "secret_path": "TASKING_WEBHOOK_SECRET_PATH",
    "bearer_token": "TASKING_WEBHOOK_BEARER_TOKEN",
    "client_id": "TASKING_WEBHOOK_CLIENT_ID",
    "client_secret": "TASKING_WEBHOOK_CLIENT_SECRET",
}
"""By field of the block, the variable of the environment."""


def load_auth(environment: Mapping[str, str] = os.environ) -> Auth:
    """The secrets from the environment (`SETTINGS`) where it names any, else from the block
    ``webhook-receiver/default``.

    Raises:
        ValueError: They could not work; names the field, never a secret.
        InvalidOrder: There are none at all.
    """
    if given := {field: secret for field, name in SETTINGS.items() if (secret := environment.get(name))}:
        return Auth(WebhookReceiver.model_validate(given))
    block = load_block("webhooks", "webhook-receiver/default")
    assert isinstance(block, WebhookReceiver)
    return Auth(block)


class Auth:
    """Compares what a caller shows with what we agreed upon, in a time that tells nothing.

    Args:
        agreed: The secrets.
    """

    def __init__(self, agreed: WebhookReceiver) -> None:
        self._agreed = agreed
        self._tokens: Fernet | None = None
        if agreed.client_id is not None and agreed.client_secret is not None:
            pair = f"{agreed.client_id.get_secret_value()}\n{agreed.client_secret.get_secret_value()}"
            self._tokens = Fernet(base64.urlsafe_b64encode(hashlib.sha256(pair.encode()).digest()))

    def fits(self, authorization: str, secret_path: str | None) -> bool:
        """Whether a notification comes from whom we expect.

        Args:
            authorization: Its header, empty without one.
            secret_path: What stands behind the provider's name in the address.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        by_path = _same(secret_path or "", self._agreed.secret_path)
        return by_path or _same(token, self._agreed.bearer_token) or self._is_ours(token)

    def grant(self, authorization: str, form: Mapping[str, str]) -> str | None:
        """A token for our OAuth2 client (client credentials, Basic or in the form); ``None`` for anybody else.

        Nothing is stored: the token is the time it was made at, sealed with the client's secret.
        """
        name, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        known = _same(name, self._agreed.client_id) & _same(secret, self._agreed.client_secret)
        return self._tokens.encrypt(b"").decode() if known and self._tokens is not None else None

    def _is_ours(self, token: str) -> bool:
        if self._tokens is None:
            return False
        try:
            self._tokens.decrypt(token.encode("utf-8", "replace"), ttl=TOKEN_SECONDS)
        except InvalidToken:
            return False
        return True


def _same(shown: str, agreed: SecretStr | None) -> bool:
    """Never for what was not agreed upon."""
    expected = None if agreed is None else agreed.get_secret_value()
    return expected is not None and hmac.compare_digest(shown.encode("utf-8", "replace"), expected.encode())


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, text = authorization.partition(" ")
    with suppress(ValueError):  # also the errors of base64 and of UTF-8
        name, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
        if scheme.lower() == "basic" and colon:
            return unquote(name), unquote(secret)
    return None
