"""``python -m tasking.simulator``: serve the simulator until stopped."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasking.simulator.app import create_app
from tasking.simulator.clock import read_time
from tasking.simulator.switches import read_switch
from tasking.simulator.wire import listening_socket, server
from tasking.simulator.world import Config


def _when(text: str) -> datetime:
    read_time(text)  # insists on an offset
    return datetime.fromisoformat(text.upper())


def _client(text: str) -> tuple[str, str]:
    name, colon, secret = text.partition(":")
    if not (name and colon and secret):
        raise ValueError(text)
    return name, secret


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tasking.simulator", description="Satellite providers on localhost.")
    parser.add_argument("--port", type=int, default=8600, help="0 takes a free one (default 8600)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--rate", type=float, default=1.0, help="simulated seconds per real second (default 1)")
    parser.add_argument("--start", type=_when, help="simulated time at the start, RFC 3339 (default: now)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--state", type=Path, help="SQLite file that survives; what it holds wins over the options")
    parser.add_argument("--switch", action="append", type=read_switch, default=[], metavar="NAME=VALUE")
    parser.add_argument("--client", action="append", type=_client, default=[], metavar="ID:SECRET", help="an account")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; the first line printed is ``listening on http://HOST:PORT``."""
    parser = _arguments()
    given = parser.parse_args(arguments)
    settings: dict[str, Any] = {name: getattr(given, name) for name in ("rate", "start", "seed", "state")}
    if given.client:
        settings["clients"] = dict(given.client)
    try:
        app = create_app(Config(switches=dict(given.switch), **settings))
        sock = listening_socket(given.host, given.port)
    except (ValidationError, OSError) as error:
        parser.exit(2, f"{error}\n")
    port = sock.getsockname()[1]
    host = f"[{given.host}]" if ":" in given.host else given.host

    def say() -> None:
        print(f"listening on http://{host}:{port}", flush=True)  # noqa: T201 (the command line speaks)

    try:
        server(app, say).run(sockets=[sock])
    except KeyboardInterrupt:
        pass
    finally:
        app.close()


if __name__ == "__main__":
    main()
