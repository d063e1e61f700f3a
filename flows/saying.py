"""How our commands speak in a terminal: words as they are, and what is in the way in a sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import typer
from prefect.settings import get_current_settings
from rich.console import Console
from rich.markup import escape

from tasking.errors import TaskingError
from tasking.plain_text import printable

ERRORS = Console(stderr=True, soft_wrap=True)


def words(text: str) -> str:
    """Text from outside or an error as it is: rich makes no style of it, and the terminal obeys nothing in it."""
    return escape(printable(text, lines=True))


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Whatever goes wrong inside is said in a sentence, without a traceback.

    Raises:
        typer.Exit: It was said.
    """
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        ERRORS.print(words(sentence(error)))
        raise typer.Exit(2) from None
    finally:
        # Prefect sends its own events when it read a block; at the end it waits for that and says so. They may be lost
        logging.getLogger("EventsWorker").setLevel(logging.CRITICAL)


def sentence(error: Exception) -> str:
    """What is in the way, for a person; of a server's address without its password."""
    if isinstance(error, TaskingError) or type(error) is ValueError:  # the latter: an address that is none
        return str(error)
    server = f"The Prefect server at {httpx.URL(get_current_settings().api.url or '').copy_with(userinfo=b'')}"
    if isinstance(error, httpx.HTTPStatusError):
        code = error.response.status_code
        if code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return f"{server} refuses this password ({code}): set PREFECT_API_AUTH_STRING as it is set for the server"
        return f"{server} answered {code}; is that the address of its API (it ends in /api)?"
    if isinstance(error, httpx.HTTPError | OSError):
        return f"{server} does not answer ({_first_line(error)}): is it running, and is PREFECT_API_URL its address?"
    return f"This cannot be read just now: {type(error).__name__}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
