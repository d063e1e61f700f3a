"""``python -m flows.receiver``: serve the webhook receiver until stopped."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn

from flows.receiver.app import from_settings
from flows.receiver.serving import config
from flows.saying import ERRORS, words
from tasking.errors import TaskingError


def main(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8700,
    host: Annotated[str, typer.Option(help="Address to listen on; loopback unless a proxy is in front.")] = "127.0.0.1",
) -> None:
    """Take the providers' notifications and wake the orders they are about."""
    try:
        app = from_settings()
    except (TaskingError, ValueError) as error:
        ERRORS.print(words(str(error)))
        raise typer.Exit(2) from None
    uvicorn.Server(config(app, host, port)).run()


if __name__ == "__main__":
    typer.run(main)
