"""One token for all processes of this machine, until shortly before it expires.

A thousand flow runs in a day are a thousand processes or more. They share one token through a small file: readable by
its owner only, and encrypted with a key derived from the account's secret, so that a copy of the file is worth nothing
and a process with another secret cannot use it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from tasking.clock import ProviderClock, utc_now
from tasking.errors import Unavailable
from tasking.http.deadline import left
from tasking.lock import locked
from tasking.paths import private_folder, read_private, state_dir

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

logger = logging.getLogger(__name__)

UNSAID_LIFE_SECONDS = 300.0
"""How long a token is used whose life the server does not tell (provider time)."""
LONGEST_LIFE_SECONDS = 30 * 86400.0
AFTER_403 = timedelta(minutes=10)
"""A 403 seldom means the token: what an account may not do it may not with a fresh one, and tokens are counted."""


class TokenAnswer(BaseModel):
    """What a token endpoint answers (OAuth 2.0, client credentials). Its text never shows the token."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    access_token: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=20_000)]
    expires_in: Annotated[float | None, BeforeValidator(lambda given: None if given == "" else given)] = None

    def __repr__(self) -> str:
        return f"TokenAnswer(expires_in={self.expires_in})"

    __str__ = __repr__


class Tokens(Protocol):
    """Where a token comes from."""

    def get(self) -> str:
        """A token that should work."""

    def refresh(self, bad: str) -> str:
        """A token to try after ``bad`` was answered with 401."""

    def renewed(self, bad: str) -> str | None:
        """A token to try after ``bad`` was answered with 403; ``None`` when a fresh one would not do better."""


class _Kept(NamedTuple):
    token: str
    expires: datetime  # by our own clock
    after_403: datetime | None = None  # when one was asked for last because of a 403
    asked: datetime | None = None  # when this process asked for it; None when it is from the file

    def __repr__(self) -> str:
        return f"_Kept(expires={self.expires})"


class SharedTokens:
    """Tokens shared through a file under ``state_dir()/tokens``.

    Args:
        fetch: Asks the server for a new token.
        token_url: Part of the account's identity, with the next two.
        client_id: The account.
        audience: What the token is for.
        client_secret: Never written; the key of the file is derived from it.
        clock: ``expires_in`` counts the provider's seconds.
        margin_seconds: A token is renewed so long before its end (provider time), at most a tenth of its life before.
        patience_seconds: How long to wait for another process that is asking.
        now: Our own clock.
    """

    def __init__(
        self,
        fetch: Callable[[], TokenAnswer],
        *,
        token_url: str,
        client_id: str,
        audience: str,
        client_secret: str,
        clock: ProviderClock,
        margin_seconds: float = 300.0,
        patience_seconds: float = 60.0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        identity = json.dumps([token_url, client_id, audience]).encode()
        self._name = hashlib.sha256(identity).hexdigest()
        self._fetch, self._clock, self._now = fetch, clock, now
        self._secret, self._margin, self._patience = client_secret, margin_seconds, patience_seconds
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def get(self) -> str:
        """A token that should work: ours, else the machine's, else a new one.

        Raises:
            Unavailable: Another process is asking and gets no answer; or what ``fetch`` raises.
        """
        kept = self._kept
        if kept is not None and kept.expires > self._now():
            return kept.token
        return self._get(bad=None)

    def refresh(self, bad: str) -> str:
        """Another token than ``bad``; asks for a new one only when nobody else has done so meanwhile."""
        return self._get(bad=bad)

    def renewed(self, bad: str) -> str | None:
        """Another token than ``bad`` after a 403.

        ``None`` when ``bad`` was asked for by this process just now, or when this machine has renewed one for the same
        reason within `AFTER_403`.
        """
        now = self._now()
        with self._lock:
            kept = self._kept
        if kept is not None and kept.token == bad:
            lately = [at for at in (kept.asked, kept.after_403) if at is not None and now - at < AFTER_403]
            if lately:
                return None
        return self._get(bad=bad, after_403=now)

    def _get(self, bad: str | None, after_403: datetime | None = None) -> str:
        with self._lock:
            if self._good(self._kept, bad):
                assert self._kept is not None
                return self._kept.token
            kept = self._read()
            if self._good(kept, bad):
                self._kept = kept
                assert kept is not None
                return kept.token
            with self._only_one() as shared:
                before = self._read() if shared else None
                kept = before
                if not self._good(kept, bad):
                    kept = self._ask()._replace(after_403=after_403 or (before.after_403 if before else None))
                    if shared:
                        self._write(kept)
                self._kept = kept
                assert kept is not None
                return kept.token

    def _good(self, kept: _Kept | None, bad: str | None) -> bool:
        return kept is not None and kept.token != bad and kept.expires > self._now()

    def _ask(self) -> _Kept:
        answer = self._fetch()
        life = UNSAID_LIFE_SECONDS if answer.expires_in is None else answer.expires_in
        now = self._now()
        if not life > 0:
            return _Kept(answer.access_token, now, asked=now)
        life = min(life, LONGEST_LIFE_SECONDS)
        life -= min(self._margin, life / 10)
        return _Kept(answer.access_token, now + timedelta(seconds=life / self._clock.rate), asked=now)

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[bool]:
        """Be the only process that asks; yields whether there is a file to share through."""
        with contextlib.ExitStack() as stack:
            try:
                patience = max(left(self._patience) or 0.0, 0.0)
                stack.enter_context(locked(_folder() / f"{self._name}.lock", patience))
                shared = True
            except TimeoutError:
                message = "another process is asking for a token and gets no answer"
                raise Unavailable(message, verb="get token") from None
            except OSError as error:
                logger.warning("No token file can be kept (%s); this process asks for a token of its own.", error)
                shared = False
            yield shared

    def _read(self) -> _Kept | None:
        """What the file holds; ``None`` when there is none, or it is broken or under another secret."""
        from cryptography.fernet import InvalidToken

        try:
            sealed = read_private(_folder() / self._name, 100_000)
        except OSError:
            return None
        if sealed is None:
            return None
        try:
            token, expires, *more = json.loads(self._box().decrypt(sealed))
            after_403 = datetime.fromisoformat(more[0]) if more and more[0] else None
            return _Kept(str(token), datetime.fromisoformat(expires), after_403)
        except (InvalidToken, ValueError, TypeError):
            return None

    def _write(self, kept: _Kept) -> None:
        after_403 = kept.after_403.isoformat() if kept.after_403 else None
        sealed = self._box().encrypt(json.dumps([kept.token, kept.expires.isoformat(), after_403]).encode())
        try:
            handle, name = tempfile.mkstemp(dir=_folder(), prefix=f".{self._name}.")  # made with mode 0600
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(sealed)
                Path(name).replace(_folder() / self._name)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            logger.warning("The token file cannot be written (%s); other processes ask for tokens of their own.", error)

    def _box(self) -> Fernet:
        from cryptography.fernet import Fernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        kdf = HKDF(algorithm=SHA256(), length=32, salt=self._name.encode(), info=b"tasking-flows token file")
        return Fernet(base64.urlsafe_b64encode(kdf.derive(self._secret.encode())))


def _folder() -> Path:
    return private_folder(state_dir() / "tokens")
