"""A Prefect server of the tests' own, without what would cost most of the tests' time and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest.mock import patch

from prefect.blocks.core import Block
from prefect.settings import (
    PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)
from prefect.testing import utilities
from prefect.testing.utilities import prefect_test_harness

from tests.support.account_blocks import saved_again_at_once
from tests.support.prefect_database import copy_database

UNUSED = ("EVENT_PERSISTER", "TRIGGERS")
"""Services that write down events, and look for automations."""


@contextmanager
def prefect_server(database: Path, *, without: Sequence[str] = ()) -> Iterator[None]:
    """A Prefect server, which this process asks as long as it runs.

    No heartbeats, a second a run, and no questions for CSRF tokens, a fifth of all calls. Prefect writes the schema
    of a block anew for each field that it saves, a third of a second for ours: it is written once for each kind of
    block. To save a block again is seven calls, of which the last but one changes it: the others are left out.

    Args:
        database: See `first_database`.
        without: Services that it does not run.
    """
    services = {f"PREFECT_SERVER_SERVICES_{one}_ENABLED": str(one not in without).lower() for one in UNUSED}
    told = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", **services}
    quiet = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False})
    written: Callable[..., dict[str, Any]] = lru_cache(Block.model_json_schema.__func__)  # type: ignore

    def schema(kind: type[Block], /, **options: Any) -> dict[str, Any]:
        return deepcopy(written(kind, **options))

    def folder() -> str:
        made = mkdtemp()
        copy_database(database, Path(made) / "prefect-test.db")  # as the harness calls it
        return made

    with (
        patch.dict(os.environ, told),
        patch.object(utilities, "mkdtemp", folder),
        prefect_test_harness(server_startup_timeout=120),
        quiet,
        patch.object(Block, "model_json_schema", classmethod(schema)),
        saved_again_at_once(),
    ):
        yield
