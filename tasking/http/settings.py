"""How patient we are with a provider's server, and how gentle."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from tasking.form import Form


class HttpSettings(Form):
    """Time-outs, repeats and limits of the calls to a provider. The defaults suit the real services."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Calls to the provider")

    connect_seconds: float = Field(
        default=10.0, gt=0, le=300, title="Connect time-out", description="Seconds to wait for a connection."
    )
    read_seconds: float = Field(
        default=30.0,
        gt=0,
        le=600,
        title="Read time-out",
        description="Seconds to wait for an answer to begin, and for each next piece of it.",
    )
    write_seconds: float = Field(
        default=30.0, gt=0, le=600, title="Write time-out", description="Seconds to wait until a piece can be sent."
    )
    pool_seconds: float = Field(
        default=30.0, gt=0, le=600, title="Pool time-out", description="Seconds to wait for a free connection of ours."
    )
    answer_seconds: float = Field(
        default=120.0, gt=0, title="Whole answer", description="Seconds that the body of one answer may take in all."
    )
    create_start_seconds: float = Field(
        default=45.0,
        gt=0,
        title="Start of a create",
        description="A create that could not be sent within these seconds (token, pacing) is given up unsent.",
    )
    attempts: int = Field(
        default=5, ge=1, le=50, title="Attempts", description="How often a call that may be repeated is tried in all."
    )
    retry_total_seconds: float = Field(
        default=120.0, gt=0, title="Attempts end after", description="No further attempt after these seconds."
    )
    wait_initial_seconds: float = Field(
        default=0.5, ge=0, title="First pause", description="Seconds before the second attempt; doubled each time."
    )
    wait_max_seconds: float = Field(default=20.0, ge=0, title="Longest pause", description="Seconds between attempts.")
    wait_jitter_seconds: float = Field(
        default=1.0, ge=0, title="Jitter", description="Up to so many random seconds are added to each pause."
    )
    retry_after_max_seconds: float = Field(
        default=60.0,
        ge=0,
        title="Longest Retry-After",
        description="When the server asks for a longer pause than this, the run parks instead of waiting for it.",
    )
    requests_per_second: float = Field(
        default=5.0,
        gt=0,
        le=10_000,
        title="Calls per second",
        description="At most so many calls per second and account from this machine, all processes together.",
    )
    answer_max_bytes: int = Field(
        default=32 * 1024 * 1024, ge=1024, title="Largest answer", description="Bytes; a longer answer is not read on."
    )
    list_max_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=1024,
        title="Largest list",
        description="Bytes of all pages of one list; a longer list is not read on. A value counts as 64 at least.",
    )
    own_clock: bool = Field(
        default=False,
        title="Clock of its own",
        description=(
            "The server's clock is not the time of day, as with the simulator: whatever it says is believed, also how "
            "fast it runs. Never for a real account, whose deadlines are over only where our clock says so as well."
        ),
    )
    max_pages: int = Field(default=1000, ge=1, title="Most pages", description="Pages of one list read at most.")

    @property
    def head_seconds(self) -> float:
        """After how many seconds at the latest a call has its answer's head: name, connection and sending included.

        A create has the whole of its answer by then; any other call reads on for `answer_seconds`.
        """
        return self.connect_seconds + self.write_seconds + self.read_seconds

    @property
    def longest_create_seconds(self) -> float:
        """How many seconds after its announcement a create is over at the latest, whatever the network does."""
        return self.create_start_seconds + self.head_seconds
