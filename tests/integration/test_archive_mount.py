"""An archive whose disk is not mounted is no empty archive: nothing is delivered beside it, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.image_archive import ImageArchive
from tasking.errors import InvalidOrder


@pytest.mark.parametrize("way", ["{}", "file://{}", "{}/"])
def test_an_address_is_one_however_it_is_written(tmp_path: Path, way: str) -> None:
    assert ImageArchive(url=way.format(tmp_path)).address == str(tmp_path)


def test_nothing_is_made_where_a_known_archive_is_missing(tmp_path: Path) -> None:
    archive = ImageArchive(url=str(tmp_path / "disk/archive"))
    with pytest.raises(InvalidOrder, match="mounted"):
        archive.folder(used_before=True)
    assert not (tmp_path / "disk").exists()
    assert archive.folder() == archive.folder(used_before=True)
