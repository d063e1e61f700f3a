"""What the demo shows at its end: the delivered files, what the provider counted, and what the waits cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from demo.held import CAN_LOOK, Held
from tasking.delivery.verify import verify


def show_delivery(console: Console, folder: Path) -> bool:
    """Print the delivered files; whether there are some and all of them verify."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    if not (folder / "catalog.json").is_file():
        console.print(f"[red]Nothing was delivered to {escape(str(folder))}[/red]", soft_wrap=True)
        return False
    promised = _promised(folder)
    tree = Tree(f"[bold]{escape(str(folder))}[/bold]")
    branches = {folder: tree}
    for file in files:
        if file.parent not in branches:
            branches[file.parent] = tree.add(f"[bold]{escape(str(file.parent.relative_to(folder)))}/[/bold]")
        told = f"{escape(file.name)}  [dim]{file.stat().st_size:,} bytes"
        if file in promised:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            told += f"  sha256 {digest[:12]}… {'as in its item' if digest in promised[file] else 'NOT as in its item'}"
        branches[file.parent].add(f"{told}[/dim]")
    console.print(tree, soft_wrap=True)
    problems = verify(folder)
    for problem in problems:
        console.print(f"[red]{escape(problem)}[/red]", soft_wrap=True)
    if not promised:
        console.print("[red]The catalog holds no file[/red]")
    whole = bool(promised) and not problems
    if whole:
        console.print(
            f"[green]Verified[/green]: {len(promised)} files have the size and checksum their STAC item gives."
        )
    return whole


def _promised(folder: Path) -> dict[Path, str]:
    """Each asset's file and the checksum (multihash, hex) that its item gives."""
    found = {}
    for item in folder.glob("*/*.json"):
        for asset in json.loads(item.read_text()).get("assets", {}).values():
            found[item.parent / asset["href"].removeprefix("./")] = str(asset.get("file:checksum", ""))
    return found


def show_counts(console: Console, made: dict[str, int]) -> bool:
    """Print what the provider counted; whether each was made exactly once."""
    once = bool(made) and all(count == 1 for count in made.values())
    color = "green" if once else "red"
    counted = ", ".join(f"{count} {what.removesuffix('s')}" for what, count in made.items())
    right = "one of each" if len(made) > 1 else "one"
    console.print(f"The provider counted [{color}]{counted}[/{color}] (exactly {right} is right).")
    return once


def show_spending(console: Console, wrong: Sequence[str]) -> bool:
    """Print where what was paid is not what one order costs; whether there is nothing of that."""
    for line in wrong:
        console.print(f"[red]{escape(line)}[/red]")
    return not wrong


def show_cost(console: Console, held: Held, ours: timedelta, theirs: timedelta, watches: int) -> None:
    """Print for how long a process was held, against how long the order lived."""
    console.print(
        f"The order lived {_long(theirs)} of the provider's time, {ours.total_seconds():.0f} s of ours.", soft_wrap=True
    )
    if CAN_LOOK:
        console.print(
            f"It held a process for {held.seconds:.1f} s of ours, {held.processes} processes one after the other "
            f"({held.cpu_seconds:.1f} CPU seconds).",
            soft_wrap=True,
        )
    else:
        console.print("For how long it held a process was not measured: this system has no /proc.")
    console.print(f"Besides, watch-orders ran {watches} times; it serves all open orders at once.", soft_wrap=True)


def _long(time: timedelta) -> str:
    return f"{time.days} days {time.seconds / 3600:.1f} hours" if time.days else f"{time.seconds / 3600:.1f} hours"
