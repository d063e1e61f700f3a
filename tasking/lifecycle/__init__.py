"""The steps of one order, for every provider.

Each step first asks whether it already happened and answers from the ledger, else from the provider, else does it. So a
step is right no matter how often it runs, on which machine, and after which crash. A step hands back its result, or a
`Wait`. Nothing here knows Prefect: the same steps run from a notebook.
"""

from tasking.candidate import WHOLE_WINDOW
from tasking.lifecycle.accepting import accept, elsewhere
from tasking.lifecycle.choosing import choose, chosen, drop, requested, revive
from tasking.lifecycle.delivering import deliver, end, ending, tell_archive
from tasking.lifecycle.doubts import settle_doubts
from tasking.lifecycle.following import ENDED, follow, last_read, note_answers, ordered, still_going
from tasking.lifecycle.listing import candidates
from tasking.lifecycle.next_try import between_tries
from tasking.lifecycle.outlasting import put_off
from tasking.lifecycle.pausing import look_after, passes, pause
from tasking.lifecycle.planning import half_time, prepare
from tasking.lifecycle.requesting import request

__all__ = [
    "ENDED",
    "WHOLE_WINDOW",
    "accept",
    "between_tries",
    "candidates",
    "choose",
    "chosen",
    "deliver",
    "drop",
    "elsewhere",
    "end",
    "ending",
    "follow",
    "half_time",
    "last_read",
    "look_after",
    "note_answers",
    "ordered",
    "passes",
    "pause",
    "prepare",
    "put_off",
    "request",
    "requested",
    "revive",
    "settle_doubts",
    "still_going",
    "tell_archive",
]
