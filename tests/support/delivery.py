"""Deliveries from a file server on this machine: scenes, fixtures, and what lies in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasking.delivery.catalog import Delivery, deliver
from tests.support.asset_server import FileServer, file_server, opener
from tests.support.image_files import png, tiff


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as open_client:
        yield open_client


Bring = Callable[..., Delivery]


@pytest.fixture
def bring(client: httpx.Client, tmp_path: Path) -> Bring:
    def run(*items: Any, **said: Any) -> Delivery:
        return deliver(
            "tokyo-1",
            items,
            tmp_path,
            said.pop("open_asset", opener(client)),
            title="Tokyo Bay",
            description="Order tokyo-1",
            order_facts={"order:id": "r-1"},
            wait_seconds=0,
            **said,
        )

    return run


def scene(server: FileServer, id: str = "scene-1", **said: Any) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": ["https://stac-extensions.github.io/view/v1.0.0/schema.json"],
        "id": id,
        "geometry": {"type": "Polygon", "coordinates": [[[139, 35], [140, 35], [140, 36], [139, 35]]]},
        "bbox": [139, 35, 140, 36],
        "properties": {"datetime": "2026-12-03T01:14:00.123456Z", "view:off_nadir": 7.6, "ag:capture_id": "c=="},
        "links": [],
        "assets": {
            "tci": {
                "href": server.file(f"/{id}/tci.tif", tiff()) + "?sig=secret",
                "type": "image/tiff; application=geotiff",
                "roles": ["visual"],
                "own:field": 5,
            },
            "thumbnail": {"href": server.file(f"/{id}/thumbnail", png()), "type": "image/png"},
        },
    }
    return {**item, **said}


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every visible file with its size and inode."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_ino)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
