"""The file of one order: the points its processes reached, and the faults that hit them. It survives any kill."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from chaos.fail_point import FailPoint, Kind
from chaos.fault_plan import IN_DOUBT, Fault, FaultPlan

REFUSED_LOOKS = 3
"""How many looks are refused while a create is in doubt: as many as settle it when nothing is found."""

FOLDER = "CHAOS_FOLDER"
ORDER = "CHAOS_ORDER"
"""In the environment of an order's processes: where its files are, and what they are named."""


class Trace:
    """What one order went through.

    Args:
        folder: Of all orders of a campaign.
        order: The order's reference.
    """

    def __init__(self, folder: Path, order: str) -> None:
        self._plan_file, self._points_file = folder / f"{order}.plan.json", folder / f"{order}.points"
        self._faults, self._looks = folder / f"{order}.faults", folder / f"{order}.looks"

    def prepare(self, plan: FaultPlan) -> None:
        """Lay down what is to be done."""
        for made in (self._faults, self._looks):
            made.mkdir(parents=True, exist_ok=True)
        self._plan_file.write_text(plan.model_dump_json())

    def plan(self) -> FaultPlan:
        """What is to be done."""
        return FaultPlan.model_validate_json(self._plan_file.read_text())

    def points(self) -> list[FailPoint]:
        """Every point reached so far, in order."""
        counts: dict[str, int] = {}
        found = []
        for line in self._lines():
            counts[line] = counts.get(line, 0) + 1
            kind, _, what = line.partition("\t")
            found.append(FailPoint.model_validate({"kind": kind, "what": what, "nth": counts[line]}))
        return found

    def hits(self) -> list[Fault]:
        """The faults that hit: of a create in doubt, only when all looks were refused that were to be."""
        planned = self.plan().faults
        struck = [planned[int(mark.name)] for mark in sorted(self._faults.iterdir(), key=lambda mark: int(mark.name))]
        return [one for one in struck if one.kind not in IN_DOUBT or self._all_refused(one)]

    def missed(self, fault: Fault) -> None:
        """It was struck, and had no effect."""
        (self._faults / str(self.plan().faults.index(fault))).unlink(missing_ok=True)

    def reach(self, kind: Kind, what: str) -> Fault | None:
        """Write down that a point is reached; the fault that hits here, which it does once."""
        line = f"{kind}\t{what}"
        with self._points_file.open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode())
        nth = self._lines().count(line)
        for number, fault in enumerate(self.plan().faults):
            if fault.at == FailPoint(kind=kind, what=what, nth=nth) and self._mark(number):
                return fault
        return None

    def refuse_looks(self, fault: Fault) -> None:
        """Have the next `REFUSED_LOOKS` looks for what this create may have made refused, whoever looks."""
        folder = self._refused_for(fault)
        folder.mkdir()
        for number in range(REFUSED_LOOKS):
            (folder / str(number)).touch()

    def refused_look(self, path: str) -> int | None:
        """The status that a look for what is created at this path is refused with, if it is."""
        for fault in self.plan().faults:
            folder = self._refused_for(fault)
            if fault.at.what != f"POST {path}" or not folder.exists():
                continue
            for file in sorted(folder.iterdir()):
                with suppress(FileNotFoundError):  # another process was faster
                    file.unlink()
                    return IN_DOUBT[fault.kind][1]
        return None

    def _all_refused(self, fault: Fault) -> bool:
        folder = self._refused_for(fault)
        return folder.exists() and not any(folder.iterdir())

    def _refused_for(self, fault: Fault) -> Path:
        return self._looks / str(self.plan().faults.index(fault))

    def _mark(self, number: int) -> bool:
        try:
            os.close(os.open(self._faults / str(number), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def _lines(self) -> list[str]:
        try:
            return self._points_file.read_text().splitlines()
        except FileNotFoundError:
            return []
