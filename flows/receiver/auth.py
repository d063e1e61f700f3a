"""Who may notify us: a secret address, a fixed bearer token, or a token from our own OAuth2 endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from urllib.parse import unquote

from blocks.account import load_block
from blocks.webhook_receiver import WebhookReceiver

BLOCK = "webhook-receiver/default"
TOKEN_SECONDS = 3600
VARIABLES = {
    "secret_path": "TASKING_WEBHOOK_SECRET_PATH",
    "bearer_token": "TASKING_WEBHOOK_BEARER_TOKEN",
    "client_id": "TASKING_WEBHOOK_CLIENT_ID",
    "client_secret": "TASKING_WEBHOOK_CLIENT_SECRET",
}


def load_auth(environment: Mapping[str, str] = os.environ) -> Auth:
    """The secrets from the environment where it names any, else from the block ``webhook-receiver/default``.

    Raises:
        ValueError: They could not work; names the field, never a secret.
        InvalidOrder: There are none at all.
    """
    given = {field: environment[name] for field, name in VARIABLES.items() if environment.get(name)}
    if given:
        return Auth(WebhookReceiver.model_validate(given))
    block = load_block("webhooks", BLOCK)
    assert isinstance(block, WebhookReceiver)
    return Auth(block)


class Auth:
    """Compares what a caller shows with what we agreed upon, in a time that tells nothing.

    Args:
        settings: The secrets.
    """

    def __init__(self, settings: WebhookReceiver) -> None:
        self._path = _revealed(settings.secret_path)
        self._bearer = _revealed(settings.bearer_token)
        self._client_id, self._client_secret = _revealed(settings.client_id), _revealed(settings.client_secret)

    def fits(self, authorization: str, secret_path: str | None) -> bool:
        """Whether a notification comes from whom we expect.

        Args:
            authorization: Its header, empty without one.
            secret_path: What stands behind the provider's name in the address.
        """
        by_path = self._path is not None and secret_path is not None and _same(secret_path, self._path)
        scheme, _, token = authorization.partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        by_bearer = self._bearer is not None and _same(token, self._bearer)
        return by_path or by_bearer or self._is_ours(token)

    def grant(self, authorization: str, form: Mapping[str, str]) -> str | None:
        """A token for our OAuth2 client (client credentials, Basic or in the form); ``None`` for anybody else.

        Nothing is stored: the token is its own end, signed with the client's secret.
        """
        name, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if self._client_id is None or self._client_secret is None:
            return None
        if not (_same(name, self._client_id) & _same(secret, self._client_secret)):
            return None
        end = str(int(time.time()) + TOKEN_SECONDS)
        return f"{end}.{self._signature(end)}"

    def _is_ours(self, token: str) -> bool:
        if self._client_secret is None:
            return False
        end, _, signature = token.partition(".")
        if not _same(signature, self._signature(end)) or not end.isdecimal():
            return False
        return time.time() < int(end)

    def _signature(self, end: str) -> str:
        key = (self._client_secret or "").encode()
        return hmac.new(key, f"{self._client_id}\n{end}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _revealed(secret: object) -> str | None:
    reveal = getattr(secret, "get_secret_value", None)
    return str(reveal()) if reveal is not None else None


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except ValueError:  # also the errors of base64 and of UTF-8
        return None
    return (unquote(name), unquote(secret)) if colon else None
