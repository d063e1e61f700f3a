"""What happens in the marked stack: orders that succeed, orders that fail, and the search of all they left."""

from __future__ import annotations

import base64
import html
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from devstack.stack import TookTooLong
from tasking.ledger import Filter, OrderRecord, open_ledger
from tests.support.prefect_database import copy_database
from tests.support.secrets_search import MARK, Search
from tests.support.secrets_stack import CLIENT_ID, PROVIDERS, MarkedStack

CREATES = {
    "axelglobe": "/wfs/tasking/v2/collections/plans/items",
    "iceye": "/iceye/api/tasking/v2/tasks",
    "satellogic": "/satellogic/v2/analysis/can-add",
}
FILES = {"axelglobe": "/stac/v1/*/assets/*", "iceye": "/iceye/files/*", "satellogic": "/satellogic/*.zip"}
SAID = "Careless server"
"""What the failing answers say beside the secrets: where it arrives, a secret would have arrived."""
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
ENOUGH_LOOKS = 20
"""A process is what it is after so many looks; a few at its start see the shell and the Python it is made from."""


class Processes:
    """Looks all the time at the processes of a stack: their command lines and their environments.

    Args:
        folder: The stack's; it stands in the environment of each of its processes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._over = str(folder).encode(), threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again)
        self.command_lines: set[bytes] = set()
        self.environments: set[bytes] = set()

    def __enter__(self) -> Processes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look_again_and_again(self) -> None:
        looks: Counter[Path] = Counter()
        while not self._over.wait(0.1):
            for process in Path("/proc").glob("[0-9]*"):
                looks[process] += 1
                if looks[process] > ENOUGH_LOOKS:
                    continue
                with suppress(OSError):  # ended meanwhile, or another user's
                    environment = (process / "environ").read_bytes()
                    if self._folder in environment:
                        self.environments.add(environment)
                        self.command_lines.add((process / "cmdline").read_bytes())


@dataclass
class Told:
    """What happened, while everything it left is still in place.

    Attributes:
        stack: Its programs have ended; its folder is there.
        runs: Last state of each run, by the order's reference.
        search: What was searched and found.
        blocks: The block documents as the API shows them.
        signatures: How many signed addresses were used.
    """

    stack: MarkedStack
    runs: dict[str, dict[str, Any]]
    search: Search
    blocks: list[dict[str, Any]]
    signatures: int


@contextmanager
def tell(database: Path) -> Iterator[Told]:
    """Run the orders, then search; ``database`` is what the Prefect server's is copied from."""
    stack = MarkedStack()
    copy_database(database, stack.folder / "prefect" / "prefect.db")
    with Processes(stack.folder) as processes, stack:
        story = Story(stack)
        story.run()
        tokens, signatures = stack.tokens(), stack.signatures()
        blocks = stack.api.ask("POST", "/block_documents/filter", json={"include_secrets": False})
        runs = {reference: stack.api.run(run)["state"] for reference, run in story.runs.items()}
        for program in (*stack.workers.values(), stack.receiver, stack.server, stack.simulator):
            program.stop()  # what they say at their end is searched as well
        search = Search([CLIENT_ID, *(token.rpartition(".")[2] for token in tokens), *signatures])
        search.folder(stack.folder, leave_out=[stack.state])
        for line in processes.command_lines:
            search.look("command line", "", line)
        for environment in processes.environments:
            search.look("environment", "", environment)
        yield Told(stack, runs, search, blocks, len(signatures))


