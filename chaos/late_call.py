"""Makes one HTTP call some seconds from now: the call that its caller gave up, and that arrives all the same.

Runs without any import of ours, and in a process of its own, so that it outlives whoever asked for it.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from urllib.parse import urlsplit

PATIENCE_SECONDS = 60.0


def main() -> None:
    """Read the call from standard input, wait, and send it; nobody is told the answer."""
    call = json.load(sys.stdin)
    time.sleep(call["seconds"])
    url = urlsplit(call["url"])
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=PATIENCE_SECONDS)
    connection.putrequest(
        call["method"],
        (url.path or "/") + (f"?{url.query}" if url.query else ""),
        skip_host=True,
        skip_accept_encoding=True,
    )
    for name, value in call["headers"]:
        connection.putheader(name, value)
    connection.endheaders(call["body"].encode("latin-1"))
    connection.getresponse().read()


if __name__ == "__main__":
    main()
