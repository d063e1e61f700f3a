"""Which few captures together: the cheapest set that covers enough of an area, or the most that can be covered.

`best_set` is a pure function, and what it says is proven. The four parts: `wish` has its words, `pricing` makes prices
comparable, `overlay` cuts the area into the faces that footprints make, and `search` looks for the set.
"""

from typing import TYPE_CHECKING

from tasking.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tasking.capture_sets.choice import best_set as best_set
    from tasking.capture_sets.wish import CaptureSet as CaptureSet
    from tasking.capture_sets.wish import FixedCapture as FixedCapture
    from tasking.capture_sets.wish import SetWish as SetWish

__all__ = ["CaptureSet", "FixedCapture", "SetWish", "best_set"]

__getattr__ = lazy_exports(
    __name__, {"CaptureSet": "wish", "FixedCapture": "wish", "SetWish": "wish", "best_set": "choice"}
)
