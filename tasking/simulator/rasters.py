"""Small real rasters: Cloud-Optimized GeoTIFFs with ground that looks like ground, the same bytes for the same name.

The pictures are far coarser than a satellite's (a footprint in 256 pixels), but the panchromatic ones have twice the
resolution of the multispectral ones, as in the products they stand for. They lie in the UTM zone of the footprint's
middle; outside the footprint is nodata (0).
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer

from tasking.simulator.area import geometry, middle

SHARP_PIXELS = 256
COARSE_PIXELS = 128
TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"
PNG = "image/png"

# asset key: brightness of each band, pixels along a side
_ASSETS: dict[str, tuple[tuple[float, ...], int]] = {
    "tci": ((0.9, 1.0, 0.8), SHARP_PIXELS),
    "band0": ((1.0,), SHARP_PIXELS),
    "band1": ((0.7,), COARSE_PIXELS),
    "band2": ((0.9,), COARSE_PIXELS),
    "band3": ((1.0,), COARSE_PIXELS),
    "band4": ((1.3,), COARSE_PIXELS),
    "band5": ((1.8,), COARSE_PIXELS),
    "msi_udm": ((1.0,), COARSE_PIXELS),
    "thumbnail": ((0.9, 1.0, 0.8), COARSE_PIXELS),
    "analytic": ((0.7, 0.9, 1.0, 1.8), COARSE_PIXELS),
}

_kept: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
_lock = Lock()


def ground_noise(name: str, pixels: int, slope: float) -> npt.NDArray[np.float64]:
    """Ground-like noise in 0..1: random waves, the longer the stronger."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    # Always made at full size and then averaged: the coarse bands show the same ground as the sharp ones.
    white = np.fft.fft2(np.random.default_rng(seed).standard_normal((SHARP_PIXELS, SHARP_PIXELS)))
    wave = np.hypot(*np.meshgrid(np.fft.fftfreq(SHARP_PIXELS), np.fft.fftfreq(SHARP_PIXELS)))
    wave[0, 0] = 1
    ground = np.fft.ifft2(white / wave**slope).real
    ground = (ground - ground.min()) / (ground.max() - ground.min())
    step = SHARP_PIXELS // pixels
    return np.asarray(ground.reshape(pixels, step, pixels, step).mean(axis=(1, 3)))


def _bands(capture_id: str, key: str, inside: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    brightness, pixels = _ASSETS[key]
    rows, columns = inside.shape

    def noise(layer: str, slope: float) -> npt.NDArray[np.float64]:
        return ground_noise(f"{capture_id} {layer}", pixels, slope)[:rows, :columns]

    ground, plants = noise("ground", 1.6), noise("plants", 1.2)
    if key == "msi_udm":
        clouds = noise("clouds", 2.0) > 0.8
        return np.where(inside, np.where(clouds, 2, 1), 0).astype(np.uint8)[None]
    bands = []
    for number, bright in enumerate(brightness):
        value = 0.15 + 0.6 * ground + 0.25 * plants * (0.6 + 0.4 * number)
        if key in ("tci", "thumbnail"):
            bands.append(np.where(inside, np.clip(value * bright * 230, 1, 255), 0).astype(np.uint8))
        else:
            bands.append(np.where(inside, np.clip(value * bright * 2200, 1, 65535), 0).astype(np.uint16))
    return np.stack(bands)


@dataclass(frozen=True)
class Grid:
    """Square pixels in the UTM zone of a footprint's middle; ``inside``, shape (rows, columns), says which show it."""

    epsg: int
    transform: Any
    inside: npt.NDArray[np.bool_]


def utm_grid(footprint: dict[str, Any], pixels: int) -> Grid:
    """The grid of a picture of a footprint; ``pixels`` along its longer side is a multiple of `COARSE_PIXELS`."""
    from affine import Affine
    from rasterio.features import geometry_mask

    area = geometry(footprint)
    lon, lat = middle(area)
    epsg = (32600 if lat >= 0 else 32700) + min(60, int((lon + 180) // 6) + 1)
    to_utm = Transformer.from_crs("EPSG:4326", f"EPSG:{epsg}", always_xy=True)

    def flatten(coordinates: Any) -> Any:
        return np.column_stack(to_utm.transform(coordinates[:, 0], coordinates[:, 1]))

    flat = shapely.transform(shapely.segmentize(area, 0.05), flatten)
    west, south, east, north = flat.bounds
    # Square pixels; the sharp grid halves the coarse one, so that both end at the same edges.
    coarse = max(east - west, north - south) / COARSE_PIXELS
    finer = pixels // COARSE_PIXELS
    columns, rows = math.ceil((east - west) / coarse) * finer, math.ceil((north - south) / coarse) * finer
    transform = Affine(coarse / finer, 0, west, 0, -coarse / finer, north)
    return Grid(epsg, transform, geometry_mask([flat], (rows, columns), transform, invert=True))


def png(data: npt.NDArray[Any], grid: Grid) -> bytes:
    """A PNG of bands, shape (bands, rows, columns)."""
    import rasterio
    from rasterio.io import MemoryFile

    shared = {"width": data.shape[2], "height": data.shape[1], "count": len(data), "dtype": data.dtype}
    with rasterio.Env(GDAL_PAM_ENABLED=False), MemoryFile() as memory:
        # PNG holds no place; it is given all the same because rasterio warns about pictures without one.
        with memory.open(driver="PNG", transform=grid.transform, **shared) as picture:
            picture.write(data)
        return bytes(memory.read())


def cog(data: npt.NDArray[Any], grid: Grid, overviews: str = "AVERAGE", tags: dict[str, str] | None = None) -> bytes:
    """A Cloud-Optimized GeoTIFF of bands, shape (bands, rows, columns); 0 is nodata."""
    import rasterio
    from rasterio.io import MemoryFile

    with rasterio.Env(GDAL_NUM_THREADS="1"), MemoryFile() as memory:
        with memory.open(
            driver="COG",
            width=data.shape[2],
            height=data.shape[1],
            count=len(data),
            dtype=data.dtype,
            crs=f"EPSG:{grid.epsg}",
            transform=grid.transform,
            nodata=0,
            compress="DEFLATE",
            predictor="YES",
            blocksize=128,
            overview_count=1,
            overview_resampling=overviews,
        ) as picture:
            picture.write(data)
            picture.update_tags(**(tags or {}))
        return bytes(memory.read())


def _made(capture_id: str, key: str, footprint: dict[str, Any]) -> bytes:
    grid = utm_grid(footprint, _ASSETS[key][1])
    data = _bands(capture_id, key, grid.inside)
    if key == "thumbnail":
        return png(data, grid)
    return cog(data, grid, "NEAREST" if key == "msi_udm" else "AVERAGE")


def asset_file(capture_id: str, key: str, footprint: dict[str, Any]) -> bytes:
    """The file of one asset.

    Args:
        capture_id: Decides the picture.
        key: Asset key, one of those AxelGlobe documents.
        footprint: GeoJSON of the ground it shows.
    """
    return made_once((capture_id, key, str(footprint)), lambda: _made(capture_id, key, footprint))


def made_once(name: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
    """A file kept in memory under its name, made when it is not there."""
    with _lock:  # GDAL's environment and the memory of made files are shared by all threads
        if name not in _kept:
            _kept[name] = make()
            while len(_kept) > 200:
                _kept.popitem(last=False)
        return _kept[name]
