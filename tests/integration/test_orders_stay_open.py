"""An order is not closed because a worker could not read it, or use the ledger, its deployment or Prefect."""

from __future__ import annotations

import inspect

from prefect.workers.base import BaseWorker


def test_prefect_still_says_in_these_words_that_a_deployment_is_gone() -> None:
    said = inspect.getsource(BaseWorker._submit_run)
    assert 'message=f"Deployment {flow_run.deployment_id} no longer exists, cancelled run."' in said
