"""An archive whose disk is not mounted is no empty archive: nothing is delivered beside it, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun, State

from blocks.image_archive import ImageArchive
from flows.order_axelglobe import order_axelglobe
from tasking.delivery.catalog import verify
from tasking.ledger import archives
from tests.support.installation import Installation


def unmounted(installation: Installation) -> Path:
    """What a worker sees without the disk: the empty folder that it is mounted over. Hands back where the disk is."""
    disk = installation.folder / "the disk"
    installation.archive.rename(disk)
    installation.archive.mkdir()
    return disk


def mounted_again(installation: Installation, disk: Path) -> None:
    """The disk is back over its folder: what was written there meanwhile can no longer be seen."""
    installation.archive.rename(installation.folder / "beneath")
    disk.rename(installation.archive)


def ordered(installation: Installation, reference: str) -> FlowRun:
    """An order that waits for its imagery."""
    run = installation.start(order_axelglobe, order=installation.order(reference=reference))
    installation.pass_time(run)
    return installation.go_on(run.id)


def until_it_tries_again(installation: Installation, run: FlowRun) -> FlowRun:
    """The run goes on until a step fails and is waited out."""
    for _ in range(20):
        if "Trying again" in said(run.state):
            return run
        installation.pass_time(run)
        run = installation.go_on(run.id)
    raise AssertionError(said(run.state))


def said(state: State | None) -> str:
    assert state is not None
    return str(state.message)


def test_imagery_is_not_delivered_beside_a_disk_that_is_not_mounted(installation: Installation) -> None:
    run = ordered(installation, "bay")
    disk = unmounted(installation)
    run = until_it_tries_again(installation, run)
    assert "is its disk mounted here?" in said(run.state)
    assert list(installation.archive.iterdir()) == []
    assert installation.ledger.read("bay").ended is None
    mounted_again(installation, disk)
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert verify(installation.archive / "bay") == []


def test_a_new_order_is_told_at_once_that_the_disk_is_not_mounted_and_how_to_go_on_elsewhere(
    installation: Installation,
) -> None:
    ordered(installation, "bay")
    unmounted(installation)
    posts = len(installation.simulator.journal(method="POST"))
    run = installation.start(order_axelglobe, order=installation.order(reference="bay-2"))
    assert run.state is not None
    assert run.state.is_failed()
    marker = installation.archive / ".tasking-flows"
    assert f"make the empty file {marker}" in said(run.state)
    assert installation.ledger.find("bay-2") is None
    assert len(installation.simulator.journal(method="POST")) == posts
    marker.touch()
    run = installation.start(order_axelglobe, order=installation.order(reference="bay-3"))
    assert "Waiting for candidates" in said(run.state)


def test_an_archive_of_an_older_version_is_taken_over_with_its_orders(installation: Installation) -> None:
    (installation.archive / "an-older-order").mkdir(parents=True)
    state = installation.to_the_end(ordered(installation, "bay"))
    assert state.is_completed(), state
    assert (installation.archive / "an-older-order").exists()


def test_an_archive_that_is_first_used_by_a_delivery_is_known_from_then_on(installation: Installation) -> None:
    run = ordered(installation, "bay")
    elsewhere = ImageArchive(url=str(installation.folder / "elsewhere"))
    elsewhere.save("default", overwrite=True)
    assert installation.to_the_end(run).is_completed()
    assert archives.known(installation.ledger, elsewhere.address)
    assert verify(Path(elsewhere.address) / "bay") == []


def test_two_orders_may_use_an_archive_first(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered(installation, "bay")
    ordered(installation, "bay-2")
    with monkeypatch.context() as at_once:
        at_once.setattr(archives, "known", lambda *_: False)
        archives.remember(installation.ledger, "bay-2", "/x")
        archives.remember(installation.ledger, "bay", "/x")
    told = [one.message for name in ("bay", "bay-2") for one in installation.ledger.journal(name)]
    assert sum("/x used for the first time" in one for one in told) == 1
    assert sum(f"{installation.archive} used for the first time" in one for one in told) == 1
