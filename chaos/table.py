"""What campaigns brought, as tables for a terminal and for a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chaos.orders import KINDS
from chaos.outcome import Outcome

LEAST = 3
"""So many faults an order of the random mode gets, at least, unless a person ends it before."""


def table(outcomes: Sequence[Outcome]) -> str:
    """Orders, duplicates, lost, wrong files and untrue answers by kind of order, and the faults by kind; Markdown."""
    # campaigns of several seeds use the same references
    judged = [
        (verdict, outcome.faults.get(verdict.subject.reference, []))
        for outcome in outcomes
        for verdict in outcome.verdicts
    ]
    lines = [
        "| kind | orders | faults | duplicates | lost | wrong files | untrue answers |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in (*KINDS, "all"):
        some = [one for one in judged if kind in ("all", one[0].subject.kind)]
        numbers = (
            len(some),
            sum(len(hits) for _, hits in some),
            sum(one.duplicates for one, _ in some),
            sum(bool(one.lost) for one, _ in some),
            sum(bool(one.wrong_files) for one, _ in some),
            sum(bool(one.untrue) for one, _ in some),
        )
        lines.append(f"| {kind} | {' | '.join(map(str, numbers))} |")
    often = sum(len(hits) >= LEAST for _, hits in judged)
    lines += ["", f"{often} of them were struck at least {LEAST} times."]
    lines += [
        "",
        "| fault | provider | Prefect | ledger | disk | process |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    kinds = Counter(
        (fault.kind, fault.at.kind) for outcome in outcomes for faults in outcome.faults.values() for fault in faults
    )
    for fault_kind in sorted({fault_kind for fault_kind, _ in kinds}):
        counts = [kinds[fault_kind, kind] for kind in ("provider", "prefect", "ledger", "disk", "process")]
        lines.append(f"| {fault_kind} | {' | '.join(str(count or '') for count in counts)} |")
    disturbances: Counter[str] = Counter()
    for outcome in outcomes:
        disturbances.update(outcome.disturbances)
        disturbances.update({f"{name} ended by itself": count for name, count in outcome.ended.items()})
    if disturbances:
        lines += ["", "| meanwhile | times |", "| --- | ---: |"]
        lines += [f"| {what} | {count} |" for what, count in sorted(disturbances.items())]
    seconds = sum(outcome.seconds for outcome in outcomes)
    strangers = [one for outcome in outcomes for one in outcome.strangers]
    lines += ["", f"Time: {seconds / 60:.0f} min. Made at a provider for nobody: {len(strangers)}."]
    return "\n".join(lines)


def problems(outcomes: Sequence[Outcome]) -> list[str]:
    """One line for each order that is not as it should be or not at its end, and for each thing that nobody ordered."""
    found = []
    for outcome in outcomes:
        found += [f"made for nobody: {one}" for one in outcome.strangers]
        found += [f"spending: {one}" for one in outcome.spending]
        found += [f"not at its end: {one}" for one in outcome.unfinished]
        found += [f"{one}: waits without a time at which it wakes" for one in outcome.asleep]
        for one in outcome.verdicts:
            if not one.fine:
                wrong = [f"{one.duplicates} duplicates"] if one.duplicates else []
                wrong += [f"lost: {one.lost}"] if one.lost else []
                wrong += one.untrue
                wrong += one.wrong_files[:3]
                faults = "; ".join(map(str, one.subject.plan.faults))
                found.append(f"{one.subject.reference}: {'; '.join(wrong)} [{faults}] {' '.join(one.subject.acts)}")
    return found
