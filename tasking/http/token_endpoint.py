"""Asking an OAuth 2.0 endpoint for a token (client credentials)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pydantic_core

from tasking.errors import CredentialsRefused, NotFound, Refused
from tasking.http.answers import Operation
from tasking.http.api import Api
from tasking.http.redirects import MOST_REDIRECTS, Moved, next_call
from tasking.http.tokens import TokenAnswer
from tasking.http.urls import checked_url, host_shown, same_origin


def ask_token(
    api: Api,
    url: str,
    *,
    json: Any = None,
    data: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> TokenAnswer:
    """Ask a token endpoint; repeated when the server is away. The token is kept out of every text from now on.

    Raises:
        CredentialsRefused: 400, 401, 403, or a 200 that names an error: id, secret or audience are not accepted.
        NotFound: 404, 405 or 410: this is not the address for tokens.
        Refused: Another clear no, or a redirect to another host, which is given no secret.
        Unavailable, UnexpectedAnswer: As `Api.get`.
    """
    operation, where, answers = Operation("get token"), httpx.URL(checked_url("token_url", url)), api.answers
    api.own.add_named(where)
    why: str | None = None
    try:
        answer = answers.repeat(operation, _ask, api, operation, where, json=json, data=data, headers=headers or {})
    except Moved as elsewhere:
        why = f"the token address is not right: {elsewhere}"
    if why is not None:
        raise answers.error(Refused, why, operation)
    if answer.status_code in (400, 401, 403) or _refuses(answer):
        given = {**(json if isinstance(json, dict) else {}), **(data or {})}
        what = "the client id or the client secret is" + (", or the audience," if "audience" in given else "")
        raise answers.error(CredentialsRefused, f"{what} not accepted", operation, answer, heard=True)
    if answer.status_code in (404, 405, 410):
        message = f"the token address is not right: {host_shown(where)} has no such endpoint"
        raise answers.error(NotFound, message, operation, answer)
    token = answers.value(answers.promised(answer, operation), TokenAnswer, operation)
    api.redactor.add(token.access_token)
    return token


def _ask(api: Api, operation: Operation, url: httpx.URL, **content: Any) -> httpx.Response:
    """Ask once, with redirects on the same host: the request carries the account's secret."""
    for _ in range(MOST_REDIRECTS + 1):
        answer = api.send(api.build("POST", url, **content), signed=False)
        if (following := next_call(answer, makes=True, may_go=same_origin)) is None:
            return api.answers.unless_away(answer, operation)
        url = following.url
    raise Moved(f"more than {MOST_REDIRECTS} redirects")


def _refuses(answer: httpx.Response) -> bool:
    """Whether a 2xx says no after all: some servers tell an error of OAuth with 200."""
    try:
        body = pydantic_core.from_json(answer.content)
    except ValueError:
        return False
    return isinstance(body, dict) and isinstance(body.get("error"), str) and not body.get("access_token")
