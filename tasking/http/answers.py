"""What an answer means: the value it promises, or one of our errors.

======================  ==========================================  =============================================
what happens            a verb that may be repeated (get, token)    a create
======================  ==========================================  =============================================
promised answer         the value                                   the value
no connection           repeated, then `Unavailable`                `Unavailable`: it was not sent
time-out, reset         repeated, then `Unavailable`                `Uncertain`
429                     repeated, then `Unavailable`                `Unavailable`: turned away, nothing was made
408, 425, 5xx           repeated, then `Unavailable`                `Uncertain`
401, 403 (token's age)  one fresh token, then `CredentialsRefused`  one fresh token, then `CredentialsRefused`
403 / 404, 410 / 4xx    `CredentialsRefused`/`NotFound`/`Refused`   the same: a clear no
3xx                     followed, see `tasking.http.redirects`      followed, `Refused` or `Uncertain`: likewise
2xx that is not that    `UnexpectedAnswer`                          `Uncertain`
======================  ==========================================  =============================================
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import ParamSpec, TypeVar

import httpx
import stamina
from pydantic import BaseModel, ValidationError

from tasking.clock import ProviderClock
from tasking.errors import (
    CredentialsRefused,
    NotFound,
    ProviderError,
    Refused,
    Unavailable,
    Uncertain,
    UnexpectedAnswer,
)
from tasking.http.deadline import left
from tasking.http.json_body import read_json
from tasking.http.network import Forbidden
from tasking.http.redaction import Redactor, error_excerpt
from tasking.http.settings import HttpSettings
from tasking.http.transport import Flaw, NoResponse, NotSent, flaw_of

E = TypeVar("E", bound=ProviderError)
M = TypeVar("M", bound=BaseModel)
P = ParamSpec("P")
T = TypeVar("T")

_LATER = (408, 425, 429)
_HEADER_MOST = 200
_FLAWS: dict[Flaw, str] = {
    "too long": "the answer is longer than {most} bytes",
    "cut": "the answer was cut short",
    "not decodable": "the answer cannot be decompressed",
}

MARK_BYTES = 8
"""A value of an answer takes this many bytes of it, at least on average: ``{},{},{}`` in a long one fills our memory
with twenty times as much."""
VALUE_BYTES = 64


@dataclass(frozen=True)
class Operation:
    """What an error says about the call it comes from.

    Attributes:
        verb: What is tried, e.g. ``create request``.
        reference: Our reference of the order, when known.
        provider_id: Their id, when known.
    """

    verb: str
    reference: str | None = None
    provider_id: str | None = None


class Answers:
    """Reads the answers of one provider.

    Args:
        provider: Its name, for errors.
        settings: How often and how patiently a call is repeated.
        clock: A date in ``Retry-After`` is the provider's, and its seconds may not be ours.
        redactor: Keeps secrets out of every error.
    """

    def __init__(self, provider: str, settings: HttpSettings, clock: ProviderClock, redactor: Redactor) -> None:
        self._provider, self._settings, self._clock, self._redactor = provider, settings, clock, redactor

    def error(
        self,
        kind: type[E],
        message: str,
        operation: Operation,
        answer: httpx.Response | None = None,
        *,
        heard: bool = False,
    ) -> E:
        """An error that says which call it was, with the server's own words and without secrets.

        The words of a 2xx are told only where they are ``heard`` as a no.
        """
        words = answer is not None and (heard or not 200 <= answer.status_code < 300)
        return kind(
            self._redactor.hide(message),
            provider=self._provider,
            verb=operation.verb,
            reference=operation.reference,
            provider_id=operation.provider_id,
            said=error_excerpt(answer.content, self._redactor) if answer is not None and words else None,
            status=answer.status_code if answer is not None else None,
        )

    def no(self, answer: httpx.Response, operation: Operation) -> ProviderError:
        """The error of a clear no (4xx)."""
        if answer.status_code == 429:
            return self._away("was turned away: too many calls", operation, answer)
        if answer.status_code == 401:
            return self.error(CredentialsRefused, "the token is not accepted, nor is a fresh one", operation, answer)
        if answer.status_code == 403:
            return self.error(CredentialsRefused, "the account may not do this", operation, answer)
        if answer.status_code in (404, 410):
            return self.error(NotFound, "there is no such thing", operation, answer)
        return self.error(Refused, "refused", operation, answer)

    def promised(self, answer: httpx.Response, operation: Operation) -> httpx.Response:
        """The answer, if it is a 2xx; raises what `no` says, or `UnexpectedAnswer`."""
        if 200 <= answer.status_code < 300:
            return answer
        if 400 <= answer.status_code < 500:
            raise self.no(answer, operation)
        raise self.error(UnexpectedAnswer, "an answer that the API does not promise", operation, answer)

    def made(self, answer: httpx.Response, operation: Operation) -> httpx.Response:
        """The answer to a create, if it is a 2xx; raises what `no` says, or `Uncertain`."""
        if 200 <= answer.status_code < 300:
            return answer
        if 400 <= answer.status_code < 500 and answer.status_code not in (408, 425):
            raise self.no(answer, operation)
        raise self.error(Uncertain, "sent, and the answer does not tell what came of it", operation, answer)

    def value(self, answer: httpx.Response, model: type[M], operation: Operation) -> M:
        """The body of an answer as ``model``; raises `UnexpectedAnswer`."""
        flaw = flaw_of(answer)
        why = _FLAWS[flaw].format(most=self._settings.answer_max_bytes) if flaw is not None else None
        if why is None and _marks(answer.content) > self._settings.answer_max_bytes // MARK_BYTES:
            why = f"the answer holds more than {self._settings.answer_max_bytes // MARK_BYTES} values"
        if why is None:
            try:
                data = read_json(answer)
                return model.model_validate(data)
            except ValidationError as error:
                why = f"the answer is not what the API promises: {_shape(error)}"
            except (ValueError, RecursionError):
                why = "the answer is not JSON" if answer.content.strip() else "the answer is empty"
        raise self.error(UnexpectedAnswer, why, operation, answer)

    def unless_away(self, answer: httpx.Response, operation: Operation) -> httpx.Response:
        """The answer, unless it may be another one next time; then raises `Unavailable`."""
        if answer.status_code >= 500:
            raise self._away("the server has trouble", operation, answer)
        if answer.status_code in _LATER:
            raise self._away("the server asks to come back later", operation, answer)
        if flaw_of(answer) == "cut" and answer.status_code < 300:
            raise self._away("the answer was cut short", operation, answer)
        return answer

    def repeat(self, operation: Operation, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do a call that may be repeated, until it does not end in `Unavailable` or our patience is over."""
        policy = self._settings
        for attempt in stamina.retry_context(
            on=partial(self._again, operation),
            attempts=policy.attempts,
            timeout=max(left(policy.retry_total_seconds) or 0.0, 0.0),
            wait_initial=policy.wait_initial_seconds,
            wait_max=max(left(policy.wait_max_seconds) or 0.0, 0.0),
            wait_jitter=policy.wait_jitter_seconds,
        ):
            with attempt:
                return self._once(operation, call, *args, **kwargs)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, operation: Operation, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        problem: ProviderError
        try:
            return call(*args, **kwargs)
        except Forbidden as inside:
            problem = self.error(UnexpectedAnswer, str(inside), operation)
        except (NotSent, NoResponse) as error:
            problem = self.error(Unavailable, str(error), operation)
        raise problem

    def _again(self, operation: Operation, error: Exception) -> bool | float:
        """Whether to repeat, or after how many seconds."""
        if not isinstance(error, Unavailable) or error.verb != operation.verb:  # getting a token has its own repeats
            return False
        if error.retry_after is None:
            return True
        pause, until = error.retry_after, left()
        if pause > self._settings.retry_after_max_seconds or (until is not None and pause >= until):
            return False
        return pause + random.uniform(0, self._settings.wait_jitter_seconds)  # noqa: S311 # nothing to guess here

    def _away(self, message: str, operation: Operation, answer: httpx.Response) -> Unavailable:
        error = self.error(Unavailable, message, operation, answer)
        error.retry_after = self._asked_to_wait(answer)
        return error

    def _asked_to_wait(self, answer: httpx.Response) -> float | None:
        """What ``Retry-After`` asks for, in our seconds.

        A date in it is one of the clock that wrote the answer's Date, also where that is wrong.
        """
        text = answer.headers.get("Retry-After", "").strip()[:_HEADER_MOST]
        if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
            return float(text)
        try:
            then = parsedate_to_datetime(text)
            stated = answer.headers.get("Date")
            now = parsedate_to_datetime(stated[:_HEADER_MOST]) if stated else self._clock.now()
            return max(0.0, (then - now).total_seconds() / self._clock.rate)
        except (ValueError, TypeError, OverflowError):
            return None


class SizeBudget:
    """How much of one list is still read, all its pages together.

    Args:
        most: Bytes in all; a value counts as `VALUE_BYTES` at least, since that is what it takes of our memory.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    def takes(self, body: bytes) -> bool:
        """Count one more page; whether it is still within."""
        self._left -= max(len(body), VALUE_BYTES * _marks(body))
        return self._left >= 0


def _marks(body: bytes) -> int:
    """How many values a JSON text holds, at least about."""
    return sum(body.count(mark) for mark in (b",", b"[", b"{"))


def _shape(error: ValidationError) -> str:
    """What is wrong with an answer's shape, without its values."""
    problems = [
        f"{'.'.join(str(part)[:40] for part in each['loc']) or 'the whole'}: {each['msg'][:100]}"
        for each in error.errors(include_input=False, include_url=False, include_context=False)[:3]
    ]
    return "; ".join(problems)
