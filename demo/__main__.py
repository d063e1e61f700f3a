"""``python -m demo``: one order from plan to catalog on this machine; ``--keep`` leaves everything running for you."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import httpx
from rich.console import Console

from demo.held import Held
from demo.report import show_cost, show_counts, show_delivery, show_spending
from demo.story import Story, as_curl, create_flow_run
from devstack.kits import KITS
from devstack.programs import ProgramEnded
from devstack.stack import PROJECT, Stack, TookTooLong
from tasking.waiting import format_utc

ORDER_TIMEOUT_SECONDS = 240.0
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the demo; 0 when the delivery verified and everything was ordered exactly once."""
    parser = argparse.ArgumentParser("python -m demo", description=__doc__)
    parser.add_argument(
        "--provider",
        default=next(iter(KITS)),
        choices=list(KITS),
        help="whose simulator (default %(default)s)",
    )
    parser.add_argument("--keep", action="store_true", help="place no order; keep everything running until Ctrl-C")
    parser.add_argument(
        "--archive", type=Path, default=PROJECT / "archive" / "demo", help="where images go (default archive/demo)"
    )
    given = parser.parse_args()
    for ending in ENDINGS:
        signal.signal(ending, _end)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also when a script started this in the background
    console = Console(highlight=False)
    console.width = max(console.width, 140)  # a log file has no width; a terminal wraps by itself
    try:
        if given.keep:
            return keep(console, given.provider, given.archive)
        return show_one_order(console, given.provider, given.archive)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0 if given.keep else 130
    except (ProgramEnded, TookTooLong) as error:
        console.print(f"The demo did not work: {error}", style="red", markup=False, soft_wrap=True)
        return 1


def _placed(stack: Stack, url: str, body: bytes) -> httpx.Response | None:
    """Prefect's answer; ``None`` when its database is busy (503): the key makes the call safe to send again."""
    answer = stack.api.client.post(url, content=body, headers={"Content-Type": "application/json"})
    return None if answer.status_code == 503 else answer.raise_for_status()


def _end(number: int, _frame: FrameType | None) -> None:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # once is enough: the tidying up is not to be interrupted
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def show_one_order(console: Console, provider: str, archive: Path) -> int:
    """Place one order and follow it to its end."""
    begin = time.monotonic()
    console.print(f"[bold]One order from plan to catalog, against a simulated {provider}[/bold]\n")
    with Stack(provider, archive=archive, say=lambda line: console.print(line, soft_wrap=True)) as stack:
        _say_ready(console, stack, time.monotonic() - begin)
        placed, placed_theirs = time.monotonic(), stack.provider_now()
        order = stack.kit.order(None, placed_theirs)
        reference = f"{order['name'].lower().replace(' ', '-')}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        url, body = create_flow_run(stack, {**order, "reference": reference})
        console.print("\nThe order is placed by one call to the Prefect API:\n")
        console.print(as_curl(url, body), markup=False, soft_wrap=True)
        answer = stack.wait_for(lambda: _placed(stack, url, body), 60, "Prefect to take the order", every_seconds=1)
        run_id = str(answer.json()["id"])
        console.print(f"\nPrefect answers {answer.status_code}: flow run {run_id}\n")
        console.print("[bold] our time    provider's time        state of the run[/bold]")
        with Held(run_id) as held:
            story = Story(stack, console, reference, run_id)
            last = story.follow(ORDER_TIMEOUT_SECONDS)
        ours, theirs = timedelta(seconds=time.monotonic() - placed), stack.provider_now() - placed_theirs
        held_there = stack.kit.summary(stack.sim)
        console.print()
        fine = [
            last["type"] == "COMPLETED",
            story.deliveries >= stack.kit.deliveries,
            show_delivery(console, archive / reference),
            show_counts(console, stack.kit.made(held_there, reference)),
            show_spending(console, stack.kit.spending(held_there, [reference])),
        ]
        show_cost(console, held, ours, theirs, len(stack.api.runs("watch-orders", "COMPLETED", "RUNNING")))
    console.print(
        f"\nAll stopped again after {time.monotonic() - begin:.0f} s. "
        f"To keep it running and look around in the Prefect UI: [bold]make up PROVIDER={provider}[/bold]"
    )
    return 0 if all(fine) else 1


def keep(console: Console, provider: str, archive: Path) -> int:
    """Keep everything running until Ctrl-C."""
    begin = time.monotonic()
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"  # windows that are counted from our clock fit for a while
    with Stack(
        provider,
        rate=60,
        start=now,
        watch_seconds=15,
        archive=archive,
        say=lambda line: console.print(line),
    ) as stack:
        _say_ready(console, stack, time.monotonic() - begin)
        _say_password(console, stack)
        url, body = create_flow_run(stack, stack.kit.order(None, stack.provider_now()))
        console.print("\nOrder an image, in the UI under Deployments > order > Run > Custom run, or with this call:\n")
        console.print(as_curl(url, body), markup=False, soft_wrap=True)
        clock = f"{stack.simulator_url}/_sim/clock"
        console.print(
            "\nThe provider's time, and how to jump a day ahead (windows must not be over at that time, and\n"
            "surveys count from our clock: give them a lead that fits):\n"
        )
        console.print(
            f"curl {clock}\ncurl -X POST {clock} -H 'Content-Type: application/json' "
            "-d '{\"advance_seconds\": 86400}'",
            markup=False,
            soft_wrap=True,
        )
        console.print(
            f"\nImages arrive in {archive}. What the provider was asked: {stack.simulator_url}/_sim/journal\n"
            "[bold]Ctrl-C stops everything.[/bold]",
            soft_wrap=True,
        )
        while True:
            stack.check()
            time.sleep(1)


def _say_password(console: Console, stack: Stack) -> None:
    console.print(
        f"\nThe page asks for a password once: give all of {stack.password}\n"
        "In a terminal, the calls below and those of the README need this first:\n\n"
        f"export PREFECT_API_URL={stack.api.url} PREFECT_API_AUTH_STRING={stack.password}\n"
        f"export PATH={Path(sys.executable).parent}:$PATH",
        markup=False,
        soft_wrap=True,
    )


def _say_ready(console: Console, stack: Stack, seconds: float) -> None:
    rate = float(stack.sim.get("/_sim/clock").json()["rate"])
    console.print(f"Ready after {seconds:.0f} s.")
    console.print(f"  Prefect UI           {stack.url}", markup=False, soft_wrap=True)
    console.print(f"  simulated provider   {stack.simulator_url}", markup=False, soft_wrap=True)
    if stack.takes_notifications:
        console.print(f"  webhook receiver     {stack.receiver_url}", markup=False, soft_wrap=True)
    console.print(
        f"  provider's clock     {format_utc(stack.provider_now())}, {rate:g} times as fast as ours: "
        f"an hour of its time takes {3600 / rate:.0f} s\n"
        f"  waits                hold no process; those of {stack.inline_wait_seconds:g} s or less are slept in it",
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
