from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.odd_server import odd_server, reply, sends


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_real_processes_that_start_together_ask_for_one_token_and_one_fresh_one(home: Path) -> None:
    code = (
        "import sys, httpx\n"
        "from tasking.clock import ProviderClock\n"
        "from tasking.http.tokens import SharedTokens, TokenAnswer\n"
        "fetch = lambda: TokenAnswer.model_validate(httpx.post(sys.argv[1], trust_env=False).json())\n"
        "tokens = SharedTokens(fetch, token_url='t', client_id='c', audience='a', client_secret='s',\n"
        "                      clock=ProviderClock())\n"
        "print(tokens.get() in ('token-1', 'token-2'), tokens.refresh('token-1'))\n"
    )
    with odd_server(sends(b"")) as server:

        def hand_out(connection: object, _: bytes) -> bool:
            body = json.dumps({"access_token": f"token-{len(server.requests)}", "expires_in": 86400}).encode()
            return sends(reply("200 OK", body))(connection, _)  # type: ignore[arg-type]

        server.behave = hand_out
        running = [
            subprocess.Popen([sys.executable, "-c", code, server.url], stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        said = [each.communicate(timeout=60)[0].strip() for each in running]
        assert said == ["True token-2"] * 4
        assert len(server.requests) == 2
