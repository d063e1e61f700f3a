"""What a worker starts for a flow run: asks `chaos.fork_server` for a process, and lives and dies with it.

Runs without any import of ours: starting it costs some hundredths of a second instead of one and a half.
"""

import json
import os
import signal
import socket
import struct
import sys
import time

PATIENCE_SECONDS = 60.0


def main() -> None:
    """Hand over environment, folder and standard streams; end as the process ended."""
    asked = json.dumps({"env": dict(os.environ), "cwd": os.getcwd()}).encode()  # noqa: PTH109 # nothing is imported
    forks = _connected(sys.argv[1])
    socket.send_fds(forks, [struct.pack("!I", len(asked))], [0, 1, 2])
    forks.sendall(asked)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: forks.sendall(bytes([got])))
    answer = forks.recv(4)
    code = struct.unpack("!i", answer)[0] if len(answer) == 4 else -signal.SIGKILL
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _connected(address: str) -> socket.socket:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        forks = socket.socket(socket.AF_UNIX)
        try:
            forks.connect(address)
        except OSError:
            forks.close()
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)
        else:
            return forks


if __name__ == "__main__":
    main()