class Story:
    """For each provider an order that succeeds at last, one without a token, and one whose create is refused."""

    def __init__(self, stack: MarkedStack) -> None:
        self._stack = stack
        self._watches: list[str] = []
        self.runs: dict[str, str] = {}

    def run(self) -> None:
        """From the first order to the last file; what takes too long says where each order is."""
        try:
            self._run()
        except TookTooLong as late:
            late.add_note("\n".join(self._where_they_are()))
            raise

    def _where_they_are(self) -> Iterator[str]:
        records = self._records()
        for reference, run in self.runs.items():
            state, record = self._stack.api.run(run)["state"], records.get(reference)
            yield f"{reference}: {state['name']} since {state['timestamp']} ({state['message']})"
            yield f"  waits for {record and record.waits_for} until {record and record.wake_at}"
        with closing(open_ledger(self._stack.ledger_url)) as ledger:
            for reference in records:
                yield from (f"  {reference} {one}" for one in ledger.journal(reference))

    def _run(self) -> None:
        for provider in PROVIDERS:
            self._refuse_tokens(provider)
            self._order(provider, "good")
            self._order(provider, "no-token", account=f"{provider}-tasking/refused")
        self._stack.wait_for(lambda: self._ended("no-token"), 300, "orders without a token to end", every_seconds=1.0)
        self._stack.wait_for(self._good_ones_wait, 300, "the good orders to wait for imagery", every_seconds=1.0)
        tokens = self._stack.tokens()
        for provider in PROVIDERS:
            self._refuse_creates(provider, [token for token, whose in tokens.items() if whose == provider])
            self._refuse_files(provider)
            self._order(provider, "no-create")
        self._disturb_the_receiver()
        self._stack.wait_for(lambda: self._ended("no-create"), 300, "refused orders to end", every_seconds=1.0)
        self._stack.wait_for(self._all_ended, 300, "all orders to end", every_seconds=1.0)

    def _order(self, provider: str, how: str, **more: str) -> None:
        reference = f"{provider}-{how}"
        order = self._stack.kits[provider].order(reference, self._stack.provider_now())
        self.runs[reference] = self._stack.order({**order, **more}, provider)

    def _fault(self, **fault: Any) -> None:
        self._stack.sim.post("/_sim/faults", json=fault).raise_for_status()

    def _refuse_tokens(self, provider: str) -> None:
        """Tokens of the second account are refused in words that repeat the whole request."""
        secret, name = self._stack.client_secrets[provider], self._stack.client_ids[provider]
        basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
        said = f"{SAID}: {name} {secret}, Basic {basic}, https://auth.example.com/?code={MARK}Code"
        body = json.dumps({"error": "invalid_client", "error_description": said})
        self._fault(kind="status", path=f"/refused/{provider}*", code=401, times=-1, body=body)

    def _refuse_creates(self, provider: str, tokens: list[str]) -> None:
        """Creates are refused in words that repeat the headers."""
        assert tokens
        said = " ".join(f"Authorization: Bearer {token}; token={token}" for token in tokens)
        secret = html.escape(self._stack.client_secrets[provider])
        answer = {"code": 400, "body": f"<h1>{SAID}</h1><pre>{secret} {said}</pre>", "content_type": "text/html"}
        self._fault(kind="status", method="POST", path=CREATES[provider], times=-1, **answer)

    def _refuse_files(self, provider: str) -> None:
        """The next download is sent to a signed address, and refused there in words that repeat it; twice."""
        query = f"X-Amz-Credential={MARK}Key&X-Amz-Signature={MARK}Signature"
        self._fault(kind="redirect", path=FILES[provider], location=f"/elsewhere/{provider}?{query}", times=2)
        body = (
            f"<Error><Code>SignatureDoesNotMatch</Code><Message>{SAID}</Message><Resource>/a?{html.escape(query)}"
            f"</Resource><SignatureProvided>{MARK}Signature</SignatureProvided></Error>"
        )
        path = f"/elsewhere/{provider}"
        self._fault(kind="status", path=path, code=403, times=2, body=body, content_type="application/xml")

    def _disturb_the_receiver(self) -> None:
        """Notifications that are right, wrong, and no HTTP at all."""
        url, path = self._stack.receiver_url, f"{MARK}Path"
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.post(f"/iceye/{path}", content=b"no JSON").status_code == 202
            assert client.post(f"/nobody/{path}", json={}).status_code == 404
            assert client.post(f"/iceye/{MARK}Wrong", json={}).status_code == 401
            assert client.get(f"/iceye/{path}").status_code == 405
            assert client.post("/iceye", headers={"Authorization": f"Bearer {MARK}Token"}).status_code == 401
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as broken:
            broken.sendall(f"POST /iceye/{path} FTP/9\r\nAuthorization {MARK}Token\r\n\r\n".encode())
            broken.recv(1000)

    def _records(self) -> dict[str, OrderRecord]:
        with closing(open_ledger(self._stack.ledger_url)) as ledger:
            return {one.reference: one for one in ledger.orders(Filter(limit=100))}

    def _ended(self, how: str) -> bool:
        runs = [run for reference, run in self.runs.items() if reference.endswith(how)]
        return all(self._stack.api.run(run)["state"]["type"] in ENDED for run in runs)

    def _good_ones_wait(self) -> bool:
        good = [one for reference, one in self._records().items() if reference.endswith("good")]
        return len(good) == len(PROVIDERS) and all(one.waits_for == "imagery" for one in good)

    def _all_ended(self) -> bool:
        """Whether all runs have; lets the provider's time jump when all that is left waits for imagery."""
        left = [one for one in self._records().values() if one.ended is None]
        if not left:
            return all(self._ended(how) for how in ("good", "no-token", "no-create"))
        if any(one.waits_for != "imagery" for one in left):
            return False
        due = [when for one in left if (when := self._stack.kits[one.provider].products_due(one)) is not None]
        if due and max(due) > self._stack.provider_now():
            self._stack.sim.post("/_sim/clock", json={"now": max(due).isoformat()}).raise_for_status()
        self._watch()
        return False

    def _watch(self) -> None:
        """Start a watch, ten seconds after the last one was started, and not while that is still at work."""
        if any(self._stack.api.run(run)["state"]["type"] not in ENDED for run in self._watches[-1:]):
            return
        every_ten_seconds = f"watch-{time.monotonic() // 10:.0f}"
        run = self._stack.api.start(self._stack.deployments["watch-orders/watch"], {}, every_ten_seconds)
        self._watches.append(run)
