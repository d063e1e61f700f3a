"""What a server says when it says no, made fit for people: short, on one line, and without secrets."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pydantic_core

from tasking.excerpt import excerpt

HIDDEN = "***"

_READ = 20_000
"""Characters of a server's words that are looked at."""
_SHORTEST_SIGNATURE = 16
"""Shorter values in a signed address are numbers and words, as of its end or of a region."""

_QUERY = re.compile(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]+")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}")
_BEARER = re.compile(r"(?i)(bearer\s+(?=[\w.~+/=-]{8})|basic\s+(?=[\w+/=-]{16}))[\w.~+/=-]+")
_LOGGED_QUERY = re.compile(r"(/[^\s?\"']*)\?(?!…)[^\s\"']+")
_LOGGED_COOKIE = re.compile(r"(?i)(b'set-cookie', b)'[^']*'")
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_WHAT = ("message", "details", "detail", "description", "error_description", "title", "msg", "errors", "reason")


class Redactor:
    """The secrets we hold, so that they can be kept out of every text. Its own text never shows them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide ``secret`` from now on, also in the spellings it takes in addresses and JSON."""
        if len(secret) >= 4:
            forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
            self._forms = self._forms | forms

    def add_query(self, url: httpx.URL) -> None:
        """Hide the query of a signed address from now on, and its values: some servers repeat them when they refuse."""
        query = url.query.decode("ascii")
        for secret in (query, *(value for _, value in url.params.multi_items())):
            if len(secret) >= _SHORTEST_SIGNATURE:
                self.add(secret)

    def hide(self, text: str) -> str:
        """``text`` without secrets, bearer tokens, and the queries of addresses (they may be signatures)."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        text = _BEARER.sub(rf"\1{HIDDEN}", _JWT.sub(HIDDEN, text))
        return _QUERY.sub(r"\1?…", text)


def error_excerpt(body: bytes, redactor: Redactor) -> str | None:
    """A server's own words from the body of an answer, cut to an excerpt; ``None`` when it said nothing.

    Reads the error shapes in use among providers: ``code`` with ``message``, ``description``, ``details`` or
    ``detail``; ``title``; OAuth's ``error`` and ``error_description``; lists of messages by field; else plain text
    or HTML.
    """
    try:
        words = _words(pydantic_core.from_json(body), 0)
    except ValueError:
        words = _TAGS.sub(" ", _cut(body[: 4 * _READ + 4].decode("utf-8", "replace")))
    words = html.unescape(_cut(words))  # also in JSON: a secret is to be known in any spelling
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    words = redactor.hide(words)
    return excerpt(words) or None


def _cut(words: str) -> str:
    """The beginning, up to a whole word: half a secret could not be told from other letters."""
    return words if len(words) <= _READ else words[:_READ].rpartition(" ")[0]


def _words(value: Any, depth: int) -> str:
    if depth > 4 or value is None:
        return ""
    if isinstance(value, dict):
        code = value.get("code") or value.get("error")
        what = next((value[key] for key in _WHAT if value.get(key)), None)
        if code is not None or what is not None:
            where = ".".join(str(part) for part in value["loc"]) if isinstance(value.get("loc"), list) else ""
            said = (value.get("title"), code, what)
            parts = (where, *(_words(each, depth + 1) for each in said))
            return ": ".join(dict.fromkeys(part for part in parts if part))
        return "; ".join(f"{key}: {_words(each, depth + 1)}" for key, each in list(value.items())[:8])
    if isinstance(value, list):
        return "; ".join(part for part in (_words(each, depth + 1) for each in value[:8]) if part)
    return str(value)


class _QueriesOut(logging.Filter):
    """Leaves the queries of addresses out of a log: a signed address is as good as a password."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = _LOGGED_COOKIE.sub(rf"\1'{HIDDEN}'", _LOGGED_QUERY.sub(r"\1?…", Redactor().hide(message)))
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True


def keep_queries_out_of_logs() -> None:
    """The HTTP library logs each address it asks; from now on without the query."""
    for name in ("httpx", "httpcore.http11", "httpcore.connection", "httpcore.proxy"):
        logger = logging.getLogger(name)
        if not any(isinstance(each, _QueriesOut) for each in logger.filters):
            logger.addFilter(_QueriesOut())
