"""Captures of which only one can be taken: no satellite takes two at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasking.candidate import Candidate, Pass, at_one_time


def conflicts_among(candidates: Sequence[Candidate]) -> npt.NDArray[np.bool_]:
    """Which two candidates cannot both be taken, shape (candidates, candidates); each conflicts with itself."""
    found = np.eye(len(candidates), dtype=bool)
    for n, one in enumerate(candidates):
        for m, other in enumerate(candidates[:n]):
            if one.id == other.id or in_conflict(one, other):
                found[n, m] = found[m, n] = True
    return found


def in_conflict(one: Pass, other: Pass) -> bool:
    """Whether only one of two captures can be taken. Of a satellite that is not named, that is not known."""
    return one.platform is not None and at_one_time(one, other)
